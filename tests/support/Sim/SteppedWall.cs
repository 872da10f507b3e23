namespace Appliance.Tests.Sim;

/// <summary>A wall clock that can be set, over time that passes as it does.</summary>
internal sealed class SteppedWall(TimeProvider passing) : TimeProvider
{
    public TimeSpan Step { get; set; }

    public override long TimestampFrequency => passing.TimestampFrequency;

    public override DateTimeOffset GetUtcNow() => passing.GetUtcNow() + Step;

    public override long GetTimestamp() => passing.GetTimestamp();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        passing.CreateTimer(callback, state, dueTime, period);
}
