using System.Device.Gpio;

namespace Appliance.Doubles.Panel;

/// <summary>
/// GPIO lines in memory. The firmware's side is that of any driver; the other side (<see cref="Drive"/>, <see cref="LevelOf"/>) represents
/// the circuit that the lines are soldered to. A line that is not driven has the level of its pull resistor. All members may be called from
/// any thread.
/// </summary>
public sealed class SimGpioDriver : GpioDriver
{
    private readonly Lock _lock = new();
    private readonly Line[] _lines;

    /// <summary>Creates a chip with a number of lines.</summary>
    public SimGpioDriver(int count) => _lines = [.. Enumerable.Range(0, count).Select(_ => new Line())];

    /// <summary>Raised after an output changed, on the thread that changed it.</summary>
    public event Action<int, bool>? OutputChanged;

    /// <summary>Drives an input from outside; null releases it.</summary>
    public void Drive(int line, bool? high)
    {
        PinValueChangedEventArgs? change = null;
        PinChangeEventHandler? handlers = null;
        lock (_lock)
        {
            var at = _lines[line];
            var before = at.Level;
            at.Driven = high;
            if (at.IsOpen && at.Mode != PinMode.Output && at.Level != before)
            {
                change = new PinValueChangedEventArgs(at.Level ? PinEventTypes.Rising : PinEventTypes.Falling, line);
                handlers = at.Level ? at.Rising : at.Falling;
            }
        }
        if (change is not null)
        {
            handlers?.Invoke(this, change);
        }
    }

    /// <summary>Returns true if a line is high; false for an output that is not open.</summary>
    public bool LevelOf(int line)
    {
        lock (_lock)
        {
            return _lines[line].Level;
        }
    }

    /// <summary>The open lines, in order.</summary>
    public IReadOnlyList<int> OpenLines
    {
        get
        {
            lock (_lock)
            {
                return [.. Enumerable.Range(0, _lines.Length).Where(line => _lines[line].IsOpen)];
            }
        }
    }

    /// <inheritdoc/>
    protected override int PinCount => _lines.Length;

    /// <inheritdoc/>
    protected override void OpenPin(int pinNumber)
    {
        lock (_lock)
        {
            _lines[pinNumber].IsOpen = !_lines[pinNumber].IsOpen
                ? true
                : throw new InvalidOperationException($"line {pinNumber} is already open");
        }
    }

    /// <inheritdoc/>
    protected override void ClosePin(int pinNumber)
    {
        lock (_lock)
        {
            // As in a kernel, the line becomes an input again, and its external drive stays.
            _lines[pinNumber] = new Line { Driven = _lines[pinNumber].Driven };
        }
    }

    /// <inheritdoc/>
    protected override void SetPinMode(int pinNumber, PinMode mode)
    {
        lock (_lock)
        {
            Open(pinNumber).Mode = mode;
        }
    }

    /// <inheritdoc/>
    protected override void SetPinMode(int pinNumber, PinMode mode, PinValue initialValue)
    {
        SetPinMode(pinNumber, mode);
        Write(pinNumber, initialValue);
    }

    /// <inheritdoc/>
    protected override PinMode GetPinMode(int pinNumber)
    {
        lock (_lock)
        {
            return Open(pinNumber).Mode;
        }
    }

    /// <inheritdoc/>
    protected override bool IsPinModeSupported(int pinNumber, PinMode mode) => true;

    /// <inheritdoc/>
    protected override PinValue Read(int pinNumber)
    {
        lock (_lock)
        {
            return Open(pinNumber).Level;
        }
    }

    /// <inheritdoc/>
    protected override void Write(int pinNumber, PinValue value)
    {
        bool changed;
        lock (_lock)
        {
            var line = Open(pinNumber);
            changed = line.Output != (bool)value;
            line.Output = (bool)value;
        }
        if (changed)
        {
            OutputChanged?.Invoke(pinNumber, (bool)value);
        }
    }

    /// <inheritdoc/>
    protected override void Toggle(int pinNumber) => Write(pinNumber, !Read(pinNumber));

    /// <inheritdoc/>
    protected override WaitForEventResult WaitForEvent(int pinNumber, PinEventTypes eventTypes, CancellationToken cancellationToken)
    {
        using var came = new ManualResetEventSlim();
        var type = PinEventTypes.None;
        void Handler(object sender, PinValueChangedEventArgs change)
        {
            type = change.ChangeType;
            came.Set();
        }
        AddCallbackForPinValueChangedEvent(pinNumber, eventTypes, Handler);
        try
        {
            came.Wait(cancellationToken);
            return new WaitForEventResult { EventTypes = type };
        }
        catch (OperationCanceledException)
        {
            return new WaitForEventResult { TimedOut = true };
        }
        finally
        {
            RemoveCallbackForPinValueChangedEvent(pinNumber, Handler);
        }
    }

    /// <inheritdoc/>
    protected override void AddCallbackForPinValueChangedEvent(int pinNumber, PinEventTypes eventTypes, PinChangeEventHandler callback)
    {
        lock (_lock)
        {
            var line = Open(pinNumber);
            line.Rising += eventTypes.HasFlag(PinEventTypes.Rising) ? callback : null;
            line.Falling += eventTypes.HasFlag(PinEventTypes.Falling) ? callback : null;
        }
    }

    /// <inheritdoc/>
    protected override void RemoveCallbackForPinValueChangedEvent(int pinNumber, PinChangeEventHandler callback)
    {
        lock (_lock)
        {
            _lines[pinNumber].Rising -= callback;
            _lines[pinNumber].Falling -= callback;
        }
    }

    private Line Open(int number) =>
        _lines[number].IsOpen ? _lines[number] : throw new InvalidOperationException($"line {number} is not open");

    private sealed class Line
    {
        public bool IsOpen { get; set; }

        public PinMode Mode { get; set; } = PinMode.Input;

        public bool Output { get; set; }

        public bool? Driven { get; set; }

        public PinChangeEventHandler? Rising { get; set; }

        public PinChangeEventHandler? Falling { get; set; }

        public bool Level => Mode == PinMode.Output ? Output : Driven ?? Mode == PinMode.InputPullUp;
    }
}
