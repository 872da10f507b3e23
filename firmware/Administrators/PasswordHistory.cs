using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Appliance.Firmware.Config;
using Appliance.Firmware.Storage;

namespace Appliance.Firmware.Administrators;

/// <summary>
/// The time of each administrator's last password change, and salted PBKDF2 digests of the earlier passwords (never a password). The
/// policy's rules on age and reuse depend on it. Thread-safe.
/// </summary>
public sealed class PasswordHistory
{
    /// <summary>The schema of the password table.</summary>
    public const string Table =
        "CREATE TABLE IF NOT EXISTS admin_password (name TEXT NOT NULL, set_at INTEGER NOT NULL, number INTEGER NOT NULL, salt BLOB NOT NULL, digest BLOB NOT NULL, PRIMARY KEY (name, number))";

    /// <summary>The number of passwords stored for each administrator: the maximum of <c>reuse-password-limit</c>.</summary>
    internal const int Kept = 20;

    private const int Rounds = 100_000;

    private readonly StateDatabase _state;
    private readonly TimeProvider _time;
    private readonly Lock _lock = new();
    private readonly Dictionary<string, List<Entry>> _byName = new(StringComparer.Ordinal);

    /// <summary>Loads the history from the database.</summary>
    public PasswordHistory(StateDatabase state, TimeProvider time)
    {
        (_state, _time) = (state, time);
        foreach (
            var (name, entry) in state.Read(
                "SELECT name, number, set_at, salt, digest FROM admin_password ORDER BY name, number",
                row =>
                    (
                        row.GetString(0),
                        new Entry(
                            row.GetInt64(1),
                            new DateTimeOffset(row.GetInt64(2), TimeSpan.Zero),
                            (byte[])row.GetValue(3),
                            (byte[])row.GetValue(4)
                        )
                    )
            )
        )
        {
            Of(name).Add(entry);
        }
    }

    /// <summary>
    /// Adds the passwords of a configuration that are missing here, after a first boot or a crash between the two writes.
    /// </summary>
    public void Reconcile(ConfigTree config)
    {
        foreach (var (name, account) in config.List("system admin").Entries)
        {
            if (account.Text("password") is { Length: > 0 } password && !IsNewest(name, password))
            {
                Remember(name, password);
            }
        }
    }

    /// <summary>
    /// Checks a change against the password policy, which applies to each new password of an administrator. A restored file contains
    /// passwords that were set earlier, so it is not checked (*assumed*).
    /// </summary>
    public ConfigError? Check(ConfigChange change)
    {
        if (change.IsRestored)
        {
            return null;
        }
        var policy = new PasswordPolicy(change.Next);
        foreach (var (name, password, old) in Changed(change))
        {
            var lacks =
                policy.Lacks(password, old)
                ?? (policy.Remembered is > 0 and var count && IsRemembered(name, password, count) ? "it was used before" : null);
            if (lacks is not null)
            {
                return new ConfigError(
                    -49,
                    $"New password must conform to the password policy: {lacks}",
                    "object check operator error, -49, discard the setting"
                );
            }
        }
        return null;
    }

    /// <summary>Adds the passwords that a commit set, and removes deleted accounts.</summary>
    public void Record(ConfigChange change)
    {
        foreach (var (name, password, _) in Changed(change))
        {
            if (password.Length > 0)
            {
                Remember(name, password);
            }
        }
        foreach (var name in change.Previous.List("system admin").Keys.Where(name => change.Next.List("system admin").Find(name) is null))
        {
            lock (_lock)
            {
                _byName.Remove(name);
            }
            _state.Post(new StateWrite("DELETE FROM admin_password WHERE name=$0", name));
        }
    }

    /// <summary>Returns true if a password must be changed now, by its age or by the date in its account.</summary>
    /// <param name="config">The configuration in force.</param>
    /// <param name="name">The account name.</param>
    /// <param name="date"><c>password-expire</c> of the account; all zeros for none.</param>
    /// <param name="now">The current time.</param>
    public bool IsExpired(ConfigTree config, string name, string date, DateTimeOffset now)
    {
        if (
            DateTimeOffset.TryParseExact(
                date,
                "yyyy-MM-dd HH:mm:ss",
                CultureInfo.InvariantCulture,
                DateTimeStyles.AssumeUniversal,
                out var end
            )
            && now >= end
        )
        {
            return true;
        }
        lock (_lock)
        {
            return new PasswordPolicy(config).Life is { } life
                && _byName.TryGetValue(name, out var entries)
                && entries is [.., var newest]
                && now - newest.SetAt >= life;
        }
    }

    /// <summary>The accounts whose password a change sets, with the new and the old password ("" for none).</summary>
    private static IEnumerable<(string Name, string Password, string Old)> Changed(ConfigChange change) =>
        from account in change.Next.List("system admin").Entries
        let old = change.Previous.List("system admin").Find(account.Key)?.Text("password")
        let password = account.Entry.Text("password")
        where (old ?? "") != password
        select (account.Key, password, old ?? "");

    private bool IsNewest(string name, string password)
    {
        lock (_lock)
        {
            return _byName.TryGetValue(name, out var entries) && entries is [.., var newest] && newest.Is(password);
        }
    }

    private bool IsRemembered(string name, string password, int count)
    {
        lock (_lock)
        {
            return _byName.TryGetValue(name, out var entries) && entries.TakeLast(count).Any(entry => entry.Is(password));
        }
    }

    private void Remember(string name, string password)
    {
        var salt = RandomNumberGenerator.GetBytes(16);
        var now = _time.GetUtcNow();
        Entry entry;
        lock (_lock)
        {
            var entries = Of(name);
            entry = new Entry((entries is [.., var newest] ? newest.Number : 0) + 1, now, salt, DigestOf(password, salt));
            entries.Add(entry);
            if (entries.Count > Kept)
            {
                entries.RemoveAt(0);
            }
        }
        // Not awaited: after a crash, the next boot finds that the password in force is not the newest here, and adds it.
        _state.Post(
            new StateWrite(
                "INSERT OR REPLACE INTO admin_password (name, set_at, number, salt, digest) VALUES ($0,$1,$2,$3,$4)",
                name,
                now.UtcTicks,
                entry.Number,
                entry.Salt,
                entry.Digest
            )
        );
        _state.Post(new StateWrite("DELETE FROM admin_password WHERE name=$0 AND number<=$1", name, entry.Number - Kept));
    }

    private List<Entry> Of(string name)
    {
        if (!_byName.TryGetValue(name, out var entries))
        {
            _byName.Add(name, entries = []);
        }
        return entries;
    }

    private static byte[] DigestOf(string password, byte[] salt) =>
        Rfc2898DeriveBytes.Pbkdf2(Encoding.UTF8.GetBytes(password), salt, Rounds, HashAlgorithmName.SHA256, 32);

    private sealed record Entry(long Number, DateTimeOffset SetAt, byte[] Salt, byte[] Digest)
    {
        internal bool Is(string password) => CryptographicOperations.FixedTimeEquals(DigestOf(password, Salt), Digest);
    }
}
