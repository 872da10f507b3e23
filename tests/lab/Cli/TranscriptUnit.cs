using System.Collections.Concurrent;
using System.Net;
using System.Runtime.CompilerServices;
using Appliance.Doubles.Nics;
using Appliance.Firmware;
using Appliance.Firmware.Cli;
using Appliance.Firmware.Config;
using Appliance.Firmware.Ftm;
using Appliance.Hal;
using Appliance.Lab.Composition;
using Appliance.Lab.Units;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Appliance.Tests.Cli;

/// <summary>
/// A whole appliance of the ready-made lab with interfaces in memory and a stopped clock. It boots from a copy of a state
/// that was booted once for its release, so that keys and certificates need not be made for every file.
/// </summary>
internal sealed class TranscriptUnit : IAsyncDisposable
{
    private static readonly DateTimeOffset Now = new(2033, 2, 3, 4, 5, 6, TimeSpan.Zero);
    private static readonly ConcurrentDictionary<string, Lazy<Task<IReadOnlyList<(string Name, byte[] Content)>>>> Booted = new();
    private readonly DirectoryInfo _folder;
    private readonly Unit _unit;

    private TranscriptUnit(DirectoryInfo folder, Unit unit) => (_folder, _unit) = (folder, unit);

    /// <summary>The lab's window onto it.</summary>
    public LabUnit Lab => new(_unit);

    /// <summary>Opens a console without a login. The caller disposes it.</summary>
    public CliSession OpenConsole() => _unit.OpenConsole();

    /// <summary>The folder of its state and its console socket.</summary>
    public string State => _folder.FullName;

    public static async Task<TranscriptUnit> StartAsync(Personality personality)
    {
        var files = await Booted.GetOrAdd(personality.Name, _ => new(() => FirstBootAsync(personality))).Value;
        var folder = Scratch();
        foreach (var (name, content) in files)
        {
            var file = Path.Combine(folder.FullName, name);
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            await File.WriteAllBytesAsync(file, content);
        }
        // The files on the USB disk of every transcript.
        var usb = folder.CreateSubdirectory("usb");
        foreach (var seeds in Directory.EnumerateFiles(SeedFolder()))
        {
            File.Copy(seeds, Path.Combine(usb.FullName, Path.GetFileName(seeds)));
        }
        return new(folder, await BootAsync(folder, personality));
    }

    public async ValueTask DisposeAsync()
    {
        await _unit.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    private static async Task<IReadOnlyList<(string, byte[])>> FirstBootAsync(Personality personality)
    {
        var folder = Scratch();
        try
        {
            await (await BootAsync(folder, personality)).DisposeAsync();
            return
            [
                .. folder
                    .EnumerateFiles("*", SearchOption.AllDirectories)
                    .Select(file => (Path.GetRelativePath(folder.FullName, file.FullName), File.ReadAllBytes(file.FullName))),
            ];
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static Task<Unit> BootAsync(DirectoryInfo folder, Personality personality)
    {
        var network = new SimNetwork();
        INic[] nics =
        [
            .. Enumerable.Range(1, 4).Select(number => new SimNic(network, $"port{number}", IPAddress.Parse($"127.0.1.{number}"))),
        ];
        return Unit.StartAsync(
            new UnitOptions(
                folder.FullName,
                nics,
                new FakeTimeProvider(Now),
                new NoPhones(),
                LabBoard.DefaultConfiguration(personality),
                NullLoggerFactory.Instance,
                personality
            )
        );
    }

    private static string SeedFolder([CallerFilePath] string test = "") =>
        Path.Combine(Path.GetDirectoryName(test)!, "..", "Tokens", "Seeds");

    /// <summary>In memory if such a folder exists, because durability is not tested here.</summary>
    private static DirectoryInfo Scratch()
    {
        const string Memory = "/dev/shm";
        return OperatingSystem.IsLinux() && Directory.Exists(Memory)
            ? Directory.CreateDirectory(
                Path.Combine(Memory, "appliance-transcript-" + Path.GetRandomFileName()),
                UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
            )
            : Directory.CreateTempSubdirectory("appliance-transcript-");
    }

    private sealed class NoPhones : IPushSender
    {
        public ValueTask<PushResult> SendAsync(PushMessage message, CancellationToken cancellationToken) =>
            ValueTask.FromResult(PushResult.Failed(PushOutcome.Unavailable, "no phone"));
    }
}
