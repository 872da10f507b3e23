using System.Net;

namespace Appliance.Firmware.Login;

/// <summary>
/// <c>login-attempt-limit</c> and <c>login-block-time</c>: so many failures of one source within the block time block it for the
/// block time. Synchronous; the caller serializes.
/// </summary>
public sealed class SourceLimit
{
    /// <summary>More sources than this are not remembered at once; the one that failed longest ago is forgotten first.</summary>
    private const int SourcesMax = 100_000;

    private readonly Dictionary<IPAddress, (int Failures, DateTimeOffset First, DateTimeOffset? BlockedUntil)> _sources = [];

    /// <summary>True while the source is blocked.</summary>
    public bool IsBlocked(IPAddress source, DateTimeOffset now)
    {
        if (!_sources.TryGetValue(source, out var entry) || entry.BlockedUntil is not { } until)
        {
            return false;
        }
        if (now < until)
        {
            return true;
        }
        _sources.Remove(source);
        return false;
    }

    /// <summary>Counts a failure. True when this one blocks the source.</summary>
    /// <param name="source">Who failed.</param>
    /// <param name="limit">How many failures block; 0 means none do.</param>
    /// <param name="blockTime">For how long, and within which time the failures count; 0 means no block.</param>
    /// <param name="now">The time.</param>
    public bool Fail(IPAddress source, int limit, TimeSpan blockTime, DateTimeOffset now)
    {
        if (limit == 0 || blockTime == TimeSpan.Zero)
        {
            return false;
        }
        var entry = _sources.TryGetValue(source, out var known) && now - known.First < blockTime ? known : (Failures: 0, First: now, BlockedUntil: null);
        var failures = entry.Failures + 1;
        var blocks = failures >= limit;
        if (_sources.Count >= SourcesMax && !_sources.ContainsKey(source))
        {
            _sources.Remove(_sources.MinBy(pair => pair.Value.First).Key);
        }
        _sources[source] = (failures, entry.First, blocks ? now + blockTime : null);
        return blocks;
    }

    /// <summary>A success forgives the source's failures.</summary>
    public void Succeed(IPAddress source) => _sources.Remove(source);
}
