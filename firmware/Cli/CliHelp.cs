using System.Text;
using Appliance.Firmware.Config;

namespace Appliance.Firmware.Cli;

/// <summary>What <c>?</c> shows: what may stand here.</summary>
internal sealed class CliHelp(ConfigStore store, ConfigEditor editor, CliPaths paths)
{
    /// <summary>Help after these words; <paramref name="wordIsOpen"/>: the last one may go on.</summary>
    internal string For(IReadOnlyList<string> words, bool wordIsOpen)
    {
        var open = wordIsOpen ? words.LastOrDefault("") : "";
        IReadOnlyList<string> whole = wordIsOpen ? [.. words.SkipLast(1)] : words;
        var verbs = CliVerbs.At(editor.Level);
        if (whole.Count == 0)
        {
            return Lines(verbs.Where(verb => verb.StartsWith(open, StringComparison.Ordinal)).Select(verb => (verb, CliVerbs.Help(verb))), 12);
        }
        if (!CliPaths.TryMatch(whole[0], verbs, out var verb, out var wrong))
        {
            return wrong!.Text + "\n";
        }
        IReadOnlyList<string> rest = [.. whole.Skip(1)];
        return (verb, editor.Level) switch
        {
            ("set" or "unset" or "append" or "select" or "unselect" or "clear", ConfigLevel.Edit edit) => Attributes(edit.Schema, rest, open),
            ("edit" or "delete" or "rename" or "clone", ConfigLevel.List) when rest.Count == 0 => Lines(Starting(editor.ListHere!.Keys, open), 0),
            ("config", ConfigLevel.Edit edit) when rest.Count == 0 => Lines(Starting(edit.Schema.Children.Select(child => child.Path), open), 0),
            ("config" or "get" or "show" or "execute" or "diagnose", null) => Lines(Starting(paths.NextWords(verb, rest), open), 0),
            _ => "<Enter>\n",
        };
    }

    private string Attributes(TableSchema table, IReadOnlyList<string> rest, string open)
    {
        if (rest.Count == 0)
        {
            return Lines(table.Attributes.Where(attribute => attribute.Name != table.Key && attribute.Name.StartsWith(open, StringComparison.Ordinal))
                .Select(attribute => ((attribute.Required ? "*" : "") + attribute.Name, attribute.Help)), 29);
        }
        if (!CliPaths.TryMatch(rest[0], table.Attributes.Select(attribute => attribute.Name), out var name, out var wrong))
        {
            return wrong!.Text + "\n";
        }
        var attribute = table.Attribute(name)!;
        return attribute.Kind switch
        {
            ValueKind.Option => Lines(Starting(attribute.Options, open), 0),
            ValueKind.Number => $"{name}    Enter an integer value from <{attribute.Min}> to <{attribute.Max}>\n",
            _ when attribute.References.Length > 0 => Lines(Starting(attribute.References.SelectMany(Keys), open), 0),
            _ => Lines([(name, attribute.Help)], 29),
        };
    }

    private IEnumerable<string> Keys(string reference)
    {
        var path = reference[..reference.LastIndexOf('.')].Replace('.', ' ');
        return store.Current.Schema.Table(path) is { IsList: true } table ? table.BuiltIn.Concat(store.Current.List(path).Keys) : [];
    }

    private static IEnumerable<(string, string)> Starting(IEnumerable<string> words, string open) =>
        words.Where(word => word.StartsWith(open, StringComparison.Ordinal)).Select(word => (word, ""));

    private static string Lines(IEnumerable<(string Word, string Help)> lines, int width)
    {
        var text = new StringBuilder();
        foreach (var (word, help) in lines)
        {
            text.Append((word.PadRight(width) + (help.Length > 0 ? " " + help : "")).TrimEnd()).Append('\n');
        }
        return text.ToString();
    }
}
