using System.Security.Cryptography;
using System.Text;
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
/// sources of any authentication, names, sources of administrators. The failures of a source are counted by account: a success
/// clears those of its own account, so that one valid account gives no fresh tries at others. Synchronous; the caller serializes, and makes the writes durable
/// before it answers, so that a restart forgives nothing.
/// </summary>
public sealed class FailureLimit(string name)
{
    /// <summary>The table of all limits.</summary>
    public const string Table = "CREATE TABLE IF NOT EXISTS login_failure (name TEXT NOT NULL, key TEXT NOT NULL, failures INTEGER NOT NULL, first INTEGER NOT NULL, until INTEGER, PRIMARY KEY (name, key))";

    /// <summary>The table of the failures of each account.</summary>
    public const string AccountTable = "CREATE TABLE IF NOT EXISTS login_failure_account (name TEXT NOT NULL, key TEXT NOT NULL, account TEXT NOT NULL, failures INTEGER NOT NULL, first INTEGER NOT NULL, PRIMARY KEY (name, key, account))";

    /// <summary>More keys than this are not remembered at once; the one that failed longest ago is forgotten first.</summary>
    private const int KeysMax = 100_000;

    private readonly Dictionary<string, LinkedListNode<FailureEntry>> _entries = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Dictionary<string, (int Failures, DateTimeOffset First)>> _accounts = new(StringComparer.Ordinal);
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
        foreach (var (key, account, failures, first) in state.Read(
            $"SELECT key, account, failures, first FROM login_failure_account WHERE name='{name}'", row => (row.GetString(0), row.GetString(1), row.GetInt32(2), new DateTimeOffset(row.GetInt64(3), TimeSpan.Zero))))
        {
            AccountsOf(key)[account] = (failures, first);
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
    /// <param name="account">The account that the failure is of; null where the key is one.</param>
    public bool Fail(string key, int limit, TimeSpan within, TimeSpan block, DateTimeOffset now, List<StateWrite> memory, string? account = null)
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
        if (!counts)
        {
            ForgetAccounts(key, memory);
        }
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
        if (account is not null)
        {
            CountAccount(key, IdOf(account), now, memory);
        }
        return entry.Until is not null;
    }

    /// <summary>
    /// A success of an account clears the failures of that account from the key. What other accounts failed counts on, and a block that is not
    /// of this account's failures alone lasts.
    /// </summary>
    public void Forgive(string key, string account, List<StateWrite> memory)
    {
        var id = IdOf(account);
        if (!_entries.TryGetValue(key, out var node) || !_accounts.TryGetValue(key, out var accounts) || !accounts.Remove(id, out var own))
        {
            return;
        }
        if (own.Failures >= node.Value.Failures)
        {
            Forgive(key, memory);
            return;
        }
        node.Value = node.Value with { Failures = node.Value.Failures - own.Failures, First = accounts.Count == 0 ? node.Value.First : accounts.Values.Min(other => other.First) };
        memory.Add(new StateWrite("DELETE FROM login_failure_account WHERE name=$0 AND key=$1 AND account=$2", name, key, id));
        memory.Add(new StateWrite("UPDATE login_failure SET failures=$0, first=$1 WHERE name=$2 AND key=$3", (long)node.Value.Failures, node.Value.First.UtcTicks, name, key));
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
        _accounts.Clear();
        _told.Clear();
        _byLastFailure.Clear();
        _lastBlockEnds = null;
        memory.Add(new StateWrite("DELETE FROM login_failure WHERE name=$0", name));
        memory.Add(new StateWrite("DELETE FROM login_failure_account WHERE name=$0", name));
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
        ForgetAccounts(node.Value.Key, memory);
    }

    /// <summary>A name as it is kept: what is typed as a name may be a password.</summary>
    private static string IdOf(string account) => Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(account)).AsSpan(0, 16));

    private Dictionary<string, (int Failures, DateTimeOffset First)> AccountsOf(string key)
    {
        if (!_accounts.TryGetValue(key, out var accounts))
        {
            _accounts.Add(key, accounts = new(StringComparer.Ordinal));
        }
        return accounts;
    }

    private void CountAccount(string key, string id, DateTimeOffset now, List<StateWrite> memory)
    {
        var accounts = AccountsOf(key);
        var counted = accounts[id] = accounts.TryGetValue(id, out var before) ? (before.Failures + 1, before.First) : (1, now);
        memory.Add(new StateWrite(
            "INSERT INTO login_failure_account (name, key, account, failures, first) VALUES ($0,$1,$2,$3,$4) ON CONFLICT(name, key, account) DO UPDATE SET failures=excluded.failures, first=excluded.first",
            name, key, id, (long)counted.Failures, counted.First.UtcTicks));
    }

    private void ForgetAccounts(string key, List<StateWrite> memory)
    {
        if (_accounts.Remove(key))
        {
            memory.Add(new StateWrite("DELETE FROM login_failure_account WHERE name=$0 AND key=$1", name, key));
        }
    }
}
