using System.Runtime.ExceptionServices;

namespace Appliance.Doubles.Clock;

/// <summary>A timer of the lab's clock. The clock guards its state.</summary>
internal sealed class LabTimer(LabClock clock, TimerCallback callback, object? state) : ITimer, IThreadPoolWorkItem
{
    private readonly ExecutionContext? _context = ExecutionContext.Capture();

    public long Due { get; set; }

    public long Sequence { get; set; }

    public long Period { get; set; }

    public bool Disposed { get; set; }

    public bool Change(TimeSpan dueTime, TimeSpan period)
    {
        ThrowIfInvalid(dueTime, nameof(dueTime));
        ThrowIfInvalid(period, nameof(period));
        return clock.Arm(this, dueTime, period);
    }

    public void Execute() => Run();

    public void Run()
    {
        if (Disposed)
        {
            return;
        }
        try
        {
            if (_context is null)
            {
                callback(state);
            }
            else
            {
                ExecutionContext.Run(_context, static timer => ((LabTimer)timer!).Invoke(), this);
            }
        }
        catch (Exception failure)
        {
            // As with a system timer, a callback that throws is a bug and ends the process, whichever thread moved the clock.
            ThreadPool.UnsafeQueueUserWorkItem(
                static thrown => thrown.Throw(),
                ExceptionDispatchInfo.Capture(failure),
                preferLocal: false
            );
        }
    }

    public void Dispose() => clock.Disarm(this);

    public ValueTask DisposeAsync()
    {
        Dispose();
        return ValueTask.CompletedTask;
    }

    private void Invoke() => callback(state);

    private static void ThrowIfInvalid(TimeSpan time, string name)
    {
        if (time < TimeSpan.Zero && time != Timeout.InfiniteTimeSpan)
        {
            throw new ArgumentOutOfRangeException(name);
        }
        ArgumentOutOfRangeException.ThrowIfGreaterThan(time.TotalMilliseconds, uint.MaxValue - 1d, name);
    }
}
