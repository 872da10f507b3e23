using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Appliance.Doubles.Clock;
using Appliance.Doubles.Failures;
using Appliance.Lab.Targets;
using Appliance.Tool;

namespace Appliance.Bench;

/// <summary>The figures of one benchmark, with the command that was measured.</summary>
internal sealed record BootFigures(
    string Bench,
    string Command,
    int Runs,
    double ReadySecondsMedian,
    IReadOnlyList<double> ReadySeconds,
    [property: JsonPropertyName("rssMiBMedian")] double RssMedian,
    [property: JsonPropertyName("rssMiB")] IReadOnlyList<double> Rss
);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(BootFigures))]
internal sealed partial class BootBenchJson : JsonSerializerContext;

/// <summary><c>bench boot</c>: the built program from its start to ready, seen from outside.</summary>
internal static class BootBench
{
    private const int Runs = 5;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public static async Task<string> RunAsync(bool json, CancellationToken cancellationToken)
    {
        var figures = await BootAsync();
        return json
            ? JsonSerializer.Serialize(figures, BootBenchJson.Default.BootFigures)
            : $"boot: ready in {figures.ReadySecondsMedian:0.000} s, {figures.RssMedian:0.0} MiB resident (median of {figures.Runs}; {figures.Command})";
    }

    private static async Task<BootFigures> BootAsync()
    {
        List<double> seconds = [];
        List<double> memory = [];
        for (var run = 0; run < Runs; run++)
        {
            var state = Directory.CreateTempSubdirectory("appliance-bench-");
            try
            {
                var (ready, rss) = await BootOnceAsync(state.FullName);
                seconds.Add(Math.Round(ready.TotalSeconds, 3));
                memory.Add(Math.Round(rss, 1));
            }
            finally
            {
                state.Delete(recursive: true);
            }
        }
        return new BootFigures(
            "boot",
            "Appliance.Tool up --headless --state DIR --lab-port 0",
            Runs,
            Median(seconds),
            seconds,
            Median(memory),
            memory
        );
    }

    private static async Task<(TimeSpan Ready, double RssMiB)> BootOnceAsync(string state)
    {
        var (program, first) = Program();
        var start = new ProcessStartInfo(program, [.. first, "up", "--headless", "--state", state, "--lab-port", "0"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var patience = new CancellationTokenSource(Patience, LabClock.Wall);
        var began = LabClock.Wall.GetTimestamp();
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync(patience.Token);
        try
        {
            var line = await process.StandardOutput.ReadLineAsync(patience.Token);
            var ready = LabClock.Wall.GetElapsedTime(began);
            if (line is null)
            {
                await process.WaitForExitAsync(patience.Token);
                throw new LabFailure(ExitCode.KindOf(process.ExitCode), $"boot ended with {process.ExitCode}: {(await errors).Trim()}");
            }
            return (ready, ProcessMemory.ResidentMiB(process.Id));
        }
        catch (OperationCanceledException)
        {
            throw new LabFailure(FailureKind.TimedOut, $"not ready within {Patience.TotalSeconds} s");
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill();
                await process.WaitForExitAsync(CancellationToken.None);
            }
        }
    }

    /// <summary>The command of this program: its own executable, or the runtime that runs its library.</summary>
    internal static (string Program, string[] First) Program()
    {
        var own = Environment.ProcessPath ?? "dotnet";
        return Path.GetFileNameWithoutExtension(own) == "dotnet"
            ? (own, [Path.Combine(AppContext.BaseDirectory, "Appliance.Tool.dll")])
            : (own, []);
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
}
