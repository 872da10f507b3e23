using System.Device.Gpio;
using Appliance.Hal;
using Appliance.Hal.Linux;

namespace Appliance.Boot;

/// <summary>The panel and the cooling of a box. An unavailable device is reported, and the box still serves.</summary>
internal sealed class BoardHardware : IDisposable
{
    private readonly FrontPanel? _panel;
    private readonly GpioController? _gpio;

    private BoardHardware(GpioController? gpio, FrontPanel? panel, Cooling? cooling)
    {
        _gpio = gpio;
        _panel = panel;
        Cooling = cooling;
    }

    /// <summary>The panel; null if the board has none, or if it is unavailable.</summary>
    public IFrontPanel? Panel => _panel;

    /// <summary>The temperature sensor and the fan; null if the board has neither, or if the fan is unavailable.</summary>
    public Cooling? Cooling { get; }

    public void Dispose()
    {
        _panel?.Dispose();
        Cooling?.Dispose();
        _gpio?.Dispose();
    }

    /// <summary>Opens the devices that the board declares, and no others.</summary>
    internal static BoardHardware Open(Board board, TimeProvider time, Action<string> complain)
    {
        T? Try<T>(Func<T> open)
            where T : class
        {
            try
            {
                return open();
            }
            catch (IOException error)
            {
                complain(error.Message);
                return null;
            }
        }
        var gpio = board.GpioChip is { } chip ? Try(() => GpioChip.Open(chip)) : null;
        var panel =
            gpio is not null && board.Leds.Count + board.Buttons.Count > 0
                ? Try(() =>
                    new FrontPanel(board, gpio, board.Display is { } display ? Try(() => GpioChip.OpenDisplay(display)) : null, time)
                )
                : null;
        var cooling = board.TemperatureFile is not null ? Try(() => new Cooling(board, gpio, time)) : null;
        return new BoardHardware(gpio, panel, cooling);
    }
}
