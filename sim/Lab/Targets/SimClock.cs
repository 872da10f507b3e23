using System.Collections.Concurrent;
using Appliance.Doubles.Clock;
using Appliance.Doubles.Failures;

namespace Appliance.Lab.Targets;

/// <summary>
/// A scenario's time: one timer after the other, and everything that one has caused comes to its end before the next. So the same steps give
/// the same events in the same order.
/// </summary>
/// <param name="clock">The lab's clock, frozen, over a wall that stands still.</param>
/// <param name="openEnds">What else must come to its end now, for example a client whose connection was cut; null when nothing.</param>
internal sealed class SimClock(LabClock clock, Func<Task?> openEnds)
{
    /// <summary>Real time that one moment may take: our mistake, when it takes longer.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>Timers at one moment; more are one that starts itself again and again.</summary>
    private const int AtOnceMax = 100_000;

    private readonly ConcurrentQueue<TimeSpan> _steps = new();

    /// <summary>Time is to jump, as soon as this moment is over.</summary>
    public void Step(TimeSpan by) => _steps.Enqueue(by);

    /// <summary>Returns when this moment is over; how far time jumped meanwhile.</summary>
    public async Task<TimeSpan> SettleAsync()
    {
        var jumped = TimeSpan.Zero;
        var atOnce = 0;
        while (true)
        {
            try
            {
                await clock.Work.QuietAsync().WaitAsync(Patience, LabClock.Wall);
                if (openEnds() is { } end)
                {
                    await end.WaitAsync(Patience, LabClock.Wall);
                    continue;
                }
            }
            catch (TimeoutException late)
            {
                throw new LabFailure(
                    FailureKind.TimedOut,
                    $"the box is still at work after {Patience.TotalSeconds} s at {clock.GetUtcNow():u}",
                    late
                );
            }
            if (clock.Work.StartNext())
            {
                continue;
            }
            if (clock.RunNext(clock.GetUtcNow()))
            {
                if (++atOnce > AtOnceMax)
                {
                    throw new LabFailure(FailureKind.TimedOut, $"timers start one another without end at {clock.GetUtcNow():u}");
                }
                continue;
            }
            if (!clock.Work.IsQuiet)
            {
                continue;
            }
            if (!_steps.TryDequeue(out var step))
            {
                return jumped;
            }
            jumped += step + await AdvanceAsync(step);
        }
    }

    /// <summary>Moves on; how much further time jumped meanwhile.</summary>
    public async Task<TimeSpan> AdvanceAsync(TimeSpan by)
    {
        var target = clock.GetUtcNow() + by;
        var jumped = await SettleAsync();
        while (clock.RunNext(target + jumped))
        {
            jumped += await SettleAsync();
        }
        if (target + jumped - clock.GetUtcNow() is var rest && rest > TimeSpan.Zero)
        {
            clock.Advance(rest);
        }
        return jumped + await SettleAsync();
    }
}
