using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Appliance.Firmware.Login;

namespace Appliance.Firmware.Ftm;

/// <summary>One open push.</summary>
/// <param name="id">The id, which only the phone receives.</param>
/// <param name="order">The login that it belongs to.</param>
public sealed class PushSession(PushSessionId id, PushOrder order)
{
    private volatile State _state;

    /// <summary>The id, which only the phone receives.</summary>
    public PushSessionId Id => id;

    /// <summary>The login that it belongs to.</summary>
    public PushOrder Order => order;

    /// <summary>The number of wrong answers. Only the thread that has taken the session may access it.</summary>
    internal int WrongAnswers { get; set; }

    /// <summary>
    /// False once the session is decided, cancelled or expired, and while an answer to it is evaluated. A second answer does not find it
    /// then.
    /// </summary>
    internal bool IsOpen => _state == State.Open;

    /// <summary>Takes the session. Returns true for exactly one of all concurrent callers.</summary>
    internal bool TryTake() => Interlocked.CompareExchange(ref _state, State.Taken, State.Open) == State.Open;

    /// <summary>Returns a session that the answer did not decide. Another answer may take it, unless the session ended meanwhile.</summary>
    internal void GiveBack() => Interlocked.CompareExchange(ref _state, State.Open, State.Taken);

    /// <summary>Ends the session permanently: it is decided, cancelled or expired.</summary>
    internal void End() => Interlocked.Exchange(ref _state, State.Over);

    private enum State
    {
        Open,
        Taken,
        Over,
    }
}

/// <summary>
/// The push-session core: matches answers to logins, and decides each session at most once. Synchronous; the caller supplies the time.
/// Thread-safe without a global lock: phones that answer at the same time do not wait for each other.
/// </summary>
public sealed class PushSessions
{
    /// <summary>Number of wrong codes after which a session ends: the id alone must not allow guessing.</summary>
    private const int WrongAnswersMax = 3;

    private readonly ConcurrentDictionary<PushSessionId, PushSession> _byId = [];
    private readonly ConcurrentDictionary<long, PushSession> _byLogin = [];

    /// <summary>The number of open pushes.</summary>
    public int Count => _byId.Count;

    /// <summary>
    /// Opens a session under a new random id. Null if this login has one already (one push per login), or was decided meanwhile.
    /// </summary>
    public PushSession? Open(PushSessionId id, PushOrder order)
    {
        var session = new PushSession(id, order);
        if (!_byLogin.TryAdd(order.LoginId, session))
        {
            return null;
        }
        _byId[id] = session;
        if (session.IsOpen)
        {
            return session;
        }
        // Cancelled between the two steps: no answer may find it.
        Remove(session);
        return null;
    }

    /// <summary>The journal number of the login that a session belongs to; null if the login is decided or never existed.</summary>
    public long? LoginOf(PushSessionId id) => _byId.TryGetValue(id, out var session) ? session.Order.LoginId : null;

    /// <summary>Returns true until the session is decided or cancelled.</summary>
    public bool IsOpen(PushSessionId id) => _byId.ContainsKey(id);

    /// <summary>
    /// Takes the session that an answer identifies, so that no second answer finds it. Null if there is none (never existed, taken,
    /// decided, cancelled, expired). <see cref="Return"/> reports the outcome of the answer.
    /// </summary>
    public PushSession? Take(PushSessionId id, DateTimeOffset now) => Find(id, now) is { } session && session.TryTake() ? session : null;

    /// <summary>The session that <see cref="Take"/> would take; an expired one is removed.</summary>
    public PushSession? Find(PushSessionId id, DateTimeOffset now)
    {
        if (!_byId.TryGetValue(id, out var session) || !session.IsOpen)
        {
            return null;
        }
        if (now >= session.Order.Expires)
        {
            Remove(session);
            return null;
        }
        return session;
    }

    /// <summary>
    /// Returns a taken session after its answer was evaluated. If the answer did not decide the login (a wrong code), another may, unless
    /// there were too many.
    /// </summary>
    public void Return(PushSession session, bool decided)
    {
        if (decided || ++session.WrongAnswers >= WrongAnswersMax)
        {
            Remove(session);
        }
        else
        {
            session.GiveBack();
        }
    }

    /// <summary>Cancels the push of a login that was decided otherwise: answers to it are refused from now on.</summary>
    public void Cancel(long loginId)
    {
        if (_byLogin.TryGetValue(loginId, out var session))
        {
            Remove(session);
        }
    }

    /// <summary>Returns true if a phone's alert is genuine: its HMAC is over the exact text of docs/reference/push-dialect.md.</summary>
    public static bool IsGenuineAlert(byte[] alertKey, string sessionId, string message, ReadOnlySpan<byte> hmac)
    {
        Span<byte> expected = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(alertKey, Encoding.UTF8.GetBytes($"{sessionId}\nalert\n{message}"), expected);
        return CryptographicOperations.FixedTimeEquals(expected, hmac);
    }

    private void Remove(PushSession session)
    {
        session.End();
        _byId.TryRemove(session.Id, out _);
        _byLogin.TryRemove(new(session.Order.LoginId, session));
    }
}
