using Appliance.Firmware.Login.Limits;
using CsCheck;
using Xunit;

namespace Appliance.Tests.Login;

/// <summary>The one mechanism behind every limit of failures.</summary>
public sealed class FailureLimitTests
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    [Fact]
    public void NobodyIsBlockedTwiceWithinOneBlock() =>
        Gen.Int[0, 90]
            .Array[1, 60]
            .Sample(gaps =>
            {
                var limit = new FailureLimit("test");
                var (now, blocks) = (LoginRig.Start, new List<DateTimeOffset>());
                foreach (var gap in gaps)
                {
                    now += TimeSpan.FromSeconds(gap);
                    if (limit.BlockedUntil("console", now) is null && limit.Fail("console", 3, TimeSpan.MaxValue, Minute, now, []))
                    {
                        blocks.Add(now);
                    }
                }
                return blocks.Zip(blocks.Skip(1), (one, other) => other - one >= Minute).All(apart => apart);
            });

    [Fact]
    public void FailuresInARowCountHoweverFarApart()
    {
        var limit = new FailureLimit("test");
        bool Fails(int day) => limit.Fail("x", 3, TimeSpan.MaxValue, Minute, LoginRig.Start.AddDays(day), []);
        Assert.Equal([false, false, true], new[] { Fails(0), Fails(1), Fails(2) });
        // The failures before that block no longer count.
        Assert.Equal([false, false, true], new[] { Fails(3), Fails(4), Fails(5) });
    }

    [Fact]
    public void AFloodForgetsTheOldestOnly()
    {
        var limit = new FailureLimit("test");
        for (var source = 0; source < 100_000; source++)
        {
            limit.Fail($"{source}", 1, Minute, Minute, LoginRig.Start, []);
        }
        Assert.NotNull(limit.BlockedUntil("0", LoginRig.Start));
        var memory = new List<Firmware.Storage.StateWrite>();
        limit.Fail("one more", 1, Minute, Minute, LoginRig.Start, memory);
        Assert.Null(limit.BlockedUntil("0", LoginRig.Start));
        Assert.NotNull(limit.BlockedUntil("1", LoginRig.Start));
        Assert.Equal(2, memory.Count);
    }
}
