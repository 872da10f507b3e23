using System.Security.Cryptography;
using System.Text;
using Appliance.Firmware.Login;

namespace Appliance.Firmware.Ftm;

/// <summary>One push that is out.</summary>
/// <param name="Id">32 hex digits, known to the phone alone.</param>
/// <param name="Order">The login that it belongs to.</param>
public sealed record PushSession(string Id, PushOrder Order);

/// <summary>
/// The push-session core: which answer belongs to which login, and that each session is decided at most once. Synchronous; the
/// caller serializes and gives the time.
/// </summary>
public sealed class PushSessions
{
    /// <summary>Wrong codes after which a session is over: its id alone must not allow guessing.</summary>
    private const int WrongAnswersMax = 3;

    private readonly Dictionary<string, Entry> _byId = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _idByRequest = new(StringComparer.Ordinal);

    private sealed class Entry(PushSession session)
    {
        public PushSession Session => session;
        public int WrongAnswers { get; set; }

        /// <summary>True while an answer to it is looked at: no second one finds it.</summary>
        public bool Taken { get; set; }
    }

    /// <summary>How many pushes are out.</summary>
    public int Count => _byId.Count;

    /// <summary>Opens a session under a fresh random id; null when this login has one already: one push for a login.</summary>
    public PushSession? Open(string id, PushOrder order)
    {
        if (_idByRequest.ContainsKey(order.RequestId))
        {
            return null;
        }
        var session = new PushSession(id, order);
        _byId.Add(id, new Entry(session));
        _idByRequest.Add(order.RequestId, id);
        return session;
    }

    /// <summary>The login that a session belongs to, by its number in the journal; null when it is decided, or never was.</summary>
    public long? LoginOf(string id) => _byId.TryGetValue(id, out var entry) ? entry.Session.Order.LoginId : null;

    /// <summary>True while nobody has taken or cancelled the session.</summary>
    public bool IsOpen(string id) => _byId.ContainsKey(id);

    /// <summary>
    /// Takes the session that an answer names, so that no second answer finds it; null when there is none (never was, taken, decided,
    /// cancelled, late). <see cref="Return"/> says what became of the answer.
    /// </summary>
    public PushSession? Take(string id, DateTimeOffset now)
    {
        if (!_byId.TryGetValue(id, out var entry) || entry.Taken)
        {
            return null;
        }
        if (now >= entry.Session.Order.Expires)
        {
            Remove(entry.Session);
            return null;
        }
        entry.Taken = true;
        return entry.Session;
    }

    /// <summary>The answer to a taken session was looked at: it decided the login, or it did not (a wrong code) and another may, unless there were too many.</summary>
    public void Return(PushSession session, bool decided)
    {
        // Cancelled meanwhile: then it is gone, and must not come back.
        if (!_byId.TryGetValue(session.Id, out var entry))
        {
            return;
        }
        entry.Taken = false;
        if (decided || ++entry.WrongAnswers >= WrongAnswersMax)
        {
            Remove(session);
        }
    }

    /// <summary>The login is decided otherwise: answers to its push are refused from now on.</summary>
    public void Cancel(string requestId)
    {
        if (_idByRequest.Remove(requestId, out var id))
        {
            _byId.Remove(id);
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
        _byId.Remove(session.Id);
        _idByRequest.Remove(session.Order.RequestId);
    }
}
