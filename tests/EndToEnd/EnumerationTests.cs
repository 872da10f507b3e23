using Appliance.Sim.Verbs;
using Xunit;

namespace Appliance.Tests.EndToEnd;

/// <summary>A wrong password tells nothing of the name. The times are the benchmark's business (bench enumeration).</summary>
public sealed class EnumerationTests
{
    [Fact]
    public async Task KnownAndUnknownNamesGetTheSameBytes()
    {
        var figures = await EnumerationBench.MeasureAsync(CancellationToken.None, samples: 300);
        Assert.True(figures.SameStatus && figures.SameBytes, figures.ToString());
    }
}
