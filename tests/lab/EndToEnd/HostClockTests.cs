using System.Net.Http.Json;
using Appliance.Tests.Sim;
using Xunit;

namespace Appliance.Tests.EndToEnd;

/// <summary>A host whose clock is set while a lab runs in real time.</summary>
public sealed class HostClockTests
{
    private const string Stepped = "logid=\"0100099164\"";

    [Fact]
    public async Task Steps_of_the_host_clock_are_events_and_real_mode_returns_to_it()
    {
        var wall = new SteppedWall(TimeProvider.System);
        await using var lab = await TestLab.StartAsync(wall: wall);
        var ahead = lab.Clock.Offset;
        wall.Step = TimeSpan.FromHours(-2);
        await SteppedAsync(lab, "-7200", "The system clock was set back; the time continues without a jump");
        Assert.InRange(lab.Clock.Offset - ahead, TimeSpan.FromSeconds(7199), TimeSpan.FromSeconds(7201));
        wall.Step = TimeSpan.Zero;
        await SteppedAsync(lab, "7200", "The system clock was set forward, and the time with it");
        Assert.InRange(lab.Clock.Offset - ahead, TimeSpan.FromSeconds(7199), TimeSpan.FromSeconds(7201));
        using var answer = await lab.Api.PostAsJsonAsync("/lab/clock", new { mode = "real" });
        answer.EnsureSuccessStatusCode();
        await SteppedAsync(lab, "-7200", "The time was returned to the system clock");
        Assert.InRange(lab.Clock.Offset - ahead, TimeSpan.FromSeconds(-1), TimeSpan.FromSeconds(1));
        Assert.Equal(3, lab.EventLines().Count(line => line.Contains(Stepped, StringComparison.Ordinal)));
    }

    private static Task SteppedAsync(TestLab lab, string offset, string message) =>
        Until.TrueAsync(
            () =>
            {
                _ = lab.Clock.GetUtcNow(); // A step is noticed when the time is read.
                return lab.EventLines()
                    .Any(line =>
                        line.Contains(Stepped, StringComparison.Ordinal)
                        && line.Contains($"offset=\"{offset}\"", StringComparison.Ordinal)
                        && line.Contains(message, StringComparison.Ordinal)
                    );
            },
            $"the event of a step by {offset} s"
        );
}
