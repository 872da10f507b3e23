using System.Runtime.ExceptionServices;

namespace Appliance.Doubles.Clock;

public sealed partial class LabClock
{
    /// <summary>The longest sleep of the pump, which splits waits that are longer than a system timer supports.</summary>
    private static readonly TimeSpan LongestSleep = TimeSpan.FromDays(1);

    private readonly SortedSet<LabTimer> _timers = new(LabTimer.ByDue);
    private long _nextSequence;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        ArgumentNullException.ThrowIfNull(callback);
        var timer = new LabTimer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>The time at which the next timer fires, now or later; null if none is armed.</summary>
    internal DateTimeOffset? NextDue
    {
        get
        {
            lock (_gate)
            {
                return _timers.Min is { } first ? new DateTimeOffset(Math.Max(first.Due, NowLocked()), TimeSpan.Zero) : null;
            }
        }
    }

    /// <summary>
    /// Advances time to the next timer that is due by then and runs only that one; returns false if there is none. The order is
    /// reproducible if the caller lets all work that a timer caused end before the next call.
    /// </summary>
    internal bool RunNext(DateTimeOffset until)
    {
        LabTimer first;
        lock (_gate)
        {
            if (_timers.Min is not { } min || min.Due > until.UtcTicks)
            {
                return false;
            }
            first = min;
            JumpLocked(first.Due);
            TakeLocked(timer => ReferenceEquals(timer, first), Math.Max(first.Due, NowLocked()));
        }
        first.Run();
        return true;
    }

    private bool Arm(LabTimer timer, TimeSpan dueTime, TimeSpan period)
    {
        lock (_gate)
        {
            _timers.Remove(timer);
            if (timer.Disposed)
            {
                return false;
            }
            timer.Period = period > TimeSpan.Zero ? period.Ticks : 0;
            if (dueTime >= TimeSpan.Zero)
            {
                EnqueueLocked(timer, NowLocked() + dueTime.Ticks);
            }
            ScheduleLocked();
            return true;
        }
    }

    private void Disarm(LabTimer timer)
    {
        lock (_gate)
        {
            _timers.Remove(timer);
            timer.Disposed = true;
        }
    }

    /// <summary>Takes the timers of the next due time up to <paramref name="target"/>, and sets the clock to that time.</summary>
    private List<LabTimer> TakeStep(long target, ref long step, ref int rounds)
    {
        lock (_gate)
        {
            // A timer that was armed for this moment by another one of the moment fires in it, too.
            var after = step > long.MinValue && rounds < RoundsMax ? step - 1 : step;
            var first = _timers.FirstOrDefault(timer => timer.Due > after);
            if (first is null || first.Due > target)
            {
                return [];
            }
            rounds = first.Due == step ? rounds + 1 : 0;
            step = first.Due;
            JumpLocked(step);
            return TakeLocked(timer => timer.Due == first.Due, step);
        }
    }

    /// <summary>Runs the due timers on the thread pool, like a system timer.</summary>
    private void Pump()
    {
        lock (_gate)
        {
            if (_advancing)
            {
                return;
            }
            var now = NowLocked();
            foreach (var timer in TakeLocked(timer => timer.Due <= now, now))
            {
                ThreadPool.UnsafeQueueUserWorkItem(timer, preferLocal: false);
            }
            ScheduleLocked();
        }
    }

    /// <summary>
    /// Moves the due time of every timer, in their order, so that the time left to each stays the same when the clock is set.
    /// </summary>
    private void ShiftTimersLocked(long by)
    {
        if (by == 0)
        {
            return;
        }
        LabTimer[] timers = [.. _timers];
        _timers.Clear();
        foreach (var timer in timers)
        {
            timer.Due += by;
            _timers.Add(timer);
        }
    }

    private List<LabTimer> TakeLocked(Func<LabTimer, bool> isDue, long now)
    {
        List<LabTimer> taken = [.. _timers.SkipWhile(timer => !isDue(timer)).TakeWhile(isDue)];
        foreach (var timer in taken)
        {
            _timers.Remove(timer);
            if (timer.Period > 0)
            {
                // After a long sleep, missed periods are skipped, not made up for.
                var next = timer.Due + timer.Period;
                EnqueueLocked(timer, next > now ? next : now + timer.Period);
            }
        }
        return taken;
    }

    private void EnqueueLocked(LabTimer timer, long due)
    {
        timer.Due = due;
        timer.Sequence = _nextSequence++;
        _timers.Add(timer);
    }

    private void ScheduleLocked()
    {
        if (_disposing || _advancing)
        {
            return;
        }
        var sleep = Timeout.InfiniteTimeSpan;
        if (_timers.Min is { } first)
        {
            var wait = Math.Max(0, first.Due - NowLocked());
            if (wait == 0)
            {
                sleep = TimeSpan.Zero;
            }
            else if (_rate.Mode != ClockMode.Frozen)
            {
                // Rounded up: a system timer counts whole milliseconds, and must not fire early.
                var milliseconds = Math.Ceiling(TimeSpan.FromTicks(wait).TotalMilliseconds / _rate.Factor);
                sleep = TimeSpan.FromMilliseconds(Math.Min(milliseconds, LongestSleep.TotalMilliseconds));
            }
        }
        _pump.Change(sleep, Timeout.InfiniteTimeSpan);
    }

    private sealed class LabTimer(LabClock clock, TimerCallback callback, object? state) : ITimer, IThreadPoolWorkItem
    {
        private readonly ExecutionContext? _context = ExecutionContext.Capture();

        public static IComparer<LabTimer> ByDue { get; } =
            Comparer<LabTimer>.Create(static (a, b) => (a.Due, a.Sequence).CompareTo((b.Due, b.Sequence)));

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
}
