using System.Collections.Concurrent;
using Appliance.Doubles.Clock;
using Appliance.Doubles.Failures;

namespace Appliance.Lab.Targets;

/// <summary>
/// A scenario's time: one timer at a time, and all effects of a timer are complete before the next one fires. The same steps therefore give
/// the same events in the same order.
/// </summary>
/// <param name="clock">The lab's clock, frozen, over a stopped wall clock.</param>
/// <param name="openEnds">Returns other work that must complete now, such as a client whose connection was cut; null for none.</param>
internal sealed class SimClock(LabClock clock, Func<Task?> openEnds)
{
    /// <summary>The real time that one moment may take; more is a defect.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>The number of timers at one moment; more is a timer that restarts itself endlessly.</summary>
    private const int AtOnceMax = 100_000;

    private readonly ConcurrentQueue<TimeSpan> _steps = new();

    /// <summary>Requests a jump of time after the current moment.</summary>
    public void Step(TimeSpan by) => _steps.Enqueue(by);

    /// <summary>Completes the current moment. Returns how far time jumped meanwhile.</summary>
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

    /// <summary>Advances time. Returns how much further time jumped meanwhile.</summary>
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
