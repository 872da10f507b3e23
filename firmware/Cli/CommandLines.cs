using System.Text;

namespace Appliance.Firmware.Cli;

/// <summary>
/// The lines of one command: it goes on while a quote or a final backslash is open. Each line is looked at once, however many there are.
/// </summary>
internal sealed class CommandLines
{
    private readonly StringBuilder _text = new();
    private char _quote;

    /// <summary>True while the command goes on with the next line.</summary>
    internal bool IsOpen { get; private set; }

    /// <summary>True while it goes on because of a quote.</summary>
    internal bool IsQuoted => IsOpen && _quote != '\0';

    /// <summary>The characters so far.</summary>
    internal int Length => _text.Length;

    /// <summary>Adds a line without its newline; the whole command when it is finished with it, or null.</summary>
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

    /// <summary>Drops what is there.</summary>
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
