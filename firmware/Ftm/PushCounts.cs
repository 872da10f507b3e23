namespace Appliance.Firmware.Ftm;

/// <summary>How many pushes were handed over, and how many answers came, since the start. Counting allocates nothing. Thread-safe.</summary>
public sealed class PushCounts
{
    private static readonly PushOutcome[] Outcomes = Enum.GetValues<PushOutcome>();
    private readonly long[] _messages = new long[Outcomes.Length];
    private long _accepted;
    private long _refused;
    private long _void;

    /// <summary>Pushes by what came of handing them over.</summary>
    public IEnumerable<(PushOutcome Outcome, long Count)> Messages => Outcomes.Select(outcome => (outcome, Interlocked.Read(ref _messages[(int)outcome])));

    /// <summary>Answers that decided a login.</summary>
    public long Accepted => Interlocked.Read(ref _accepted);

    /// <summary>Answers to a push that was out which decided nothing: a wrong code, number or signature.</summary>
    public long Refused => Interlocked.Read(ref _refused);

    /// <summary>Answers to no push that is out.</summary>
    public long Void => Interlocked.Read(ref _void);

    internal void Message(PushOutcome outcome) => Interlocked.Increment(ref _messages[(int)outcome]);

    internal void Answer(bool decided) => Interlocked.Increment(ref decided ? ref _accepted : ref _refused);

    internal void NoSuchPush() => Interlocked.Increment(ref _void);
}
