using Appliance.Firmware.Login;
using Appliance.Firmware.Login.Remote;
using Xunit;

namespace Appliance.Tests.Login;

/// <summary>Users whose password a RADIUS server verifies: its challenges, groups and deadlines. The test plays the server.</summary>
public sealed class RemoteTests
{
    private const string Server = "config user radius\nedit fac\nset server 192.0.2.50\nset secret s\nnext\nend\n";

    private const string Group =
        LoginRig.Patient
        + Server
        + """
            config user group
            edit remote
            set member fac
            config match
            edit 1
            set server-name fac
            set group-name staff
            next
            edit 2
            set server-name fac
            set group-name bosses
            next
            end
            next
            end
            config vpn ssl settings
            config authentication-rule
            edit 2
            set groups remote
            set portal full-access
            next
            end
            end
            config system global
            set remoteauthtimeout 20
            end

            """;

    private static readonly RemoteVerdict.Challenged CanPush = new("Enter token code or no code", RemotePush.ByNothing, "ticket");
    private const string NoDefaultPortal = "config vpn ssl settings\nunset default-portal\nend\n";

    [Fact]
    public void AnAnswerGoesToWhoAskedAndItsAcceptanceLetsIn()
    {
        using var rig = new LoginRig(Group);
        var challenge = Challenged(rig, CanPush);
        Assert.Equal((ChallengeReason.Remote, true, "Enter token code or no code"), (challenge.Reason, challenge.Push, challenge.Text));
        Assert.Null(rig.Code(challenge.Handle, "123456"));
        var order = rig.Steps[^1].Remote!;
        Assert.Equal(
            (2, "zoe", "123456", "ticket", LoginRig.Home),
            (order.Number, order.User, order.Password, order.Answers!.Ticket, order.Source)
        );
        var success = Assert.IsType<LoginAnswer.Success>(rig.Answer(order, new RemoteVerdict.Accepted(["staff"])));
        Assert.Equal(
            ("zoe", "remote", "full-access", true, true),
            (success.Grant.User, success.Grant.Group, success.Grant.Portal, success.Grant.TwoFactor, success.Grant.IsRemote)
        );
        Assert.Equal(0, rig.Core.PendingCount);
    }

    [Theory]
    [InlineData(RemotePush.ByNothing, "", "")]
    [InlineData(RemotePush.ByWord, "", "push")]
    [InlineData(RemotePush.ByWord, "push", "push")]
    [InlineData(RemotePush.No, "", "")]
    public void NothingIsWhatTheServerTakesForNothing(RemotePush push, string typed, string sent)
    {
        using var rig = new LoginRig(Group);
        Assert.Null(rig.Code(Challenged(rig, CanPush with { Push = push }).Handle, typed));
        Assert.Equal(sent, rig.Steps[^1].Remote!.Password);
    }

    [Fact]
    public void WaitingForAPhoneThatIsNotAskedIsToldSo()
    {
        using var rig = new LoginRig(Group);
        var handle = Challenged(rig, CanPush with { Push = RemotePush.No }).Handle;
        for (var again = 0; again < 3; again++)
        {
            Assert.Equal(new LoginAnswer.Refused(Refusal.Expired, Retry: true), rig.Await(handle));
        }
        Assert.Equal(new LoginAnswer.Refused(Refusal.Expired), rig.Await(handle));
    }

    [Fact]
    public void AClientThatComesAgainWaitsOnAndACodeTakesThePlaceOfThePhone()
    {
        using var rig = new LoginRig(Group);
        var handle = Challenged(rig, CanPush).Handle;
        Assert.Null(rig.Await(handle));
        var phone = rig.Steps[^1].Remote!;
        Assert.Null(rig.Await(handle));
        Assert.Null(rig.Steps[^1].Remote);
        Assert.Null(rig.Code(handle, "123456"));
        var code = rig.Steps[^1].Remote!;
        // The phone's approval belongs to a request that is no longer pending.
        Assert.Null(rig.Answer(phone, new RemoteVerdict.Accepted(["staff"])));
        Assert.Equal(new LoginAnswer.Refused(Refusal.WrongCode), rig.Answer(code, new RemoteVerdict.Rejected()));
        Assert.Equal(0, rig.Core.PendingCount);
    }

    [Fact]
    public void AnApprovalWaitsForItsClientAsLongAsLoginTimeout()
    {
        using var rig = new LoginRig(Group);
        var handle = Challenged(rig, CanPush).Handle;
        rig.Await(handle);
        Assert.Null(rig.Answer(rig.Steps[^1].Remote!, new RemoteVerdict.Accepted(["staff"]), somebodyWaits: false));
        rig.Advance(29);
        Assert.IsType<LoginAnswer.Success>(rig.Await(handle));

        var late = Challenged(rig, CanPush).Handle;
        rig.Await(late);
        rig.Answer(rig.Steps[^1].Remote!, new RemoteVerdict.Accepted(["staff"]), somebodyWaits: false);
        rig.Advance(30);
        Assert.Equal(new LoginAnswer.Refused(Refusal.UnknownRequest), rig.Await(late));
        Assert.Contains("deadline_login-timeout", rig.EventReasons);
    }

    [Theory]
    [InlineData("staff", true)]
    [InlineData("bosses", true)]
    [InlineData("Staff", false)]
    [InlineData("others", false)]
    [InlineData("", false)]
    public void AGroupWithMatchEntriesHasWhomTheServerPutsThere(string told, bool member)
    {
        using var rig = new LoginRig(Group);
        var answer = rig.Login("zoe", "x", remote: new RemoteVerdict.Accepted(told.Length > 0 ? [told] : []));
        Assert.Equal(member ? "remote" : null, (answer as LoginAnswer.Success)?.Grant.Group);
        Assert.True(member || answer is LoginAnswer.Refused { Reason: Refusal.NoPolicy });
    }

    [Theory]
    [InlineData("z", true)]
    [InlineData("", false)]
    public void A_name_of_one_character_is_a_name_and_an_empty_one_is_not(string name, bool asked)
    {
        using var rig = new LoginRig(Group);
        rig.Login(name, "x", remote: new RemoteVerdict.Accepted(["staff"]));
        Assert.Equal(asked ? 1 : 0, rig.Steps.Count(step => step.Remote is not null));
    }

    [Fact]
    public void AllUsergroupMakesAMemberOfEveryGroup()
    {
        using var rig = new LoginRig(Group + NoDefaultPortal + "config user radius\nedit fac\nset all-usergroup enable\nnext\nend\n");
        Assert.IsType<LoginAnswer.Success>(rig.Login("zoe", "x", remote: new RemoteVerdict.Accepted([]) { InEveryGroup = true }));
    }

    [Fact]
    public void AChallengeIsASecondFactor()
    {
        using var rig = new LoginRig(Group + "config vpn ssl settings\nset force-two-factor-auth enable\nend\n");
        Assert.Equal(new LoginAnswer.Refused(Refusal.NoPolicy), rig.Login("zoe", "x", remote: new RemoteVerdict.Accepted(["staff"])));
        Assert.Null(rig.Code(Challenged(rig, CanPush).Handle, "123456"));
        Assert.IsType<LoginAnswer.Success>(rig.Answer(rig.Steps[^1].Remote!, new RemoteVerdict.Accepted(["staff"])));
    }

    /// <summary>
    /// A user that is configured here with <c>type radius</c> and a token of this unit: both factors are required, the server's challenge
    /// included.
    /// </summary>
    [Fact]
    public void ALocalTokenIsAskedAfterTheServersChallenge()
    {
        using var rig = new LoginRig(
            LoginRig.Patient + Server + "config user local\nedit ann\nset type radius\nset radius-server fac\nnext\nend\n"
        );
        var remote = Assert.IsType<LoginAnswer.Challenge>(rig.Login("ann", "x", remote: CanPush));
        Assert.Null(rig.Code(remote.Handle, "654321"));
        var local = Assert.IsType<LoginAnswer.Challenge>(rig.Answer(rig.Steps[^1].Remote!, LoginRig.Accepted));
        Assert.Equal((remote.Handle, ChallengeReason.TokenCode, true), (local.Handle, local.Reason, local.Push));
        Assert.Equal(new LoginAnswer.Refused(Refusal.WrongCode, Retry: true), rig.Code(local.Handle, "654321"));
        Assert.IsType<LoginAnswer.Success>(rig.Code(local.Handle, rig.Ann()));
    }

    /// <summary>
    /// The request to the server has the configured name, in any typed spelling: another spelling is not another user there.
    /// </summary>
    [Fact]
    public void TheServerGetsTheConfiguredName()
    {
        using var rig = new LoginRig(
            LoginRig.Patient
                + Server
                + "config user local\nedit ann\nset type radius\nset radius-server fac\nset username-case-sensitivity disable\nnext\nend\n"
        );
        rig.Login("ANN", "x", remote: LoginRig.Accepted);
        Assert.Equal("ann", rig.Steps.Single(step => step.Remote is not null).Remote!.User);
    }

    [Fact]
    public void EachAddressHasItsTime()
    {
        using var rig = new LoginRig(
            Group
                + "config user radius\nedit fac\nset secondary-server 192.0.2.51\nset secondary-secret s\nset tertiary-server 192.0.2.52\nset tertiary-secret s\nnext\nend\n"
        );
        rig.Take(
            rig.Core.Start(
                new LoginRequest("zoe", "x", "", LoginRig.Home),
                rig.Rules,
                _ => true,
                new LoginRandomness(new LoginHandle("1", "1-1")),
                rig.Now
            )
        );
        Assert.Equal(LoginRig.Start.AddSeconds(60), rig.Steps[^1].Remote!.Expires);
        Assert.Empty(rig.Advance(59.999).Released);
        Assert.Equal(["1"], rig.Advance(0.001).Abandoned);
    }

    [Fact]
    public void AnAnswerHasTheShorterOfBothBudgets()
    {
        using var rig = new LoginRig(Group);
        var handle = Challenged(rig, CanPush).Handle;
        rig.Advance(30);
        rig.Await(handle);
        Assert.Equal(rig.Now.AddSeconds(20), rig.Steps[^1].Remote!.Expires);
        rig.Advance(19);
        Assert.Null(rig.Code(handle, "123456"));
        // 49 of the 60 seconds of two-factor-fac-expiry have passed.
        Assert.Equal(rig.Now.AddSeconds(11), rig.Steps[^1].Remote!.Expires);
        Assert.Equal(new LoginAnswer.Refused(Refusal.Expired), Assert.Single(rig.Advance(11).Released).Answer);
        Assert.Contains("deadline_two-factor-fac-expiry", rig.EventReasons);
        Assert.DoesNotContain("deadline_remoteauthtimeout", rig.EventReasons);
    }

    [Fact]
    public void AServerThatGoesRoundEnds()
    {
        using var rig = new LoginRig(Group);
        var handle = Challenged(rig, CanPush).Handle;
        LoginAnswer? answer = null;
        for (var round = 0; round < 20 && answer is null or LoginAnswer.Challenge; round++)
        {
            answer = rig.Code(handle, $"{round}") ?? rig.Answer(rig.Steps[^1].Remote!, CanPush with { Text = $"{round}" });
        }
        Assert.Equal(new LoginAnswer.Refused(Refusal.WrongCode), answer);
    }

    [Theory]
    [InlineData("Enter, or else", "Enter or else")]
    [InlineData("a&b", "aandb")]
    [InlineData("one\r\ntwo\u001b[2J\u202ethree", "one  two [2J three")]
    [InlineData("", "Please enter your token code")]
    [InlineData(" , ", "Please enter your token code")]
    public void TheServersWordsAreShownWithoutWhatWouldEndThem(string said, string shown)
    {
        using var rig = new LoginRig(Group);
        Assert.Equal(shown, Challenged(rig, CanPush with { Text = said }).Text);
        Assert.Equal(200, Challenged(rig, CanPush with { Text = new string('x', 5000) }).Text.Length);
    }

    [Fact]
    public void WithoutAnyServerNobodyIsAsked()
    {
        using var rig = new LoginRig();
        Assert.Equal(new LoginAnswer.Refused(Refusal.BadCredentials), rig.Login("zoe", "x"));
        Assert.DoesNotContain(rig.Steps, step => step.Remote is not null);
    }

    private static LoginAnswer.Challenge Challenged(LoginRig rig, RemoteVerdict.Challenged verdict) =>
        Assert.IsType<LoginAnswer.Challenge>(rig.Login("zoe", "zoe-password", remote: verdict));
}
