using Appliance.Bench.Soak;
using Xunit;

namespace Appliance.Tests.Sim;

/// <summary>The soak's definition of a flat slope.</summary>
public sealed class SoakSlopeTests
{
    [Theory]
    [InlineData(0, true)]
    [InlineData(-500, true)]
    [InlineData(590, true)]
    [InlineData(700, false)]
    public void WhatGrowsByMoreThanIsAllowedIsNotFlat(double perHour, bool flat)
    {
        // An hour of looks that swing by two: the line through them has the slope alone.
        var looks = Enumerable
            .Range(0, 61)
            .Select(minute => (TimeSpan.FromMinutes(minute), 10_000 + (perHour * minute / 60) + (minute % 2 == 0 ? 2 : -2)))
            .ToArray();
        var slope = SoakSlope.Of("bytes", looks, 0.05, 100);
        Assert.Equal(flat, slope.Flat);
        Assert.InRange(slope.PerHour, perHour - 1, perHour + 1);
        Assert.InRange(slope.Allowed, 599, 601);
    }
}
