using System.Globalization;

namespace Appliance.Tests.Cli;

/// <summary>A VT terminal's screen, limited to the sequences that the console sends. Any other sequence is an error.</summary>
internal sealed class VtScreen(int columns)
{
    private readonly List<char[]> _rows = [Blank(columns)];
    private int _row;
    private int _column;
    private bool _waits;

    /// <summary>The rows, without blanks at their ends.</summary>
    public IReadOnlyList<string> Rows => [.. _rows.Select(row => new string(row).TrimEnd())];

    /// <summary>The position of the next character.</summary>
    public (int Row, int Column) Cursor => _waits ? (_row + 1, 0) : (_row, _column);

    public void Write(string text)
    {
        for (var at = 0; at < text.Length; at++)
        {
            switch (text[at])
            {
                case '\b':
                    (_column, _waits) = (Math.Max(0, _column - 1), false);
                    break;
                case '\r':
                    (_column, _waits) = (0, false);
                    break;
                case '\n':
                    To(_row + 1);
                    break;
                case '\a':
                    break;
                case '\e':
                    at = Sequence(text, at);
                    break;
                case < ' ':
                    throw new InvalidDataException($"control character {(int)text[at]}");
                default:
                    Put(text[at]);
                    break;
            }
        }
    }

    private static char[] Blank(int columns) => [.. Enumerable.Repeat(' ', columns)];

    /// <summary>ESC [ number A, B or C.</summary>
    private int Sequence(string text, int at)
    {
        var end = text.AsSpan(at).IndexOfAny('A', 'B', 'C') + at;
        var count = int.Parse(text.AsSpan(at + 2, end - at - 2), NumberStyles.None, CultureInfo.InvariantCulture);
        switch (text[end])
        {
            case 'A':
                _row = Math.Max(0, _row - count);
                break;
            case 'B':
                To(_row + count);
                break;
            default:
                _column = Math.Min(columns - 1, _column + count);
                break;
        }
        _waits = false;
        return end;
    }

    private void Put(char character)
    {
        if (_waits)
        {
            To(_row + 1);
            (_column, _waits) = (0, false);
        }
        _rows[_row][_column] = character;
        _waits = _column == columns - 1;
        _column += _waits ? 0 : 1;
    }

    private void To(int row)
    {
        for (_row = row; _rows.Count <= row;)
        {
            _rows.Add(Blank(columns));
        }
    }
}
