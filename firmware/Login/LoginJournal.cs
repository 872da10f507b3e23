namespace Appliance.Firmware.Login;

/// <summary>One step of a login that was recorded.</summary>
/// <param name="LoginId">The login.</param>
/// <param name="Time">When.</param>
/// <param name="Fact">What.</param>
public readonly record struct LoginJournalStep(long LoginId, DateTimeOffset Time, LoginFact Fact);

/// <summary>What became of a login so far.</summary>
public enum LoginOutcome
{
    /// <summary>Something is still asked: a code, a phone, a remote server, the client itself.</summary>
    Pending,
    /// <summary>Logged in.</summary>
    In,
    /// <summary>Refused.</summary>
    Refused,
}

/// <summary>A login as its steps tell it.</summary>
/// <param name="Id">Its number, rising from 1 with every start of the unit.</param>
/// <param name="User">The name as typed.</param>
/// <param name="Outcome">What became of it.</param>
/// <param name="Steps">Its steps, oldest first.</param>
public sealed record LoginTimeline(long Id, string User, LoginOutcome Outcome, IReadOnlyList<LoginJournalStep> Steps)
{
    /// <summary>What steps tell of the login that they are of.</summary>
    /// <param name="id">The login.</param>
    /// <param name="steps">At least the first, oldest first.</param>
    public static LoginTimeline Of(long id, IReadOnlyList<LoginJournalStep> steps) => new(
        id, steps[0].Fact.Subject,
        steps.Any(step => step.Fact.Check == LoginFact.Login) ? LoginOutcome.In : steps.Any(step => step.Fact.Decides) ? LoginOutcome.Refused : LoginOutcome.Pending,
        steps);
}

/// <summary>
/// The newest logins, step by step: for whoever asks why somebody did or did not get in. Bounded, in memory only, free of secrets.
/// Thread-safe.
/// </summary>
public sealed class LoginJournal
{
    /// <summary>Logins that are remembered; the oldest is forgotten first.</summary>
    public const int LoginsMax = 1000;

    /// <summary>Steps of one login that are remembered; further ones are not.</summary>
    public const int StepsMax = 64;

    private readonly Lock _lock = new();
    private readonly Dictionary<long, List<LoginJournalStep>> _logins = [];
    private readonly Queue<long> _order = [];
    private long _in;
    private long _decided;
    /// <summary>The greatest number of a login that was forgotten.</summary>
    private long _forgotten;

    /// <summary>Raised for each step, in order, on the thread that decided it; handlers must be quick and must not ask for a login.</summary>
    public event Action<LoginJournalStep>? Noted;

    /// <summary>Logins since the start: who got in, and all that are decided.</summary>
    public (long In, long Decided) Counts()
    {
        lock (_lock)
        {
            return (_in, _decided);
        }
    }

    /// <summary>The newest logins first.</summary>
    public IReadOnlyList<LoginTimeline> Newest(int limit)
    {
        lock (_lock)
        {
            return [.. _order.Reverse().Take(limit).Select(id => LoginTimeline.Of(id, [.. _logins[id]]))];
        }
    }

    /// <summary>One login; null when it is not, or no longer, known.</summary>
    public LoginTimeline? Find(long id)
    {
        lock (_lock)
        {
            return _logins.TryGetValue(id, out var steps) ? LoginTimeline.Of(id, [.. steps]) : null;
        }
    }

    /// <summary>How many steps a login has so far; 0 for one that is not known.</summary>
    public int CountOf(long id)
    {
        lock (_lock)
        {
            return _logins.TryGetValue(id, out var steps) ? steps.Count : 0;
        }
    }

    /// <summary>The numbers of the logins that nothing has decided yet, oldest first.</summary>
    public IReadOnlyList<long> Pending()
    {
        lock (_lock)
        {
            return [.. _order.Where(id => !_logins[id].Exists(step => step.Fact.Decides))];
        }
    }

    /// <summary>Adds what somebody outside knows of a login (the lab, of its faults); forgotten logins stay forgotten.</summary>
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

    /// <summary>Adds a step that another journal noted: that of a unit which is elsewhere.</summary>
    public void Take(LoginJournalStep step)
    {
        lock (_lock)
        {
            _forgotten = 0; // That unit counts from 1 again whenever it starts.
        }
        Add([(step.LoginId, step.Fact)], step.Time);
    }

    /// <summary>Adds steps. Those of a login that is forgotten are counted and told, and not kept: it does not come back without its beginning.</summary>
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
                // The step that decides is told whatever came before it.
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

    /// <summary>A list for a login that begins: that of the oldest one when there are too many.</summary>
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
