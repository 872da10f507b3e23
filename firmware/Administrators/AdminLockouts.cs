using Appliance.Firmware.Storage;

namespace Appliance.Firmware.Administrators;

/// <summary>
/// <c>admin-lockout-threshold</c> and <c>admin-lockout-duration</c>: so many failures in a row from one source shut it out for that time.
/// By source, as on the device: an attacker elsewhere cannot shut out the administrator. Synchronous; the caller serializes, and makes the
/// writes durable before anybody is told.
/// </summary>
public sealed class AdminLockouts
{
    /// <summary>The table of sources.</summary>
    public const string Table = "CREATE TABLE IF NOT EXISTS admin_lockout (source TEXT PRIMARY KEY, failures INTEGER NOT NULL, failed INTEGER NOT NULL, until INTEGER NOT NULL)";

    /// <summary>Sources that are remembered at once; the one that failed longest ago is forgotten first.</summary>
    private const int SourcesMax = 10_000;

    private readonly Dictionary<string, (int Failures, DateTimeOffset Failed, DateTimeOffset Until)> _sources = new(StringComparer.Ordinal);

    /// <summary>Opens what the database remembers.</summary>
    public AdminLockouts(StateDatabase state)
    {
        foreach (var (source, entry) in state.Read("SELECT source, failures, failed, until FROM admin_lockout", row =>
            (row.GetString(0), (row.GetInt32(1), new DateTimeOffset(row.GetInt64(2), TimeSpan.Zero), new DateTimeOffset(row.GetInt64(3), TimeSpan.Zero)))))
        {
            _sources[source] = entry;
        }
    }

    /// <summary>True while a source is shut out.</summary>
    public bool IsLocked(string source, DateTimeOffset now) => _sources.TryGetValue(source, out var entry) && now < entry.Until;

    /// <summary>Counts a failure. <c>Locks</c>: this one shuts the source out.</summary>
    public (bool Locks, IReadOnlyList<StateWrite> Memory) Fail(string source, int threshold, TimeSpan duration, DateTimeOffset now)
    {
        var writes = new List<StateWrite>();
        var known = _sources.GetValueOrDefault(source);
        // What a past lockout was for is paid.
        var failures = (known.Until > DateTimeOffset.MinValue && known.Until <= now && known.Failures >= threshold ? 0 : known.Failures) + 1;
        var locks = failures >= threshold;
        if (_sources.Count >= SourcesMax && !_sources.ContainsKey(source))
        {
            var oldest = _sources.MinBy(pair => pair.Value.Failed).Key;
            _sources.Remove(oldest);
            writes.Add(Forget(oldest));
        }
        var entry = (Failures: failures, Failed: now, Until: locks ? now + duration : DateTimeOffset.MinValue);
        _sources[source] = entry;
        writes.Add(new StateWrite("INSERT OR REPLACE INTO admin_lockout (source, failures, failed, until) VALUES ($0,$1,$2,$3)", source, (long)failures, now.UtcTicks, entry.Until.UtcTicks));
        return (locks, writes);
    }

    /// <summary>A success forgives the source's failures.</summary>
    public IReadOnlyList<StateWrite> Succeed(string source) => _sources.Remove(source) ? [Forget(source)] : [];

    private static StateWrite Forget(string source) => new("DELETE FROM admin_lockout WHERE source=$0", source);
}
