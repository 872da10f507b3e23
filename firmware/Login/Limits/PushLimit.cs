using Appliance.Firmware.Login.Policy;
using Appliance.Firmware.Storage;

namespace Appliance.Firmware.Login.Limits;

/// <summary>
/// Limits unanswered pushes of a user (lab policy <c>push-limit</c>). With that many within the window, no further push is sent. Pushes are
/// counted even while the limit is off, so that turning it on takes effect immediately. They are stored on disk only while it is on,
/// because a usual login should not pay for it. Synchronous: the caller serializes, and makes the writes durable.
/// </summary>
public sealed class PushLimit
{
    /// <summary>The SQL that creates the table of unanswered pushes.</summary>
    public const string Table =
        "CREATE TABLE IF NOT EXISTS push_unanswered (user TEXT NOT NULL, sent INTEGER NOT NULL); "
        + "CREATE INDEX IF NOT EXISTS push_unanswered_user ON push_unanswered (user)";

    /// <summary>The greatest limit that can be set.</summary>
    public const int LimitMax = 100;

    private readonly Dictionary<string, List<DateTimeOffset>> _unanswered = new(StringComparer.Ordinal);

    private readonly HashSet<string> _told = new(StringComparer.Ordinal);

    /// <summary>True if one more push to this user is within the limit.</summary>
    public bool Allows(string user, LabPolicy policy, DateTimeOffset now) =>
        policy.PushLimit == 0
        || !_unanswered.TryGetValue(user, out var sent)
        || sent.Count(at => now - at < policy.PushWindow) < policy.PushLimit;

    /// <summary>Returns true once each time that a user reaches the limit.</summary>
    public bool TellOnce(string user) => _told.Add(user);

    /// <summary>Counts a push that is being sent.</summary>
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

    /// <summary>Removes the newest push from the count, because it could not be sent.</summary>
    public void Failed(string user, LabPolicy policy, List<StateWrite> memory)
    {
        if (_unanswered.TryGetValue(user, out var sent) && sent is [.., var newest])
        {
            sent.RemoveAt(sent.Count - 1);
            Keep(policy, memory, new StateWrite("DELETE FROM push_unanswered WHERE user=$0 AND sent=$1", user, newest.UtcTicks));
        }
    }

    /// <summary>
    /// Clears the user's count after an answer to a push or a right code, either of which shows that the user is present.
    /// </summary>
    public void Answered(string user, LabPolicy policy, List<StateWrite> memory)
    {
        _told.Remove(user);
        if (_unanswered.Remove(user))
        {
            Keep(policy, memory, new StateWrite("DELETE FROM push_unanswered WHERE user=$0", user));
        }
    }

    /// <summary>Loads the stored pushes from the database. For start-up only.</summary>
    internal void Load(StateDatabase state)
    {
        foreach (
            var (user, sent) in state.Read(
                "SELECT user, sent FROM push_unanswered ORDER BY sent",
                row => (row.GetString(0), new DateTimeOffset(row.GetInt64(1), TimeSpan.Zero))
            )
        )
        {
            Of(user).Add(sent);
        }
    }

    /// <summary>Returns the writes that make the disk match a policy that comes into force: all counted pushes, or none.</summary>
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

    private static StateWrite Insert(string user, DateTimeOffset sent) =>
        new("INSERT INTO push_unanswered (user, sent) VALUES ($0,$1)", user, sent.UtcTicks);

    private List<DateTimeOffset> Of(string user)
    {
        if (!_unanswered.TryGetValue(user, out var sent))
        {
            _unanswered.Add(user, sent = new List<DateTimeOffset>());
        }
        return sent;
    }
}
