using System.Device.Gpio;

namespace Appliance.Hal;

/// <summary>
/// The temperature of a box, and the fan that its board describes: it runs from one temperature on, and until it is cooler than another. Looks every
/// five seconds; when the sensor cannot be read the fan runs.
/// </summary>
public sealed class Cooling : IDisposable
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(5);

    private readonly Board _board;
    private readonly GpioController? _gpio;
    private readonly Func<string> _read;
    private readonly ITimer? _timer;
    private bool? _running;

    /// <summary>Begins to look, when the board has a fan.</summary>
    /// <param name="board">What there is.</param>
    /// <param name="gpio">The chip that the board names; null when it has no fan.</param>
    /// <param name="time">For the rhythm.</param>
    /// <param name="read">Reads the sensor's file; null for the file system's.</param>
    /// <exception cref="IOException">The fan's line cannot be had.</exception>
    public Cooling(Board board, GpioController? gpio, TimeProvider time, Func<string>? read = null)
    {
        (_board, _gpio, _read) = (board, gpio, read ?? (() => File.ReadAllText(board.TemperatureFile!)));
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
            throw new IOException($"fan: line {fan.Line} of {board.GpioChip} cannot be had: {error.Message}", error);
        }
        _running = true;
        Look();
        _timer = time.CreateTimer(_ => Look(), null, Every, Every);
    }

    /// <summary>Whether the fan runs; null when the board has none that is switched here.</summary>
    public bool? FanRuns => _running;

    /// <summary>Degrees Celsius; null when there is no sensor, or it cannot be read.</summary>
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

    /// <summary>Stops looking; the fan stays as it is.</summary>
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
        var wanted = Celsius() is not { } celsius || celsius >= _board.Fan!.OnCelsius || (celsius >= _board.Fan.OffCelsius && _running == true);
        if (wanted != _running || _timer is null)
        {
            _running = wanted;
            _gpio!.Write(_board.Fan!.Line, wanted ? PinValue.High : PinValue.Low);
        }
    }
}
