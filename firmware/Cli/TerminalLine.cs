using System.Text;

namespace Appliance.Firmware.Cli;

/// <summary>
/// The current input line, kept in sync with the terminal's display. A character takes one column (one of two UTF-16 units takes two).
/// Appending a character costs the same however long the line is.
/// </summary>
/// <param name="screen">Receives the output to the terminal.</param>
internal sealed class TerminalLine(StringBuilder screen)
{
    private readonly StringBuilder _text = new();
    private int _origin;
    private (int At, char Quote) _quotes;

    /// <summary>The width of the terminal in columns; at least two. A terminal that is resized rewraps its display itself.</summary>
    internal int Columns { get; set; } = TerminalSize.Usual.Columns;

    /// <summary>True while input is not echoed: a password.</summary>
    internal bool IsHidden { get; set; }

    /// <summary>The text of the line.</summary>
    internal string Text => _text.ToString();

    /// <summary>The length of the line, in characters.</summary>
    internal int Length => _text.Length;

    /// <summary>The position of the next character, from 0.</summary>
    internal int Cursor { get; private set; }

    /// <summary>The text before the cursor.</summary>
    internal string BeforeCursor => _text.ToString(0, Cursor);

    /// <summary>True if a quote is open before the cursor. Appended characters are scanned once.</summary>
    internal bool IsQuoted
    {
        get
        {
            _quotes = _quotes.At > Cursor ? default : _quotes;
            for (var (at, quote) = _quotes; at < Cursor; at++)
            {
                var c = _text[at];
                at += c == '\\' && quote != '\'' ? 1 : 0;
                quote =
                    c == quote ? '\0'
                    : quote == '\0' && c is '"' or '\'' ? c
                    : quote;
                _quotes = (at + 1, quote);
            }
            return _quotes.Quote != '\0';
        }
    }

    /// <summary>Shows a prompt and the line after it.</summary>
    internal void Show(string prompt)
    {
        _origin = prompt.Length;
        screen.Append(prompt);
        var cursor = Cursor;
        Write(0, _text.Length);
        MoveTo(cursor);
    }

    /// <summary>Moves to a new line below the displayed text; the cursor position is kept for <see cref="Show"/>.</summary>
    internal void Leave()
    {
        var cursor = Cursor;
        MoveTo(_text.Length);
        screen.Append("\r\n");
        Cursor = cursor;
    }

    /// <summary>Clears the line; the display is unchanged.</summary>
    internal void Clear()
    {
        _text.Clear();
        (Cursor, _quotes) = (0, default);
    }

    /// <summary>Inserts text at the cursor.</summary>
    internal void Insert(string text) => Replace(Cursor, Cursor, text);

    /// <summary>Replaces a part of the line and puts the cursor after it.</summary>
    internal void Replace(int from, int to, string text)
    {
        var before = _text.Length;
        _quotes = from < _quotes.At ? default : _quotes;
        MoveTo(from);
        if (from == _text.Length)
        {
            _text.Append(text); // Insert would create a chunk for each character.
            Write(from, _text.Length);
            return;
        }
        _text.Remove(from, to - from).Insert(from, text);
        var removed = Math.Max(0, before - _text.Length);
        Write(from, _text.Length);
        Blank(removed);
        MoveTo(from + text.Length);
    }

    /// <summary>Replaces the whole line and puts the cursor at its end.</summary>
    internal void Set(string text) => Replace(0, _text.Length, text);

    /// <summary>Deletes the character before the cursor.</summary>
    internal void Backspace()
    {
        if (Cursor > 0)
        {
            Replace(Cursor - WidthBefore(Cursor), Cursor, "");
        }
    }

    /// <summary>Deletes the character under the cursor.</summary>
    internal void Delete()
    {
        if (Cursor < _text.Length)
        {
            Replace(Cursor, Cursor + (char.IsHighSurrogate(_text[Cursor]) && Cursor + 1 < _text.Length ? 2 : 1), "");
        }
    }

    /// <summary>Moves to the start of the word before the cursor.</summary>
    internal void WordLeft()
    {
        var at = Cursor;
        while (at > 0 && _text[at - 1] == ' ')
        {
            at--;
        }
        while (at > 0 && _text[at - 1] != ' ')
        {
            at--;
        }
        MoveTo(at);
    }

    /// <summary>Moves to the start of the word after the cursor.</summary>
    internal void WordRight()
    {
        var at = Cursor;
        while (at < _text.Length && _text[at] != ' ')
        {
            at++;
        }
        while (at < _text.Length && _text[at] == ' ')
        {
            at++;
        }
        MoveTo(at);
    }

    /// <summary>Moves the cursor: with backspaces or the characters themselves within a row, with VT sequences across rows.</summary>
    internal void MoveTo(int to)
    {
        if (IsHidden)
        {
            Cursor = to;
            return;
        }
        var (row, newRow) = ((_origin + Cursor) / Columns, (_origin + to) / Columns);
        if (row == newRow)
        {
            if (to < Cursor)
            {
                screen.Append('\b', Cursor - to);
            }
            else if (to > Cursor)
            {
                screen.Append(_text, Cursor, to - Cursor);
            }
        }
        else
        {
            screen.Append("\x1b[").Append(Math.Abs(row - newRow)).Append(newRow < row ? 'A' : 'B').Append('\r');
            var column = (_origin + to) % Columns;
            if (column > 0)
            {
                screen.Append("\x1b[").Append(column).Append('C');
            }
        }
        Cursor = to;
    }

    private int WidthBefore(int at) => at > 1 && char.IsLowSurrogate(_text[at - 1]) && char.IsHighSurrogate(_text[at - 2]) ? 2 : 1;

    private void Write(int from, int to)
    {
        Cursor = to;
        if (IsHidden)
        {
            return;
        }
        screen.Append(_text, from, to - from);
        if (to > from)
        {
            Wrap();
        }
    }

    private void Blank(int count)
    {
        if (count > 0 && !IsHidden)
        {
            screen.Append(' ', count);
            Cursor += count;
            Wrap();
        }
    }

    /// <summary>Moves the cursor to the next row if the last column was just filled, because a terminal stays in that column.</summary>
    private void Wrap()
    {
        if ((_origin + Cursor) % Columns == 0)
        {
            screen.Append(" \b");
        }
    }
}
