using Appliance.Firmware.Config;
using Appliance.Firmware.Login;
using Appliance.Firmware.Login.Accounts;
using Appliance.Firmware.Login.Policy;
using Xunit;

namespace Appliance.Tests.Login;

/// <summary>
/// auth-lockout-threshold: the failures that count against a name, the events that reset them, and the spellings that are locked. And
/// login-attempt-limit, by account.
/// </summary>
public sealed class LockoutTests
{
    private const string Lockout =
        LoginRig.Patient + "config user setting\nset auth-lockout-threshold 3\nset auth-lockout-duration 120\nend\n";
    private const string AttemptLimit = "config vpn ssl settings\nset login-attempt-limit 3\nset login-block-time 60\nend\n";
    private static readonly LoginAnswer LockedOut = new LoginAnswer.Refused(Refusal.LockedOut);
    private static readonly LoginAnswer Blocked = new LoginAnswer.Refused(Refusal.Blocked);
    private static readonly LoginAnswer Wrong = new LoginAnswer.Refused(Refusal.BadCredentials);

    [Fact]
    public void Wrong_codes_count()
    {
        using var rig = new LoginRig(Lockout);
        var challenge = rig.Challenge("cat");
        rig.Code(challenge.Handle, "000000");
        rig.Code(challenge.Handle, "000000");
        Assert.IsType<LoginAnswer.Challenge>(rig.Login("cat"));
        rig.Code(challenge.Handle, "000000");
        Assert.Equal(LockedOut, rig.Login("cat"));
    }

    [Fact]
    public void Wrong_passwords_and_wrong_codes_are_one_count()
    {
        using var rig = new LoginRig(Lockout);
        rig.Login("cat", "wrong");
        rig.Code(rig.Challenge("cat").Handle, "000000");
        Assert.IsType<LoginAnswer.Challenge>(rig.Login("cat"));
        rig.Login("cat", "wrong");
        Assert.Equal(LockedOut, rig.Login("cat"));
    }

    [Fact]
    public void Wrong_numbers_count()
    {
        using var rig = new LoginRig(Lockout, lab: new LabPolicy { NumberMatch = true });
        for (var again = 0; again < 3; again++)
        {
            var challenge = Assert.IsType<LoginAnswer.Challenge>(rig.Login("ann"));
            Assert.False(rig.Approve(challenge.Handle, number: "99"));
            rig.Advance(60);
        }
        // A minute between each: they count in a row, not within a time.
        Assert.Equal(LockedOut, rig.Login("ann"));
    }

    [Fact]
    public void A_success_forgives()
    {
        using var rig = new LoginRig(Lockout);
        rig.Login("bob", "wrong");
        rig.Login("bob", "wrong");
        Assert.IsType<LoginAnswer.Success>(rig.Login("bob"));
        rig.Login("bob", "wrong");
        rig.Login("bob", "wrong");
        Assert.IsType<LoginAnswer.Success>(rig.Login("bob"));
        for (var again = 0; again < 3; again++)
        {
            Assert.Equal(Wrong, rig.Login("bob", "wrong"));
        }
        Assert.Equal(LockedOut, rig.Login("bob"));
    }

    [Fact]
    public void A_right_password_without_the_second_factor_forgives_nothing()
    {
        using var rig = new LoginRig(Lockout);
        rig.Login("cat", "wrong");
        rig.Login("cat", "wrong");
        rig.Challenge("cat");
        rig.Login("cat", "wrong");
        Assert.Equal(LockedOut, rig.Login("cat"));
    }

    [Theory]
    [InlineData("bob")]
    [InlineData("BOB")]
    [InlineData("Bob ")]
    [InlineData("bob@realm")]
    [InlineData("REALM\\bob")]
    [InlineData("realm/bob")]
    [InlineData("b\u00f3b")]
    [InlineData("b\u200bob")]
    [InlineData("\uff42\uff4f\uff42")]
    public void Every_spelling_of_a_locked_name_is_locked(string spelling)
    {
        using var rig = new LoginRig(Lockout);
        for (var again = 0; again < 3; again++)
        {
            Assert.Equal(Wrong, rig.Login("bob", "wrong"));
        }
        Assert.Equal(LockedOut, rig.Login(spelling, "bob-password"));
        rig.Advance(120);
        Assert.Equal(spelling == "bob", rig.Login(spelling, "bob-password") is LoginAnswer.Success);
    }

    [Fact]
    public void A_success_does_not_clear_what_other_accounts_failed()
    {
        using var rig = new LoginRig(AttemptLimit);
        Assert.Equal(Wrong, rig.Login("ann", "guess 1"));
        Assert.IsType<LoginAnswer.Success>(rig.Login("bob"));
        Assert.Equal(Wrong, rig.Login("ann", "guess 2"));
        Assert.IsType<LoginAnswer.Success>(rig.Login("bob"));
        Assert.Equal(Wrong, rig.Login("ann", "guess 3"));
        Assert.Equal(Blocked, rig.Login("ann", "guess 4"));
        Assert.Equal(Blocked, rig.Login("bob"));
    }

    [Fact]
    public void Failures_of_all_accounts_of_a_source_are_summed()
    {
        using var rig = new LoginRig(AttemptLimit);
        Assert.Equal(Wrong, rig.Login("ann", "wrong"));
        Assert.Equal(Wrong, rig.Login("bob", "wrong"));
        Assert.Equal(Wrong, rig.Login("nobody", "wrong"));
        Assert.Equal(Blocked, rig.Login("cat"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_success_clears_the_failures_of_its_own_account_alone(bool restart)
    {
        using var rig = new LoginRig(AttemptLimit, durable: true);
        Assert.Equal(Wrong, rig.Login("ann", "wrong"));
        Assert.Equal(Wrong, rig.Login("bob", "wrong"));
        Restart(rig, restart);
        Assert.IsType<LoginAnswer.Success>(rig.Login("bob"));
        Restart(rig, restart);
        Assert.Equal(1, Assert.Single(rig.Core.BlockList(rig.Rules, rig.Now)).Failures);
        Assert.Equal(Wrong, rig.Login("bob", "wrong"));
        Restart(rig, restart);
        Assert.Equal(Wrong, rig.Login("bob", "wrong"));
        Restart(rig, restart);
        Assert.Equal(Blocked, rig.Login("bob"));
    }

    [Fact]
    public void Another_spelling_of_an_insensitive_name_is_the_same_account()
    {
        using var rig = new LoginRig(
            AttemptLimit + "config user local\nedit bob\nset username-sensitivity disable\nnext\nend\n",
            Personality.Find("7.4")
        );
        Assert.Equal(Wrong, rig.Login("BOB", "wrong"));
        Assert.Equal(Wrong, rig.Login("Bob", "wrong"));
        Assert.IsType<LoginAnswer.Success>(rig.Login("bob"));
        Assert.Empty(rig.Core.BlockList(rig.Rules, rig.Now));
    }

    [Fact]
    public void A_success_after_the_failures_ran_out_clears_nothing_of_the_new_ones()
    {
        using var rig = new LoginRig(AttemptLimit);
        Assert.Equal(Wrong, rig.Login("bob", "wrong"));
        Assert.Equal(Wrong, rig.Login("bob", "wrong"));
        rig.Advance(60);
        Assert.Equal(Wrong, rig.Login("ann", "wrong"));
        Assert.IsType<LoginAnswer.Success>(rig.Login("bob"));
        Assert.Equal(1, Assert.Single(rig.Core.BlockList(rig.Rules, rig.Now)).Failures);
    }

    [Fact]
    public void One_administrator_does_not_forgive_what_another_failed()
    {
        const string Two =
            LoginRig.Patient
            + "config system admin\nedit other\nset password other-password\nset accprofile super_admin\nset vdom root\nnext\nend\n"
            + "config system global\nset admin-lockout-threshold 2\nset admin-lockout-duration 60\nend\n";
        using var rig = new LoginRig(Two);
        Assert.Equal(Wrong, rig.Login("admin", "guess 1", kind: LoginKind.Admin));
        Assert.IsType<LoginAnswer.Success>(rig.Login("other", kind: LoginKind.Admin));
        Assert.Equal(Wrong, rig.Login("admin", "guess 2", kind: LoginKind.Admin));
        Assert.Equal(Blocked, rig.Login("other", kind: LoginKind.Admin));
    }

    private static void Restart(LoginRig rig, bool restart)
    {
        if (restart)
        {
            rig.Restart();
        }
    }
}
