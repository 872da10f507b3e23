using System.Text;

namespace Appliance.Firmware.Config;

/// <summary>A text taken apart by the device's quoting rules.</summary>
/// <param name="Words">The words without their quotes; the last one may be unfinished.</param>
/// <param name="LastStart">Where the last word begins in the text; the length of the text when nothing is open at its end.</param>
/// <param name="Open">True while a quote or a final backslash is open: the command goes on with the next line.</param>
/// <param name="Bar">Where the first bar stands that is neither quoted nor escaped; -1 when there is none.</param>
internal sealed record ScannedWords(List<string> Words, int LastStart, bool Open, int Bar);

/// <summary>The words of one command, by the device's quoting rules.</summary>
internal static class ConfigWords
{
    /// <summary>
    /// Splits a command: runs of non-blanks, <c>"…"</c> with backslash escapes, <c>'…'</c> literal, pieces join. Null while a quote or a
    /// final backslash is open: the command goes on with the next line.
    /// </summary>
    internal static List<string>? Split(string text) => Scan(text) is { Open: false, Words: var words } ? words : null;

    /// <summary>Takes a text apart, whether it is finished or not.</summary>
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
                at++; // A line that goes on.
                continue;
            }
            start = start < 0 ? at : start;
            switch (c)
            {
                case '"' or '\'':
                    open = !ReadQuoted(text, ref at, c, word);
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

    /// <summary>A word as it is shown in quotes.</summary>
    internal static string Quote(string word) => "\"" + word.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal) + "\"";

    private static bool ReadQuoted(string text, ref int at, char quote, StringBuilder word)
    {
        for (at++; at < text.Length; at++)
        {
            if (text[at] == quote)
            {
                return true;
            }
            if (text[at] == '\\' && quote == '"' && at + 1 < text.Length)
            {
                at++;
            }
            word.Append(text[at]);
        }
        return false;
    }
}
