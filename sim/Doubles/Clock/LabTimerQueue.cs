namespace Appliance.Doubles.Clock;

/// <summary>The armed timers of the lab's clock, by due time and then by the order of arming. The clock guards it.</summary>
internal sealed class LabTimerQueue
{
    private readonly SortedSet<LabTimer> _timers = new(
        Comparer<LabTimer>.Create(static (a, b) => (a.Due, a.Sequence).CompareTo((b.Due, b.Sequence)))
    );
    private long _nextSequence;

    /// <summary>The timer that is due first; null if there is none.</summary>
    internal LabTimer? First => _timers.Min;

    /// <summary>The first timer that is due after a time, in ticks; null if there is none.</summary>
    internal LabTimer? FirstAfter(long time) => _timers.FirstOrDefault(timer => timer.Due > time);

    /// <summary>Removes a timer, if it is armed.</summary>
    internal void Remove(LabTimer timer) => _timers.Remove(timer);

    /// <summary>Removes all.</summary>
    internal void Clear() => _timers.Clear();

    /// <summary>Adds a timer behind those of the same time.</summary>
    internal void Add(LabTimer timer, long due)
    {
        timer.Due = due;
        timer.Sequence = _nextSequence++;
        _timers.Add(timer);
    }

    /// <summary>Removes the first timers that are due, in their order, and arms the periodic ones again.</summary>
    internal List<LabTimer> Take(Func<LabTimer, bool> isDue, long now)
    {
        List<LabTimer> taken = [.. _timers.SkipWhile(timer => !isDue(timer)).TakeWhile(isDue)];
        foreach (var timer in taken)
        {
            _timers.Remove(timer);
            if (timer.Period > 0)
            {
                // After a long sleep, missed periods are skipped, not made up for.
                var next = timer.Due + timer.Period;
                Add(timer, next > now ? next : now + timer.Period);
            }
        }
        return taken;
    }

    /// <summary>
    /// Moves the due time of every timer, in their order, so that the time left to each stays the same when the clock is set.
    /// </summary>
    internal void Shift(long by)
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
}
