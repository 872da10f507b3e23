using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Appliance.Doubles.Clock;
using Appliance.Doubles.Nics;
using Appliance.Firmware;
using Appliance.Firmware.Cli;
using Appliance.Firmware.Config;
using Appliance.Firmware.Ftm;
using Appliance.Firmware.Validation;
using Appliance.Hal;
using Appliance.Lab.Targets;
using Microsoft.Extensions.Logging.Abstractions;

namespace Appliance.Bench;

/// <summary>
/// A generated configuration of a number of lines: the medians of loading, validating and saving it, and of booting the saved file.
/// </summary>
/// <param name="Lines">The number of lines.</param>
/// <param name="Milliseconds">Load, validate and save, the disk included.</param>
/// <param name="LinesPerSecond">The same as a rate.</param>
/// <param name="WriteMilliseconds">The disk's part of it.</param>
/// <param name="BootMilliseconds">Reading the saved file again: checksum, every secret opened, every value and reference checked.</param>
internal sealed record ConfigLoad(int Lines, double Milliseconds, long LinesPerSecond, double WriteMilliseconds, double BootMilliseconds);

/// <summary>
/// A change at the console of a running appliance with the large configuration: the median without the write of the file, and the write.
/// </summary>
internal sealed record ConfigCommit(
    string What,
    int Runs,
    double OwnMillisecondsMedian,
    double OwnMillisecondsMax,
    double WriteMillisecondsMedian
);

/// <summary>The result of <c>bench config</c>.</summary>
/// <param name="Bench">config.</param>
/// <param name="Loads">Small and large.</param>
/// <param name="PerLineRatio">The cost of a line in the large one over that in the small one: 1 is linear.</param>
/// <param name="Commits">Changes on the large one.</param>
/// <param name="ResidentMiB">Of this process at the end, with a whole appliance that runs the large one.</param>
internal sealed record ConfigFigures(
    string Bench,
    IReadOnlyList<ConfigLoad> Loads,
    double PerLineRatio,
    IReadOnlyList<ConfigCommit> Commits,
    [property: JsonPropertyName("residentMiB")] double ResidentMiB
);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, WriteIndented = true)]
[JsonSerializable(typeof(ConfigFigures))]
internal sealed partial class ConfigBenchJson : JsonSerializerContext;

/// <summary><c>bench config</c>: a configuration of 10,000 users and tokens. Nothing listens outside this process.</summary>
internal static class ConfigBench
{
    private const int Small = 10_000;
    private const int Large = 100_000;
    private const int LoadRuns = 7;
    private const int CommitRuns = 50;

    /// <summary>Runs the benchmark and returns its result as text.</summary>
    public static async Task<string> RunAsync(bool json, CancellationToken cancellationToken)
    {
        var figures = await MeasureAsync(cancellationToken);
        if (json)
        {
            return JsonSerializer.Serialize(figures, ConfigBenchJson.Default.ConfigFigures);
        }
        var text = new StringBuilder();
        foreach (var load in figures.Loads)
        {
            text.AppendLine(
                CultureInfo.InvariantCulture,
                $"config: {load.Lines} lines loaded, validated and saved in {load.Milliseconds} ms ({load.LinesPerSecond} lines/s; {load.WriteMilliseconds} ms of it the disk), booted again in {load.BootMilliseconds} ms"
            );
        }
        foreach (var commit in figures.Commits)
        {
            text.AppendLine(
                CultureInfo.InvariantCulture,
                $"config: {commit.What}: {commit.OwnMillisecondsMedian} ms and {commit.WriteMillisecondsMedian} ms for the disk (medians of {commit.Runs})"
            );
        }
        return text.Append(
                CultureInfo.InvariantCulture,
                $"config: a line costs {figures.PerLineRatio} times as much in the large one; {figures.ResidentMiB} MiB resident"
            )
            .ToString();
    }

    private static async Task<ConfigFigures> MeasureAsync(CancellationToken cancellationToken)
    {
        var (small, large) = (Generate(Small), Generate(Large));
        _ = Load(small, Small); // A run for the JIT compiler.
        var loads = new[] { Load(small, Small), Load(large, Large) };
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive); // Garbage of the previous runs is not the appliance's.
        var folder = Directory.CreateTempSubdirectory("appliance-bench-");
        try
        {
            var network = new SimNetwork();
            INic[] nics =
            [
                .. Enumerable.Range(1, 4).Select(number => new SimNic(network, $"port{number}", IPAddress.Parse($"10.0.0.{number}"))),
            ];
            await using var unit = await Unit.StartAsync(
                new UnitOptions(folder.FullName, nics, LabClock.Wall, new Nowhere(), large, NullLoggerFactory.Instance),
                cancellationToken
            );
            ConfigCommit[] commits =
            [
                Commit(
                    unit,
                    "set and end of an object",
                    number => $"config system global\nset remoteauthtimeout {5 + (number % 50)}\nend\n"
                ),
                Commit(
                    unit,
                    "set and next of a user",
                    number => $"config user local\nedit user{number * 97 % 10_000:00000}\nset passwd changed-{number}\nnext\nend\n"
                ),
            ];
            return new ConfigFigures(
                "config",
                loads,
                Math.Round(loads[1].Milliseconds / Large / (loads[0].Milliseconds / Small), 2),
                commits,
                Math.Round(ProcessMemory.ResidentMiB(Environment.ProcessId), 1)
            );
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static ConfigLoad Load(string text, int lines)
    {
        var schema = ConfigSchema.Load(Personality.Default);
        List<double> whole = [];
        List<double> write = [];
        List<double> boot = [];
        for (var run = 0; run < LoadRuns; run++)
        {
            var folder = Directory.CreateTempSubdirectory("appliance-bench-");
            try
            {
                var file = Path.Combine(folder.FullName, "system.conf");
                var key = DeviceKey.Open(Path.Combine(folder.FullName, "device.key"));
                GC.Collect();
                var began = LabClock.Wall.GetTimestamp();
                var store = ConfigStore.Open(schema, file, key, text, ConfigRules.Values, LabClock.Wall);
                whole.Add(LabClock.Wall.GetElapsedTime(began).TotalMilliseconds);
                write.Add(store.LastWrite.TotalMilliseconds);
                began = LabClock.Wall.GetTimestamp();
                _ = ConfigStore.Open(schema, file, key, "", ConfigRules.Values, LabClock.Wall);
                boot.Add(LabClock.Wall.GetElapsedTime(began).TotalMilliseconds);
            }
            finally
            {
                folder.Delete(recursive: true);
            }
        }
        return new ConfigLoad(lines, Median(whole), (long)(lines / Median(whole) * 1000), Median(write), Median(boot));
    }

    private static ConfigCommit Commit(Unit unit, string what, Func<int, string> script)
    {
        List<double> own = [];
        List<double> write = [];
        var console = unit.OpenConsole();
        for (var run = 0; run < CommitRuns; run++)
        {
            var began = LabClock.Wall.GetTimestamp();
            var shown = ConsoleStream.TranscriptAsync(console, script(run)).GetAwaiter().GetResult();
            var whole = LabClock.Wall.GetElapsedTime(began);
            if (shown.Contains("Return code", StringComparison.Ordinal))
            {
                throw new InvalidOperationException(shown);
            }
            write.Add(unit.Config.LastWrite.TotalMilliseconds);
            own.Add((whole - unit.Config.LastWrite).TotalMilliseconds);
        }
        return new ConfigCommit(what, CommitRuns, Median(own), Math.Round(own.Max(), 2), Median(write));
    }

    /// <summary>
    /// Generates a configuration: a tenth of the lines in users and tokens each, a hundredth in addresses, the rest in further settings of
    /// the users.
    /// </summary>
    private static string Generate(int lines)
    {
        var (users, addresses, left) = (lines / 10, lines / 100, lines);
        var text = new StringBuilder();
        Line("config firewall address");
        for (var number = 0; number < addresses; number++)
        {
            Line($"    edit \"host {number}\"");
            Line($"        set subnet 10.{number >> 8 & 255}.{number & 255}.1 255.255.255.255");
            Line("    next");
        }
        Line("end");
        Line("config user fortitoken");
        for (var number = 0; number < users; number++)
        {
            Line($"    edit \"FTKMOB{number:X10}\"");
            Line($"        set seed \"{Convert.ToHexString(Encoding.ASCII.GetBytes($"seed-of-bench-{number:000000}"))}\"");
            Line("    next");
        }
        Line("end");
        Line("config user local");
        var groups = (users + 99) / 100;
        var extra = left - 3 - (groups * 3) - (users * 6);
        for (var number = 0; number < users; number++)
        {
            Line($"    edit \"user{number:00000}\"");
            Line("        set type password");
            Line("        set two-factor fortitoken");
            Line($"        set fortitoken \"FTKMOB{number:X10}\"");
            if (number < extra)
            {
                Line($"        set email-to \"user{number}@bench.example\"");
            }
            Line($"        set passwd \"password-{number}\"");
            Line("    next");
        }
        Line("end");
        Line("config user group");
        for (var group = 0; group < groups; group++)
        {
            Line($"    edit \"group {group}\"");
            Line(
                "        set member "
                    + string.Join(
                        ' ',
                        Enumerable.Range(group * 100, Math.Min(100, users - (group * 100))).Select(number => $"\"user{number:00000}\"")
                    )
            );
            Line("    next");
        }
        Line("end");
        while (left > 0)
        {
            Line("# a comment");
        }
        return left == 0 ? text.ToString() : throw new InvalidOperationException($"{-left} lines too many");

        void Line(string line)
        {
            text.Append(line).Append('\n');
            left--;
        }
    }

    private static double Median(List<double> values) => Math.Round(values.Order().ElementAt(values.Count / 2), 2);

    private sealed class Nowhere : IPushSender
    {
        public ValueTask<PushResult> SendAsync(PushMessage message, CancellationToken cancellationToken) =>
            ValueTask.FromResult(PushResult.Failed(PushOutcome.Unavailable, "no provider"));
    }
}
