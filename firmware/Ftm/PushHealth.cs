namespace Appliance.Firmware.Ftm;

/// <summary>The way to the phones broke, or works again.</summary>
public sealed record PushAlarm(bool Degraded, string Cause);

/// <summary>
/// When to tell the operator that pushes do not get through: after a row of failures, or as soon as the proxy's credential has
/// expired. Synchronous; the caller serializes and gives the time. A phone that is gone is no failure of the way.
/// </summary>
public sealed class PushHealth
{
    /// <summary>This many failures in a row are no accident (*assumed*).</summary>
    public const int FailuresMax = 5;

    private int _failures;
    private bool _degraded;
    private DateTimeOffset? _credentialExpires;

    /// <summary>True while pushes do not get through.</summary>
    public bool Degraded => _degraded;

    /// <summary>When <see cref="Tick"/> has something to do; null when nothing is awaited.</summary>
    public DateTimeOffset? NextDeadline => _degraded ? null : _credentialExpires;

    /// <summary>A push was handed over; an alarm when that changes the state.</summary>
    public PushAlarm? Record(PushResult result, DateTimeOffset now)
    {
        // What the proxy said last counts: a push that got through without a word of it knows of no expiry.
        _credentialExpires = result.CredentialExpires ?? (result.Outcome == PushOutcome.Sent ? null : _credentialExpires);
        switch (result.Outcome)
        {
            case PushOutcome.CredentialBad:
                return Degrade(result.Cause);
            case PushOutcome.Unavailable or PushOutcome.Refused:
                return ++_failures >= FailuresMax ? Degrade($"the last {_failures} pushes failed: {result.Cause}") : null;
            default:
                _failures = 0;
                if (Tick(now) is { } expired)
                {
                    return expired;
                }
                if (!_degraded || _credentialExpires <= now)
                {
                    return null;
                }
                _degraded = false;
                return new PushAlarm(false, "pushes get through again");
        }
    }

    /// <summary>Time went on; an alarm when the credential has just expired.</summary>
    public PushAlarm? Tick(DateTimeOffset now) => _credentialExpires <= now ? Degrade("the push proxy's credential has expired") : null;

    private PushAlarm? Degrade(string cause)
    {
        if (_degraded)
        {
            return null;
        }
        _degraded = true;
        return new PushAlarm(true, cause);
    }
}
