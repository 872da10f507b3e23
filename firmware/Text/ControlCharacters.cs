using System.Buffers;
using System.Globalization;
using System.Text;

namespace Appliance.Firmware.Text;

/// <summary>
/// Characters that a display interprets instead of showing: the control characters C0, DEL and C1, the line and paragraph separators
/// (U+2028, U+2029), and the bidirectional embeddings, overrides and isolates (U+202A-202E, U+2066-2069), which can make a text read as a
/// different one (CVE-2021-42574). This is the only list, for the console, events, debug output and the tool.
/// </summary>
public static class ControlCharacters
{
    private static readonly char[] Separating =
    [
        '\u2028',
        '\u2029',
        '\u202a',
        '\u202b',
        '\u202c',
        '\u202d',
        '\u202e',
        '\u2066',
        '\u2067',
        '\u2068',
        '\u2069',
    ];
    private static readonly SearchValues<char> Formatting = SearchValues.Create(Separating);
    private static readonly SearchValues<char> All = SearchValues.Create([
        .. Enumerable.Range(0, 0xa0).Select(code => (char)code).Where(char.IsControl),
        .. Separating,
    ]);

    /// <summary>Returns true for one of these characters.</summary>
    public static bool Includes(char character) => All.Contains(character);

    /// <summary>Returns true if the text contains one of these characters.</summary>
    public static bool AnyIn(ReadOnlySpan<char> text) => text.ContainsAny(All);

    /// <summary>Returns the text without these characters.</summary>
    public static string Remove(string text) => AnyIn(text) ? string.Concat(text.Where(character => !Includes(character))) : text;

    /// <summary>Returns the text with each of these characters replaced by a question mark.</summary>
    public static string Mask(string text) =>
        AnyIn(text) ? string.Concat(text.Select(character => Includes(character) ? '?' : character)) : text;

    /// <summary>
    /// Returns the visible form of a character: a backslash, x, and its number in hexadecimal (<c>\x1b</c>, <c>\x202e</c>).
    /// </summary>
    public static string Escape(char character) => string.Create(CultureInfo.InvariantCulture, $"\\x{(int)character:x2}");

    /// <summary>
    /// Escapes the separators and bidirectional characters in the output of a terminal. Other control characters stay, because they are the
    /// terminal's own.
    /// </summary>
    public static string EscapeFormatting(string output)
    {
        if (!output.AsSpan().ContainsAny(Formatting))
        {
            return output;
        }
        var shown = new StringBuilder(output.Length + 16);
        foreach (var character in output)
        {
            if (Formatting.Contains(character))
            {
                shown.Append(Escape(character));
            }
            else
            {
                shown.Append(character);
            }
        }
        return shown.ToString();
    }
}
