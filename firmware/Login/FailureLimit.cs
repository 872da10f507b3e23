using Appliance.Firmware.Storage;

namespace Appliance.Firmware.Login;

/// <summary>What a limit remembers of one source or name.</summary>
/// <param name="Key">The source's address, or the name.</param>
/// <param name="Failures">How many failures count now.</param>
/// <param name="First">When the first of them was.</param>
/// <param name="Until">Until when it is blocked; null while it is not.</param>
public sealed record FailureEntry(string Key, int Failures, DateTimeOffset First, DateTimeOffset? Until);

/// <summary>
/// So many failures of one key within a time block it for a time. One mechanism for every such limit of the device: sources of the SSL VPN,
/// sources of any authentication, names, sources of administrators. Synchronous; the caller serializes, and makes the writes durable
/// before it answers, so that a restart forgives nothing.
/// </summary>
public sealed class FailureLimit(string name)
{
    /// <summary>The table of all limits.</summary>
    public const string Table = "CREATE TABLE IF NOT EXISTS login_failure (name TEXT NOT NULL, key TEXT NOT NULL, failures INTEGER NOT NULL, first INTEGER NOT NULL, until INTEGER, PRIMARY KEY (name, key))";

    /// <summary>More keys than this are not remembered at once; the one that failed longest ago is forgotten first.</summary>
    private const int KeysMax = 100_000;

    private readonly Dictionary<string, LinkedListNode<FailureEntry>> _entries = new(StringComparer.Ordinal);
    private readonly LinkedList<FailureEntry> _byLastFailure = [];
    private readonly HashSet<string> _told = new(StringComparer.Ordinal);
    private DateTimeOffset? _lastBlockEnds;

    /// <summary>Until when somebody is blocked: the end of the block that lasts longest; null when nobody is.</summary>
    internal DateTimeOffset? AnyoneBlockedUntil(DateTimeOffset now) => now < _lastBlockEnds ? _lastBlockEnds : null;

    /// <summary>Remembers what the database remembers. For start-up only.</summary>
    internal void Load(StateDatabase state)
    {
        foreach (var entry in state.Read($"SELECT key, failures, first, until FROM login_failure WHERE name='{name}' ORDER BY first", row => new FailureEntry(
            row.GetString(0), row.GetInt32(1), new DateTimeOffset(row.GetInt64(2), TimeSpan.Zero), row.IsDBNull(3) ? null : new DateTimeOffset(row.GetInt64(3), TimeSpan.Zero))))
        {
            _entries[entry.Key] = _byLastFailure.AddLast(entry);
        }
        FindLastBlock();
    }

    /// <summary>Until when the key is blocked; null when it is not.</summary>
    public DateTimeOffset? BlockedUntil(string key, DateTimeOffset now) =>
        _entries.TryGetValue(key, out var node) && node.Value.Until is { } until && now < until ? until : null;

    /// <summary>True once for each block of a key: whoever goes on trying must not fill a log.</summary>
    public bool TellOnce(string key) => _told.Add(key);

    /// <summary>Counts a failure. True when this one blocks the key.</summary>
    /// <param name="key">Who failed.</param>
    /// <param name="limit">How many failures block; 0 means that none do.</param>
    /// <param name="within">Within which time the failures count.</param>
    /// <param name="block">For how long; zero means no block.</param>
    /// <param name="now">The time.</param>
    /// <param name="memory">Gets the writes that must be durable.</param>
    public bool Fail(string key, int limit, TimeSpan within, TimeSpan block, DateTimeOffset now, List<StateWrite> memory)
    {
        if (limit == 0 || block == TimeSpan.Zero)
        {
            return false;
        }
        var counts = _entries.TryGetValue(key, out var node) && now - node.Value.First < within && (node.Value.Until is not { } until || now < until);
        var entry = counts ? node!.Value with { Failures = node.Value.Failures + 1 } : new FailureEntry(key, 1, now, null);
        if (entry.Failures >= limit)
        {
            entry = entry with { Until = now + block };
            _lastBlockEnds = _lastBlockEnds is { } last && last > entry.Until ? last : entry.Until;
        }
        _told.Remove(key);
        if (node is not null)
        {
            _byLastFailure.Remove(node);
        }
        else if (_entries.Count >= KeysMax)
        {
            Remove(_byLastFailure.First!, memory);
        }
        _entries[key] = _byLastFailure.AddLast(entry);
        memory.Add(new StateWrite(
            "INSERT INTO login_failure (name, key, failures, first, until) VALUES ($0,$1,$2,$3,$4) ON CONFLICT(name, key) DO UPDATE SET failures=excluded.failures, first=excluded.first, until=excluded.until",
            name, key, (long)entry.Failures, entry.First.UtcTicks, entry.Until?.UtcTicks));
        return entry.Until is not null;
    }

    /// <summary>A success, or an operator, forgives the key's failures. False when there were none.</summary>
    public bool Forgive(string key, List<StateWrite> memory)
    {
        if (!_entries.TryGetValue(key, out var node))
        {
            return false;
        }
        Remove(node, memory);
        if (node.Value.Until is not null)
        {
            FindLastBlock();
        }
        return true;
    }

    /// <summary>An operator forgives all. How many there were.</summary>
    public int ForgiveAll(List<StateWrite> memory)
    {
        var count = _entries.Count;
        _entries.Clear();
        _told.Clear();
        _byLastFailure.Clear();
        _lastBlockEnds = null;
        memory.Add(new StateWrite("DELETE FROM login_failure WHERE name=$0", name));
        return count;
    }

    /// <summary>Those whose failures still count or who are blocked, the latest failure last.</summary>
    public IReadOnlyList<FailureEntry> List(TimeSpan within, DateTimeOffset now) =>
        [.. _byLastFailure.Where(entry => entry.Until is { } until ? now < until : now - entry.First < within)];

    private void FindLastBlock() => _lastBlockEnds = _byLastFailure.Max(entry => entry.Until);

    private void Remove(LinkedListNode<FailureEntry> node, List<StateWrite> memory)
    {
        _entries.Remove(node.Value.Key);
        _told.Remove(node.Value.Key);
        _byLastFailure.Remove(node);
        memory.Add(new StateWrite("DELETE FROM login_failure WHERE name=$0 AND key=$1", name, node.Value.Key));
    }
}
