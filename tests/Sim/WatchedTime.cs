using System.Collections.Concurrent;
using Microsoft.Extensions.Time.Testing;

namespace Appliance.Tests.Sim;

/// <summary>A test's clock that tells which waits were begun, to the tick: so a test moves it on only when the wait is there.</summary>
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
