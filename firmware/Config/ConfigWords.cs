using System.Text;

namespace Appliance.Firmware.Config;

/// <summary>The words of one command, by the device's quoting rules.</summary>
internal static class ConfigWords
{
    /// <summary>
    /// Splits a command: runs of non-blanks, <c>"…"</c> with backslash escapes, <c>'…'</c> literal, pieces join. Null while a quote or a
    /// final backslash is open: the command goes on with the next line.
    /// </summary>
    internal static List<string>? Split(string text)
    {
        var words = new List<string>();
        var word = new StringBuilder();
        var inWord = false;
        for (var at = 0; at < text.Length; at++)
        {
            var c = text[at];
            switch (c)
            {
                case ' ' or '\t' or '\n' or '\r':
                    Finish();
                    break;
                case '"' or '\'':
                    inWord = true;
                    if (ReadQuoted(text, ref at, c, word))
                    {
                        break;
                    }
                    return null;
                case '\\':
                    if (++at >= text.Length)
                    {
                        return null;
                    }
                    if (text[at] != '\n') // A line that goes on.
                    {
                        inWord = true;
                        word.Append(text[at]);
                    }
                    break;
                default:
                    inWord = true;
                    word.Append(c);
                    break;
            }
        }
        Finish();
        return words;

        void Finish()
        {
            if (inWord)
            {
                words.Add(word.ToString());
                word.Clear();
                inWord = false;
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
