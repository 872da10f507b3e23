using System.Text.RegularExpressions;
using Appliance.Doubles.Clock;
using Appliance.Doubles.Failures;

namespace Appliance.Lab.Targets;

/// <summary>The slots as a box reports them: the running slot and its version.</summary>
internal sealed record SlotState(string Slot, string Version, bool OnTrial, string? Next, string? Failed);

/// <summary>A machine with two slots, controlled through its console only.</summary>
internal sealed partial class SlotBox : IAsyncDisposable
{
    private const string Kernel = "Starting kernel";

    /// <summary>The time limit of a boot, also on a busy machine.</summary>
    private static readonly TimeSpan CommandMax = TimeSpan.FromSeconds(90);
    private static readonly TimeSpan LoaderMax = TimeSpan.FromSeconds(90);

    /// <summary>The time limit of an update's writes, its restart, and three failed trials.</summary>
    private static readonly TimeSpan UpdateMax = TimeSpan.FromSeconds(300);

    private readonly QemuMachine _machine;
    private readonly SerialConsole _console;

    private SlotBox(QemuMachine machine, SerialConsole console) => (_machine, _console) = (machine, console);

    public Qmp Control => _machine.Control;

    /// <summary>Powers the machine on and returns when its console answers, immediately from a snapshot.</summary>
    /// <exception cref="LabFailure">It does not boot.</exception>
    public static async Task<SlotBox> StartAsync(QemuImage image)
    {
        var machine = await QemuMachine.StartAsync(image);
        var box = new SlotBox(machine, new SerialConsole(await QemuMachine.ConsoleAsync()));
        try
        {
            await machine.GoAsync();
            if (image.Snapshot is null)
            {
                await box.BootedAsync();
            }
            return box;
        }
        catch
        {
            await box.DisposeAsync();
            throw;
        }
    }

    public Task<string> TypeAsync(string line) => _console.TypeAsync(line, CommandMax);

    /// <summary>Makes a change that must not be lost.</summary>
    public async Task NameAsync(string hostName)
    {
        await TypeAsync("config system global");
        await TypeAsync($"set hostname {hostName}");
        await TypeAsync("end");
    }

    /// <summary>Describes a defect of its state: another host name, or a report of a damaged file; null if there is none.</summary>
    public async Task<string?> StateFaultAsync(string hostName)
    {
        var shown = await TypeAsync("show system global | grep hostname");
        var log = await TypeAsync("execute log display");
        return !shown.Contains(hostName, StringComparison.Ordinal) ? $"the host name is not '{hostName}': {shown}"
            : log.Contains("damaged", StringComparison.Ordinal) ? "it complains of a damaged file"
            : null;
    }

    public async Task<SlotState> SlotAsync()
    {
        var shown = await TypeAsync("get hardware status");
        var told = Firmware().Match(shown) is { Success: true } match
            ? match
            : throw new LabFailure(FailureKind.AssertionFailed, $"the box tells no slot:\n{shown}");
        string? Group(string name) => told.Groups[name] is { Success: true, Value: var value } ? value : null;
        return new SlotState(Group("slot")!, Group("version")!, Group("trial") is not null, Group("next"), Group("failed"));
    }

    /// <summary>Describes a defect of its state after the running slot has passed its trial.</summary>
    public async Task<SlotState> PassedAsync()
    {
        for (var look = 0; look < 20; look++)
        {
            if (await SlotAsync() is { OnTrial: false } passed)
            {
                return passed;
            }
            await Task.Delay(TimeSpan.FromMilliseconds(500), LabClock.Wall);
        }
        throw new LabFailure(FailureKind.AssertionFailed, "the slot does not pass its trial");
    }

    /// <summary>Requests an update that must be refused, and returns the output.</summary>
    public async Task<string> RefusedAsync(string file)
    {
        await _console.TypeAsync($"execute restore image usb {file}", CommandMax, "(y/n)");
        return await _console.TypeAsync("y", UpdateMax, "Return code", "System is rebooting") + await _console.SeeAsync(CommandMax, " # ");
    }

    /// <summary>Begins an update and returns immediately.</summary>
    public async Task BeginAsync(string file)
    {
        await _console.TypeAsync($"execute restore image usb {file}", CommandMax, "(y/n)");
        await _console.TypeAsync("y", CommandMax, "Copy image");
    }

    /// <summary>Waits until a begun update is in its slot: from then on it is acknowledged.</summary>
    public async Task InstalledAsync()
    {
        if ((await _console.SeeAsync(UpdateMax, "Check image OK", "Return code")).Contains("Return code", StringComparison.Ordinal))
        {
            throw new LabFailure(FailureKind.AssertionFailed, "the update was refused");
        }
    }

    /// <summary>Returns the number of trials of each slot until one boots.</summary>
    public async Task<IReadOnlyList<string>> RestartedAsync(string expected)
    {
        List<string> tried = [];
        while (true)
        {
            tried.Add(Booting().Match(await _console.SeeAsync(UpdateMax, " trials left")).Groups[1].Value);
            if (tried[^1] == expected)
            {
                await BootedAsync();
                return tried;
            }
        }
    }

    /// <summary>Cuts the power.</summary>
    public Task CutAsync() => _machine.CutAsync();

    public async ValueTask DisposeAsync()
    {
        await _console.DisposeAsync();
        await _machine.DisposeAsync();
    }

    /// <summary>The boot loader would interpret a key as its own.</summary>
    private async Task BootedAsync()
    {
        await _console.SeeAsync(LoaderMax, Kernel);
        await _console.ReadyAsync(QemuMachine.BootPatience);
    }

    [GeneratedRegex(
        @"Firmware: slot (?<slot>[AB]), version (?<version>[0-9.]+)(?<trial>, on trial)?(; slot (?<next>[AB]) from the next start on|; slot (?<failed>[AB]) did not come up)?\r?\n"
    )]
    private static partial Regex Firmware();

    [GeneratedRegex("slots: booting ([AB]), [0-9]+ trials left")]
    private static partial Regex Booting();
}
