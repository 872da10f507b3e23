using System.Security.Cryptography;
using System.Text;
using Appliance.Firmware.Storage;

namespace Appliance.Firmware.Login.Limits;

/// <summary>The record of one source or name in a limit.</summary>
/// <param name="Key">The source's address, or the name.</param>
/// <param name="Failures">The number of failures that count now.</param>
/// <param name="First">The time of the first of them.</param>
/// <param name="Until">The end of the block; null if the key is not blocked.</param>
public sealed record FailureEntry(string Key, int Failures, DateTimeOffset First, DateTimeOffset? Until);

/// <summary>
/// Blocks a key for a time after a number of failures within a time. Every such limit of the device uses it: sources of the SSL VPN,
/// sources of any authentication, names, and sources of administrators. The failures of a source are counted by account. A success clears
/// only those of the same account, so that one valid account gives no fresh tries at others. Synchronous: the caller serializes, and makes
/// the writes durable before it answers, so that a restart clears nothing.
/// </summary>
public sealed class FailureLimit(string name)
{
    /// <summary>The SQL that creates the table of all limits.</summary>
    public const string Table =
        "CREATE TABLE IF NOT EXISTS login_failure (name TEXT NOT NULL, key TEXT NOT NULL, failures INTEGER NOT NULL, "
        + "first INTEGER NOT NULL, until INTEGER, PRIMARY KEY (name, key))";

    /// <summary>The SQL that creates the table of failures by account.</summary>
    public const string AccountTable =
        "CREATE TABLE IF NOT EXISTS login_failure_account (name TEXT NOT NULL, key TEXT NOT NULL, account TEXT NOT NULL, "
        + "failures INTEGER NOT NULL, first INTEGER NOT NULL, PRIMARY KEY (name, key, account))";

    /// <summary>The maximum number of keys that are stored. Beyond it, the key that failed least recently is removed.</summary>
    private const int KeysMax = 100_000;

    private readonly Dictionary<string, LinkedListNode<FailureEntry>> _entries = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Dictionary<string, (int Failures, DateTimeOffset First)>> _accounts = new(StringComparer.Ordinal);
    private readonly LinkedList<FailureEntry> _byLastFailure = [];
    private readonly HashSet<string> _told = new(StringComparer.Ordinal);
    private DateTimeOffset? _lastBlockEnds;

    /// <summary>Returns the end of the key's block; null if it is not blocked.</summary>
    public DateTimeOffset? BlockedUntil(string key, DateTimeOffset now) =>
        _entries.TryGetValue(key, out var node) && node.Value.Until is { } until && now < until ? until : null;

    /// <summary>Returns true once for each block of a key, so that repeated tries do not fill a log.</summary>
    public bool TellOnce(string key) => _told.Add(key);

    /// <summary>Counts a failure. Returns true if this one blocks the key.</summary>
    /// <param name="key">The source or name that failed.</param>
    /// <param name="limit">The number of failures that block; 0 disables the limit.</param>
    /// <param name="within">The time within which failures count.</param>
    /// <param name="block">The duration of the block; zero disables the limit.</param>
    /// <param name="now">The current time.</param>
    /// <param name="memory">Receives the writes that must be durable.</param>
    /// <param name="account">The account that the failure belongs to; null if the key is an account.</param>
    public bool Fail(
        string key,
        int limit,
        TimeSpan within,
        TimeSpan block,
        DateTimeOffset now,
        List<StateWrite> memory,
        string? account = null
    )
    {
        if (limit == 0 || block == TimeSpan.Zero)
        {
            return false;
        }
        var counts =
            _entries.TryGetValue(key, out var node)
            && now - node.Value.First < within
            && (node.Value.Until is not { } until || now < until);
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
        memory.Add(
            new StateWrite(
                "INSERT INTO login_failure (name, key, failures, first, until) VALUES ($0,$1,$2,$3,$4) ON CONFLICT(name, key) "
                    + "DO UPDATE SET failures=excluded.failures, first=excluded.first, until=excluded.until",
                name,
                key,
                (long)entry.Failures,
                entry.First.UtcTicks,
                entry.Until?.UtcTicks
            )
        );
        if (account is not null)
        {
            CountAccount(key, IdOf(account), now, memory);
        }
        return entry.Until is not null;
    }

    /// <summary>
    /// Clears the failures of one account from the key after the account's success. Failures of other accounts continue to count. A block
    /// that is not due to this account's failures alone remains.
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
        node.Value = node.Value with
        {
            Failures = node.Value.Failures - own.Failures,
            First = accounts.Count == 0 ? node.Value.First : accounts.Values.Min(other => other.First),
        };
        memory.Add(new StateWrite("DELETE FROM login_failure_account WHERE name=$0 AND key=$1 AND account=$2", name, key, id));
        memory.Add(
            new StateWrite(
                "UPDATE login_failure SET failures=$0, first=$1 WHERE name=$2 AND key=$3",
                (long)node.Value.Failures,
                node.Value.First.UtcTicks,
                name,
                key
            )
        );
    }

    /// <summary>Clears the key's failures, after a success or by an operator. Returns false if there were none.</summary>
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

    /// <summary>Clears all failures, by an operator. Returns the number of keys cleared.</summary>
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

    /// <summary>Returns the keys that are blocked or whose failures still count, the latest failure last.</summary>
    public IReadOnlyList<FailureEntry> List(TimeSpan within, DateTimeOffset now) =>
        [.. _byLastFailure.Where(entry => entry.Until is { } until ? now < until : now - entry.First < within)];

    /// <summary>Returns the end of the block that lasts longest; null if no key is blocked.</summary>
    internal DateTimeOffset? AnyoneBlockedUntil(DateTimeOffset now) => now < _lastBlockEnds ? _lastBlockEnds : null;

    /// <summary>Loads the stored failures from the database. For start-up only.</summary>
    internal void Load(StateDatabase state)
    {
        foreach (
            var entry in state.Read(
                $"SELECT key, failures, first, until FROM login_failure WHERE name='{name}' ORDER BY first",
                row => new FailureEntry(
                    row.GetString(0),
                    row.GetInt32(1),
                    new DateTimeOffset(row.GetInt64(2), TimeSpan.Zero),
                    row.IsDBNull(3) ? null : new DateTimeOffset(row.GetInt64(3), TimeSpan.Zero)
                )
            )
        )
        {
            _entries[entry.Key] = _byLastFailure.AddLast(entry);
        }
        foreach (
            var (key, account, failures, first) in state.Read(
                $"SELECT key, account, failures, first FROM login_failure_account WHERE name='{name}'",
                row => (row.GetString(0), row.GetString(1), row.GetInt32(2), new DateTimeOffset(row.GetInt64(3), TimeSpan.Zero))
            )
        )
        {
            AccountsOf(key)[account] = (failures, first);
        }
        FindLastBlock();
    }

    private void FindLastBlock() => _lastBlockEnds = _byLastFailure.Max(entry => entry.Until);

    private void Remove(LinkedListNode<FailureEntry> node, List<StateWrite> memory)
    {
        _entries.Remove(node.Value.Key);
        _told.Remove(node.Value.Key);
        _byLastFailure.Remove(node);
        memory.Add(new StateWrite("DELETE FROM login_failure WHERE name=$0 AND key=$1", name, node.Value.Key));
        ForgetAccounts(node.Value.Key, memory);
    }

    /// <summary>Returns the digest under which a name is stored, because text typed as a name may be a password.</summary>
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
        memory.Add(
            new StateWrite(
                "INSERT INTO login_failure_account (name, key, account, failures, first) VALUES ($0,$1,$2,$3,$4) "
                    + "ON CONFLICT(name, key, account) DO UPDATE SET failures=excluded.failures, first=excluded.first",
                name,
                key,
                id,
                (long)counted.Failures,
                counted.First.UtcTicks
            )
        );
    }

    private void ForgetAccounts(string key, List<StateWrite> memory)
    {
        if (_accounts.Remove(key))
        {
            memory.Add(new StateWrite("DELETE FROM login_failure_account WHERE name=$0 AND key=$1", name, key));
        }
    }
}
