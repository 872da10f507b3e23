using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Serialization;
using Appliance.Sim.Clock;
using Appliance.Sim.Lab;
using Microsoft.Extensions.Logging.Abstractions;

namespace Appliance.Sim.Verbs;

/// <summary>How long a live callback connection lives on after its interface lost <c>ftm</c>, from the command's <c>next</c> on.</summary>
internal sealed record FlagFigures(string Bench, int Runs, double EndedMillisecondsMedian, double EndedMillisecondsMax);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(FlagFigures))]
internal sealed partial class FlagBenchJson : JsonSerializerContext;

/// <summary><c>bench flag</c>: includes the durable save of the configuration.</summary>
internal static class FlagBench
{
    private const int Runs = 20;

    public static async Task<string> RunAsync(bool json, CancellationToken cancellationToken)
    {
        var figures = await MeasureAsync(cancellationToken);
        return json
            ? JsonSerializer.Serialize(figures, FlagBenchJson.Default.FlagFigures)
            : $"flag: a live callback ended {figures.EndedMillisecondsMedian} ms after its flag was withdrawn (median of {figures.Runs}; {figures.EndedMillisecondsMax} ms at most)";
    }

    private static async Task<FlagFigures> MeasureAsync(CancellationToken cancellationToken)
    {
        var state = Directory.CreateTempSubdirectory("appliance-bench-");
        try
        {
            await using var lab = await Laboratory.StartAsync(
                new LabOptions(Path.Combine(state.FullName, "state"), null, LabBoard.File("desktop"), ClockRate.Frozen, 0), NullLoggerFactory.Instance, cancellationToken);
            var callback = lab.Unit.Services.First(service => service.Service == "ftm");
            var milliseconds = new List<double>();
            for (var run = 0; run < Runs; run++)
            {
                using var phone = new TcpClient();
                await phone.ConnectAsync(callback.EndPoint, cancellationToken);
                var stream = phone.GetStream();
                // Sent and answered, so that the connection is surely served: what is no TLS gets nothing, but a half hello waits.
                await stream.WriteAsync(new byte[] { 0x16, 3, 1 }, cancellationToken);
                var ended = EndAsync(stream, cancellationToken);
                var began = LabClock.Wall.GetTimestamp();
                lab.Unit.Transcript($"config system interface\nedit {callback.Nic}\nset allowaccess ping https\nnext\nend\n");
                await ended;
                milliseconds.Add(LabClock.Wall.GetElapsedTime(began).TotalMilliseconds);
                lab.Unit.Transcript($"config system interface\nedit {callback.Nic}\nset allowaccess ping https ftm\nnext\nend\n");
            }
            milliseconds.Sort();
            return new FlagFigures("flag", Runs, Math.Round(milliseconds[Runs / 2], 2), Math.Round(milliseconds[^1], 2));
        }
        finally
        {
            state.Delete(recursive: true);
        }
    }

    private static async Task EndAsync(NetworkStream stream, CancellationToken cancellationToken)
    {
        try
        {
            await stream.ReadExactlyAsync(new byte[1], cancellationToken);
        }
        catch (IOException)
        {
            // The end, or a reset: what is waited for.
        }
    }
}
