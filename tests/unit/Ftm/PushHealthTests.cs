using Appliance.Firmware.Ftm;
using Xunit;

namespace Appliance.Tests.Ftm;

public sealed class PushHealthTests
{
    private static readonly DateTimeOffset Now = new(2033, 2, 3, 4, 5, 0, TimeSpan.Zero);
    private static readonly PushResult Failed = PushResult.Failed(PushOutcome.Unavailable, "down");
    private readonly PushHealth _health = new();

    [Fact]
    public void A_row_of_failures_is_told_once_and_the_first_push_that_gets_through_ends_it()
    {
        for (var failure = 1; failure < PushHealth.FailuresMax; failure++)
        {
            Assert.Null(_health.Record(Failed, Now));
        }
        Assert.Equal(new PushAlarm(true, "the last 5 pushes failed: down"), _health.Record(Failed, Now));
        Assert.Null(_health.Record(Failed, Now));
        Assert.False(_health.Record(PushResult.Sent, Now)!.Degraded);
        Assert.Null(_health.Record(PushResult.Sent, Now));
    }

    [Fact]
    public void A_phone_that_is_gone_is_no_failure_of_the_way()
    {
        for (var failure = 1; failure < PushHealth.FailuresMax; failure++)
        {
            Assert.Null(_health.Record(Failed, Now));
        }
        Assert.Null(_health.Record(new PushResult(PushOutcome.RegistrationGone, "gone"), Now));
        Assert.Null(_health.Record(Failed, Now));
    }

    [Fact]
    public void A_credential_that_is_not_accepted_is_told_at_once() =>
        Assert.Equal(new PushAlarm(true, "expired"), _health.Record(PushResult.Failed(PushOutcome.CredentialBad, "expired"), Now));

    [Fact]
    public void A_credential_that_expires_while_nobody_pushes_is_told_at_that_moment()
    {
        var expires = Now.AddHours(5);
        Assert.Null(_health.Record(PushResult.Sent with { CredentialExpires = expires }, Now));
        Assert.Equal(expires, _health.NextDeadline);
        Assert.Null(_health.Tick(expires.AddTicks(-1)));
        Assert.True(_health.Tick(expires)!.Degraded);
        Assert.Null(_health.Tick(expires.AddSeconds(1)));
        Assert.Null(_health.NextDeadline);
        // A proxy with a new one ends it.
        Assert.False(_health.Record(PushResult.Sent with { CredentialExpires = expires.AddYears(1) }, expires.AddMinutes(1))!.Degraded);
    }
}
