using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Appliance.Firmware.Login;

namespace Appliance.Firmware.Ftm;

/// <summary>One push that is out.</summary>
/// <param name="id">Known to the phone alone.</param>
/// <param name="order">The login that it belongs to.</param>
public sealed class PushSession(PushSessionId id, PushOrder order)
{
    /// <summary>Known to the phone alone.</summary>
    public PushSessionId Id => id;

    /// <summary>The login that it belongs to.</summary>
    public PushOrder Order => order;

    private volatile State _state;

    /// <summary>Belongs to whoever has taken the session.</summary>
    internal int WrongAnswers { get; set; }

    /// <summary>False once it is decided, cancelled or late, and while an answer to it is looked at: no second one finds it.</summary>
    internal bool IsOpen => _state == State.Open;

    /// <summary>True for one of all who try.</summary>
    internal bool TryTake() => Interlocked.CompareExchange(ref _state, State.Taken, State.Open) == State.Open;

    /// <summary>The answer decided nothing: another may, unless the session is over meanwhile.</summary>
    internal void GiveBack() => Interlocked.CompareExchange(ref _state, State.Open, State.Taken);

    /// <summary>It is decided, cancelled or late, for ever.</summary>
    internal void End() => Interlocked.Exchange(ref _state, State.Over);

    private enum State
    {
        Open,
        Taken,
        Over,
    }
}

/// <summary>
/// The push-session core: which answer belongs to which login, and that each session is decided at most once. Synchronous; the
/// caller gives the time. Thread-safe without a lock of its own: phones that answer at the same time do not wait for each other.
/// </summary>
public sealed class PushSessions
{
    /// <summary>Wrong codes after which a session is over: its id alone must not allow guessing.</summary>
    private const int WrongAnswersMax = 3;

    private readonly ConcurrentDictionary<PushSessionId, PushSession> _byId = [];
    private readonly ConcurrentDictionary<long, PushSession> _byLogin = [];

    /// <summary>How many pushes are out.</summary>
    public int Count => _byId.Count;

    /// <summary>Opens a session under a fresh random id; null when this login has one already (one push for a login), or was decided meanwhile.</summary>
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
        // Cancelled between the two: nobody may find it.
        Remove(session);
        return null;
    }

    /// <summary>The login that a session belongs to, by its number in the journal; null when it is decided, or never was.</summary>
    public long? LoginOf(PushSessionId id) => _byId.TryGetValue(id, out var session) ? session.Order.LoginId : null;

    /// <summary>True while nobody has taken or cancelled the session.</summary>
    public bool IsOpen(PushSessionId id) => _byId.ContainsKey(id);

    /// <summary>
    /// Takes the session that an answer names, so that no second answer finds it; null when there is none (never was, taken, decided,
    /// cancelled, late). <see cref="Return"/> says what became of the answer.
    /// </summary>
    public PushSession? Take(PushSessionId id, DateTimeOffset now) => Find(id, now) is { } session && session.TryTake() ? session : null;

    /// <summary>The session that <see cref="Take"/> would take; one that is late is gone.</summary>
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

    /// <summary>The answer to a taken session was looked at: it decided the login, or it did not (a wrong code) and another may, unless there were too many.</summary>
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

    /// <summary>The login is decided otherwise: answers to its push are refused from now on.</summary>
    public void Cancel(long loginId)
    {
        if (_byLogin.TryGetValue(loginId, out var session))
        {
            Remove(session);
        }
    }

    /// <summary>The alert of a phone is genuine: its HMAC is over the exact text of docs/push-dialect.md.</summary>
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
