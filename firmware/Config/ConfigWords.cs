using System.Buffers;
using System.Text;

namespace Appliance.Firmware.Config;

/// <summary>A text split by the device's quoting rules.</summary>
/// <param name="Words">The words without their quotes; the last one may be incomplete.</param>
/// <param name="LastStart">The start of the last word in the text; the length of the text if no word is open at its end.</param>
/// <param name="Open">True while a quote or a final backslash is open, so that the command continues on the next line.</param>
/// <param name="Bar">The position of the first bar that is neither quoted nor escaped; -1 if there is none.</param>
internal sealed record ScannedWords(List<string> Words, int LastStart, bool Open, int Bar);

/// <summary>The parser of a command's words, by the device's quoting rules.</summary>
internal static class ConfigWords
{
    private static readonly SearchValues<char> Special = SearchValues.Create(" \t\r\n\"'\\");
    private static readonly SearchValues<char> Plain = SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.:_-/+"
    );

    /// <summary>
    /// Splits a command: runs of non-blanks, <c>"…"</c> with backslash escapes, <c>'…'</c> literal; adjacent pieces join. Null while a
    /// quote or a final backslash is open, so that the command continues on the next line.
    /// </summary>
    internal static List<string>? Split(string text) => Scan(text) is { Open: false, Words: var words } ? words : null;

    /// <summary>Scans a text, complete or not.</summary>
    internal static ScannedWords Scan(string text)
    {
        var words = new List<string>();
        var word = new StringBuilder();
        var (start, bar, open) = (-1, -1, false);
        for (var at = 0; at < text.Length; at++)
        {
            var c = text[at];
            if (c is ' ' or '\t' or '\n' or '\r')
            {
                Finish();
                continue;
            }
            if (c == '\\' && at + 1 < text.Length && text[at + 1] == '\n')
            {
                at++; // A line that continues.
                continue;
            }
            start = start < 0 ? at : start;
            switch (c)
            {
                case '"' or '\'':
                    open = !ReadQuoted(text, ref at, word);
                    at--;
                    break;
                case '\\' when at + 1 == text.Length:
                    open = true;
                    break;
                case '\\':
                    word.Append(text[++at]);
                    break;
                default:
                    bar = bar < 0 && c == '|' ? at : bar;
                    word.Append(c);
                    break;
            }
        }
        var last = start < 0 ? text.Length : start;
        Finish();
        return new ScannedWords(words, last, open, bar);

        void Finish()
        {
            if (start >= 0)
            {
                words.Add(word.ToString());
                word.Clear();
                start = -1;
            }
        }
    }

    /// <summary>
    /// Adds the words of the command at <paramref name="at"/>, and advances past the line that ends it (a quoted newline does not).
    /// Returns false if the text ends before the command does; <paramref name="at"/> is then the end of the text. Follows the rules of
    /// <see cref="Scan"/>, for long texts.
    /// </summary>
    internal static bool Read(string text, ref int at, List<string> words)
    {
        var word = new WordReader(text, words);
        while (at < text.Length)
        {
            var c = text[at];
            switch (c)
            {
                case ' ' or '\t' or '\r' or '\n':
                    word.Finish(at);
                    at++;
                    if (c == '\n')
                    {
                        return true;
                    }
                    break;
                case '"' or '\'':
                    if (!word.ReadQuoted(ref at))
                    {
                        return false;
                    }
                    break;
                case '\\':
                    if (!word.ReadEscaped(ref at))
                    {
                        return false;
                    }
                    break;
                default:
                    word.ReadPlain(ref at);
                    break;
            }
        }
        word.Finish(at);
        return true;
    }

    /// <summary>Returns a word in quotes, as it is shown.</summary>
    internal static string Quote(string word) => AppendQuoted(new StringBuilder(word.Length + 2), word).ToString();

    /// <summary>Appends a word in quotes.</summary>
    internal static StringBuilder AppendQuoted(StringBuilder text, string word)
    {
        text.Append('"');
        if (word.AsSpan().IndexOfAny('"', '\\') < 0)
        {
            return text.Append(word).Append('"');
        }
        foreach (var c in word)
        {
            (c is '"' or '\\' ? text.Append('\\') : text).Append(c);
        }
        return text.Append('"');
    }

    /// <summary>True for a word that reads the same without quotes.</summary>
    internal static bool NeedsNoQuotes(string word) => word.Length > 0 && word.AsSpan().IndexOfAnyExcept(Plain) < 0;

    /// <summary>Returns the quoted text if it has no escapes and is a whole word; otherwise null.</summary>
    private static string? Simple(string text, int at)
    {
        var end = text.AsSpan(at + 1).IndexOfAny(text[at], '\\');
        return
            end >= 0 && text[at + 1 + end] == text[at] && (at + end + 2 == text.Length || text[at + end + 2] is ' ' or '\n' or '\t' or '\r')
            ? text.Substring(at + 1, end)
            : null;
    }

    private static bool ReadQuoted(string text, ref int at, StringBuilder word)
    {
        var quote = text[at++];
        while (at < text.Length)
        {
            var piece = quote == '"' ? text.AsSpan(at).IndexOfAny('"', '\\') : text.AsSpan(at).IndexOf('\'');
            if (piece < 0)
            {
                word.Append(text, at, text.Length - at);
                at = text.Length;
                return false;
            }
            word.Append(text, at, piece);
            at += piece;
            if (text[at++] == quote)
            {
                return true;
            }
            if (at < text.Length)
            {
                word.Append(text[at++]);
            }
            else
            {
                word.Append('\\');
            }
        }
        return false;
    }

    /// <summary>The state of <see cref="Read"/> within a word.</summary>
    private ref struct WordReader(string text, List<string> words)
    {
        private StringBuilder? _joined;

        /// <summary>The start of a piece that is a whole word unless something else joins it; -1 if there is none.</summary>
        private int _start = -1;
        private bool _inWord;

        internal bool ReadQuoted(ref int at)
        {
            if (!_inWord && Simple(text, at) is { } simple)
            {
                words.Add(simple);
                at += simple.Length + 2;
                return true;
            }
            return ConfigWords.ReadQuoted(text, ref at, Join(at));
        }

        internal bool ReadEscaped(ref int at)
        {
            var was = _inWord;
            var joined = Join(at);
            if (at + 1 >= text.Length)
            {
                at = text.Length;
                return false;
            }
            if (text[at + 1] == '\n')
            {
                _inWord = was; // A line that continues.
            }
            else
            {
                joined.Append(text[at + 1]);
            }
            at += 2;
            return true;
        }

        internal void ReadPlain(ref int at)
        {
            if (_inWord)
            {
                Join(at);
            }
            _start = at;
            _inWord = true;
            at = text.AsSpan(at).IndexOfAny(Special) is >= 0 and var length ? at + length : text.Length;
        }

        /// <summary>Ends the word, if there is one.</summary>
        internal void Finish(int end)
        {
            if (_inWord)
            {
                words.Add(_start >= 0 && _joined is null or { Length: 0 } ? text[_start..end] : Join(end).ToString());
                _joined?.Clear();
                (_start, _inWord) = (-1, false);
            }
        }

        /// <summary>Begins or continues a word of several pieces.</summary>
        private StringBuilder Join(int end)
        {
            _joined ??= new StringBuilder();
            if (_start >= 0)
            {
                _joined.Append(text, _start, end - _start);
                _start = -1;
            }
            _inWord = true;
            return _joined;
        }
    }
}
