using Appliance.Firmware.Storage;

namespace Appliance.Firmware.Login;

/// <summary>
/// Pushes that a user got and did not answer (lab policy <c>push-limit</c>): with so many of them within the window, no further one
/// goes out. Counted whether the limit is on or not, so that turning it on counts at once; kept on disk only while it is on, because the usual
/// login should not pay for it. Synchronous; the caller serializes and makes the writes durable.
/// </summary>
public sealed class PushLimit
{
    /// <summary>The table of unanswered pushes.</summary>
    public const string Table = "CREATE TABLE IF NOT EXISTS push_unanswered (user TEXT NOT NULL, sent INTEGER NOT NULL); CREATE INDEX IF NOT EXISTS push_unanswered_user ON push_unanswered (user)";

    /// <summary>The longest limit that can be set.</summary>
    public const int LimitMax = 100;

    private readonly Dictionary<string, List<DateTimeOffset>> _unanswered = new(StringComparer.Ordinal);

    private readonly HashSet<string> _told = new(StringComparer.Ordinal);

    /// <summary>Remembers what the database remembers. For start-up only.</summary>
    internal void Load(StateDatabase state)
    {
        foreach (var (user, sent) in state.Read("SELECT user, sent FROM push_unanswered ORDER BY sent", row => (row.GetString(0), new DateTimeOffset(row.GetInt64(1), TimeSpan.Zero))))
        {
            Of(user).Add(sent);
        }
    }

    /// <summary>True when one more push to this user is within the limit.</summary>
    public bool Allows(string user, LabPolicy policy, DateTimeOffset now) =>
        policy.PushLimit == 0 || !_unanswered.TryGetValue(user, out var sent) || sent.Count(at => now - at < policy.PushWindow) < policy.PushLimit;

    /// <summary>True once for each time that a user comes to the limit.</summary>
    public bool TellOnce(string user) => _told.Add(user);

    /// <summary>A push goes out.</summary>
    public void Sent(string user, LabPolicy policy, DateTimeOffset now, List<StateWrite> memory)
    {
        _told.Remove(user);
        var sent = Of(user);
        while (sent is [var oldest, ..] && (now - oldest >= policy.PushWindow || sent.Count >= LimitMax))
        {
            sent.RemoveAt(0);
            Keep(policy, memory, new StateWrite("DELETE FROM push_unanswered WHERE user=$0 AND sent<=$1", user, oldest.UtcTicks));
        }
        sent.Add(now);
        Keep(policy, memory, Insert(user, now));
    }

    /// <summary>The newest push could not be sent: nobody was asked.</summary>
    public void Failed(string user, LabPolicy policy, List<StateWrite> memory)
    {
        if (_unanswered.TryGetValue(user, out var sent) && sent is [.., var newest])
        {
            sent.RemoveAt(sent.Count - 1);
            Keep(policy, memory, new StateWrite("DELETE FROM push_unanswered WHERE user=$0 AND sent=$1", user, newest.UtcTicks));
        }
    }

    /// <summary>The user answered a push, or typed a right code: he is there, and nothing counts any more.</summary>
    public void Answered(string user, LabPolicy policy, List<StateWrite> memory)
    {
        _told.Remove(user);
        if (_unanswered.Remove(user))
        {
            Keep(policy, memory, new StateWrite("DELETE FROM push_unanswered WHERE user=$0", user));
        }
    }

    /// <summary>What the disk has to hold under a policy that comes into force: all that counts, or nothing.</summary>
    internal IReadOnlyList<StateWrite> Save(LabPolicy policy) =>
    [
        new StateWrite("DELETE FROM push_unanswered"),
        .. policy.PushLimit == 0 ? [] : from user in _unanswered from sent in user.Value select Insert(user.Key, sent),
    ];

    private static void Keep(LabPolicy policy, List<StateWrite> memory, StateWrite write)
    {
        if (policy.PushLimit > 0)
        {
            memory.Add(write);
        }
    }

    private static StateWrite Insert(string user, DateTimeOffset sent) => new("INSERT INTO push_unanswered (user, sent) VALUES ($0,$1)", user, sent.UtcTicks);

    private List<DateTimeOffset> Of(string user)
    {
        if (!_unanswered.TryGetValue(user, out var sent))
        {
            _unanswered.Add(user, sent = new List<DateTimeOffset>());
        }
        return sent;
    }
}
