using System.Device.Gpio;

namespace Appliance.Hal;

/// <summary>
/// The panel that a board describes, over any <see cref="GpioController"/>. It uses only the lines that the board names. Disposal switches
/// its LEDs off. A display that does not respond is reported in the view and tried again with each change; everything else continues.
/// </summary>
public sealed class FrontPanel : IFrontPanel, IDisposable
{
    private static readonly TimeSpan Soonest = TimeSpan.FromMilliseconds(1);

    private readonly Lock _lock = new();
    private readonly Board _board;
    private readonly GpioController _gpio;
    private readonly ICharacterDisplay? _display;
    private readonly TimeProvider _time;
    private readonly long _began;
    private readonly PanelCore _core;
    private readonly ITimer _timer;
    private readonly bool?[] _written;
    private readonly List<int> _open = [];
    private PanelFrame _frame;
    private TimeSpan _frameAt;
    private IReadOnlyList<string> _lines = [];
    private bool _writing;
    private string? _displayFault;
    private bool _ended;

    /// <summary>Opens the board's lines.</summary>
    /// <param name="board">The board.</param>
    /// <param name="gpio">The chip that the board names.</param>
    /// <param name="display">The display that the board names; null if it names none. Disposed with the panel.</param>
    /// <param name="time">The clock for LED patterns and for the time that a button is held.</param>
    /// <exception cref="IOException">A line is not available; the message names it.</exception>
    public FrontPanel(Board board, GpioController gpio, ICharacterDisplay? display, TimeProvider time)
    {
        _board = board;
        _gpio = gpio;
        _display = display;
        _time = time;
        _began = time.GetTimestamp();
        _written = new bool?[board.Leds.Count];
        try
        {
            foreach (var led in board.Leds)
            {
                Take(
                    $"led {led.Name}",
                    led.Line,
                    () => gpio.OpenPin(led.Line, PinMode.Output, led.ActiveLow ? PinValue.High : PinValue.Low)
                );
            }
            foreach (var button in board.Buttons)
            {
                Take($"button {button.Name}", button.Line, () => gpio.OpenPin(button.Line, ModeOf(gpio, button)));
            }
            _core = new PanelCore(board.Leds.Select(led => led.Name), Reset is { } reset && IsDown(reset), Now);
            foreach (var button in board.Buttons)
            {
                gpio.RegisterCallbackForPinValueChangedEvent(button.Line, PinEventTypes.Rising | PinEventTypes.Falling, ContactChanged);
            }
        }
        catch
        {
            _open.ForEach(gpio.ClosePin);
            throw;
        }
        _timer = time.CreateTimer(_ => Change(_ => { }), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _frame = _core.Advance(Now);
        Change(_ => { });
    }

    /// <inheritdoc/>
    public event Action? ResetHeld;

    /// <inheritdoc/>
    public void Show(PanelState state) => Change(core => core.Show(state));

    /// <inheritdoc/>
    public PanelView View()
    {
        lock (_lock)
        {
            // The time held until now, not until the last change.
            var held = _frame.Pressed ? _frame.Held + (Now - _frameAt) : TimeSpan.Zero;
            return new PanelView(
                _frame.Leds,
                [.. _board.Buttons.Select(button => new PanelButton(button.Name, _frame.Pressed, held))],
                _lines,
                _displayFault
            );
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_lock)
        {
            if (_ended)
            {
                return;
            }
            _ended = true;
        }
        // Not under the lock: a driver may wait here for a callback that needs it. Nothing is written any more.
        foreach (var button in _board.Buttons)
        {
            _gpio.UnregisterCallbackForPinValueChangedEvent(button.Line, ContactChanged);
        }
        _timer.Dispose();
        foreach (var led in _board.Leds)
        {
            _gpio.Write(led.Line, led.ActiveLow ? PinValue.High : PinValue.Low);
        }
        _open.ForEach(_gpio.ClosePin);
        _display?.Dispose();
    }

    private BoardButton? Reset => _board.Buttons.Count > 0 ? _board.Buttons[0] : null;

    private TimeSpan Now => _time.GetElapsedTime(_began);

    private static PinMode ModeOf(GpioController gpio, BoardButton button)
    {
        var mode = button.Pull switch
        {
            "up" => PinMode.InputPullUp,
            "down" => PinMode.InputPullDown,
            _ => PinMode.Input,
        };
        return gpio.IsPinModeSupported(button.Line, mode) ? mode : PinMode.Input;
    }

    private void Take(string what, int line, Action open)
    {
        try
        {
            open();
            _open.Add(line);
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            // Drivers throw various exceptions; to the operator, each means that a line is not available.
            throw new IOException($"{what}: line {line} of {_board.GpioChip} cannot be opened: {error.Message}", error);
        }
    }

    private bool IsDown(BoardButton button) => _gpio.Read(button.Line) == (button.ActiveLow ? PinValue.Low : PinValue.High);

    private void ContactChanged(object sender, PinValueChangedEventArgs change)
    {
        if (Reset is { } reset && change.PinNumber == reset.Line)
        {
            // The edge reports the level at its own time; reading the line now may return a later bounce.
            Change(core => core.Contact((change.ChangeType == PinEventTypes.Rising) != reset.ActiveLow, Now));
        }
    }

    private void Change(Action<PanelCore> change)
    {
        bool due;
        lock (_lock)
        {
            if (_ended)
            {
                return;
            }
            change(_core);
            var now = Now;
            (_frame, _frameAt) = (_core.Advance(now), now);
            due = _frame.ResetDue;
            for (var at = 0; at < _frame.Leds.Count; at++)
            {
                if (_written[at] != _frame.Leds[at].Lit)
                {
                    _written[at] = _frame.Leds[at].Lit;
                    _gpio.Write(_board.Leds[at].Line, _frame.Leds[at].Lit != _board.Leds[at].ActiveLow ? PinValue.High : PinValue.Low);
                }
            }
            _timer.Change(
                _frame.Next is { } next ? (next - now > Soonest ? next - now : Soonest) : Timeout.InfiniteTimeSpan,
                Timeout.InfiniteTimeSpan
            );
            ShowLines(_frame.Lines);
        }
        if (due)
        {
            ResetHeld?.Invoke();
        }
    }

    /// <summary>Writes the lines to the display, which is slow, in a separate task that always uses the newest lines.</summary>
    private void ShowLines(IReadOnlyList<string> lines)
    {
        if (_display is null)
        {
            return;
        }
        string[] fitted = [.. Enumerable.Range(0, _display.Rows).Select(row => Fit(row < lines.Count ? lines[row] : "", _display.Columns))];
        if (_lines.SequenceEqual(fitted) && _displayFault is null)
        {
            return;
        }
        _lines = fitted;
        if (!_writing)
        {
            _writing = true;
            _ = Task.Run(WriteDisplay);
        }
    }

    private void WriteDisplay()
    {
        IReadOnlyList<string>? shown = null;
        string? fault = null;
        while (true)
        {
            IReadOnlyList<string> lines;
            lock (_lock)
            {
                _displayFault = fault;
                if (_ended || ReferenceEquals(shown, _lines))
                {
                    _writing = false;
                    return;
                }
                lines = _lines;
            }
            try
            {
                _display!.Show(lines);
                fault = null;
            }
            catch (Exception error) when (error is IOException or ObjectDisposedException)
            {
                fault = error.Message;
            }
            shown = lines;
        }
    }

    private static string Fit(string line, int columns) => line.Length > columns ? line[..columns] : line.PadRight(columns);
}
