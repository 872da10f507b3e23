using System.Text.Json;
using System.Text.Json.Serialization;
using Appliance.Sim.Clock;
using Appliance.Sim.Lab;
using Microsoft.Extensions.Logging.Abstractions;

namespace Appliance.Sim.Verbs;

/// <summary>How long something lived on after the command that ends it.</summary>
internal sealed record EndedFigures(string Bench, int Runs, double EndedMillisecondsMedian, double EndedMillisecondsMax);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(EndedFigures))]
internal sealed partial class EndedBenchJson : JsonSerializerContext;

/// <summary>What the benchmarks share that end something in the ready-made lab, on its usual addresses, by a command at its console.</summary>
internal static class EndedBench
{
    private const int Runs = 20;

    /// <summary>Starts a lab, measures, and says what came out.</summary>
    /// <param name="name">The benchmark's name.</param>
    /// <param name="text">What ended, for people.</param>
    /// <param name="json">JSON instead.</param>
    /// <param name="prepare">Given the lab: what is begun and ended again and again.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static async Task<string> RunAsync(string name, string text, bool json, Func<Laboratory, IEndedRun> prepare, CancellationToken cancellationToken)
    {
        var figures = await MeasureAsync(name, prepare, cancellationToken);
        return json ? JsonSerializer.Serialize(figures, EndedBenchJson.Default.EndedFigures)
            : $"{name}: {text} {figures.EndedMillisecondsMedian} ms (median of {figures.Runs}; {figures.EndedMillisecondsMax} ms at most)";
    }

    private static async Task<EndedFigures> MeasureAsync(string name, Func<Laboratory, IEndedRun> prepare, CancellationToken cancellationToken)
    {
        var state = Directory.CreateTempSubdirectory("appliance-bench-");
        try
        {
            await using var lab = await Laboratory.StartAsync(
                new LabOptions(Path.Combine(state.FullName, "state"), null, LabBoard.File("desktop"), ClockRate.Frozen, 0), NullLoggerFactory.Instance, cancellationToken);
            using var run = prepare(lab);
            var milliseconds = new List<double>();
            for (var number = 0; number < Runs; number++)
            {
                var ended = await run.BeginAsync(cancellationToken);
                var began = LabClock.Wall.GetTimestamp();
                await lab.Unit.TranscriptAsync(run.EndCommand, cancellationToken);
                await ended();
                milliseconds.Add(LabClock.Wall.GetElapsedTime(began).TotalMilliseconds);
                await lab.Unit.TranscriptAsync(run.RestoreCommand, cancellationToken);
            }
            milliseconds.Sort();
            return new EndedFigures(name, Runs, Math.Round(milliseconds[Runs / 2], 2), Math.Round(milliseconds[^1], 2));
        }
        finally
        {
            state.Delete(recursive: true);
        }
    }
}

/// <summary>One thing that a command ends.</summary>
internal interface IEndedRun : IDisposable
{
    /// <summary>The command that ends it.</summary>
    string EndCommand { get; }

    /// <summary>The command that makes the next run possible.</summary>
    string RestoreCommand { get; }

    /// <summary>Begins it; what is returned waits for its end.</summary>
    Task<Func<Task>> BeginAsync(CancellationToken cancellationToken);
}
