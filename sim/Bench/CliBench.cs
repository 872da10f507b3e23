using System.Diagnostics;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Appliance.Doubles.Clock;
using Appliance.Firmware;
using Appliance.Firmware.Cli;
using Appliance.Firmware.Config;
using Appliance.Firmware.Validation;
using Appliance.Lab.Composition;

namespace Appliance.Bench;

/// <summary>
/// The cost of one character of a kind of line, on a short line and on the longest one. A ratio near 1 means linear growth.
/// </summary>
internal sealed record CliFigures(string Kind, double ShortNanosecondsPerCharacter, double LongNanosecondsPerCharacter, double Ratio);

/// <summary>All kinds, with the lengths.</summary>
internal sealed record CliBenchFigures(string Bench, int ShortCharacters, int LongCharacters, IReadOnlyList<CliFigures> Lines);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(CliBenchFigures))]
internal sealed partial class CliBenchJson : JsonSerializerContext;

/// <summary><c>bench cli</c>: no work of the console grows faster than its line.</summary>
internal static class CliBench
{
    private const int Short = 1024;
    private const int Long = 16 * 1024;
    private const int Rounds = 7;

    /// <summary>Enough characters a measurement that the clock's own step does not show.</summary>
    private const int CharactersMeasured = 1 << 18;

    public static Task<string> RunAsync(bool json, CancellationToken cancellationToken)
    {
        var figures = Measure(cancellationToken);
        return Task.FromResult(
            json
                ? JsonSerializer.Serialize(figures, CliBenchJson.Default.CliBenchFigures)
                : string.Join(
                    '\n',
                    figures.Lines.Select(line =>
                        $"cli: {line.Kind,-16} {line.ShortNanosecondsPerCharacter,8:0.0} ns a character at {Short}, {line.LongNanosecondsPerCharacter,8:0.0} at {Long}: ratio {line.Ratio:0.00}"
                    )
                )
        );
    }

    private static CliBenchFigures Measure(CancellationToken cancellationToken)
    {
        var folder = Directory.CreateTempSubdirectory("appliance-bench-");
        try
        {
            var store = ConfigStore.Open(
                ConfigSchema.Load(Personality.Default),
                Path.Combine(folder.FullName, "system.conf"),
                DeviceKey.Open(Path.Combine(folder.FullName, "device.key")),
                LabBoard.DefaultConfiguration(),
                ConfigRules.Values
            );
            return new CliBenchFigures(
                "cli",
                Short,
                Long,
                [
                    Compare("words", length => Script(store, Repeated("show ", "a b c ", length)), cancellationToken),
                    Compare("one word", length => Script(store, Repeated("show ", "a", length)), cancellationToken),
                    Compare("quotes", length => Script(store, Repeated("show ", "\"a b\" ", length)), cancellationToken),
                    Compare("open quote", length => Script(store, Repeated("show \"", "a\n", length) + "\""), cancellationToken),
                    Compare(
                        "grep pattern",
                        length => Script(store, Repeated("show system console | grep \"", "a|", length) + "x\""),
                        cancellationToken
                    ),
                    Compare("? after words", length => Script(store, Repeated("show ", "a ", length) + "?"), cancellationToken),
                    Compare("? in a terminal", length => Terminal(store, Repeated("show ", "a ", length), "?"), cancellationToken),
                    Compare("? in quotes", length => Terminal(store, Repeated("show \"", "?", length), "\r"), cancellationToken),
                    Compare("Tab", length => Terminal(store, Repeated("show ", "a ", length), "\t"), cancellationToken),
                    Compare("typed", length => Terminal(store, Repeated("show ", "a ", length), "\r"), cancellationToken),
                ]
            );
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>The best of several rounds each, short and long in turn: what the machine does beside it counts for neither.</summary>
    private static CliFigures Compare(string kind, Func<int, Action> prepare, CancellationToken cancellationToken)
    {
        var (small, large) = (prepare(Short), prepare(Long));
        var (best, bestLong) = (double.MaxValue, double.MaxValue);
        for (var round = 0; round < Rounds; round++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            best = Math.Min(best, NanosecondsPerCharacter(small, Short));
            bestLong = Math.Min(bestLong, NanosecondsPerCharacter(large, Long));
        }
        return new CliFigures(kind, Math.Round(best, 2), Math.Round(bestLong, 2), Math.Round(bestLong / best, 2));
    }

    private static double NanosecondsPerCharacter(Action run, int length)
    {
        var runs = CharactersMeasured / length;
        var began = LabClock.Wall.GetTimestamp();
        for (var at = 0; at < runs; at++)
        {
            run();
        }
        return LabClock.Wall.GetElapsedTime(began).TotalNanoseconds / ((double)runs * length);
    }

    private static Action Script(ConfigStore store, string line) =>
        () => ConsoleStream.TranscriptAsync(new CliSession(store, []), line + "\n").GetAwaiter().GetResult();

    /// <summary>A line typed at a terminal in one burst, then one key, then Ctrl-C.</summary>
    private static Action Terminal(ConfigStore store, string line, string key)
    {
        var bytes = Encoding.UTF8.GetBytes(line + key + "\u0003\u0003");
        return () =>
        {
            var served = ConsoleStream.RunTerminalAsync(
                new CliSession(store, []),
                new MemoryStream(bytes),
                Stream.Null,
                TerminalSize.Usual,
                CancellationToken.None
            );
            Debug.Assert(served.IsCompletedSuccessfully);
            served.GetAwaiter().GetResult();
        };
    }

    private static string Repeated(string start, string piece, int length)
    {
        var line = new StringBuilder(start);
        while (line.Length + piece.Length < length)
        {
            line.Append(piece);
        }
        return line.ToString();
    }
}
