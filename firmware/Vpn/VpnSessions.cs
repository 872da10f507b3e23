using System.Net;
using System.Security.Cryptography;
using System.Text;
using Appliance.Firmware.Config;
using Appliance.Firmware.Events;
using Appliance.Firmware.Login;
using Appliance.Firmware.Storage;

namespace Appliance.Firmware.Vpn;

/// <summary>
/// The sessions of the SSL VPN. A cookie is 256 random bits and is kept as its digest only; a session is on disk before its
/// cookie leaves the unit. Sessions survive a restart (their idle time begins anew), each if the credentials that it was opened with are still those of its
/// user, and its rule still grants it. Thread-safe.
/// </summary>
public sealed class VpnSessions : IConfigSubscriber, IDisposable
{
    /// <summary>The table that the sessions need in the state database.</summary>
    public const string Table = VpnSessionRow.Table;

    /// <summary>Sessions at once; the next login is refused.</summary>
    internal const int SessionsMax = 100_000;

    /// <summary>The tables whose changes can end a session.</summary>
    private static readonly string[] Decisive = ["user local", "user fortitoken", "user group", "user radius", "user ldap", "user tacacs+", "vpn ssl settings", "vpn ssl web portal"];
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
    /// <summary>Sessions of before the restart that are valid no more, until <see cref="StartAsync"/>.</summary>
    private List<(Entry Entry, string Reason)> _invalid = [];
    private long _lastRow;
    private int _open;
    private LoginRules? _rules;
    private VpnSettings _settings = new(TimeSpan.Zero, TimeSpan.Zero, CheckSource: true, Dns: "", Personality.Default);

    /// <param name="row">What is on disk of it.</param>
    /// <param name="lastUsed">When its cookie was used last.</param>
    private sealed class Entry(VpnSessionRow row, DateTimeOffset lastUsed)
    {
        public VpnSessionRow Row => row;
        public string Digest => row.Digest;
        public VpnSession Session { get; set; } = row.Session;
        public DateTimeOffset LastUsed { get; set; } = lastUsed;
        /// <summary>False until it is durable: such a session is not listed, and has no cookie outside.</summary>
        public bool IsStored { get; set; }
        /// <summary>Why it ended before it was durable.</summary>
        public Refusal? Revoked { get; set; }
    }

    /// <summary>Opens the sessions that the database remembers.</summary>
    /// <param name="state">Where they are stored. Read now.</param>
    /// <param name="events">The event log.</param>
    /// <param name="time">The clock.</param>
    /// <param name="key">The key of the fingerprints of credentials: that of the unit.</param>
    /// <param name="numbers">The source of the numbers of new ones; null for the system's.</param>
    /// <param name="ended">The record of sessions whose end the database could not take; null for none.</param>
    public VpnSessions(StateDatabase state, EventLog events, TimeProvider time, DeviceKey key, RandomNumberGenerator? numbers = null, EndedSessions? ended = null)
    {
        (_state, _events, _time, _key, _ended, _numbers) = (state, events, time, key, ended, numbers ?? RandomNumberGenerator.Create());
        var now = time.GetUtcNow();
        foreach (var entry in VpnSessionRow.ReadAll(state).Select(row => new Entry(row, now) { IsStored = true }))
        {
            _lastRow = Math.Max(_lastRow, entry.Row.Id);
            if (ended?.Contains(entry.Digest) == true)
            {
                _invalid.Add((entry, Reason: "")); // It was reported when it ended; only its row is left.
                continue;
            }
            _byDigest.Add(entry.Digest, entry);
            _open++;
        }
        _sweep = time.CreateTimer(_ => Sweep(), null, SweepEvery, SweepEvery);
    }

    /// <summary>How many sessions there are.</summary>
    public int Count { get { lock (_lock) { return _open; } } }

    /// <summary>The sessions, oldest first, each with what is left until it ends by its timers (zero: never).</summary>
    public IReadOnlyList<(VpnSession Session, TimeSpan IdleLeft, TimeSpan AuthLeft)> List()
    {
        var now = _time.GetUtcNow();
        lock (_lock)
        {
            return [.. _byDigest.Values.Where(entry => entry.IsStored).OrderBy(entry => entry.Session.Began).Select(entry => (entry.Session,
                _settings.IdleTimeout > TimeSpan.Zero ? entry.LastUsed + _settings.IdleTimeout - now : TimeSpan.Zero,
                _settings.AuthTimeout > TimeSpan.Zero ? entry.Session.Began + _settings.AuthTimeout - now : TimeSpan.Zero))];
        }
    }

    /// <summary>
    /// Ends the sessions of before the restart whose credentials or rules are others now, durably. Call once, after the configuration was applied and before the
    /// first session; the database must not be read any more.
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
        var now = _time.GetUtcNow();
        foreach (var (entry, reason) in invalid.Where(end => end.Reason.Length > 0))
        {
            _events.Write(VpnEvents.Closed(entry.Session, reason, now));
        }
    }

    /// <summary>
    /// Opens a session. The cookie is returned once it is durable; there is none when there are too many sessions, when the user is no longer what it was when it
    /// was proved, or when the disk cannot be written.
    /// </summary>
    /// <param name="grant">What the login gives.</param>
    /// <param name="stored">Called when the session is durable, before its event is written; null for nothing.</param>
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
            entry = new Entry(new VpnSessionRow(++_lastRow, digest, credentials, new VpnSession(BitConverter.ToUInt32(number), grant, now)), now);
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

    /// <summary>The session of a cookie, used from this address now; null when there is none (never was, ended, another address).</summary>
    public VpnSession? Use(string cookie, IPAddress source)
    {
        var now = _time.GetUtcNow();
        lock (_lock)
        {
            if (!_byDigest.TryGetValue(Digest(cookie), out var entry) || Over(entry, now) is not null || (_settings.CheckSource && !entry.Session.Grant.Source.Equals(source)))
            {
                return null;
            }
            entry.LastUsed = now;
            return entry.Session;
        }
    }

    /// <summary>Logs out. Completes when the session is gone from disk too, or when the disk has refused.</summary>
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

    /// <summary>Ends a session from outside. Completes when it is gone from disk too, or when the disk has refused: its cookie is refused from now on in either case.</summary>
    public async Task<VpnEnding> EndAsync(VpnSession session, string reason)
    {
        Entry? entry;
        lock (_lock)
        {
            entry = _byDigest.Values.FirstOrDefault(entry => entry.Session.TunnelId == session.TunnelId && entry.Session.Began == session.Began);
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

    /// <summary>Evaluates every open session under the configuration in force (<see cref="Revocation"/>): what no longer holds ends at once.</summary>
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

    /// <summary>Why a session ends under these rules; null while it goes on.</summary>
    private Refusal? Revoked(Entry entry, LoginRules rules)
    {
        var grant = entry.Session.Grant;
        Account? now;
        Refusal? refusal;
        if (grant.Account is { } then)
        {
            refusal = Revocation.OfSession(rules, grant, then, out now);
        }
        else if (Revocation.AccountOf(rules, grant) is not { Enabled: true } account || entry.Row.Credentials != Fingerprint(entry.Digest, account))
        {
            (now, refusal) = (null, Refusal.UserChanged);
        }
        else
        {
            refusal = Revocation.OfSession(rules, grant, account, out now);
        }
        if (refusal is null && !ReferenceEquals(grant.Account, now))
        {
            entry.Session = entry.Session with { Grant = grant with { Account = now } };
        }
        entry.Revoked = refusal;
        return refusal;
    }

    private static string Reason(Refusal refusal) => refusal switch
    {
        Refusal.TokenUnusable => "token_changed",
        Refusal.NoPolicy => "policy_changed",
        _ => "user_changed",
    };

    private void Sweep()
    {
        var now = _time.GetUtcNow();
        End(entry => entry.IsStored ? Over(entry, now) : null);
        if (_ended is { IsEmpty: false } && _state.Fault is null)
        {
            _ = ClearEndedAsync(_ended);
        }
    }

    private string? Over(Entry entry, DateTimeOffset now) =>
        _settings.AuthTimeout > TimeSpan.Zero && now - entry.Session.Began >= _settings.AuthTimeout ? "auth-timeout"
        : _settings.IdleTimeout > TimeSpan.Zero && now - entry.LastUsed >= _settings.IdleTimeout ? "idle-timeout"
        : null;

    private void End(Func<Entry, string?> why, bool starting = false)
    {
        List<(Entry Entry, string Reason)> ended;
        lock (_lock)
        {
            ended = [.. _byDigest.Values.Select(entry => (entry, Reason: why(entry)!)).Where(end => end.Reason is not null)];
            foreach (var (entry, _) in ended)
            {
                Remove(entry);
            }
            // OpenAsync takes back a session that is not stored yet.
            ended.RemoveAll(end => !end.Entry.IsStored);
            if (starting)
            {
                _invalid.AddRange(ended); // The database is still read: StartAsync ends them.
                return;
            }
        }
        if (ended.Count == 0)
        {
            return;
        }
        // Not waited for: a failed write is repeated until it is durable. After a crash the next boot ends them by the same rule.
        _state.Post(Forget([.. ended.Select(end => end.Entry)]));
        if (_state.Fault is not null)
        {
            _ended?.Add(ended.Select(end => end.Entry.Digest));
        }
        var now = _time.GetUtcNow();
        foreach (var (entry, reason) in ended)
        {
            _events.Write(VpnEvents.Closed(entry.Session, reason, now));
        }
    }

    private async Task<VpnEnding> EndedAsync(Entry entry, string reason)
    {
        var durable = await ForgetAsync([entry]).ConfigureAwait(false);
        _events.Write(VpnEvents.Closed(entry.Session, reason, _time.GetUtcNow()));
        return durable ? VpnEnding.Durable : VpnEnding.NotDurable;
    }

    /// <summary>Forgets the records beside the database, once everything that was posted before them is in it.</summary>
    private async Task ClearEndedAsync(EndedSessions ended)
    {
        var version = ended.Version;
        try
        {
            await _state.CommitAsync(VpnSessionRow.Delete([])).ConfigureAwait(false);
            ended.Clear(version);
        }
        catch (IOException)
        {
            // The records stay until the database can be written: the next sweep tries again.
        }
    }

    private void Remove(Entry entry)
    {
        if (_byDigest.Remove(entry.Digest) && entry.IsStored)
        {
            _open--;
        }
    }

    /// <summary>Takes sessions off the disk. False when it cannot be written: then that is repeated until it is durable, and recorded beside the database meanwhile.</summary>
    private async Task<bool> ForgetAsync(IReadOnlyList<Entry> entries)
    {
        try
        {
            await _state.CommitAsync(Forget(entries)).ConfigureAwait(false);
            return true;
        }
        catch (IOException)
        {
            _state.Post(Forget(entries));
            _ended?.Add(entries.Select(entry => entry.Digest));
            return false;
        }
    }

    private string Fingerprint(string digest, Account account) => _key.Fingerprint([.. Encoding.UTF8.GetBytes(digest), .. Revocation.Credentials(account)]);

    private static StateWrite Forget(IReadOnlyList<Entry> entries) => VpnSessionRow.Delete(entries.Select(entry => entry.Row));

    private static string Digest(string cookie) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(cookie)));
}
