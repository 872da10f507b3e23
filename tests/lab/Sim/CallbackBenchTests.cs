using System.Text.Json;
using Appliance.Bench.Callback;
using Xunit;

namespace Appliance.Tests.Sim;

/// <summary>Verifies that <c>bench callback</c> measures the documented operations; its figures are not checked here.</summary>
public sealed class CallbackBenchTests
{
    [Fact]
    public async Task EveryFigureIsThereAndNothingAcknowledgedIsLost()
    {
        // Enough sessions that concurrent allocations of other tests hardly affect their size.
        var figures = await CallbackBench.MeasureAsync(
            new CallbackScale(Decisions: 256, Phones: 8, WarmUps: 1, Runs: 1, Handshakes: 16, Sessions: 20_000),
            TestContext.Current.CancellationToken
        );
        Assert.InRange(figures.Killed.Acknowledged, 64, 128);
        Assert.Equal(figures.Killed.Acknowledged, figures.Killed.Found);
        Assert.Equal([1, 16], figures.Plain.Select(plain => plain.Pipelined));
        Assert.Equal(["memory", "loopback"], figures.Tls.Select(tls => tls.Over));
        CallbackRate[] durable = [.. figures.Plain.Select(plain => plain.Durable), .. figures.Tls.Select(tls => tls.Durable)];
        Assert.All(durable, rate => Assert.InRange(rate.CommitsPerCallback, 1.0 / 256, 1.0));
        CallbackRate[] others =
        [
            .. figures.Plain.SelectMany(plain => new[] { plain.Memory, plain.Minimal, plain.Lean, plain.Kestrel }),
            .. figures.Tls.SelectMany(tls => new[] { tls.Memory, tls.Minimal }),
        ];
        Assert.All(others, rate => Assert.Equal(0, rate.CommitsPerCallback));
        Assert.All(durable.Concat(others), rate => Assert.True(rate is { PerSecond: > 0, CpuMicroseconds: > 0 }));
        Assert.Equal(figures.NginxMissing, figures.Tls[1].Nginx is null);
        Assert.True(figures.Handshakes is { KestrelFull: > 0, Full: > 0, Resuming: > 0, FullToKestrel: > 0 });
        Assert.True(figures.Handshakes.ResumedByDefault);
        Assert.InRange(figures.Sessions.BytesEach, 100, 600);
        var json = JsonSerializer.Serialize(figures, CallbackBenchJson.Default.CallbackFigures);
        Assert.Contains("\"durableToMinimal\"", json, StringComparison.Ordinal);
    }
}
