using System.ComponentModel;
using System.Diagnostics;
using Appliance.Hal;

namespace Appliance.Boot;

/// <summary>
/// The slots of an image, one of which the boot loader chooses (docs/use/lab-box.md). A small program of the image manages them with the
/// platform's tools.
/// </summary>
internal sealed class SlotProgram : IFirmwareSlots, IDisposable
{
    /// <summary>The program's path in an image.</summary>
    internal const string Usual = "/usr/lib/appliance/slots";

    /// <summary>The kernel parameter in which the boot loader names the slot that it booted.</summary>
    private const string Told = "rauc.slot=";

    private const int AnswerMax = 200;
    private static readonly TimeSpan SoonMax = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan InstallMax = TimeSpan.FromMinutes(10);

    private readonly string _program;
    private readonly TimeProvider _time;
    private readonly SemaphoreSlim _one = new(1, 1);

    private SlotProgram(string program, TimeProvider time) => (_program, _time) = (program, time);

    public FirmwareSlot Slot { get; private set; } = new("", "");

    public async Task<string?> InstallAsync(string file)
    {
        if (!await _one.WaitAsync(0).ConfigureAwait(false))
        {
            return "another update is running";
        }
        try
        {
            if (await RunAsync(InstallMax, "install", file).ConfigureAwait(false) is (not 0, var refused))
            {
                return refused.Length > 0 ? refused : "the update failed";
            }
            await LookAsync().ConfigureAwait(false);
            return null;
        }
        catch (IOException error)
        {
            return error.Message;
        }
        finally
        {
            _one.Release();
        }
    }

    public void Dispose() => _one.Dispose();

    /// <summary>Opens the slots of this machine; null if its boot loader names none.</summary>
    /// <exception cref="IOException">The boot loader names a slot, and the image's program cannot report the slots.</exception>
    internal static async Task<SlotProgram?> OpenAsync(string kernelCommandLine, string program, TimeProvider time)
    {
        if (
            !kernelCommandLine
                .Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)
                .Any(word => word.StartsWith(Told, StringComparison.Ordinal))
        )
        {
            return null;
        }
        var slots = new SlotProgram(program, time) { Slot = new FirmwareSlot("", "") { OnTrial = true } };
        await slots.LookAsync().ConfigureAwait(false);
        return slots;
    }

    /// <summary>Marks the running slot as good, so that the boot loader need not fall back.</summary>
    /// <exception cref="IOException">The boot loader could not be notified.</exception>
    internal async Task PassAsync()
    {
        if (await RunAsync(SoonMax, "good").ConfigureAwait(false) is (not 0, var why))
        {
            throw new IOException($"slot {Slot.Name} cannot be confirmed to the boot loader: {why}");
        }
        Slot = Slot with { OnTrial = false };
    }

    private async Task LookAsync()
    {
        var (code, text) = await RunAsync(SoonMax, "status").ConfigureAwait(false);
        var report = text.Split('\n')
            .Select(line => line.Split('=', 2))
            .Where(pair => pair.Length == 2)
            .GroupBy(pair => pair[0], StringComparer.Ordinal)
            .ToDictionary(pairs => pairs.Key, pairs => pairs.First()[1], StringComparer.Ordinal);
        if (code != 0 || !report.TryGetValue("slot", out var slot) || !report.TryGetValue("version", out var version))
        {
            throw new IOException($"{_program} does not report the slot: {text}");
        }
        Slot = new FirmwareSlot(slot, version)
        {
            OnTrial = Slot.OnTrial,
            Next = report.GetValueOrDefault("next"),
            Failed = report.GetValueOrDefault("failed"),
        };
    }

    /// <summary>Runs the program to its end. Returns its exit code and the end of its output, without control characters.</summary>
    /// <exception cref="IOException">The program does not start, or does not end in time.</exception>
    private async Task<(int Code, string Said)> RunAsync(TimeSpan atMost, params string[] arguments)
    {
        using var late = new CancellationTokenSource(atMost, _time);
        try
        {
            using var process = Process.Start(
                new ProcessStartInfo(_program, arguments) { RedirectStandardOutput = true, RedirectStandardInput = true }
            )!;
            process.StandardInput.Close();
            try
            {
                var said = await process.StandardOutput.ReadToEndAsync(late.Token).ConfigureAwait(false);
                await process.WaitForExitAsync(late.Token).ConfigureAwait(false);
                said = string.Concat(said.Trim().Where(c => c == '\n' || !char.IsControl(c)));
                return (process.ExitCode, said.Length <= AnswerMax ? said : said[^AnswerMax..]);
            }
            catch (OperationCanceledException)
            {
                process.Kill(entireProcessTree: true);
                throw new IOException($"{_program} {arguments[0]} has not ended within {atMost.TotalSeconds} s");
            }
        }
        catch (Win32Exception error)
        {
            throw new IOException($"{_program}: {error.Message}", error);
        }
    }
}
