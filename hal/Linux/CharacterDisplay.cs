using System.Device.I2c;

namespace Appliance.Hal.Linux;

/// <summary>
/// A display with the HD44780 controller (datasheet ADE-207-272, "4-bit interface") behind a PCF8574 expander on I2C, wired like the usual
/// backpack: P0 RS, P1 R/W, P2 E, P3 backlight, P4 to P7 data. It is only written: timing is by delays, not by reading the busy flag.
/// </summary>
/// <param name="bus">The expander; disposed with the display.</param>
/// <param name="columns">The number of characters in a line.</param>
/// <param name="rows">The number of lines.</param>
/// <param name="wait">Delays the caller; null for the system's clock.</param>
public sealed class CharacterDisplay(I2cDevice bus, int columns, int rows, Action<TimeSpan>? wait = null) : ICharacterDisplay
{
    private const byte RegisterSelect = 0x01;
    private const byte Enable = 0x04;
    private const byte Backlight = 0x08;

    private const byte ClearDisplay = 0x01;
    private const byte EntryLeftToRight = 0x06;
    private const byte DisplayOn = 0x0C;
    private const byte FunctionFourBitsTwoLines = 0x28;
    private const byte SetAddress = 0x80;

    private readonly Action<TimeSpan> _wait = wait ?? Wait;
    private bool _ready;

    /// <inheritdoc/>
    public int Columns => columns;

    /// <inheritdoc/>
    public int Rows => rows;

    /// <inheritdoc/>
    public void Show(IReadOnlyList<string> lines)
    {
        try
        {
            if (!_ready)
            {
                SetUp();
                _ready = true;
            }
            for (var row = 0; row < rows; row++)
            {
                Send((byte)(SetAddress | AddressOf(row)), 0);
                foreach (var character in lines[row])
                {
                    // The character table agrees with ASCII from space to }, except for the backslash.
                    Send(character is >= ' ' and <= '}' and not '\\' ? (byte)character : (byte)'?', RegisterSelect);
                }
            }
        }
        catch (IOException)
        {
            // It may have lost its power, so it is set up again the next time.
            _ready = false;
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => bus.Dispose();

    private static void Wait(TimeSpan time)
    {
        using var never = new ManualResetEventSlim();
        never.Wait(time);
    }

    /// <summary>Puts the display into 4-bit mode from any state (figure 24 of the datasheet).</summary>
    private void SetUp()
    {
        _wait(TimeSpan.FromMilliseconds(40));
        foreach (var (nibble, milliseconds) in new[] { (0x30, 5), (0x30, 1), (0x30, 1), (0x20, 1) })
        {
            Pulse((byte)nibble, 0);
            _wait(TimeSpan.FromMilliseconds(milliseconds));
        }
        foreach (var command in new[] { FunctionFourBitsTwoLines, DisplayOn, ClearDisplay, EntryLeftToRight })
        {
            Send(command, 0);
            if (command == ClearDisplay)
            {
                _wait(TimeSpan.FromMilliseconds(2));
            }
        }
    }

    /// <summary>Returns the address of a line. The third and fourth lines continue where the first and second end.</summary>
    private int AddressOf(int row) => (row % 2 * 0x40) + (row / 2 * columns);

    private void Send(byte value, byte register)
    {
        Pulse((byte)(value & 0xF0), register);
        Pulse((byte)(value << 4), register);
    }

    /// <summary>
    /// Clocks a nibble: the controller reads it when E falls. At up to 400 kHz, four transfers on the bus take longer than the 37 µs of a
    /// command.
    /// </summary>
    private void Pulse(byte nibble, byte register)
    {
        var lines = (byte)(nibble | register | Backlight);
        bus.WriteByte(lines);
        bus.WriteByte((byte)(lines | Enable));
        bus.WriteByte(lines);
    }
}
