using System.Text.Json;
using System.Text.Json.Serialization;
using Appliance.Doubles.Clock;
using Appliance.Lab;
using Appliance.Lab.Composition;
using Microsoft.Extensions.Logging.Abstractions;

namespace Appliance.Bench;

/// <summary>The time for which something continued after the command that ends it.</summary>
internal sealed record EndedFigures(string Bench, int Runs, double EndedMillisecondsMedian, double EndedMillisecondsMax);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(EndedFigures))]
internal sealed partial class EndedBenchJson : JsonSerializerContext;

/// <summary>
/// The common part of the benchmarks that end something by a console command in the ready-made lab, on its usual addresses.
/// </summary>
internal static class EndedBench
{
    private const int Runs = 20;

    /// <summary>Starts a lab, measures, and returns the result as text.</summary>
    /// <param name="name">The benchmark's name.</param>
    /// <param name="text">The description of the ended item, for the text output.</param>
    /// <param name="json">True: returns JSON.</param>
    /// <param name="prepare">Creates, for the lab, the item that is begun and ended repeatedly.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static async Task<string> RunAsync(
        string name,
        string text,
        bool json,
        Func<Laboratory, IEndedRun> prepare,
        CancellationToken cancellationToken
    )
    {
        var figures = await MeasureAsync(name, prepare, cancellationToken);
        return json
            ? JsonSerializer.Serialize(figures, EndedBenchJson.Default.EndedFigures)
            : $"{name}: {text} {figures.EndedMillisecondsMedian} ms (median of {figures.Runs}; {figures.EndedMillisecondsMax} ms at most)";
    }

    private static async Task<EndedFigures> MeasureAsync(
        string name,
        Func<Laboratory, IEndedRun> prepare,
        CancellationToken cancellationToken
    )
    {
        var state = Directory.CreateTempSubdirectory("appliance-bench-");
        try
        {
            await using var lab = await Laboratory.StartAsync(
                new LabOptions(Path.Combine(state.FullName, "state"), null, LabBoard.File("desktop"), ClockRate.Frozen, 0),
                NullLoggerFactory.Instance,
                cancellationToken
            );
            using var run = prepare(lab);
            var milliseconds = new List<double>();
            for (var number = 0; number < Runs; number++)
            {
                var ended = await run.BeginAsync(cancellationToken);
                var began = LabClock.Wall.GetTimestamp();
                await lab.Unit.Console.Get().TranscriptAsync(run.EndCommand, cancellationToken);
                await ended();
                milliseconds.Add(LabClock.Wall.GetElapsedTime(began).TotalMilliseconds);
                await lab.Unit.Console.Get().TranscriptAsync(run.RestoreCommand, cancellationToken);
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

/// <summary>An item that a console command ends.</summary>
internal interface IEndedRun : IDisposable
{
    /// <summary>The command that ends it.</summary>
    string EndCommand { get; }

    /// <summary>The command that makes the next run possible.</summary>
    string RestoreCommand { get; }

    /// <summary>Begins the item. The returned function waits for its end.</summary>
    Task<Func<Task>> BeginAsync(CancellationToken cancellationToken);
}
