namespace Appliance.Firmware.Ftm;

/// <summary>Counters of pushes handed over and of answers received, since the start. Counting allocates nothing. Thread-safe.</summary>
public sealed class PushCounts
{
    private static readonly PushOutcome[] Outcomes = Enum.GetValues<PushOutcome>();
    private readonly long[] _messages = new long[Outcomes.Length];
    private long _accepted;
    private long _refused;
    private long _void;

    /// <summary>The number of pushes by outcome.</summary>
    public IEnumerable<(PushOutcome Outcome, long Count)> Messages =>
        Outcomes.Select(outcome => (outcome, Interlocked.Read(ref _messages[(int)outcome])));

    /// <summary>The number of answers that decided a login.</summary>
    public long Accepted => Interlocked.Read(ref _accepted);

    /// <summary>The number of answers to an open push that decided nothing: a wrong code, number or signature.</summary>
    public long Refused => Interlocked.Read(ref _refused);

    /// <summary>The number of answers that match no open push.</summary>
    public long Void => Interlocked.Read(ref _void);

    internal void Message(PushOutcome outcome) => Interlocked.Increment(ref _messages[(int)outcome]);

    internal void Answer(bool decided) => Interlocked.Increment(ref decided ? ref _accepted : ref _refused);

    internal void NoSuchPush() => Interlocked.Increment(ref _void);
}
