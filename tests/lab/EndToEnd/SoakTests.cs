using System.Diagnostics;
using System.Text.Json.Nodes;
using Appliance.Doubles.Clock;
using Xunit;

namespace Appliance.Tests.EndToEnd;

/// <summary>A short soak: every login's end is accounted for, and no handle is left. Memory is the long run's (scripts/soak).</summary>
public sealed class SoakTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(180);

    [Fact]
    public async Task TwentySecondsOfLoginsWithFaultsLeaveNothingUnexplained()
    {
        using var process = Process.Start(
            new ProcessStartInfo(
                "dotnet",
                [Path.Combine(AppContext.BaseDirectory, "Appliance.Bench.dll"), "soak", "--minutes", "0.34", "--rate", "10", "--json"]
            )
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            }
        )!;
        var errors = process.StandardError.ReadToEndAsync();
        using var patience = new CancellationTokenSource(Patience, BusyMachine.Time);
        var report = await process.StandardOutput.ReadToEndAsync(patience.Token);
        await process.WaitForExitAsync(patience.Token);
        Assert.True(report.Length > 0, await errors);
        var figures = JsonNode.Parse(report)!;
        int Count(string name) => figures[name]!.GetValue<int>();
        Assert.Equal((204, 0), (Count("logins"), Count("unexplainedCount")));
        Assert.Equal(Count("logins"), Count("approved") + Count("denied") + Count("byFault") + Count("slow"));
        // A busy machine ends logins by their deadlines. They are counted as such, and if there are too many, the run is inconclusive.
        var verdict = figures["verdict"]!.GetValue<string>();
        Assert.True(
            (verdict, process.ExitCode) is ("ok", 0)
                || (verdict.StartsWith("inconclusive: ", StringComparison.Ordinal) && process.ExitCode == 124 && 2 * Count("slow") > 204),
            report + await errors
        );
        // Seeds with which faults do occur.
        Assert.True(
            Count("byFault") + Count("slow") > 0 && Count("denied") + Count("slow") > 0 && Count("approved") + Count("slow") > 150,
            report
        );
        Assert.Equal(["handles", "threads"], figures["slopes"]!.AsArray().Select(slope => slope!["what"]!.GetValue<string>()));
    }

    [Fact]
    public async Task AShortRunSaysNothingOfMemoryAndAWrongOneHasItsExitCode()
    {
        var run = await Peer.RunAsync("dotnet", [Path.Combine(AppContext.BaseDirectory, "Appliance.Bench.dll"), "soak", "--minutes", "0"]);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains("--minutes must be above 0", run.Output, StringComparison.Ordinal);
    }
}
