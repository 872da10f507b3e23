using Appliance.Firmware.Login;
using Appliance.Firmware.Login.Accounts;
using Appliance.Firmware.Login.Remote;
using Appliance.Tests.Config;
using Xunit;

namespace Appliance.Tests.Login;

/// <summary>
/// A pending login ends when the basis on which it was granted changes: at the commit, and at the latest when the second factor completes.
/// </summary>
public sealed class RevocationTests
{
    private const string Base = LoginRig.Patient + GroundChanges.Others;
    private const string RemoteServer = "config user radius\nedit rad\nset server 192.0.2.50\nset secret s\nnext\nend\n";
    private const string Remote = RemoteServer + "config user group\nedit vpn-users\nset member ann bob cat rad\nnext\nend\n";

    public static TheoryData<string> Ending => GroundChanges.Ending;

    public static TheoryData<string> Harmless => GroundChanges.Harmless;

    [Theory]
    [MemberData(nameof(Ending))]
    public void A_pending_login_ends_with_the_commit_that_takes_its_ground_away(string change)
    {
        using var rig = new LoginRig(Base);
        var handle = rig.Challenge("cat").Handle;
        rig.Rules = LoginRig.RulesOf(Base + change);
        var step = rig.Take(rig.Core.RulesChanged(rig.Rules, rig.Now));
        Assert.False(Assert.IsType<LoginAnswer.Refused>(Assert.Single(step.Released).Answer).Retry);
        Assert.Equal(0, rig.Core.PendingCount);
        Assert.Single(step.Events);
        Assert.Single(step.Facts, fact => fact.Fact.Decides);
        Assert.Equal(new LoginAnswer.Refused(Refusal.UnknownRequest), rig.Code(handle, CatCode(rig)));
    }

    /// <summary>The rules of the moment count, whether the core was notified of them or not.</summary>
    [Theory]
    [MemberData(nameof(Ending))]
    public void A_right_code_is_refused_when_the_ground_has_gone(string change)
    {
        using var rig = new LoginRig(Base);
        var handle = rig.Challenge("cat").Handle;
        rig.Rules = LoginRig.RulesOf(Base + change);
        Assert.IsType<LoginAnswer.Refused>(rig.Code(handle, CatCode(rig)));
        Assert.Equal(0, rig.Core.PendingCount);
        Assert.Single(rig.Steps[^1].Events);
    }

    [Theory]
    [MemberData(nameof(Harmless))]
    public void A_pending_login_outlives_what_it_does_not_rest_on(string change)
    {
        using var rig = new LoginRig(Base);
        var handle = rig.Challenge("cat").Handle;
        rig.Rules = LoginRig.RulesOf(Base + change);
        Assert.Empty(rig.Take(rig.Core.RulesChanged(rig.Rules, rig.Now)).Released);
        Assert.Equal(
            ("vpn-users", "full-access"),
            Assert.IsType<LoginAnswer.Success>(rig.Code(handle, CatCode(rig))).Grant is var grant ? (grant.Group, grant.Portal) : default
        );
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Approval_is_refused_after_the_user_left_the_group(bool somebodyWaits)
    {
        using var rig = new LoginRig(Base);
        var handle = rig.Challenge("ann").Handle;
        var (accepted, approved) = rig.Core.PushApproved(handle.RequestId, rig.Ann(), "", rig.Rules, rig.Now);
        Assert.True(accepted);
        rig.Take(approved);
        rig.Rules = LoginRig.RulesOf(Base + "config user group\nedit vpn-users\nset member bob cat\nnext\nend\n");
        var step = rig.Take(rig.Core.ConfirmPush(handle.RequestId, somebodyWaits, rig.Rules, rig.Now));
        Assert.Equal(new LoginAnswer.Refused(Refusal.NoPolicy), Assert.Single(step.Released).Answer);
        Assert.Equal(0, rig.Core.PendingCount);
        Assert.Equal("sslvpn_login_no_matching_policy", Assert.Single(step.Events).Fields.Single(field => field.Name == "reason").Value);
    }

    [Fact]
    public void An_approved_login_is_refused_when_its_client_comes_after_the_user_left_the_group()
    {
        using var rig = new LoginRig(Base);
        var handle = rig.Challenge("ann").Handle;
        Assert.True(rig.Approve(handle, somebodyWaits: false));
        rig.Rules = LoginRig.RulesOf(Base + "config user group\nedit vpn-users\nset member bob cat\nnext\nend\n");
        Assert.Equal(new LoginAnswer.Refused(Refusal.NoPolicy), rig.Await(handle));
    }

    [Fact]
    public void A_new_password_ends_a_login_whose_push_is_out_and_voids_the_push()
    {
        using var rig = new LoginRig(Base);
        var handle = rig.Challenge("ann").Handle;
        Assert.Null(rig.Await(handle));
        rig.Rules = LoginRig.RulesOf(Base + "config user local\nedit ann\nset passwd another-password\nnext\nend\n");
        var step = rig.Take(rig.Core.RulesChanged(rig.Rules, rig.Now));
        Assert.Equal(new LoginAnswer.Refused(Refusal.UserChanged), Assert.Single(step.Released).Answer);
        Assert.Single(step.Cancelled);
        Assert.Equal("user_changed", Assert.Single(step.Events).Fields.Single(field => field.Name == "reason").Value);
        Assert.False(rig.Approve(handle));
    }

    [Theory]
    [InlineData("set trusthost1 192.0.2.0 255.255.255.0\n", true)]
    [InlineData("set trusthost1 203.0.113.0 255.255.255.0\n", false)]
    public void An_administrators_pending_login_ends_when_no_trusted_host_covers_its_source(string hosts, bool goesOn)
    {
        const string Admin =
            "config system admin\nedit adm\nset accprofile super_admin\nset password adm-password\nset two-factor fortitoken\nset fortitoken FTKMOB0000000002\n";
        const string Owner = "config user local\nedit cat\nset two-factor disable\nunset fortitoken\nnext\nend\n";
        using var rig = new LoginRig(LoginRig.Patient + Owner + Admin + "next\nend\n");
        var handle = rig.Challenge("adm", kind: LoginKind.Admin).Handle;
        rig.Rules = LoginRig.RulesOf(LoginRig.Patient + Owner + Admin + hosts + "next\nend\n");
        rig.Take(rig.Core.RulesChanged(rig.Rules, rig.Now));
        Assert.Equal(goesOn, rig.Code(handle, CatCode(rig), kind: LoginKind.Admin) is LoginAnswer.Success);
    }

    [Theory]
    [InlineData(Remote, true)]
    [InlineData(
        RemoteServer
            + "config user radius\nedit other\nset server 192.0.2.51\nset secret s\nnext\nend\nconfig user group\nedit vpn-users\nset member ann bob cat other\nnext\nend\n",
        false
    )]
    [InlineData(Remote + "config user local\nedit zoe\nset type password\nset passwd x\nnext\nend\n", false)]
    public void A_pending_login_of_a_remote_user_ends_with_its_server(string now, bool goesOn)
    {
        using var rig = new LoginRig(LoginRig.Patient + Remote);
        var challenged = new RemoteVerdict.Challenged("code?", RemotePush.No);
        var handle = Assert.IsType<LoginAnswer.Challenge>(rig.Login("zoe", remote: challenged)).Handle;
        rig.Rules = LoginRig.RulesOf(LoginRig.Patient + now);
        rig.Take(rig.Core.RulesChanged(rig.Rules, rig.Now));
        Assert.Equal(goesOn ? 1 : 0, rig.Core.PendingCount);
        Assert.Equal(goesOn, rig.Code(handle, "123456") is null);
    }

    private static string CatCode(LoginRig rig) =>
        new OtpNet.Totp("lab-seed-of-cat-0002"u8.ToArray(), 60, OtpNet.OtpHashMode.Sha1, 6).ComputeTotp(rig.Now.UtcDateTime);
}
