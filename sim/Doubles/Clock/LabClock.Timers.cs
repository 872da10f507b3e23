namespace Appliance.Doubles.Clock;

public sealed partial class LabClock
{
    /// <summary>The longest sleep of the pump, which splits waits that are longer than a system timer supports.</summary>
    private static readonly TimeSpan LongestSleep = TimeSpan.FromDays(1);

    private readonly LabTimerQueue _timers = new();

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
                return _timers.First is { } first ? new DateTimeOffset(Math.Max(first.Due, NowLocked()), TimeSpan.Zero) : null;
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
            if (_timers.First is not { } min || min.Due > until.UtcTicks)
            {
                return false;
            }
            first = min;
            JumpLocked(first.Due);
            _timers.Take(timer => ReferenceEquals(timer, first), Math.Max(first.Due, NowLocked()));
        }
        first.Run();
        return true;
    }

    /// <summary>Arms a timer again; false if it is disposed of.</summary>
    internal bool Arm(LabTimer timer, TimeSpan dueTime, TimeSpan period)
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
                _timers.Add(timer, NowLocked() + dueTime.Ticks);
            }
            ScheduleLocked();
            return true;
        }
    }

    /// <summary>Disposes of a timer.</summary>
    internal void Disarm(LabTimer timer)
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
            var first = _timers.FirstAfter(after);
            if (first is null || first.Due > target)
            {
                return [];
            }
            rounds = first.Due == step ? rounds + 1 : 0;
            step = first.Due;
            JumpLocked(step);
            return _timers.Take(timer => timer.Due == first.Due, step);
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
            foreach (var timer in _timers.Take(timer => timer.Due <= now, now))
            {
                ThreadPool.UnsafeQueueUserWorkItem(timer, preferLocal: false);
            }
            ScheduleLocked();
        }
    }

    private void ScheduleLocked()
    {
        if (_disposing || _advancing)
        {
            return;
        }
        var sleep = Timeout.InfiniteTimeSpan;
        if (_timers.First is { } first)
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
}
