using System.Globalization;
using Appliance.Doubles.Clock;
using Microsoft.Extensions.Time.Testing;

namespace Appliance.Tests;

/// <summary>
/// The time of deadlines in tests. It passes as fast as the machine has processors free for it: while twenty threads are runnable on two
/// cores, a
/// second of this time is ten seconds of the wall clock. A deadline that is long enough on an idle machine is not reached on a busy one,
/// and a
/// test that hangs still ends.
/// </summary>
internal static class BusyMachine
{
    private static readonly TimeSpan Beat = TimeSpan.FromMilliseconds(10);
    private static readonly FakeTimeProvider Clock = Start();

    /// <summary>
    /// The clock for <see cref="CancellationTokenSource"/>, <see cref="Task.WaitAsync(TimeSpan, TimeProvider)"/> and elapsed times.
    /// </summary>
    public static TimeProvider Time => Clock;

    /// <summary>The credit for a wall-clock time while this many threads are runnable.</summary>
    internal static TimeSpan Credit(TimeSpan elapsed, int runnable, int processors) =>
        elapsed / Math.Max(1.0, (double)runnable / processors);

    private static FakeTimeProvider Start()
    {
        var clock = new FakeTimeProvider();
        _ = Task.Run(() => RunAsync(clock));
        return clock;
    }

    private static async Task RunAsync(FakeTimeProvider clock)
    {
        var last = LabClock.Wall.GetTimestamp();
        while (true)
        {
            await Task.Delay(Beat, LabClock.Wall);
            var now = LabClock.Wall.GetTimestamp();
            // A beat that comes late shows that the machine is busy, whatever the system's figure is: it counts as two at most.
            var elapsed = LabClock.Wall.GetElapsedTime(last, now);
            var credit = Credit(elapsed < 2 * Beat ? elapsed : 2 * Beat, Runnable(), Environment.ProcessorCount);
            last = now;
            // The continuations of a deadline run on a separate thread.
            _ = Task.Run(() => clock.Advance(credit));
        }
    }

    /// <summary>The number of runnable threads of the system; 1 where the system does not report it.</summary>
    private static int Runnable()
    {
        try
        {
            return
                File.ReadAllText("/proc/loadavg").Split(' ') is [_, _, _, var threads, ..]
                && int.TryParse(threads.Split('/')[0], CultureInfo.InvariantCulture, out var runnable)
                ? runnable
                : 1;
        }
        catch (IOException)
        {
            return 1;
        }
    }
}
