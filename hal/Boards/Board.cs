using System.Net;

namespace Appliance.Hal;

/// <summary>How a kernel's network device is found; every word that is given must suit.</summary>
/// <param name="Device">Its name (<c>eth0</c>); null when any will do.</param>
/// <param name="Mac">Its hardware address, in hex without separators and upper case; null when any will do.</param>
/// <param name="Driver">The kernel driver that runs it (<c>bcmgenet</c>); null when any will do.</param>
/// <param name="Path">Where it is in the tree of devices: a part of its path under /sys/devices, whole names (<c>fd580000.ethernet</c>); null when any will do.</param>
public sealed record DeviceMatch(string? Device, string? Mac, string? Driver, string? Path)
{
    /// <summary>As board.json spells it, for messages.</summary>
    public override string ToString() => string.Join(", ", new[] { ("device", Device), ("mac", Mac), ("driver", Driver), ("path", Path) }.Where(word => word.Item2 is not null).Select(word => $"{word.Item1} {word.Item2}"));
}

/// <summary>One interface of a board.</summary>
/// <param name="Name">The logical name (<c>port1</c>).</param>
/// <param name="Address">Its address: fixed for one that has no device, that of the factory for one that has. 0.0.0.0 is none.</param>
/// <param name="PrefixLength">The network's bits of the address.</param>
/// <param name="Role">What it is for: <c>wan</c>, <c>lan</c>, <c>dmz</c> or <c>undefined</c>.</param>
/// <param name="Match">The kernel device that it is; null for an address alone, which belongs to the system.</param>
public sealed record BoardNic(string Name, IPAddress Address, int PrefixLength = 32, string Role = "undefined", DeviceMatch? Match = null);

/// <summary>A light-emitting diode.</summary>
/// <param name="Name"><c>status</c>, <c>ha</c>, <c>alarm</c>, or the interface whose link it shows.</param>
/// <param name="Line">The line of the board's chip.</param>
/// <param name="ActiveLow">True when it shines while the line is low.</param>
public sealed record BoardLed(string Name, int Line, bool ActiveLow);

/// <summary>A push button.</summary>
/// <param name="Name"><c>reset</c>.</param>
/// <param name="Line">The line of the board's chip.</param>
/// <param name="ActiveLow">True when the line is low while it is pressed.</param>
/// <param name="Pull">The resistor that the chip is asked for: <c>up</c>, <c>down</c> or <c>none</c>.</param>
public sealed record BoardButton(string Name, int Line, bool ActiveLow, string Pull);

/// <summary>A fan that a line switches.</summary>
/// <param name="Line">The line of the board's chip; high runs it.</param>
/// <param name="OnCelsius">From this temperature on it runs.</param>
/// <param name="OffCelsius">Below this temperature it stops.</param>
public sealed record BoardFan(int Line, int OnCelsius, int OffCelsius);

/// <summary>A character display of the HD44780 kind behind an 8-bit expander on I2C.</summary>
public sealed record BoardDisplay(int Bus, int Address, int Columns, int Rows);

/// <summary>The console port.</summary>
public sealed record BoardConsole(string Device, int Baud);

/// <summary>The watchdog of the hardware.</summary>
/// <param name="Device">Its device file.</param>
/// <param name="Timeout">After so long without a sign of life it restarts the box.</param>
public sealed record BoardWatchdog(string Device, TimeSpan Timeout);

/// <summary>The push proxy that a board uses.</summary>
/// <param name="Addresses">Its addresses, first one preferred; never empty.</param>
/// <param name="AuthorityFile">PEM file of the authority of its certificate; relative to the board's file.</param>
/// <param name="Name">The name in its certificate; null for the device's.</param>
public sealed record BoardPushProxy(IReadOnlyList<IPEndPoint> Addresses, string AuthorityFile, string? Name);

/// <summary>What a board is made of, read from its <c>board.json</c> (docs/boards.md). What is null or empty here is not on the board, and nothing touches it.</summary>
/// <param name="Name">The board's name.</param>
/// <param name="Nics">Its interfaces, in order; never empty, no name twice.</param>
public sealed record Board(string Name, IReadOnlyList<BoardNic> Nics)
{
    /// <summary>What it is called by people; the name when the file has no other.</summary>
    public string Model { get; init; } = Name;

    /// <summary>The label of the chip that all its lines belong to; null when it has no lines.</summary>
    public string? GpioChip { get; init; }

    /// <summary>None, or <c>status</c>, <c>ha</c>, <c>alarm</c> and one for each interface, in the file's order.</summary>
    public IReadOnlyList<BoardLed> Leds { get; init; } = [];

    /// <summary>None, or <c>reset</c>.</summary>
    public IReadOnlyList<BoardButton> Buttons { get; init; } = [];

    /// <summary>The file that tells the temperature in thousandths of a degree Celsius; null without a sensor.</summary>
    public string? TemperatureFile { get; init; }

    /// <summary>Its fan; null when it has none, or the hardware runs it.</summary>
    public BoardFan? Fan { get; init; }

    /// <summary>Its display.</summary>
    public BoardDisplay? Display { get; init; }

    /// <summary>Its console port.</summary>
    public BoardConsole? Console { get; init; }

    /// <summary>Its watchdog.</summary>
    public BoardWatchdog? Watchdog { get; init; }

    /// <summary>Where pushes go; null when it has no push proxy.</summary>
    public BoardPushProxy? PushProxy { get; init; }

    /// <summary>Reads a description, and those that it extends.</summary>
    /// <exception cref="FormatException">It is not one; the message says in which file, where in it, and what is wrong.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static Board Load(string file) => BoardText.Read(BoardText.Whole(file), Path.GetFileName(Path.GetDirectoryName(Path.GetFullPath(file))) + "/" + Path.GetFileName(file));
}
