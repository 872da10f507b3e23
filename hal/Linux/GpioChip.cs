using System.Device.Gpio;
using System.Device.Gpio.Drivers;
using System.Device.I2c;

namespace Appliance.Hal.Linux;

/// <summary>Access to a board's lines on Linux, through libgpiod, on the chip with the board's label.</summary>
public static class GpioChip
{
    private const int ChipsMax = 64;

    /// <summary>Opens the chip that a board names. The caller disposes it.</summary>
    /// <exception cref="IOException">There is no such chip, or no libgpiod; the message lists the available chips.</exception>
    public static GpioController Open(string label)
    {
        var seen = new List<string>();
        foreach (var number in Enumerable.Range(0, ChipsMax).Where(number => File.Exists($"/dev/gpiochip{number}")))
        {
            LibGpiodDriver? driver = null;
            try
            {
                driver = new LibGpiodDriver(number);
                var found = driver.GetChipInfo().Label;
                if (found == label)
                {
                    var controller = new GpioController(driver);
                    driver = null;
                    return controller;
                }
                seen.Add(found);
            }
            catch (Exception error) when (error is not OutOfMemoryException)
            {
                throw new IOException($"gpio chip {number} cannot be opened: {error.InnerException?.Message ?? error.Message}", error);
            }
            finally
            {
                driver?.Dispose();
            }
        }
        throw new IOException($"there is no gpio chip '{label}' (there are: {(seen.Count > 0 ? string.Join(", ", seen) : "none")})");
    }

    /// <summary>Opens the display that a board names. Nothing is sent before the first write.</summary>
    public static ICharacterDisplay OpenDisplay(BoardDisplay display) =>
        new CharacterDisplay(I2cDevice.Create(new I2cConnectionSettings(display.Bus, display.Address)), display.Columns, display.Rows);
}
