using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Appliance.Firmware.Config;
using Appliance.Firmware.Events;
using Appliance.Firmware.Login;
using Appliance.Firmware.Storage;

namespace Appliance.Firmware.Vpn;

/// <summary>One logged-in client.</summary>
/// <param name="TunnelId">The number by which events name the session; no secret.</param>
/// <param name="Grant">Who, in which group, with which portal, from where.</param>
/// <param name="Began">When.</param>
public sealed record VpnSession(uint TunnelId, LoginGrant Grant, DateTimeOffset Began);

/// <summary>
/// The sessions of the SSL VPN. A cookie is 256 random bits and is kept as its digest only; a session is on disk before its
/// cookie leaves the unit. Sessions survive a restart (their idle time begins anew). Thread-safe.
/// </summary>
public sealed class VpnSessions : IConfigSubscriber, IDisposable
{
    /// <summary>
    /// The table of sessions, in the order in which they began (<c>rowid</c>): an index by cookies, which are random, would have each login write a page
    /// of its own. Nobody looks there for a cookie: they are all in memory.
    /// </summary>
    public const string Table = "CREATE TABLE IF NOT EXISTS vpn_session (cookie TEXT NOT NULL, tunnel INTEGER NOT NULL, user TEXT NOT NULL, grp TEXT NOT NULL, portal TEXT NOT NULL, source TEXT NOT NULL, two_factor INTEGER NOT NULL, began INTEGER NOT NULL)";

    /// <summary>Sessions at once; the next login is refused.</summary>
    private const int SessionsMax = 100_000;

    /// <summary>Bits of the column <c>two_factor</c>.</summary>
    private const long TwoFactorFlag = 1;
    private const long RemoteFlag = 2;

    private static readonly string[] Credentials = ["type", "passwd", "two-factor", "fortitoken", "email-to", "sms-phone"];
    /// <summary>The tables whose changes can end a session.</summary>
    private static readonly string[] Decisive = ["user local", "user fortitoken", "user group"];
    private static readonly TimeSpan SweepEvery = TimeSpan.FromSeconds(5);

    private readonly StateDatabase _state;
    private readonly EventLog _events;
    private readonly TimeProvider _time;
    private readonly RandomNumberGenerator _numbers;
    private readonly ITimer _sweep;
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Entry> _byDigest = new(StringComparer.Ordinal);
    private long _lastRow;
    private ConfigTree? _config;
    private VpnSettings _settings = new(TimeSpan.Zero, TimeSpan.Zero, CheckSource: true, Dns: "", Personality.Default);

    /// <param name="row">Where it stands on disk.</param>
    private sealed class Entry(long row, VpnSession session, DateTimeOffset lastUsed)
    {
        public long Row => row;
        public VpnSession Session => session;
        public DateTimeOffset LastUsed { get; set; } = lastUsed;
    }

    /// <summary>Opens the sessions that the database remembers; the numbers of new ones come from <paramref name="numbers"/>, null for the system's.</summary>
    public VpnSessions(StateDatabase state, EventLog events, TimeProvider time, RandomNumberGenerator? numbers = null)
    {
        (_state, _events, _time, _numbers) = (state, events, time, numbers ?? RandomNumberGenerator.Create());
        var now = time.GetUtcNow();
        foreach (var (at, digest, session) in state.Read("SELECT cookie, tunnel, user, grp, portal, source, two_factor, began, rowid FROM vpn_session", row => (row.GetInt64(8), row.GetString(0), new VpnSession(
            (uint)row.GetInt64(1),
            new LoginGrant(row.GetString(2), row.GetString(3), row.GetString(4), IPAddress.Parse(row.GetString(5)), (row.GetInt64(6) & TwoFactorFlag) != 0) { IsRemote = (row.GetInt64(6) & RemoteFlag) != 0 },
            new DateTimeOffset(row.GetInt64(7), TimeSpan.Zero)))))
        {
            _byDigest.Add(digest, new Entry(at, session, now));
            _lastRow = Math.Max(_lastRow, at);
        }
        _sweep = time.CreateTimer(_ => Sweep(), null, SweepEvery, SweepEvery);
    }

    /// <summary>How many sessions there are.</summary>
    public int Count { get { lock (_lock) { return _byDigest.Count; } } }

    /// <summary>The sessions, oldest first, each with what is left until it ends by its timers (zero: never).</summary>
    public IReadOnlyList<(VpnSession Session, TimeSpan IdleLeft, TimeSpan AuthLeft)> List()
    {
        var now = _time.GetUtcNow();
        lock (_lock)
        {
            return [.. _byDigest.Values.OrderBy(entry => entry.Session.Began).Select(entry => (entry.Session,
                _settings.IdleTimeout > TimeSpan.Zero ? entry.LastUsed + _settings.IdleTimeout - now : TimeSpan.Zero,
                _settings.AuthTimeout > TimeSpan.Zero ? entry.Session.Began + _settings.AuthTimeout - now : TimeSpan.Zero))];
        }
    }

    /// <summary>
    /// Opens a session. The cookie (64 hex digits) is returned once it is durable; null when there are too many, or when the user is no longer
    /// what he was when he proved himself.
    /// </summary>
    public async Task<string?> OpenAsync(LoginGrant grant)
    {
        var cookie = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
        var digest = Digest(cookie);
        var now = _time.GetUtcNow();
        var number = new byte[4];
        _numbers.GetBytes(number);
        var session = new VpnSession(BitConverter.ToUInt32(number), grant, now);
        long row;
        lock (_lock)
        {
            if (_byDigest.Count >= SessionsMax || (_config is { } config && (Ended(grant, config, config) is not null || (grant.Entry is { } entry && Changed(entry, config.List("user local").Find(grant.User)!)))))
            {
                return null;
            }
            row = ++_lastRow;
            _byDigest.Add(digest, new Entry(row, session, now));
        }
        await _state.CommitAsync(new StateWrite(
            "INSERT INTO vpn_session (rowid, cookie, tunnel, user, grp, portal, source, two_factor, began) VALUES ($0,$1,$2,$3,$4,$5,$6,$7,$8)",
            row, digest, (long)session.TunnelId, grant.User, grant.Group, grant.Portal, grant.Source.ToString(), (grant.TwoFactor ? TwoFactorFlag : 0) | (grant.IsRemote ? RemoteFlag : 0), now.UtcTicks)).ConfigureAwait(false);
        _events.Write(VpnEvents.Opened(session));
        return cookie;
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

    /// <summary>Logs out; false when there is no such session. Completes when the session is gone from disk too.</summary>
    public async Task<bool> CloseAsync(string cookie, IPAddress source)
    {
        var digest = Digest(cookie);
        if (Use(cookie, source) is not { } session || TryRemove(digest) is not { } entry)
        {
            return false;
        }
        await _state.CommitAsync(Forget(entry)).ConfigureAwait(false);
        _events.Write(VpnEvents.Closed(session, "logout", _time.GetUtcNow()));
        return true;
    }

    /// <summary>Ends a session from outside; false when it is over already. Completes when it is gone from disk too.</summary>
    public async Task<bool> EndAsync(VpnSession session, string reason)
    {
        Entry? entry;
        lock (_lock)
        {
            var digest = _byDigest.FirstOrDefault(pair => ReferenceEquals(pair.Value.Session, session)).Key ?? "";
            if (!_byDigest.Remove(digest, out entry))
            {
                return false;
            }
        }
        await _state.CommitAsync(Forget(entry)).ConfigureAwait(false);
        _events.Write(VpnEvents.Closed(session, reason, _time.GetUtcNow()));
        return true;
    }

    /// <summary>
    /// A user who is deleted, disabled, or whose password or factor changed, or whose token is gone or locked, loses his sessions at once; a user
    /// of a remote server when his group goes, or when a user of his name is made here.
    /// </summary>
    public ConfigError? Apply(ConfigTree previous, ConfigTree next)
    {
        lock (_lock)
        {
            (_settings, _config) = (VpnSettings.From(next), next);
        }
        if (Decisive.Any(table => !ReferenceEquals(previous.List(table), next.List(table))))
        {
            End(entry => Ended(entry.Session.Grant, previous, next));
        }
        return null;
    }

    /// <inheritdoc/>
    public void Dispose() => _sweep.Dispose();

    private static string? Ended(LoginGrant grant, ConfigTree before, ConfigTree after)
    {
        var user = after.List("user local").Find(grant.User);
        if (grant.IsRemote)
        {
            return user is not null || after.List("user group").Find(grant.Group) is null ? "user_changed" : null;
        }
        if (user is null || !user.Enabled("status") || (!ReferenceEquals(before, after) && before.List("user local").Find(grant.User) is { } old && Changed(old, user)))
        {
            return "user_changed";
        }
        if (user.Text("two-factor") != "fortitoken")
        {
            return null;
        }
        var token = after.List("user fortitoken").Find(user.Text("fortitoken"));
        var was = ReferenceEquals(before, after) ? token : before.List("user fortitoken").Find(user.Text("fortitoken"));
        return token is null || token.Text("status") == "lock" || (was is not null && was.Text("seed") != token.Text("seed")) ? "token_changed" : null;
    }

    private static bool Changed(ConfigObject old, ConfigObject user) =>
        !ReferenceEquals(old, user) && Credentials.Any(attribute => !old.Words(attribute).AsSpan().SequenceEqual(user.Words(attribute).AsSpan()));

    private void Sweep()
    {
        var now = _time.GetUtcNow();
        End(entry => Over(entry, now));
    }

    private string? Over(Entry entry, DateTimeOffset now) =>
        _settings.AuthTimeout > TimeSpan.Zero && now - entry.Session.Began >= _settings.AuthTimeout ? "auth-timeout"
        : _settings.IdleTimeout > TimeSpan.Zero && now - entry.LastUsed >= _settings.IdleTimeout ? "idle-timeout"
        : null;

    private void End(Func<Entry, string?> why)
    {
        List<(string Digest, Entry Entry, string Reason)> ended;
        lock (_lock)
        {
            ended = [.. _byDigest.Select(pair => (pair.Key, pair.Value, Reason: why(pair.Value)!)).Where(end => end.Reason is not null)];
            foreach (var (digest, _, _) in ended)
            {
                _byDigest.Remove(digest);
            }
        }
        var now = _time.GetUtcNow();
        foreach (var (_, entry, reason) in ended)
        {
            // Not waited for: after a crash the next boot ends it again, by the same rule.
            _state.Post(Forget(entry));
            _events.Write(VpnEvents.Closed(entry.Session, reason, now));
        }
    }

    private Entry? TryRemove(string digest)
    {
        lock (_lock)
        {
            return _byDigest.Remove(digest, out var entry) ? entry : null;
        }
    }

    private static StateWrite Forget(Entry entry) => new("DELETE FROM vpn_session WHERE rowid=$0", entry.Row);

    private static string Digest(string cookie) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(cookie)));
}

/// <summary>The events of the SSL VPN: 39424 and 39426 of the vendor's list; 39425 for the end is *assumed* (the id between them).</summary>
internal static class VpnEvents
{
    internal static EventEntry Opened(VpnSession session) => Entry("0101039424", EventLevel.Information, "SSL VPN tunnel up", "tunnel-up", session.TunnelId, session.Grant,
        ("reason", "login successfully"), ("msg", "SSL tunnel established"));

    internal static EventEntry Closed(VpnSession session, string reason, DateTimeOffset now) => Entry("0101039425", EventLevel.Information, "SSL VPN tunnel down", "tunnel-down", session.TunnelId, session.Grant,
        ("duration", ((long)(now - session.Began).TotalSeconds).ToString(CultureInfo.InvariantCulture)), ("reason", reason), ("msg", "SSL tunnel shutdown"));

    internal static EventEntry Failed(string user, IPAddress source, string reason) => Entry("0101039426", EventLevel.Alert, "SSL VPN login fail", "ssl-login-fail", 0, new LoginGrant(user, "", "", source, TwoFactor: false),
        ("reason", reason), ("msg", "SSL user failed to logged in"));

    private static EventEntry Entry(string id, EventLevel level, string description, string action, uint tunnelId, LoginGrant grant, params ReadOnlySpan<(string, string)> more) => new(id, "vpn", level, description,
    [
        ("action", action), ("tunneltype", "ssl-web"), ("tunnelid", tunnelId.ToString(CultureInfo.InvariantCulture)), ("remip", grant.Source.ToString()),
        ("user", grant.User.Length == 0 ? "N/A" : grant.User), ("group", grant.Group.Length == 0 ? "N/A" : grant.Group), ("dst_host", "N/A"), .. more,
    ]);
}
