using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;
using Appliance.Doubles.Clock;
using Appliance.Doubles.Failures;
using Appliance.Lab.Targets;

namespace Appliance.Bench;

/// <summary>The result of the power cuts. If <c>Lost</c> is not empty, no other figure is valid.</summary>
internal sealed record PowerCutFigures(
    string Bench,
    int Seed,
    int Rounds,
    int FromPowerOn,
    int Commits,
    int BootedLast,
    int BootedCutShort,
    IReadOnlyList<string> Lost,
    double SecondsPerRound
);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(PowerCutFigures))]
internal sealed partial class PowerCutJson : JsonSerializerContext;

/// <summary>
/// <c>bench power-cuts</c>: the emulator is killed at a random moment while the console commits one change after another. The box must
/// boot with the
/// last acknowledged change, or with the interrupted one. Any other state, or a report of a damaged file, fails. One boot in ten begins
/// with power
/// on. The others begin where the kernel runs its first program: until then it has no driver for the disk, so the cut cannot have an
/// effect.
/// </summary>
internal static partial class PowerCutBench
{
    internal const int RoundsDefault = 20;
    private const int CutWithinMilliseconds = 1500;
    private const int PowerOnEvery = 10;

    /// <summary>The image's shell, which replaces its first program.</summary>
    private const string Shell = "/bin/sh";
    private const string FirstProgram = "exec /init";
    private const string ShellPrompt = "/ # ";

    /// <summary>The timeout of a console command, long enough for a busy machine.</summary>
    private static readonly TimeSpan CommandMax = TimeSpan.FromSeconds(90);

    public static async Task<string> RunAsync(int rounds, int seed, bool json)
    {
        var image = QemuImage.UsualFolder("initrd.img");
        await TargetNetwork.MakeAsync();
        var folder = Directory.CreateTempSubdirectory("appliance-bench-");
        var began = LabClock.Wall.GetTimestamp();
        try
        {
            var figures = await CutAsync(new QemuImage(image, "initrd.img", Path.Combine(folder.FullName, "state.qcow2")), rounds, seed);
            figures = figures with { SecondsPerRound = Math.Round(LabClock.Wall.GetElapsedTime(began).TotalSeconds / rounds, 1) };
            var text = json
                ? JsonSerializer.Serialize(figures, PowerCutJson.Default.PowerCutFigures)
                : string.Create(
                    CultureInfo.InvariantCulture,
                    $"power-cuts: {rounds} cuts (seed {seed}) during {figures.Commits} commits, {figures.FromPowerOn} of the boots after them from power on; booted with the last acknowledged one {figures.BootedLast} times, with the one that was cut short {figures.BootedCutShort} times"
                );
            return figures.Lost.Count == 0
                ? text
                : throw new LabFailure(FailureKind.AssertionFailed, $"{text}\n{string.Join('\n', figures.Lost)}");
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task<PowerCutFigures> CutAsync(QemuImage image, int rounds, int seed)
    {
        var random = new Random(seed);
        var kernel = await KeepKernelAsync(image);
        var (commits, last, cutShort) = (0, 0, 0);
        var lost = new List<string>();
        string? acknowledged = null,
            pending = null;
        for (var round = 0; round <= rounds; round++)
        {
            await using var machine = await QemuMachine.StartAsync(IsFromPowerOn(round) ? image : kernel);
            await using var console = new SerialConsole(await QemuMachine.ConsoleAsync());
            if (!IsFromPowerOn(round))
            {
                await console.SendAsync(FirstProgram);
            }
            var (name, log) = await LookAsync(machine, console, round);
            if ((name != acknowledged && name != pending) || log.Contains("damaged", StringComparison.Ordinal))
            {
                lost.Add(
                    $"round {round}: booted '{name}', acknowledged was '{acknowledged}', cut short '{pending}'{(log.Contains("damaged", StringComparison.Ordinal) ? "; it complains of a damaged file" : "")}"
                );
            }
            else if (round > 0)
            {
                _ = name == acknowledged ? last++ : cutShort++;
            }
            if (round == rounds)
            {
                break; // The last boot has no cut and only verifies the previous one.
            }
            acknowledged = pending = name;
            var cut = CutAfterAsync(machine, TimeSpan.FromMilliseconds(random.Next(CutWithinMilliseconds)));
            try
            {
                for (var number = 0; ; number++)
                {
                    pending = $"cut-{round}-{number}";
                    await console.TypeAsync("config system global", CommandMax);
                    await console.TypeAsync($"set hostname {pending}", CommandMax);
                    await console.TypeAsync("end", CommandMax);
                    (acknowledged, commits) = (pending, commits + 1);
                }
            }
            catch (IOException)
            {
                // The power is gone.
            }
            await cut;
        }
        return new PowerCutFigures(
            "power-cuts",
            seed,
            rounds,
            Enumerable.Range(1, rounds).Count(IsFromPowerOn),
            commits,
            last,
            cutShort,
            lost,
            0
        );
    }

    /// <summary>Reads the booted state before any other input: the hostname (null for none) and the log.</summary>
    private static async Task<(string? HostName, string Log)> LookAsync(QemuMachine machine, SerialConsole console, int round)
    {
        try
        {
            await console.ReadyAsync(QemuMachine.BootPatience);
            var shown = await console.TypeAsync("show system global | grep hostname", CommandMax);
            return (
                HostName().Match(shown) is { Success: true } match ? match.Groups[1].Value : null,
                await console.TypeAsync("execute log display", CommandMax)
            );
        }
        catch (LabFailure silent)
        {
            throw new LabFailure(silent.Kind, $"round {round}: {silent.Message}\n{await machine.StateAsync()}", silent);
        }
    }

    private static bool IsFromPowerOn(int round) => round % PowerOnEvery == 0;

    /// <summary>A machine whose kernel is there and has not seen the disk.</summary>
    private static async Task<QemuImage> KeepKernelAsync(QemuImage image)
    {
        var file = image.Disk + ".kernel";
        await using var machine = await QemuMachine.StartAsync(image with { FirstProgram = Shell });
        await using var console = new SerialConsole(await QemuMachine.ConsoleAsync());
        await console.SeeAsync(QemuMachine.BootPatience, ShellPrompt);
        await machine.KeepAsync(file);
        return image with { FirstProgram = Shell, GoesOnFrom = file };
    }

    private static async Task CutAfterAsync(QemuMachine machine, TimeSpan delay)
    {
        await Task.Delay(delay, LabClock.Wall);
        await machine.CutAsync();
    }

    [GeneratedRegex("set hostname \"?([A-Za-z0-9-]+)\"?")]
    private static partial Regex HostName();
}
