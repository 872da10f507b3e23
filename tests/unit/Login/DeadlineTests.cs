using Appliance.Firmware.Config;
using Appliance.Firmware.Login;
using Appliance.Firmware.Login.Accounts;
using Appliance.Firmware.Login.Policy;
using Xunit;

namespace Appliance.Tests.Login;

/// <summary>Every deadline of a login: when it fires, that nothing is accepted after it, and that its event names the setting.</summary>
public sealed class DeadlineTests
{
    private const string Mail = "config user local\nedit ann\nset two-factor email\nset email-to ann@example.com\nnext\nend\n";
    private const string Sms = "config user local\nedit ann\nset two-factor sms\nset sms-phone 5550100\nnext\nend\n";

    [Theory]
    [InlineData("6.4", "", "", 60, "push_life")]
    [InlineData("6.4", "set two-factor-ftk-expiry 70\n", "", 70, "two-factor-ftk-expiry")]
    [InlineData("6.4", "set two-factor-ftk-expiry 600\n", "", 80, "remoteauthtimeout")]
    [InlineData("6.4", "set two-factor-ftk-expiry 600\nset remoteauthtimeout 21\n", "", 240, "remoteauthtimeout")]
    [InlineData("6.4", "set two-factor-ftk-expiry 600\nset remoteauthtimeout 300\n", "", 300, "remoteauthtimeout")]
    [InlineData("7.2", "set two-factor-ftk-expiry 600\n", "", 80, "remoteauthtimeout")]
    [InlineData("7.4", "set two-factor-ftk-expiry 600\n", "", 600, "two-factor-ftk-expiry")]
    [InlineData("7.6", "set two-factor-ftk-expiry 70\n", "", 70, "two-factor-ftk-expiry")]
    [InlineData("6.4", "", Mail, 60, "two-factor-email-expiry")]
    [InlineData("6.4", "set two-factor-email-expiry 240\n", Mail, 80, "remoteauthtimeout")]
    [InlineData("6.4", "set two-factor-email-expiry 240\nset remoteauthtimeout 21\n", Mail, 240, "two-factor-email-expiry")]
    [InlineData("7.4", "set two-factor-email-expiry 240\n", Mail, 240, "two-factor-email-expiry")]
    [InlineData("6.4", "set two-factor-sms-expiry 30\n", Sms, 30, "two-factor-sms-expiry")]
    public void TheSecondFactorHasItsTime(string personality, string global, string more, int seconds, string setting)
    {
        using var rig = new LoginRig($"config system global\n{global}end\n{more}{LoginRig.Patient}", Personality.Find(personality));
        var handle = rig.Challenge().Handle;
        rig.Advance(seconds - 0.001);
        Assert.Equal(1, rig.Core.PendingCount);
        Assert.DoesNotContain(rig.EventReasons, reason => reason == "deadline_" + setting);
        rig.Advance(0.001);
        Assert.Equal(0, rig.Core.PendingCount);
        Assert.Contains("deadline_" + setting, rig.EventReasons);
        Assert.Contains(rig.Facts, fact => fact.Check == "deadline" && fact.Decides && fact.Change.Length > 0);
        Assert.Equal(new LoginAnswer.Refused(Refusal.UnknownRequest), rig.Code(handle, rig.Ann()));
    }

    [Fact]
    public void APushEndsBeforeItsLogin()
    {
        using var rig = new LoginRig(
            "config system global\nset two-factor-ftk-expiry 80\nend\n" + LoginRig.Patient,
            lab: new LabPolicy { PushLife = TimeSpan.FromSeconds(20) }
        );
        var handle = rig.Challenge().Handle;
        Assert.Null(rig.Await(handle));
        Assert.Equal(new LoginAnswer.Refused(Refusal.Expired, Retry: true), Assert.Single(rig.Advance(20).Released).Answer);
        Assert.Contains("deadline_push_life", rig.EventReasons);
        Assert.False(rig.Approve(handle));
        Assert.IsType<LoginAnswer.Success>(rig.Code(handle, rig.Ann()));
    }

    [Fact]
    public void AnApprovedLoginHasToBeFetchedWithinLoginTimeout()
    {
        using var rig = new LoginRig("config vpn ssl settings\nset login-timeout 12\nend\n");
        var handle = rig.Challenge().Handle;
        Assert.True(rig.Approve(handle, somebodyWaits: false));
        rig.Advance(11.999);
        Assert.Equal(1, rig.Core.PendingCount);
        rig.Advance(0.001);
        Assert.Equal(0, rig.Core.PendingCount);
        Assert.Contains("deadline_login-timeout", rig.EventReasons);
        Assert.Contains(rig.Facts, fact => fact is { Decides: true, Change: "config vpn ssl settings / set login-timeout" });
    }

    [Fact]
    public void AnApprovedLoginMayBeFetchedAfterTheSecondFactorsOwnTime()
    {
        using var rig = new LoginRig();
        var handle = rig.Challenge().Handle;
        rig.Advance(59);
        Assert.True(rig.Approve(handle, somebodyWaits: false));
        rig.Advance(20);
        Assert.IsType<LoginAnswer.Success>(rig.Await(handle));
    }

    [Fact]
    public void ARemoteServerHasRemoteauthtimeout()
    {
        using var rig = new LoginRig(
            "config user radius\nedit fac\nset server 192.0.2.50\nset secret s\nnext\nend\nconfig user local\nedit ann\nset type radius\nset radius-server fac\nnext\nend\nconfig system global\nset remoteauthtimeout 7\nend\n"
        );
        var draw = new LoginRandomness(new LoginHandle("1", "1-1"));
        var step = rig.Take(rig.Core.Start(new LoginRequest("ann", "x", "", LoginRig.Home), rig.Rules, _ => true, draw, rig.Now));
        Assert.Null(step.Answer);
        Assert.Equal(new RemoteServer("radius", "fac"), step.Remote!.Server);
        Assert.Empty(rig.Advance(6.999).Released);
        Assert.Equal(new LoginAnswer.Refused(Refusal.Expired), Assert.Single(rig.Advance(0.001).Released).Answer);
        Assert.Contains("deadline_remoteauthtimeout", rig.EventReasons);
        // No authentication succeeds by its late answer.
        var late = rig.Core.RemoteAnswered("1", 1, LoginRig.Accepted, somebodyWaits: true, rig.Rules, _ => true, rig.Now);
        Assert.Null(late.Answer);
        Assert.Empty(late.Released);
    }

    [Theory]
    [InlineData(FactorKind.FortiAuthenticator, LoginKind.SslVpn, 60, DeadlineName.FacExpiry)]
    [InlineData(FactorKind.FortiToken, LoginKind.Admin, 60, DeadlineName.FortiTokenExpiry)]
    [InlineData(FactorKind.FortiToken, LoginKind.Radius, 60, DeadlineName.FortiTokenExpiry)]
    public void EachFactorHasItsExpiry(FactorKind factor, LoginKind kind, int seconds, DeadlineName name) =>
        Assert.Equal((LoginRig.Start.AddSeconds(seconds), name), LoginRig.RulesOf("").Deadlines.SecondFactor(factor, kind, LoginRig.Start));

    [Theory]
    [InlineData(LoginKind.Admin)]
    [InlineData(LoginKind.Radius)]
    public void TheWindowIsTheSslVpnsAlone(LoginKind kind) =>
        Assert.Equal(
            DeadlineName.FortiTokenExpiry,
            LoginRig
                .RulesOf("config system global\nset two-factor-ftk-expiry 600\nend\n")
                .Deadlines.SecondFactor(FactorKind.FortiToken, kind, LoginRig.Start)
                .Name
        );

    [Fact]
    public void EveryDeadlineNamesWhatMovesIt() =>
        Assert.All(
            Enum.GetValues<DeadlineName>(),
            name => Assert.True(LoginDeadlines.Setting(name) is { Word.Length: > 0, Change.Length: > 0 })
        );
}
