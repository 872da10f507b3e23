using System.Globalization;
using System.Text;
using Appliance.Doubles.Clock;
using Appliance.Doubles.Failures;
using Appliance.Hal;

namespace Appliance.Lab.Targets;

/// <summary>
/// The lines of the emulated board's GPIO chip (PL061), through QEMU's qtest: reads the lines that the kernel drives, and drives those of
/// the buttons.
/// </summary>
internal sealed class PanelLines : IAsyncDisposable
{
    private const string DataRegister = "0x90303fc"; // GPIODATA of the PL061 at 0x9030000, all eight lines
    private static readonly TimeSpan SampleEvery = TimeSpan.FromMilliseconds(5);

    /// <summary>Without a change for this time, the LED does not blink. The slowest pattern changes once a second.</summary>
    private static readonly TimeSpan SteadyAfter = TimeSpan.FromMilliseconds(1300);
    private static readonly TimeSpan LookMax = TimeSpan.FromSeconds(5);

    /// <summary>The times of the panel's patterns (docs/reference/boards.md).</summary>
    private static readonly int[] KnownMilliseconds = [100, 250, 500, 1000];

    /// <summary>A duration is reported unchanged only if it is far shorter or longer than those of every pattern.</summary>
    private const double NearRatio = 1.7;

    private readonly Stream _stream;
    private readonly StreamReader _reader;
    private readonly Board _board;
    private readonly string _chip;

    private PanelLines(Stream stream, Board board, string chip)
    {
        _stream = stream;
        _reader = new StreamReader(stream, Encoding.ASCII);
        _board = board;
        _chip = chip;
    }

    /// <summary>Finds the chip and takes control of its lines.</summary>
    /// <exception cref="LabFailure">The machine has no such chip.</exception>
    public static async Task<PanelLines> OpenAsync(Qmp control, Board board)
    {
        const string Container = "/machine/unattached";
        var chip = (await control.ExecuteAsync("qom-list", "path", Container))
            .EnumerateArray()
            .FirstOrDefault(child => child.GetProperty("type").GetString() == "child<pl061>");
        return chip.ValueKind == System.Text.Json.JsonValueKind.Undefined
            ? throw new LabFailure(FailureKind.AssertionFailed, "the machine has no chip for the panel")
            : new PanelLines(await QemuMachine.QtestAsync(), board, $"{Container}/{chip.GetProperty("name").GetString()}");
    }

    /// <summary>Presses or releases a button.</summary>
    /// <exception cref="FormatException">There is no such button.</exception>
    public async Task DriveAsync(string name, bool pressed)
    {
        var button =
            _board.Buttons.FirstOrDefault(button => button.Name == name) ?? throw new FormatException($"the panel has no button '{name}'");
        await AskAsync($"set_irq_in {_chip} unnamed-gpio-in {button.Line} {(pressed != button.ActiveLow ? 1 : 0)}");
    }

    /// <summary>Watches a LED until its pattern is clear: <c>on</c>, <c>off</c>, or milliseconds on and off.</summary>
    /// <exception cref="FormatException">There is no such LED.</exception>
    public async Task<string> WatchAsync(string name)
    {
        var led = _board.Leds.FirstOrDefault(led => led.Name == name) ?? throw new FormatException($"the panel has no LED '{name}'");
        var began = LabClock.Wall.GetTimestamp();
        var (lit, since) = (await IsLitAsync(led), TimeSpan.Zero);
        // The first interval had begun before.
        var stretches = new List<(bool Lit, TimeSpan Time)>();
        while (true)
        {
            await Task.Delay(SampleEvery, LabClock.Wall);
            var now = LabClock.Wall.GetElapsedTime(began);
            if (now - since > SteadyAfter)
            {
                return lit ? "on" : "off";
            }
            if (await IsLitAsync(led) is var seen && seen != lit)
            {
                stretches.Add((lit, now - since));
                (lit, since) = (seen, now);
                if (stretches.Count > 2 || now > LookMax)
                {
                    return $"{Milliseconds(stretches.Skip(1).FirstOrDefault(one => one.Lit).Time)}/{Milliseconds(stretches.Skip(1).FirstOrDefault(one => !one.Lit).Time)}";
                }
            }
        }
    }

    /// <summary>Records all LEDs until it is cancelled.</summary>
    public async Task<PanelTrace> TraceAsync(CancellationToken stop)
    {
        var began = LabClock.Wall.GetTimestamp();
        var trace = new PanelTrace(_board);
        while (!stop.IsCancellationRequested)
        {
            trace.See(await LinesAsync(), LabClock.Wall.GetElapsedTime(began));
            await Task.Delay(SampleEvery, LabClock.Wall, CancellationToken.None);
        }
        return trace;
    }

    public ValueTask DisposeAsync()
    {
        _reader.Dispose();
        return _stream.DisposeAsync();
    }

    private async Task<bool> IsLitAsync(BoardLed led) => IsLit(led, await LinesAsync());

    private async Task<ulong> LinesAsync() =>
        ulong.Parse((await AskAsync($"readl {DataRegister}")).Split("0x")[^1], NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    /// <summary>Returns true if a LED is lit, by the levels of all lines.</summary>
    internal static bool IsLit(BoardLed led, ulong lines) => (((lines >> led.Line) & 1) == 1) != led.ActiveLow;

    /// <summary>
    /// Returns the nearest time of a pattern, by ratio. An emulated processor adds delays while it waits for a real one, and the times of
    /// patterns differ at least by a factor of two. Only the simulator shows exact times.
    /// </summary>
    internal static string Milliseconds(TimeSpan time)
    {
        var nearest = KnownMilliseconds.MinBy(known => Math.Abs(Math.Log(Math.Max(time.TotalMilliseconds, 1) / known)));
        var ratio = time.TotalMilliseconds / nearest;
        return (ratio is > 1 / NearRatio and < NearRatio ? nearest : (int)time.TotalMilliseconds).ToString(CultureInfo.InvariantCulture);
    }

    private async Task<string> AskAsync(string line)
    {
        await _stream.WriteAsync(Encoding.ASCII.GetBytes(line + "\n"));
        await _stream.FlushAsync();
        while (await _reader.ReadLineAsync() is { } answer)
        {
            if (answer.StartsWith("OK", StringComparison.Ordinal))
            {
                return answer;
            }
            if (!answer.StartsWith("IRQ", StringComparison.Ordinal))
            {
                throw new LabFailure(FailureKind.AssertionFailed, $"the emulator refuses '{line}': {answer}");
            }
        }
        throw new IOException("the emulator ended");
    }
}
