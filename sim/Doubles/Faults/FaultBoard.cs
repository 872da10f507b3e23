using System.Net;

namespace Appliance.Doubles.Faults;

/// <summary>The condition under which a fault applies to a push, call or login; null fields match all.</summary>
/// <param name="User">The exact user name.</param>
/// <param name="Source">The origin of the login: an address or a network.</param>
/// <param name="Phone">The token's serial number.</param>
public sealed record FaultMatch(string? User = null, IPNetwork? Source = null, string? Phone = null)
{
    internal bool Suits(FaultSubject subject) =>
        (User is null || User == subject.User)
        && (Phone is null || Phone == subject.Phone)
        && (Source is not { } network || (subject.Source is { } source && network.Contains(source)));
}

/// <summary>An action that a fault may alter, with its user, source and phone; null for what is unknown.</summary>
/// <param name="User">The user that logs in.</param>
/// <param name="Source">The address that the login comes from.</param>
/// <param name="Phone">The token's serial number.</param>
/// <param name="Session">The session of the push.</param>
public sealed record FaultSubject(string? User, IPAddress? Source, string? Phone, string? Session = null);

/// <summary>A fault as configured.</summary>
/// <param name="Word">The word of the published vocabulary.</param>
/// <param name="Times">The number of times that it fires; null for no limit.</param>
/// <param name="Probability">The probability of firing at each opportunity, 0 to 1.</param>
/// <param name="After">The delay between its configuration and its first opportunity, in lab time.</param>
/// <param name="Match">The condition under which it applies; null for always.</param>
/// <param name="Seed">The seed of its random values.</param>
/// <param name="Delay">The delay of the word (<c>delayMs</c>); null for its default.</param>
/// <param name="RetryAfter">The retry time that a provider sends.</param>
/// <param name="Skew">The error of a phone's clock.</param>
/// <param name="Step">The distance by which the clock jumps.</param>
/// <param name="Nic">The name of the interface.</param>
public sealed record Fault(
    FaultWord Word,
    int? Times = null,
    double Probability = 1,
    TimeSpan After = default,
    FaultMatch? Match = null,
    int Seed = 0,
    TimeSpan? Delay = null,
    TimeSpan? RetryAfter = null,
    TimeSpan? Skew = null,
    TimeSpan? Step = null,
    string? Nic = null
);

/// <summary>The state of a fault on the board.</summary>
public sealed record FaultState(Fault Fault, int Fired, int? Left);

/// <summary>One firing of a fault.</summary>
/// <param name="Fault">The fault.</param>
/// <param name="Subject">The action that it alters.</param>
/// <param name="Number">The number of firings so far, this one included.</param>
public sealed record FaultFiring(Fault Fault, FaultSubject Subject, int Number);

/// <summary>
/// Decides which fault fires. A core: synchronous, without a clock and with seeded random values. The same faults, seeds, queries and times
/// give the same answers. The caller serializes.
/// </summary>
public sealed class FaultBoard
{
    private readonly List<Entry> _entries = [];

    /// <summary>The faults, in the order in which they were given.</summary>
    public IReadOnlyList<FaultState> Faults => [.. _entries.Select(entry => new FaultState(entry.Fault, entry.Fired, entry.Left))];

    /// <summary>Replaces all faults; each starts again.</summary>
    public void Set(IEnumerable<Fault> faults, DateTimeOffset now)
    {
        _entries.Clear();
        _entries.AddRange(faults.Select(fault => new Entry(fault, now + fault.After)));
    }

    /// <summary>
    /// Returns the first fault that fires at an opportunity, in the board's order; null for none. Each matching fault that is evaluated
    /// consumes one of its random values, whether it fires or not.
    /// </summary>
    /// <param name="subject">The action that the fault alters.</param>
    /// <param name="now">The lab's time.</param>
    /// <param name="at">The opportunity.</param>
    /// <param name="only">The only word that may fire; null for every word of the opportunity.</param>
    public FaultFiring? Take(FaultSubject subject, DateTimeOffset now, FaultPoint at, FaultWord? only = null)
    {
        foreach (var entry in _entries)
        {
            if (
                (entry.Fault.Word.At & at) != 0
                && (only is null || only == entry.Fault.Word)
                && now >= entry.Begins
                && entry.Left is null or > 0
                && (entry.Fault.Match ?? new()).Suits(subject)
                && entry.Chance()
            )
            {
                entry.Fired++;
                return new FaultFiring(entry.Fault, subject, entry.Fired);
            }
        }
        return null;
    }

    private sealed class Entry(Fault fault, DateTimeOffset begins)
    {
        private readonly Random _random = new(fault.Seed);

        public Fault Fault => fault;

        public DateTimeOffset Begins => begins;

        public int Fired { get; set; }

        public int? Left => fault.Times is { } times ? times - Fired : null;

        public bool Chance() => _random.NextDouble() < fault.Probability;
    }
}
