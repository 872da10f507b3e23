using Appliance.Bench.Soak;
using Appliance.Doubles.Clock;
using Xunit;

namespace Appliance.Tests.Sim;

/// <summary>The distinction between a busy machine and a defect: by the soak, and by the deadlines of the tests.</summary>
public sealed class SlowMachineTests
{
    [Fact]
    public void A_login_met_a_slow_machine_only_while_a_probe_was_slow()
    {
        using var http = new HttpClient();
        var probe = new SoakProbe(http);
        long At(double seconds) => (long)(seconds * LabClock.Wall.TimestampFrequency);
        probe.Take(At(10), At(10) + At(SoakProbe.SlowFrom.TotalSeconds));
        Assert.False(probe.WasSlow);
        probe.Take(At(20), At(20.501));
        Assert.True(probe.WasSlow);
        Assert.True(probe.WasSlowBetween(At(15), At(20.1)));
        Assert.True(probe.WasSlowBetween(At(20.4), At(30)));
        Assert.True(probe.WasSlowBetween(At(20.1), At(20.2)));
        Assert.False(probe.WasSlowBetween(At(10), At(19.9)));
        Assert.False(probe.WasSlowBetween(At(20.6), At(40)));
    }

    [Theory]
    [InlineData(1, 2, 1000)]
    [InlineData(2, 2, 1000)]
    [InlineData(20, 2, 100)]
    [InlineData(3, 1, 333)]
    public void The_time_of_deadlines_passes_by_the_processors_that_are_free(int runnable, int processors, int milliseconds) =>
        Assert.Equal(milliseconds, (int)BusyMachine.Credit(TimeSpan.FromSeconds(1), runnable, processors).TotalMilliseconds);

    [Fact]
    public async Task The_time_of_deadlines_passes()
    {
        using var over = new CancellationTokenSource(TimeSpan.FromMilliseconds(30), BusyMachine.Time);
        var ended = new TaskCompletionSource();
        over.Token.Register(ended.SetResult);
        await ended.Task;
        await Assert.ThrowsAsync<TimeoutException>(() =>
            new TaskCompletionSource().Task.WaitAsync(TimeSpan.FromMilliseconds(30), BusyMachine.Time)
        );
    }
}
