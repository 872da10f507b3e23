using System.Text;

namespace Appliance.Firmware.Cli;

/// <summary>
/// The lines of one command, which continues while a quote is open or a line ends with a backslash. Each line is scanned once, however
/// many there are.
/// </summary>
internal sealed class CommandLines
{
    private readonly StringBuilder _text = new();
    private char _quote;

    /// <summary>True while the command continues on the next line.</summary>
    internal bool IsOpen { get; private set; }

    /// <summary>True while the command continues because of an open quote.</summary>
    internal bool IsQuoted => IsOpen && _quote != '\0';

    /// <summary>The number of characters so far.</summary>
    internal int Length => _text.Length;

    /// <summary>Adds a line without its newline; returns the whole command if the line completes it, otherwise null.</summary>
    internal string? Add(string line)
    {
        if (IsOpen)
        {
            _text.Append('\n');
        }
        _text.Append(line);
        IsOpen = GoesOn(line);
        if (IsOpen)
        {
            return null;
        }
        var command = _text.ToString();
        Clear();
        return command;
    }

    /// <summary>Discards the lines added so far.</summary>
    internal void Clear()
    {
        _text.Clear();
        (_quote, IsOpen) = ('\0', false);
    }

    private bool GoesOn(string line)
    {
        for (var at = 0; at < line.Length; at++)
        {
            switch (line[at])
            {
                case '\\' when _quote != '\'':
                    if (++at == line.Length)
                    {
                        return true;
                    }
                    break;
                case '"' or '\'' when _quote == '\0':
                    _quote = line[at];
                    break;
                case var c when c == _quote:
                    _quote = '\0';
                    break;
            }
        }
        return _quote != '\0';
    }
}
