using System.Collections.Concurrent;
using Microsoft.Extensions.Time.Testing;

namespace Appliance.Tests.Sim;

/// <summary>A test clock that records each wait that was begun, to the tick. A test advances it only after the wait has begun.</summary>
internal sealed class WatchedTime(DateTimeOffset start) : FakeTimeProvider(start)
{
    private readonly ConcurrentQueue<TimeSpan> _waits = new();

    public IEnumerable<TimeSpan> Waits => _waits;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = base.CreateTimer(callback, state, dueTime, period);
        _waits.Enqueue(dueTime);
        return timer;
    }
}
