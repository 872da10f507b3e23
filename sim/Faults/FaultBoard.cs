using System.Net;

namespace Appliance.Sim.Faults;

/// <summary>Whose push, call or login a fault is meant for; null fields suit all.</summary>
/// <param name="User">The name, exactly.</param>
/// <param name="Source">Where the login comes from: an address or a network.</param>
/// <param name="Phone">The token's serial number.</param>
public sealed record FaultMatch(string? User = null, IPNetwork? Source = null, string? Phone = null)
{
    internal bool Suits(FaultSubject subject) =>
        (User is null || User == subject.User) && (Phone is null || Phone == subject.Phone) && (Source is not { } network || (subject.Source is { } source && network.Contains(source)));
}

/// <summary>What is about to happen, and to whom; null where that is not known.</summary>
/// <param name="User">Who logs in.</param>
/// <param name="Source">From where.</param>
/// <param name="Phone">The token's serial number.</param>
/// <param name="Session">Which push.</param>
public sealed record FaultSubject(string? User, IPAddress? Source, string? Phone, string? Session = null);

/// <summary>One fault as it was asked for.</summary>
/// <param name="Word">Of the published vocabulary.</param>
/// <param name="Times">How often it fires; null for ever.</param>
/// <param name="Probability">How likely it is at each chance, 0 to 1.</param>
/// <param name="After">How long after it was set it begins, in lab time.</param>
/// <param name="Match">Whom it is meant for.</param>
/// <param name="Seed">Of its chances.</param>
/// <param name="Delay">The word's own time (<c>delayMs</c>); null for its default.</param>
/// <param name="RetryAfter">What a provider asks for.</param>
/// <param name="Skew">How wrong a phone's clock is.</param>
/// <param name="Step">How far the clock jumps.</param>
/// <param name="Nic">Which interface.</param>
public sealed record Fault(
    string Word, int? Times = null, double Probability = 1, TimeSpan After = default, FaultMatch? Match = null, int Seed = 0,
    TimeSpan? Delay = null, TimeSpan? RetryAfter = null, TimeSpan? Skew = null, TimeSpan? Step = null, string? Nic = null);

/// <summary>A fault on the board.</summary>
public sealed record FaultState(Fault Fault, int Fired, int? Left);

/// <summary>A fault that fires now.</summary>
/// <param name="Fault">Which.</param>
/// <param name="Subject">On whom.</param>
/// <param name="Number">The how-many-eth time, from 1.</param>
public sealed record FaultFiring(Fault Fault, FaultSubject Subject, int Number);

/// <summary>
/// Which fault fires when. A core: synchronous, no clock and no random of its own; the same faults, seeds, questions and times give the
/// same answers. The caller serializes.
/// </summary>
public sealed class FaultBoard
{
    private readonly List<Entry> _entries = [];

    /// <summary>The faults, in the order in which they were given.</summary>
    public IReadOnlyList<FaultState> Faults => [.. _entries.Select(entry => new FaultState(entry.Fault, entry.Fired, entry.Left))];

    /// <summary>Replaces all of them; each begins anew.</summary>
    public void Set(IEnumerable<Fault> faults, DateTimeOffset now)
    {
        _entries.Clear();
        _entries.AddRange(faults.Select(fault => new Entry(fault, now + fault.After)));
    }

    /// <summary>
    /// A chance for the faults of these words, in order; the first one that takes it fires. Each fault that suits spends one of its random
    /// numbers on the question, whether it fires or not.
    /// </summary>
    public FaultFiring? Take(FaultSubject subject, DateTimeOffset now, params ReadOnlySpan<string> words)
    {
        foreach (var entry in _entries)
        {
            if (words.Contains(entry.Fault.Word) && now >= entry.Begins && entry.Left is null or > 0 && (entry.Fault.Match ?? new()).Suits(subject) && entry.Chance())
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
