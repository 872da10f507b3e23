using System.Text;

namespace Appliance.Firmware.Cli;

/// <summary>
/// The line that is being typed, and what keeps the terminal's picture of it right. A character takes one column (one of two UTF-16
/// units takes two). Characters at the end cost the same however long the line is.
/// </summary>
/// <param name="screen">Gets what is to be shown.</param>
internal sealed class TerminalLine(StringBuilder screen)
{
    private readonly StringBuilder _text = new();
    private int _origin;
    private (int At, char Quote) _quotes;

    /// <summary>The width of the terminal; more than one. A terminal that is made wider or narrower wraps anew what it shows.</summary>
    internal int Columns { get; set; } = TerminalSize.Usual.Columns;

    /// <summary>True while nothing of what is typed is shown: a password.</summary>
    internal bool IsHidden { get; set; }

    /// <summary>What was typed.</summary>
    internal string Text => _text.ToString();

    /// <summary>How much was typed, in characters.</summary>
    internal int Length => _text.Length;

    /// <summary>Where the next character goes, from 0.</summary>
    internal int Cursor { get; private set; }

    /// <summary>What stands before the cursor.</summary>
    internal string BeforeCursor => _text.ToString(0, Cursor);

    /// <summary>True when a quote is open before the cursor. Characters at the end are looked at once.</summary>
    internal bool IsQuoted
    {
        get
        {
            _quotes = _quotes.At > Cursor ? default : _quotes;
            for (var (at, quote) = _quotes; at < Cursor; at++)
            {
                var c = _text[at];
                at += c == '\\' && quote != '\'' ? 1 : 0;
                quote = c == quote ? '\0' : quote == '\0' && c is '"' or '\'' ? c : quote;
                _quotes = (at + 1, quote);
            }
            return _quotes.Quote != '\0';
        }
    }

    /// <summary>Shows a prompt, and the line after it.</summary>
    internal void Show(string prompt)
    {
        _origin = prompt.Length;
        screen.Append(prompt);
        var cursor = Cursor;
        Write(0, _text.Length);
        MoveTo(cursor);
    }

    /// <summary>To a new line below what is shown of it; the cursor is kept for <see cref="Show"/>.</summary>
    internal void Leave()
    {
        var cursor = Cursor;
        MoveTo(_text.Length);
        screen.Append("\r\n");
        Cursor = cursor;
    }

    /// <summary>Forgets the line; the picture stays.</summary>
    internal void Clear()
    {
        _text.Clear();
        (Cursor, _quotes) = (0, default);
    }

    /// <summary>Puts text in at the cursor.</summary>
    internal void Insert(string text) => Replace(Cursor, Cursor, text);

    /// <summary>Puts a text in the place of a part, the cursor after it.</summary>
    internal void Replace(int from, int to, string text)
    {
        var before = _text.Length;
        _quotes = from < _quotes.At ? default : _quotes;
        MoveTo(from);
        if (from == _text.Length)
        {
            _text.Append(text); // Insert would make a chunk for each character.
            Write(from, _text.Length);
            return;
        }
        _text.Remove(from, to - from).Insert(from, text);
        var removed = Math.Max(0, before - _text.Length);
        Write(from, _text.Length);
        Blank(removed);
        MoveTo(from + text.Length);
    }

    /// <summary>Another line in its place, the cursor at its end.</summary>
    internal void Set(string text) => Replace(0, _text.Length, text);

    /// <summary>Takes away the character before the cursor.</summary>
    internal void Backspace()
    {
        if (Cursor > 0)
        {
            Replace(Cursor - WidthBefore(Cursor), Cursor, "");
        }
    }

    /// <summary>Takes away the character under the cursor.</summary>
    internal void Delete()
    {
        if (Cursor < _text.Length)
        {
            Replace(Cursor, Cursor + (char.IsHighSurrogate(_text[Cursor]) && Cursor + 1 < _text.Length ? 2 : 1), "");
        }
    }

    /// <summary>To the start of the word before the cursor.</summary>
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

    /// <summary>To the start of the word after the cursor.</summary>
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

    /// <summary>Moves the cursor: by backspaces or the characters themselves on one row, by VT sequences across rows.</summary>
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

    /// <summary>A terminal that has just filled its last column waits there: it is sent on to the next row.</summary>
    private void Wrap()
    {
        if ((_origin + Cursor) % Columns == 0)
        {
            screen.Append(" \b");
        }
    }
}
