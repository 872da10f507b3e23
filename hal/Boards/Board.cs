using System.Net;

namespace Appliance.Hal;

/// <summary>The criteria that identify a kernel's network device. The device must match every value that is set.</summary>
/// <param name="Device">The device name (<c>eth0</c>); null for any.</param>
/// <param name="Mac">The hardware address, in upper-case hex without separators; null for any.</param>
/// <param name="Driver">The kernel driver (<c>bcmgenet</c>); null for any.</param>
/// <param name="Path">The device's location: whole consecutive names of its path under /sys/devices (<c>fd580000.ethernet</c>); null for
/// any.</param>
public sealed record DeviceMatch(string? Device, string? Mac, string? Driver, string? Path)
{
    /// <summary>Returns the criteria as board.json spells them, for messages.</summary>
    public override string ToString() =>
        string.Join(
            ", ",
            new[] { ("device", Device), ("mac", Mac), ("driver", Driver), ("path", Path) }
                .Where(word => word.Item2 is not null)
                .Select(word => $"{word.Item1} {word.Item2}")
        );
}

/// <summary>One interface of a board.</summary>
/// <param name="Name">The logical name (<c>port1</c>).</param>
/// <param name="Address">The fixed address of an interface without a device, or the factory default of one with a device. 0.0.0.0 is
/// none.</param>
/// <param name="PrefixLength">The prefix length of the address.</param>
/// <param name="Role">The purpose: <c>wan</c>, <c>lan</c>, <c>dmz</c> or <c>undefined</c>.</param>
/// <param name="Match">The kernel device of the interface; null for an address alone, which belongs to the system.</param>
public sealed record BoardNic(string Name, IPAddress Address, int PrefixLength = 32, string Role = "undefined", DeviceMatch? Match = null);

/// <summary>A light-emitting diode.</summary>
/// <param name="Name">The name: <c>status</c>, <c>ha</c>, <c>alarm</c>, or the interface whose link the LED shows.</param>
/// <param name="Line">The line of the board's GPIO chip.</param>
/// <param name="ActiveLow">True if the LED is lit while the line is low.</param>
public sealed record BoardLed(string Name, int Line, bool ActiveLow);

/// <summary>A push button.</summary>
/// <param name="Name">The name: <c>reset</c>.</param>
/// <param name="Line">The line of the board's GPIO chip.</param>
/// <param name="ActiveLow">True if the line is low while the button is pressed.</param>
/// <param name="Pull">The chip's pull resistor: <c>up</c>, <c>down</c> or <c>none</c>.</param>
public sealed record BoardButton(string Name, int Line, bool ActiveLow, string Pull);

/// <summary>A fan that is switched by a line.</summary>
/// <param name="Line">The line of the board's GPIO chip; high switches the fan on.</param>
/// <param name="OnCelsius">The temperature from which the fan runs.</param>
/// <param name="OffCelsius">The temperature below which the fan stops.</param>
public sealed record BoardFan(int Line, int OnCelsius, int OffCelsius);

/// <summary>A character display of type HD44780 behind an 8-bit expander on I2C.</summary>
public sealed record BoardDisplay(int Bus, int Address, int Columns, int Rows);

/// <summary>The console port.</summary>
public sealed record BoardConsole(string Device, int Baud);

/// <summary>The hardware watchdog.</summary>
/// <param name="Device">The device file.</param>
/// <param name="Timeout">The time without a heartbeat after which the watchdog restarts the box.</param>
public sealed record BoardWatchdog(string Device, TimeSpan Timeout);

/// <summary>The push proxy that a board uses.</summary>
/// <param name="Addresses">The addresses, the preferred one first; never empty.</param>
/// <param name="AuthorityFile">The PEM file of the certificate's CA, relative to the board's file.</param>
/// <param name="Name">The name in the certificate; null for the device's.</param>
public sealed record BoardPushProxy(IReadOnlyList<IPEndPoint> Addresses, string AuthorityFile, string? Name);

/// <summary>
/// The hardware description of a board, read from its <c>board.json</c> (docs/reference/boards.md). The board does not have the parts that
/// are null or empty here, and the firmware does not access them.
/// </summary>
/// <param name="Name">The board's name.</param>
/// <param name="Nics">The interfaces, in order; never empty, each name once.</param>
public sealed record Board(string Name, IReadOnlyList<BoardNic> Nics)
{
    /// <summary>The display name; <see cref="Name"/> if the file has no other.</summary>
    public string Model { get; init; } = Name;

    /// <summary>The label of the GPIO chip of all lines; null without lines.</summary>
    public string? GpioChip { get; init; }

    /// <summary>The LEDs, in the file's order: none, or <c>status</c>, <c>ha</c>, <c>alarm</c> and one for each interface.</summary>
    public IReadOnlyList<BoardLed> Leds { get; init; } = [];

    /// <summary>The buttons: none, or <c>reset</c>.</summary>
    public IReadOnlyList<BoardButton> Buttons { get; init; } = [];

    /// <summary>The file with the temperature in thousandths of a degree Celsius; null without a sensor.</summary>
    public string? TemperatureFile { get; init; }

    /// <summary>The fan; null if there is none, or the hardware controls it.</summary>
    public BoardFan? Fan { get; init; }

    /// <summary>The display; null if there is none.</summary>
    public BoardDisplay? Display { get; init; }

    /// <summary>The console port; null if there is none.</summary>
    public BoardConsole? Console { get; init; }

    /// <summary>The watchdog; null if there is none.</summary>
    public BoardWatchdog? Watchdog { get; init; }

    /// <summary>The push proxy; null if there is none.</summary>
    public BoardPushProxy? PushProxy { get; init; }

    /// <summary>Reads a description and those that it extends.</summary>
    /// <exception cref="FormatException">The description is invalid; the message names the file, the path in it and the error.</exception>
    /// <exception cref="IOException">A file cannot be read.</exception>
    public static Board Load(string file) =>
        BoardText.Read(
            BoardText.Whole(file),
            Path.GetFileName(Path.GetDirectoryName(Path.GetFullPath(file))) + "/" + Path.GetFileName(file)
        );
}
