using Appliance.Doubles.FortiAuthenticator;
using Appliance.Firmware.Radius;
using Xunit;
using static Appliance.Tests.Radius.FacFixture;

namespace Appliance.Tests.Radius;

/// <summary>Locked tokens and locked-out users at the emulator.</summary>
public sealed class FacLockTests : FacRig
{
    private const int FailuresMax = 5;
    private static readonly FacAsker Asker = new(Nas.Address, FacPolicy.CodeOrEmpty, Nas.Address);

    [Theory]
    [InlineData("code-or-empty")]
    [InlineData("push-without-challenge")]
    public void A_locked_token_gives_neither_a_code_nor_a_push(string policy)
    {
        var settings = Settings(policy: policy);
        Boot(
            settings with
            {
                Users =
                [
                    .. settings.Users.Select(user => user with { Tokens = [.. user.Tokens.Select(token => token with { Locked = true })] }),
                ],
            }
        );
        Assert.Equal(RadiusCode.AccessReject, Ask("ann", "ann-password" + Code("ann", Now)).Code);
        Assert.Equal("no_push_token", Assert.IsType<FacVerdict.Reject>(Core.PushTo("ann", Asker, Now, out _).Answer).Reason);
        Assert.IsType<FacVerdict.Reject>(Core.Check("ann", null, Code("ann", Now), Asker, Now).Answer);
        if (policy == "push-without-challenge")
        {
            Assert.Equal(RadiusCode.AccessReject, Ask("ann", "ann-password").Code);
            return;
        }
        var (code, text, state) = Ask("ann", "ann-password");
        Assert.Equal(RadiusCode.AccessChallenge, code);
        Assert.Contains(FacCore.CodeOnlyText, text, StringComparison.Ordinal);
        Assert.Equal(RadiusCode.AccessReject, Ask("ann", Code("ann", Now), state).Code);
        Assert.Equal(RadiusCode.AccessReject, Ask("ann", "push", Ask("ann", "ann-password").State).Code);
    }

    [Theory]
    [InlineData(FailuresMax - 1, 0, RadiusCode.AccessAccept)]
    [InlineData(FailuresMax, 0, RadiusCode.AccessReject)]
    [InlineData(FailuresMax, 59.999, RadiusCode.AccessReject)]
    [InlineData(FailuresMax, 60, RadiusCode.AccessAccept)]
    public void Five_failures_in_a_row_lock_a_user_out_for_sixty_seconds(int failures, double seconds, RadiusCode code)
    {
        Fail(failures);
        Now = Now.AddSeconds(seconds);
        Assert.Equal(code, Ask("bob", "bob-password").Code);
        Assert.Equal(RadiusCode.AccessAccept, Ask("cat", "cat-password" + Code("cat", Now)).Code);
    }

    [Fact]
    public void A_success_forgives_the_failures_before_it()
    {
        Fail(FailuresMax - 1);
        Assert.Equal(RadiusCode.AccessAccept, Ask("bob", "bob-password").Code);
        Fail(FailuresMax - 1);
        Assert.Equal(RadiusCode.AccessAccept, Ask("bob", "bob-password").Code);
    }

    [Fact]
    public void An_approved_push_forgives_the_failures_before_it()
    {
        Fail(FailuresMax - 1, "ann");
        var push = Assert.Single(Send("ann", "", Ask("ann", "ann-password").State).Step.Pushes);
        Assert.True(Core.PushApproved(push.SessionId, Code("ann", Now), Now).Accepted);
        Fail(FailuresMax - 1, "ann");
        Assert.Equal(RadiusCode.AccessChallenge, Ask("ann", "ann-password").Code);
    }

    [Fact]
    public void After_a_lockout_five_failures_are_counted_anew()
    {
        Fail(FailuresMax);
        Now = Now.AddSeconds(60);
        Fail(FailuresMax - 1);
        Assert.Equal(RadiusCode.AccessAccept, Ask("bob", "bob-password").Code);
    }

    [Fact]
    public void A_locked_out_user_is_refused_by_every_access_method()
    {
        var state = Ask("ann", "ann-password").State;
        Fail(FailuresMax, "ann");
        var (code, _, _) = Ask("ann", Code("ann", Now), state);
        Assert.Equal(RadiusCode.AccessReject, code);
        Assert.Equal(RadiusCode.AccessReject, Ask("ann", "ann-password" + Code("ann", Now)).Code);
        Assert.Equal("locked_out", Assert.IsType<FacVerdict.Reject>(Core.PushTo("ann", Asker, Now, out _).Answer).Reason);
        Assert.Equal("locked_out", Assert.IsType<FacVerdict.Reject>(Core.Check("ann", "ann-password", null, Asker, Now).Answer).Reason);
        Assert.Equal("locked_out", Assert.IsType<FacVerdict.Reject>(Core.Check("ann", null, Code("ann", Now), Asker, Now).Answer).Reason);
        // None of these was a failure that extends the lockout, and no code was consumed.
        Now = Now.AddSeconds(60);
        Assert.Equal(RadiusCode.AccessAccept, Ask("ann", "ann-password" + Code("ann", Now)).Code);
    }

    private void Fail(int times, string user = "bob")
    {
        for (var attempt = 0; attempt < times; attempt++)
        {
            Assert.Equal(RadiusCode.AccessReject, Ask(user, "wrong").Code);
        }
    }
}
