using System.Device.I2c;
using Appliance.Hal.Linux;
using Xunit;

namespace Appliance.Tests.Panel;

/// <summary>The traffic on the bus, read by a controller that implements only the datasheet.</summary>
public sealed class CharacterDisplayTests
{
    [Theory]
    [InlineData(16, 2)]
    [InlineData(20, 4)]
    public void LinesComeOutOnTheGlass(int columns, int rows)
    {
        using var controller = new Controller();
        using var display = new CharacterDisplay(controller, columns, rows, controller.Pass);
        string[] lines = [.. Enumerable.Range(0, rows).Select(row => $"row {row} é\\~".PadRight(columns))];
        display.Show(lines);
        string[] glass = [.. lines.Select(line => line.Replace('é', '?').Replace('\\', '?').Replace('~', '?'))];
        Assert.Equal(glass, controller.Read(columns, rows));
        Assert.True(controller is { FourBits: true, On: true });
        // Power lost: the bus does not answer, and afterwards the controller is in its first state again.
        controller.Lost = true;
        Assert.Throws<IOException>(() => display.Show(lines));
        controller.Lost = false;
        controller.PowerOn();
        display.Show(glass);
        Assert.Equal(glass, controller.Read(columns, rows));
    }

    /// <summary>
    /// An HD44780 behind a PCF8574, as far as needed: nibbles on the falling edge of E, the start from 8-bit mode, addresses, characters.
    /// </summary>
    private sealed class Controller : I2cDevice
    {
        private readonly byte[] _memory = new byte[0x80];
        private byte _last;
        private int? _high;
        private int _address;
        private TimeSpan _passed;

        public bool FourBits { get; private set; }

        public bool On { get; private set; }

        public bool Lost { get; set; }

        public void PowerOn() => (FourBits, On, _high, _passed) = (false, false, null, TimeSpan.Zero);

        public void Pass(TimeSpan time) => _passed += time;

        public string[] Read(int columns, int rows) =>
            [
                .. Enumerable
                    .Range(0, rows)
                    .Select(row => System.Text.Encoding.ASCII.GetString(_memory, (row % 2 * 0x40) + (row / 2 * columns), columns)),
            ];

        public override I2cConnectionSettings ConnectionSettings { get; } = new(1, 0x27);

        public override void WriteByte(byte value)
        {
            if (Lost)
            {
                throw new IOException("Error 121 performing I2C data transfer.");
            }
            Assert.True((value & 0x08) != 0, "the backlight stays on");
            Assert.True((value & 0x02) == 0, "it is never read");
            if ((_last & 0x04) != 0 && (value & 0x04) == 0)
            {
                Assert.Equal(_last & ~0x04, value);
                Take(_last >> 4, (_last & 0x01) != 0);
            }
            _last = value;
        }

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            foreach (var value in buffer)
            {
                WriteByte(value);
            }
        }

        public override byte ReadByte() => throw new NotSupportedException();

        public override void Read(Span<byte> buffer) => throw new NotSupportedException();

        public override void WriteRead(ReadOnlySpan<byte> writeBuffer, Span<byte> readBuffer) => throw new NotSupportedException();

        private void Take(int nibble, bool isData)
        {
            if (!FourBits)
            {
                Assert.True(_passed >= TimeSpan.FromMilliseconds(40), "it needs 40 ms after power");
                FourBits = nibble == 2;
                return;
            }
            if (_high is not { } high)
            {
                _high = nibble;
                return;
            }
            _high = null;
            var value = (byte)((high << 4) | nibble);
            if (isData)
            {
                _memory[_address++] = value;
            }
            else if ((value & 0x80) != 0)
            {
                _address = value & 0x7F;
            }
            else if (value == 0x01)
            {
                Array.Fill(_memory, (byte)' ');
            }
            else if ((value & 0xF8) == 0x08)
            {
                On = (value & 0x04) != 0;
            }
        }
    }
}
