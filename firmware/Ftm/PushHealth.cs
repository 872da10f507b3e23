namespace Appliance.Firmware.Ftm;

/// <summary>A change of push delivery: it failed, or works again.</summary>
public sealed record PushAlarm(bool Degraded, string Cause);

/// <summary>
/// Decides when the administrator is notified that pushes fail: after consecutive failures, or as soon as the proxy's credential has
/// expired. Synchronous; the caller serializes calls and supplies the time. A phone that is no longer registered is not a delivery failure.
/// </summary>
public sealed class PushHealth
{
    /// <summary>Number of consecutive failures that raise the alarm (*assumed*).</summary>
    public const int FailuresMax = 5;

    private int _failures;
    private bool _degraded;
    private DateTimeOffset? _credentialExpires;

    /// <summary>True while pushes fail.</summary>
    public bool Degraded => _degraded;

    /// <summary>The time at which <see cref="Tick"/> is due; null when nothing is pending.</summary>
    public DateTimeOffset? NextDeadline => _degraded ? null : _credentialExpires;

    /// <summary>Records the result of a push. Returns an alarm if it changes the state.</summary>
    public PushAlarm? Record(PushResult result, DateTimeOffset now)
    {
        // The proxy's latest report counts: a push that was sent without an expiry means that none is known.
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
                return new PushAlarm(false, "pushes are delivered again");
        }
    }

    /// <summary>Evaluates the time. Returns an alarm if the credential has just expired.</summary>
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
