using System.Device.Gpio;
using Appliance.Doubles.Panel;
using Appliance.Hal;
using Microsoft.Extensions.Time.Testing;

namespace Appliance.Tests.Panel;

/// <summary>A panel over lines in memory, a clock that the test moves, and a record of each LED's changes.</summary>
internal sealed class PanelRig : IDisposable
{
    public const int StatusLine = 10;
    public const int AlarmLine = 12;
    public const int Port1Line = 13;
    public const int ResetLine = 15;

    private readonly GpioController _gpio;

    public PanelRig(bool activeLow = false, bool heldDown = false, ICharacterDisplay? display = null)
    {
        Board = new Board("rig", [new BoardNic("port1", System.Net.IPAddress.Loopback)])
        {
            GpioChip = "rig",
            Leds =
            [
                new("status", StatusLine, activeLow),
                new("ha", 11, activeLow),
                new("alarm", AlarmLine, activeLow),
                new("port1", Port1Line, activeLow),
            ],
            Buttons = [new("reset", ResetLine, true, "up")],
        };
        Driver.OutputChanged += (line, high) => Changes.Add((line, high != activeLow, Time.GetUtcNow() - Began));
        if (heldDown)
        {
            Driver.Drive(ResetLine, false);
        }
        _gpio = new GpioController(Driver);
        Panel = new FrontPanel(Board, _gpio, display, Time);
        Panel.ResetHeld += () => Resets.Add(Time.GetUtcNow() - Began);
    }

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2033, 2, 3, 4, 5, 6, TimeSpan.Zero));

    public Board Board { get; }

    public SimGpioDriver Driver { get; } = new(32);

    public FrontPanel Panel { get; }

    public List<(int Line, bool Lit, TimeSpan At)> Changes { get; } = [];

    public List<TimeSpan> Resets { get; } = [];

    public void Show(PanelPhase phase, PanelAlarm alarm = PanelAlarm.None, params string[] links) =>
        Panel.Show(new PanelState(phase, alarm, links.ToHashSet(), ["line one", "line two"]));

    /// <summary>The contact closes or opens (active low: down pulls the line to ground).</summary>
    public void Contact(bool down) => Driver.Drive(ResetLine, down ? false : null);

    /// <summary>Advances the time, one timer at a time.</summary>
    public void Wait(double milliseconds)
    {
        for (var left = TimeSpan.FromMilliseconds(milliseconds); left > TimeSpan.Zero; left -= TimeSpan.FromMilliseconds(1))
        {
            Time.Advance(left < TimeSpan.FromMilliseconds(1) ? left : TimeSpan.FromMilliseconds(1));
        }
    }

    /// <summary>The times of a LED's changes in milliseconds from a moment on: lit first, then dark, and so on.</summary>
    public double[] Times(int line, TimeSpan from) =>
        [.. Changes.Where(change => change.Line == line && change.At >= from).Select(change => (change.At - from).TotalMilliseconds)];

    public TimeSpan Now => Time.GetUtcNow() - Began;

    public bool IsLit(string led) => Panel.View().Leds.Single(known => known.Name == led).Lit;

    public void Dispose()
    {
        Panel.Dispose();
        _gpio.Dispose();
    }

    private DateTimeOffset Began { get; } = new(2033, 2, 3, 4, 5, 6, TimeSpan.Zero);
}
