using System.Text;

namespace Appliance.Firmware.Cli;

/// <summary>What may stand at a place: words to choose from, then lines that only explain.</summary>
/// <param name="Words">The words, each with its line of help or "".</param>
/// <param name="Width">The column of the help; 0 for words alone.</param>
/// <param name="Notes">Lines that are no word to be typed (<c>&lt;Enter&gt;</c>).</param>
internal sealed record CliChoices(IReadOnlyList<(string Word, string Help)> Words, int Width, params IReadOnlyList<string> Notes)
{
    /// <summary>Nothing more may stand here.</summary>
    internal static readonly CliChoices Enter = new([], 0, "<Enter>");

    /// <summary>Only lines that explain.</summary>
    internal static CliChoices Note(params IReadOnlyList<string> notes) => new([], 0, notes);

    /// <summary>Words without help.</summary>
    internal static CliChoices Of(IEnumerable<string> words, params IReadOnlyList<string> notes) => new([.. words.Select(word => (word, ""))], 0, notes);

    /// <summary>Only the words that begin so; the lines that explain go with an empty word alone.</summary>
    internal CliChoices Starting(string open) => open.Length == 0
        ? this
        : new CliChoices([.. Words.Where(choice => choice.Word.StartsWith(open, StringComparison.Ordinal))], Width, Words.Count > 0 ? [] : Notes);

    /// <summary>As <c>?</c> prints them, lines ended by \n. A star before a name is part of the print only.</summary>
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
