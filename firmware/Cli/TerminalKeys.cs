using System.Text;

namespace Appliance.Firmware.Cli;

/// <summary>A key on a terminal.</summary>
internal enum TerminalKey
{
    /// <summary>A printable character.</summary>
    Character,

    /// <summary>Enter.</summary>
    Enter,

    /// <summary>Tab.</summary>
    Tab,

    /// <summary><c>?</c>.</summary>
    Help,

    /// <summary>Ctrl-V: the next key is taken literally.</summary>
    Literal,

    /// <summary>Ctrl-C.</summary>
    Interrupt,

    /// <summary>Up, Ctrl-P.</summary>
    Earlier,

    /// <summary>Down, Ctrl-N.</summary>
    Later,

    /// <summary>Left, Ctrl-B: moves one word left.</summary>
    WordLeft,

    /// <summary>Right, Ctrl-F: moves one word right.</summary>
    WordRight,

    /// <summary>Ctrl-A, Home.</summary>
    Start,

    /// <summary>Ctrl-E, End.</summary>
    End,

    /// <summary>Backspace.</summary>
    Backspace,

    /// <summary>Ctrl-D, Delete: deletes the character under the cursor.</summary>
    Delete,

    /// <summary>A key without a function.</summary>
    None,
}

/// <summary>A decoder from terminal bytes to keys: UTF-8, control characters and the escape sequences of VT terminals.</summary>
internal sealed class TerminalKeys
{
    private const int SequenceMax = 16;
    private readonly Decoder _decoder = Encoding.UTF8.GetDecoder();
    private readonly StringBuilder _sequence = new();
    private readonly char[] _characters = new char[4];
    private bool _escaped;
    private bool _afterReturn;

    /// <summary>Decodes one byte; null until a key is complete. <paramref name="typed"/> is the text of a character.</summary>
    internal TerminalKey? Take(byte next, out string typed)
    {
        typed = "";
        var afterReturn = _afterReturn;
        _afterReturn = false;
        if (_escaped)
        {
            return Escaped((char)next);
        }
        switch (next)
        {
            case 0x1b:
                _escaped = true;
                return null;
            case (byte)'\r':
                _afterReturn = true;
                return TerminalKey.Enter;
            case (byte)'\n':
                return afterReturn ? null : TerminalKey.Enter; // CR LF is one key.
            case (byte)'?':
                typed = "?";
                return TerminalKey.Help;
            case < 0x20 or 0x7f:
                return Control(next);
            default:
                var count = _decoder.GetChars([next], _characters, flush: false);
                typed = new string(_characters, 0, count);
                return count == 0 ? null : TerminalKey.Character;
        }
    }

    private static TerminalKey Control(byte next) =>
        next switch
        {
            0x01 => TerminalKey.Start,
            0x02 => TerminalKey.WordLeft,
            0x03 => TerminalKey.Interrupt,
            0x04 => TerminalKey.Delete,
            0x05 => TerminalKey.End,
            0x06 => TerminalKey.WordRight,
            0x08 or 0x7f => TerminalKey.Backspace,
            0x09 => TerminalKey.Tab,
            0x0e => TerminalKey.Later,
            0x10 => TerminalKey.Earlier,
            0x16 => TerminalKey.Literal,
            _ => TerminalKey.None,
        };

    /// <summary>Decodes ESC [ … letter or ~ and ESC O letter; every other sequence is discarded as a whole.</summary>
    private TerminalKey? Escaped(char next)
    {
        if (next < ' ')
        {
            // Not a sequence: the control character counts, the escape does not.
            (_escaped, _) = (false, _sequence.Clear());
            return next == 0x1b ? TerminalKey.None : Take((byte)next, out _);
        }
        _sequence.Append(next);
        if (_sequence.Length < SequenceMax && (_sequence.Length == 1 ? next is '[' or 'O' : next is (>= '0' and <= '9') or ';'))
        {
            return null;
        }
        var sequence = _sequence.ToString();
        (_escaped, _) = (false, _sequence.Clear());
        return sequence switch
        {
            "[A" or "OA" => TerminalKey.Earlier,
            "[B" or "OB" => TerminalKey.Later,
            "[C" or "OC" => TerminalKey.WordRight,
            "[D" or "OD" => TerminalKey.WordLeft,
            "[H" or "OH" or "[1~" or "[7~" => TerminalKey.Start,
            "[F" or "OF" or "[4~" or "[8~" => TerminalKey.End,
            "[3~" => TerminalKey.Delete,
            _ => TerminalKey.None,
        };
    }
}
