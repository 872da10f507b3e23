using System.Net;
using System.Security.Cryptography;
using System.Text;
using Appliance.Firmware.Config;
using Appliance.Firmware.Events;
using Appliance.Firmware.Login;
using Appliance.Firmware.Login.Accounts;
using Appliance.Firmware.Login.Policy;
using Appliance.Firmware.Storage;

namespace Appliance.Firmware.Vpn;

/// <summary>
/// The sessions of the SSL VPN. A cookie is 256 random bits, of which only the digest is stored. A session is durable before its cookie is
/// sent. After a restart, a session continues (its idle time restarts) if the credentials that it was opened with are still those of its
/// user, and its rule still grants it. Thread-safe.
/// </summary>
public sealed partial class VpnSessions : IConfigSubscriber, IDisposable
{
    /// <summary>The table of the sessions in the state database.</summary>
    public const string Table = VpnSessionRow.Table;

    /// <summary>Maximum number of concurrent sessions; the next login is refused.</summary>
    internal const int SessionsMax = 100_000;

    /// <summary>The tables whose changes can end a session.</summary>
    private static readonly string[] Decisive =
    [
        "user local",
        "user fortitoken",
        "user group",
        "user radius",
        "user ldap",
        "user tacacs+",
        "vpn ssl settings",
        "vpn ssl web portal",
    ];
    private static readonly TimeSpan SweepEvery = TimeSpan.FromSeconds(5);

    private readonly StateDatabase _state;
    private readonly EventLog _events;
    private readonly TimeProvider _time;
    private readonly DeviceKey _key;
    private readonly EndedSessions? _ended;
    private readonly RandomNumberGenerator _numbers;
    private readonly ITimer _sweep;
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Entry> _byDigest = new(StringComparer.Ordinal);

    /// <summary>Sessions from before the restart that are no longer valid, until <see cref="StartAsync"/> ends them.</summary>
    private List<(Entry Entry, string Reason)> _invalid = [];
    private long _lastRow;
    private int _open;
    private LoginRules? _rules;
    private VpnSettings _settings = new(TimeSpan.Zero, TimeSpan.Zero, CheckSource: true, Dns: "", Personality.Default);

    /// <summary>Loads the sessions that the database stores.</summary>
    /// <param name="state">The database, which is read during this call.</param>
    /// <param name="events">The event log.</param>
    /// <param name="time">The clock.</param>
    /// <param name="key">The unit's key, for the fingerprints of credentials.</param>
    /// <param name="numbers">The generator of random numbers for new sessions; null for the system's.</param>
    /// <param name="ended">The record of sessions whose end could not be written to the database; null for none.</param>
    public VpnSessions(
        StateDatabase state,
        EventLog events,
        TimeProvider time,
        DeviceKey key,
        RandomNumberGenerator? numbers = null,
        EndedSessions? ended = null
    )
    {
        _state = state;
        _events = events;
        _time = time;
        _key = key;
        _ended = ended;
        _numbers = numbers ?? RandomNumberGenerator.Create();
        var now = time.GetUtcNow();
        foreach (var entry in VpnSessionRow.ReadAll(state).Select(row => new Entry(row, now) { IsStored = true }))
        {
            _lastRow = Math.Max(_lastRow, entry.Row.Id);
            if (ended?.Contains(entry.Digest) == true)
            {
                _invalid.Add((entry, Reason: "")); // Reported when it ended; only its row is left.
                continue;
            }
            _byDigest.Add(entry.Digest, entry);
            _open++;
        }
        _sweep = time.CreateTimer(_ => Sweep(), null, SweepEvery, SweepEvery);
    }

    /// <summary>
    /// Raised when a session has ended, with the reason, on the thread that ended it, outside the lock. The handler must not block.
    /// </summary>
    public event Action<VpnSession, string>? Ended;

    /// <summary>The number of open sessions.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _open;
            }
        }
    }

    /// <summary>The sessions, oldest first, each with the time left on its idle and authentication timers (zero: no limit).</summary>
    public IReadOnlyList<(VpnSession Session, TimeSpan IdleLeft, TimeSpan AuthLeft)> List()
    {
        var now = _time.GetUtcNow();
        lock (_lock)
        {
            return
            [
                .. _byDigest
                    .Values.Where(entry => entry.IsStored)
                    .OrderBy(entry => entry.Session.Began)
                    .Select(entry =>
                        (
                            entry.Session,
                            _settings.IdleTimeout > TimeSpan.Zero ? entry.LastUsed + _settings.IdleTimeout - now : TimeSpan.Zero,
                            _settings.AuthTimeout > TimeSpan.Zero ? entry.Session.Began + _settings.AuthTimeout - now : TimeSpan.Zero
                        )
                    ),
            ];
        }
    }

    /// <summary>
    /// Completes when the sessions that <see cref="StartAsync"/> ended are deleted from disk. Until then they are refused, but the unit is
    /// not ready: a restart would have to end them again.
    /// </summary>
    public Task EndsDurable { get; private set; } = Task.CompletedTask;

    /// <summary>
    /// Ends the sessions from before the restart whose credentials or rules have changed, durably. Call once, after the configuration was
    /// applied and before the first session. The database must not be read after that.
    /// </summary>
    public async Task StartAsync()
    {
        List<(Entry Entry, string Reason)> invalid;
        lock (_lock)
        {
            (invalid, _invalid) = (_invalid, []);
        }
        if (invalid.Count == 0 || await ForgetAsync([.. invalid.Select(end => end.Entry)]).ConfigureAwait(false))
        {
            _ended?.Clear();
        }
        else
        {
            EndsDurable = UntilDurableAsync();
        }
        var now = _time.GetUtcNow();
        foreach (var (entry, reason) in invalid.Where(end => end.Reason.Length > 0))
        {
            _events.Write(VpnEvents.Closed(entry.Session, reason, now));
        }
    }

    /// <summary>
    /// Opens a session. The cookie is returned once it is durable. There is none when the session limit is reached, when the user has
    /// changed since authentication, or when the disk cannot be written.
    /// </summary>
    /// <param name="grant">The result of the login.</param>
    /// <param name="stored">Called when the session is durable, before its event is written; null if not needed.</param>
    public async Task<VpnOpening> OpenAsync(LoginGrant grant, Action? stored = null)
    {
        var cookie = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
        var digest = Digest(cookie);
        var now = _time.GetUtcNow();
        var number = new byte[4];
        _numbers.GetBytes(number);
        Entry entry;
        lock (_lock)
        {
            if (_byDigest.Count >= SessionsMax)
            {
                return new(null, Refusal.Overloaded);
            }
            var credentials = "";
            if (_rules is { } rules)
            {
                if ((grant.Account ?? Revocation.AccountOf(rules, grant)) is not { } account)
                {
                    return new(null, Refusal.UserChanged);
                }
                if (Revocation.OfSession(rules, grant, account, out var valid) is { } refusal)
                {
                    return new(null, refusal);
                }
                credentials = Fingerprint(digest, valid!);
                grant = grant with { Account = valid };
            }
            entry = new Entry(
                new VpnSessionRow(++_lastRow, digest, credentials, new VpnSession(BitConverter.ToUInt32(number), grant, now)),
                now
            );
            _byDigest.Add(digest, entry);
        }
        try
        {
            await _state.CommitAsync(entry.Row.Insert()).ConfigureAwait(false);
        }
        catch (IOException)
        {
            lock (_lock)
            {
                _byDigest.Remove(digest);
            }
            return new(null, Refusal.Storage);
        }
        lock (_lock)
        {
            if (entry.Revoked is null)
            {
                entry.IsStored = true;
                _open++;
            }
        }
        if (entry.Revoked is { } revoked)
        {
            _state.Post(Forget([entry]));
            return new(null, revoked);
        }
        stored?.Invoke();
        _events.Write(VpnEvents.Opened(entry.Session));
        return new(cookie, null);
    }

    /// <summary>
    /// Returns the session of a cookie and marks it as used from this address now. Null if there is none (never existed, ended, other
    /// address).
    /// </summary>
    public VpnSession? Use(string cookie, IPAddress source)
    {
        var now = _time.GetUtcNow();
        lock (_lock)
        {
            if (
                !_byDigest.TryGetValue(Digest(cookie), out var entry)
                || Over(entry, now) is not null
                || (_settings.CheckSource && !entry.Session.Grant.Source.Equals(source))
            )
            {
                return null;
            }
            entry.LastUsed = now;
            return entry.Session;
        }
    }

    /// <summary>Marks a session as used now: traffic of its tunnel counts as use.</summary>
    public void Touch(VpnSession session)
    {
        lock (_lock)
        {
            if (Find(session) is { } entry)
            {
                entry.LastUsed = _time.GetUtcNow();
            }
        }
    }

    /// <summary>Logs out. Completes when the session is deleted from disk, or when the disk write failed.</summary>
    public async Task<VpnEnding> CloseAsync(string cookie, IPAddress source)
    {
        Entry? entry = null;
        lock (_lock)
        {
            if (Use(cookie, source) is null || !_byDigest.TryGetValue(Digest(cookie), out entry))
            {
                return VpnEnding.None;
            }
            Remove(entry);
        }
        return await EndedAsync(entry, "logout").ConfigureAwait(false);
    }

    /// <summary>
    /// Ends a session administratively. Completes when it is deleted from disk, or when the disk write failed. Its cookie is refused from
    /// now on in either case.
    /// </summary>
    public async Task<VpnEnding> EndAsync(VpnSession session, string reason)
    {
        Entry? entry;
        lock (_lock)
        {
            entry = Find(session);
            if (entry is null)
            {
                return VpnEnding.None;
            }
            Remove(entry);
        }
        return await EndedAsync(entry, reason).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public ConfigError? Apply(ConfigTree previous, ConfigTree next) => null;

    /// <summary>
    /// Evaluates every open session under the configuration in force (<see cref="Revocation"/>). A session that is no longer granted ends
    /// immediately.
    /// </summary>
    public void InForce(ConfigTree previous, ConfigTree next)
    {
        var starting = _rules is null;
        var decisive = starting || ConfigTree.Changed(previous, next).Any(table => Decisive.Contains(table.Path));
        lock (_lock)
        {
            _settings = VpnSettings.From(next);
            _rules = decisive ? LoginRules.From(next) : _rules;
        }
        if (decisive)
        {
            End(entry => Revoked(entry, _rules!) is { } refusal ? Reason(refusal) : null, starting);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _sweep.Dispose();

    private string Fingerprint(string digest, Account account) =>
        _key.Fingerprint([.. Encoding.UTF8.GetBytes(digest), .. Revocation.Credentials(account)]);

    private static StateWrite Forget(IReadOnlyList<Entry> entries) => VpnSessionRow.Delete(entries.Select(entry => entry.Row));

    private static string Digest(string cookie) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(cookie)));

    /// <param name="row">The stored row.</param>
    /// <param name="lastUsed">The time at which its cookie was last used.</param>
    private sealed class Entry(VpnSessionRow row, DateTimeOffset lastUsed)
    {
        public VpnSessionRow Row => row;
        public string Digest => row.Digest;
        public VpnSession Session { get; set; } = row.Session;
        public DateTimeOffset LastUsed { get; set; } = lastUsed;

        /// <summary>False until the session is durable. Until then, it is not listed, and its cookie is not sent.</summary>
        public bool IsStored { get; set; }

        /// <summary>The reason for which it ended before it was durable; null if it did not.</summary>
        public Refusal? Revoked { get; set; }
    }
}
