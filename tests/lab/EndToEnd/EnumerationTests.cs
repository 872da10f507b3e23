using Appliance.Bench;
using Xunit;

namespace Appliance.Tests.EndToEnd;

/// <summary>A wrong password discloses nothing about the name. The times are measured by the benchmark (bench enumeration).</summary>
public sealed class EnumerationTests
{
    [Fact]
    public async Task KnownAndUnknownNamesGetTheSameBytes()
    {
        var figures = await EnumerationBench.MeasureAsync(CancellationToken.None, samples: 300);
        Assert.True(figures.SameStatus && figures.SameBytes, figures.ToString());
    }
}
