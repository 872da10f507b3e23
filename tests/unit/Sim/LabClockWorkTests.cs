using Appliance.Doubles.Clock;
using Appliance.Firmware.Events;
using Appliance.Tests.EndToEnd;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Appliance.Tests.Sim;

/// <summary>An advance of a live lab's clock completes the effects of a moment before the next moment, as scenarios do.</summary>
public sealed class LabClockWorkTests
{
    private static readonly DateTimeOffset Start = new(2031, 5, 17, 11, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Work_that_a_timer_began_sees_the_time_at_which_it_was_due_to_its_end()
    {
        using var clock = Open();
        List<TimeSpan> seen = [];
        using var timer = clock.CreateTimer(
            _ =>
                WorkTracker.Run(
                    clock.Work,
                    () =>
                        Task.Run(async () =>
                        {
                            for (var turn = 0; turn < 20; turn++)
                            {
                                await Task.Yield();
                            }
                            seen.Add(clock.GetUtcNow() - Start);
                            await WorkTracker.DelayAsync(TimeSpan.FromSeconds(10), clock);
                            await Task.Yield();
                            seen.Add(clock.GetUtcNow() - Start);
                        })
                ),
            null,
            TimeSpan.FromSeconds(30),
            Timeout.InfiniteTimeSpan
        );
        clock.Advance(TimeSpan.FromSeconds(61));
        Assert.Equal([TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(40)], seen);
        Assert.Equal(Start.AddSeconds(61), clock.GetUtcNow());
    }

    /// <summary>A mail under way, for example: its deadlines do not pass while it only needs the processor.</summary>
    [Fact]
    public async Task What_is_under_way_comes_to_its_end_before_time_moves()
    {
        using var clock = Open();
        var go = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var seen = DateTimeOffset.MinValue;
        using var late = new CancellationTokenSource(TimeSpan.FromSeconds(30), clock);
        WorkTracker.Run(
            clock.Work,
            async () =>
            {
                await go.Task;
                seen = late.IsCancellationRequested ? DateTimeOffset.MaxValue : clock.GetUtcNow();
            }
        );
        var advancing = new Thread(() => clock.Advance(TimeSpan.FromSeconds(61)));
        advancing.Start();
        // It is pending, or (a defect) has already ended.
        await Until.TrueAsync(
            () => (advancing.ThreadState & (ThreadState.WaitSleepJoin | ThreadState.Stopped)) != 0,
            "the advance that waits"
        );
        go.SetResult();
        advancing.Join();
        Assert.Equal(Start, seen);
        Assert.True(late.IsCancellationRequested);
    }

    [Fact]
    public void A_timer_that_another_armed_for_the_same_moment_fires_in_it()
    {
        using var clock = Open();
        List<TimeSpan> seen = [];
        ITimer? second = null;
        using var first = clock.CreateTimer(
            _ => second = clock.CreateTimer(_ => seen.Add(clock.GetUtcNow() - Start), null, TimeSpan.Zero, Timeout.InfiniteTimeSpan),
            null,
            TimeSpan.FromSeconds(30),
            Timeout.InfiniteTimeSpan
        );
        clock.Advance(TimeSpan.FromSeconds(61));
        second!.Dispose();
        Assert.Equal([TimeSpan.FromSeconds(30)], seen);
    }

    /// <summary>A client's request is not counted: while it waits for a phone, the count of running work is complete.</summary>
    [Fact]
    public async Task A_wait_outside_of_counted_work_leaves_the_count_alone()
    {
        using var clock = Open();
        var waiter = new WorkWaiter<int>(clock.Work);
        waiter.Park();
        Assert.True(clock.Work.IsQuiet);
        waiter.Answer(7);
        Assert.Equal(7, await waiter.Task);
        Assert.True(clock.Work.IsQuiet);
        var abandoned = new WorkWaiter<int>(clock.Work);
        abandoned.Park();
        abandoned.Abandon(new CancellationToken(canceled: true));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => abandoned.Task);
        Assert.True(clock.Work.IsQuiet);
    }

    [Fact]
    public async Task A_wait_inside_counted_work_is_counted_out()
    {
        using var clock = Open();
        var waiter = new WorkWaiter<int>(clock.Work);
        WorkTracker.Run(
            clock.Work,
            async () =>
            {
                waiter.Park();
                await waiter.Task;
            }
        );
        Assert.True(clock.Work.IsQuiet);
        clock.Advance(TimeSpan.FromSeconds(61));
        waiter.Answer(7);
        await clock.Work.QuietAsync().WaitAsync(TimeSpan.FromSeconds(30), LabClock.Wall);
        Assert.Equal(Start.AddSeconds(61), clock.GetUtcNow());
    }

    [Fact]
    public async Task A_wait_for_another_machine_is_counted_out()
    {
        using var clock = Open();
        var answer = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
        var got = 0;
        WorkTracker.Run(clock.Work, async () => got = await WorkTracker.ElsewhereAsync(clock, () => answer.Task));
        Assert.True(clock.Work.IsQuiet);
        answer.SetResult(7);
        await Until.TrueAsync(() => Volatile.Read(ref got) == 7 && clock.Work.IsQuiet, "the end of the work");
    }

    private static LabClock Open() => LabClock.Open(null, ClockRate.Frozen, new FakeTimeProvider(Start));
}
