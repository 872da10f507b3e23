using System.Text;

namespace Appliance.Firmware.Cli;

/// <summary>The possible inputs at a cursor position: words to choose from, then explanatory lines.</summary>
/// <param name="Words">The words, each with its help text, or "" for none.</param>
/// <param name="Width">The column of the help text; 0 to list the words alone.</param>
/// <param name="Notes">Explanatory lines that are not input (<c>&lt;Enter&gt;</c>).</param>
internal sealed record CliChoices(IReadOnlyList<(string Word, string Help)> Words, int Width, params IReadOnlyList<string> Notes)
{
    /// <summary>The choice at the end of a command: only Enter is possible.</summary>
    internal static readonly CliChoices Enter = new([], 0, "<Enter>");

    /// <summary>Creates choices of explanatory lines only.</summary>
    internal static CliChoices Note(params IReadOnlyList<string> notes) => new([], 0, notes);

    /// <summary>Creates choices of words without help.</summary>
    internal static CliChoices Of(IEnumerable<string> words, params IReadOnlyList<string> notes) =>
        new([.. words.Select(word => (word, ""))], 0, notes);

    /// <summary>Returns the words with a prefix. Explanatory lines are dropped if there are words, unless the prefix is empty.</summary>
    internal CliChoices Starting(string open) =>
        open.Length == 0
            ? this
            : new CliChoices(
                [.. Words.Where(choice => choice.Word.StartsWith(open, StringComparison.Ordinal))],
                Width,
                Words.Count > 0 ? [] : Notes
            );

    /// <summary>
    /// Formats the choices as <c>?</c> prints them, lines ended by \n. The star before a required attribute is printed but is not part of
    /// the word.
    /// </summary>
    internal string Text(Func<string, bool> starred)
    {
        var text = new StringBuilder();
        foreach (var (word, help) in Words)
        {
            var shown = starred(word) ? "*" + word : word;
            text.Append(help.Length > 0 ? shown.PadRight(Width) + " " + help : shown).Append('\n');
        }
        foreach (var note in Notes)
        {
            text.Append(note).Append('\n');
        }
        return text.ToString();
    }
}
