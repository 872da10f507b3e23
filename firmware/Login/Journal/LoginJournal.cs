namespace Appliance.Firmware.Login.Journal;

/// <summary>One recorded step of a login.</summary>
/// <param name="LoginId">The login.</param>
/// <param name="Time">The time of the step.</param>
/// <param name="Fact">The fact.</param>
public readonly record struct LoginJournalStep(long LoginId, DateTimeOffset Time, LoginFact Fact);

/// <summary>The outcome of a login so far.</summary>
public enum LoginOutcome
{
    /// <summary>Undecided: an input is outstanding from the user, a phone, a remote server or the client.</summary>
    Pending,

    /// <summary>Logged in.</summary>
    In,

    /// <summary>Refused.</summary>
    Refused,
}

/// <summary>A login as its recorded steps show it.</summary>
/// <param name="Id">The login's number, rising from 1 with every start of the unit.</param>
/// <param name="User">The name as typed.</param>
/// <param name="Outcome">The outcome so far.</param>
/// <param name="Steps">The steps, oldest first.</param>
public sealed record LoginTimeline(long Id, string User, LoginOutcome Outcome, IReadOnlyList<LoginJournalStep> Steps)
{
    /// <summary>Builds the timeline of a login from its steps.</summary>
    /// <param name="id">The login.</param>
    /// <param name="steps">At least the first step, oldest first.</param>
    public static LoginTimeline Of(long id, IReadOnlyList<LoginJournalStep> steps) =>
        new(
            id,
            steps[0].Fact.Subject,
            steps.Any(step => step.Fact.Check == LoginFact.Login) ? LoginOutcome.In
                : steps.Any(step => step.Fact.Decides) ? LoginOutcome.Refused
                : LoginOutcome.Pending,
            steps
        );
}

/// <summary>
/// The newest logins, step by step, which explain why a login succeeded or failed. Bounded, in memory only, free of secrets. Thread-safe.
/// </summary>
public sealed class LoginJournal
{
    /// <summary>The maximum number of stored logins. Beyond it, the oldest is removed.</summary>
    public const int LoginsMax = 1000;

    /// <summary>The maximum number of stored steps of one login. Further ones are dropped.</summary>
    public const int StepsMax = 64;

    private readonly Lock _lock = new();
    private readonly Dictionary<long, List<LoginJournalStep>> _logins = [];
    private readonly Queue<long> _order = [];
    private long _in;
    private long _decided;

    /// <summary>The greatest number of a login that was removed.</summary>
    private long _forgotten;

    /// <summary>Raised for each step, in order, on the deciding thread. Handlers must be quick and must not query a login.</summary>
    public event Action<LoginJournalStep>? Noted;

    /// <summary>Returns the logins since the start: those that succeeded, and all that are decided.</summary>
    public (long In, long Decided) Counts()
    {
        lock (_lock)
        {
            return (_in, _decided);
        }
    }

    /// <summary>Returns the newest logins, newest first.</summary>
    public IReadOnlyList<LoginTimeline> Newest(int limit)
    {
        lock (_lock)
        {
            return [.. _order.Reverse().Take(limit).Select(id => LoginTimeline.Of(id, [.. _logins[id]]))];
        }
    }

    /// <summary>Returns one login; null if it is not, or no longer, stored.</summary>
    public LoginTimeline? Find(long id)
    {
        lock (_lock)
        {
            return _logins.TryGetValue(id, out var steps) ? LoginTimeline.Of(id, [.. steps]) : null;
        }
    }

    /// <summary>Returns the number of steps of a login so far; 0 if it is not stored.</summary>
    public int CountOf(long id)
    {
        lock (_lock)
        {
            return _logins.TryGetValue(id, out var steps) ? steps.Count : 0;
        }
    }

    /// <summary>Returns the numbers of the undecided logins, oldest first.</summary>
    public IReadOnlyList<long> Pending()
    {
        lock (_lock)
        {
            return [.. _order.Where(id => !_logins[id].Exists(step => step.Fact.Decides))];
        }
    }

    /// <summary>Adds a fact about a login from outside the core (the lab, about its faults). A removed login is not restored.</summary>
    public void Note(long id, LoginFact fact, DateTimeOffset now)
    {
        lock (_lock)
        {
            if (!_logins.ContainsKey(id))
            {
                return;
            }
        }
        Add([(id, fact)], now);
    }

    /// <summary>Adds a step from another journal: that of a remote unit.</summary>
    public void Take(LoginJournalStep step)
    {
        lock (_lock)
        {
            _forgotten = 0; // Login ids of that unit begin at 1 at each start.
        }
        Add([(step.LoginId, step.Fact)], step.Time);
    }

    /// <summary>
    /// Adds steps. Steps of a removed login are counted and raised but not stored, because the login would lack its beginning.
    /// </summary>
    internal void Add(List<(long LoginId, LoginFact Fact)> facts, DateTimeOffset now)
    {
        if (facts.Count == 0)
        {
            return;
        }
        lock (_lock)
        {
            foreach (var (id, fact) in facts)
            {
                _in += fact.Check == LoginFact.Login ? 1 : 0;
                if (!_logins.TryGetValue(id, out var steps))
                {
                    if (id <= _forgotten)
                    {
                        _decided += fact.Decides ? 1 : 0;
                        continue;
                    }
                    _logins.Add(id, steps = Room());
                    _order.Enqueue(id);
                }
                _decided += fact.Decides && !steps.Exists(static step => step.Fact.Decides) ? 1 : 0;
                // The deciding step is stored however many steps came before it.
                if (steps.Count < StepsMax || fact.Decides)
                {
                    steps.Add(new LoginJournalStep(id, now, fact));
                }
            }
        }
        if (Noted is { } noted)
        {
            foreach (var (id, fact) in facts)
            {
                noted(new LoginJournalStep(id, now, fact));
            }
        }
    }

    /// <summary>Returns a list for a new login. At the limit it reuses that of the oldest login.</summary>
    private List<LoginJournalStep> Room()
    {
        if (_order.Count < LoginsMax)
        {
            return [];
        }
        var oldest = _order.Dequeue();
        _forgotten = Math.Max(_forgotten, oldest);
        if (!_logins.Remove(oldest, out var steps))
        {
            return [];
        }
        steps.Clear();
        return steps;
    }
}
