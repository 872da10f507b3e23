using System.Device.Gpio;
using Appliance.Hal;

namespace Appliance.Doubles.Panel;

/// <summary>The front panel of a simulated box: the real panel over lines in memory, with simulated button presses.</summary>
internal sealed class LabPanel : IDisposable
{
    private readonly Lock _lock = new();
    private readonly SimGpioDriver _driver;
    private readonly GpioController _gpio;
    private readonly FrontPanel _panel;
    private readonly TimeProvider _time;
    private readonly Dictionary<string, ITimer> _releases = [];

    /// <summary>Powers up the panel of a board.</summary>
    public LabPanel(Board board, TimeProvider time)
    {
        (Board, _time) = (board, time);
        _driver = new SimGpioDriver(
            1 + board.Leds.Select(led => led.Line).Concat(board.Buttons.Select(button => button.Line)).Append(board.Fan?.Line ?? 0).Max()
        );
        _gpio = new GpioController(_driver);
        _panel = new FrontPanel(board, _gpio, board.Display is { } display ? new SimDisplay(display.Columns, display.Rows) : null, time);
    }

    public Board Board { get; }

    /// <summary>The panel as the firmware gets it.</summary>
    public IFrontPanel Front => _panel;

    public PanelView View() => _panel.View();

    /// <summary>
    /// Presses a button and releases it after a time of the lab's clock; null keeps it pressed. Returns false if there is no such button.
    /// </summary>
    public bool Press(string name, TimeSpan? hold)
    {
        if (Find(name) is not { } button)
        {
            return false;
        }
        lock (_lock)
        {
            Forget(name);
            _driver.Drive(button.Line, !button.ActiveLow);
            if (hold is { } time)
            {
                _releases[name] = _time.CreateTimer(_ => Release(name), null, time, Timeout.InfiniteTimeSpan);
            }
        }
        return true;
    }

    /// <summary>Releases a button. Returns false if there is no such button.</summary>
    public bool Release(string name)
    {
        if (Find(name) is not { } button)
        {
            return false;
        }
        lock (_lock)
        {
            Forget(name);
            _driver.Drive(button.Line, button.ActiveLow);
        }
        return true;
    }

    public void Dispose()
    {
        lock (_lock)
        {
            foreach (var name in _releases.Keys.ToArray())
            {
                Forget(name);
            }
        }
        _panel.Dispose();
        _gpio.Dispose();
    }

    private BoardButton? Find(string name) => Board.Buttons.FirstOrDefault(button => button.Name == name);

    private void Forget(string name)
    {
        if (_releases.Remove(name, out var timer))
        {
            timer.Dispose();
        }
    }

    /// <summary>A display that accepts all text immediately; the panel's view has the content.</summary>
    private sealed class SimDisplay(int columns, int rows) : ICharacterDisplay
    {
        public int Columns => columns;

        public int Rows => rows;

        public void Show(IReadOnlyList<string> lines) { }

        public void Dispose() { }
    }
}
