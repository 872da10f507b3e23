using System.Device.Gpio;

namespace Appliance.Hal;

/// <summary>
/// The temperature of a box, and the fan that its board describes. The fan starts at one temperature and stops below another. The
/// temperature is read every five seconds. If the sensor cannot be read, the fan runs.
/// </summary>
public sealed class Cooling : IDisposable
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(5);

    private readonly Board _board;
    private readonly GpioController? _gpio;
    private readonly Func<string> _read;
    private readonly ITimer? _timer;
    private bool? _running;

    /// <summary>Starts the control if the board has a fan.</summary>
    /// <param name="board">The board.</param>
    /// <param name="gpio">The chip that the board names; null if it has no fan.</param>
    /// <param name="time">The clock of the interval.</param>
    /// <param name="read">Reads the sensor's file; null for the file system's.</param>
    /// <exception cref="IOException">The fan's line is not available.</exception>
    public Cooling(Board board, GpioController? gpio, TimeProvider time, Func<string>? read = null)
    {
        _board = board;
        _gpio = gpio;
        _read = read ?? (() => File.ReadAllText(board.TemperatureFile!));
        if (board.Fan is not { } fan || gpio is null)
        {
            return;
        }
        try
        {
            gpio.OpenPin(fan.Line, PinMode.Output, PinValue.High);
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            throw new IOException($"fan: line {fan.Line} of {board.GpioChip} cannot be opened: {error.Message}", error);
        }
        _running = true;
        Look();
        _timer = time.CreateTimer(_ => Look(), null, Every, Every);
    }

    /// <summary>True while the fan runs; null if the board has no fan that is switched here.</summary>
    public bool? FanRuns => _running;

    /// <summary>Returns the temperature in degrees Celsius; null if there is no sensor, or it cannot be read.</summary>
    public double? Celsius()
    {
        try
        {
            return _board.TemperatureFile is not null && int.TryParse(_read().Trim(), out var thousandths) ? thousandths / 1000.0 : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Stops the control; the fan stays as it is.</summary>
    public void Dispose()
    {
        if (_timer is not null)
        {
            _timer.Dispose();
            _gpio!.ClosePin(_board.Fan!.Line);
        }
    }

    private void Look()
    {
        var wanted =
            Celsius() is not { } celsius || celsius >= _board.Fan!.OnCelsius || (celsius >= _board.Fan.OffCelsius && _running == true);
        if (wanted != _running || _timer is null)
        {
            _running = wanted;
            _gpio!.Write(_board.Fan!.Line, wanted ? PinValue.High : PinValue.Low);
        }
    }
}
