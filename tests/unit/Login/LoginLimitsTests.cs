using System.Net;
using Appliance.Firmware.Config;
using Appliance.Firmware.Login;
using Appliance.Firmware.Login.Accounts;
using Appliance.Firmware.Tokens;
using Xunit;

namespace Appliance.Tests.Login;

/// <summary>
/// The resources that ended logins release, the limit of pending logins, and the cases in which an empty password is refused or accepted.
/// </summary>
public sealed class LoginLimitsTests
{
    private const string ByMail =
        LoginRig.Patient
        + "config user local\nedit bob\nset two-factor email\nset email-to bob@example.com\nnext\nend\nconfig system global\nset two-factor-email-expiry 300\nend\n";

    /// <summary>The ways in which a login by e-mail can end.</summary>
    public static TheoryData<string> Ends => ["right code", "three wrong codes", "expiry", "configuration"];

    [Theory]
    [MemberData(nameof(Ends))]
    public void The_one_time_code_of_a_login_that_is_over_is_released(string end)
    {
        // A release in which the login's window (80 s) ends before its code expires.
        using var rig = new LoginRig(ByMail, Personality.Find("7.0"));
        var handles = Enumerable.Range(0, OneTimeCodes.OutstandingMax).Select(_ => rig.Challenge("bob").Handle).ToArray();
        Assert.Equal(new LoginAnswer.Refused(Refusal.PushFailed), rig.Login("bob"));
        switch (end)
        {
            case "right code":
                Assert.IsType<LoginAnswer.Success>(rig.Code(handles[0], "135790"));
                break;
            case "three wrong codes":
                for (var wrong = 0; wrong < 3; wrong++)
                {
                    rig.Code(handles[0], "000000");
                }
                break;
            case "expiry":
                Assert.NotEmpty(rig.Advance((rig.Core.NextDeadline!.Value - rig.Now).TotalSeconds).Released);
                break;
            default:
                var (was, other) = (
                    rig.Rules,
                    LoginRig.RulesOf(ByMail + "config user local\nedit bob\nset passwd another\nnext\nend\n", Personality.Find("7.0"))
                );
                rig.Take(rig.Core.RulesChanged(other, rig.Now));
                rig.Take(rig.Core.RulesChanged(was, rig.Now));
                break;
        }
        Assert.IsType<LoginAnswer.Challenge>(rig.Login("bob"));
    }

    [Fact]
    public void Two_hundred_thousand_logins_may_be_pending_and_no_more()
    {
        var core = new LoginCore(new TokenCore());
        var rules = LoginRig.RulesOf(
            LoginRig.Patient
                + "config user radius\nedit rad\nset server 192.0.2.50\nset secret s\nnext\nend\nconfig user local\nedit dan\nset type radius\nset radius-server rad\nnext\nend\n"
        );
        LoginStep Start(int number, string user) =>
            core.Start(
                new LoginRequest(user, user + "-password", "", LoginRig.Home),
                rules,
                _ => false,
                new LoginRandomness(new LoginHandle($"{number}", "1-a")),
                LoginRig.Start
            );
        for (var number = 0; number < 200_000; number++)
        {
            Assert.IsType<LoginAnswer.Challenge>(Start(number, "cat").Answer);
        }
        Assert.Equal(200_000, core.PendingCount);
        Assert.Equal(new LoginAnswer.Refused(Refusal.Overloaded), Start(200_000, "cat").Answer);
        // No request is sent to a remote server.
        var remote = Start(200_001, "dan");
        Assert.Equal(new LoginAnswer.Refused(Refusal.Overloaded), remote.Answer);
        Assert.Null(remote.Remote);
        Assert.Equal(200_000, core.PendingCount);
        Assert.NotEmpty(core.Tick(core.NextDeadline!.Value).Released);
        Assert.IsType<LoginAnswer.Challenge>(
            core.Start(
                new LoginRequest("cat", "cat-password", "", LoginRig.Home),
                rules,
                _ => false,
                new LoginRandomness(new LoginHandle("200002", "1-a")),
                LoginRig.Start.AddDays(1)
            ).Answer
        );
    }

    [Theory]
    [InlineData("255.255.255.255", true)]
    [InlineData("127.0.0.1", false)]
    [InlineData("192.0.2.7", false)]
    public void An_empty_password_authenticates_an_administrator_at_the_console_only(string source, bool isIn)
    {
        Assert.Equal(IPAddress.None, IPAddress.Parse("255.255.255.255"));
        using var rig = new LoginRig();
        Assert.Equal(isIn, rig.Login("admin", "", IPAddress.Parse(source), LoginKind.Admin) is LoginAnswer.Success);
    }

    [Fact]
    public void A_user_without_a_password_never_authenticates()
    {
        using var rig = new LoginRig { Rules = LoginRig.RulesWith("unset passwd", "bob") };
        Assert.IsType<LoginAnswer.Refused>(rig.Login("bob", ""));
        Assert.IsType<LoginAnswer.Refused>(rig.Login("bob", "", IPAddress.None));
    }
}
