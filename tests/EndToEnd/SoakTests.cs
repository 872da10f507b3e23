using System.Diagnostics;
using System.Text.Json.Nodes;
using Appliance.Sim.Clock;
using Xunit;

namespace Appliance.Tests.EndToEnd;

/// <summary>A short soak: every login's end is accounted for, and no handle is left. Memory is the long run's (scripts/soak).</summary>
public sealed class SoakTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(180);

    [Fact]
    public async Task TwentySecondsOfLoginsWithFaultsLeaveNothingUnexplained()
    {
        using var process = Process.Start(new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "Appliance.Sim.dll"), "soak", "--minutes", "0.34", "--rate", "10", "--json"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var errors = process.StandardError.ReadToEndAsync();
        using var patience = new CancellationTokenSource(Patience, LabClock.Wall);
        var report = await process.StandardOutput.ReadToEndAsync(patience.Token);
        await process.WaitForExitAsync(patience.Token);
        Assert.True(process.ExitCode == 0, report + await errors);
        var figures = JsonNode.Parse(report)!;
        int Count(string name) => figures[name]!.GetValue<int>();
        Assert.Equal((204, 0, "ok"), (Count("logins"), Count("unexplainedCount"), figures["verdict"]!.GetValue<string>()));
        Assert.Equal(Count("logins"), Count("approved") + Count("denied") + Count("byFault"));
        // The seeds are the lab's own, so that faults do happen.
        Assert.True(Count("byFault") > 0 && Count("denied") > 0 && Count("approved") > 150, report);
        Assert.Equal(["handles", "threads"], figures["slopes"]!.AsArray().Select(slope => slope!["what"]!.GetValue<string>()));
    }

    [Fact]
    public async Task AShortRunSaysNothingOfMemoryAndAWrongOneHasItsExitCode()
    {
        var run = await Peer.RunAsync("dotnet", [Path.Combine(AppContext.BaseDirectory, "Appliance.Sim.dll"), "soak", "--minutes", "0"]);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains("--minutes must be above 0", run.Output, StringComparison.Ordinal);
    }
}
