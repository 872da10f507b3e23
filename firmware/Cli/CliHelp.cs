using Appliance.Firmware.Config;

namespace Appliance.Firmware.Cli;

/// <summary>The possible inputs at the cursor position, for <c>?</c> and Tab.</summary>
internal sealed class CliHelp(ConfigWorkspace workspace, ConfigEditor editor, CliPaths paths)
{
    private const int VerbWidth = 12;
    private const int CommandWidth = 17;
    private const int AttributeWidth = 29;
    private static readonly CliChoices Bar = new([("grep", "Filter the output.")], VerbWidth);

    /// <summary>Returns the text that <c>?</c> prints after these characters; lines ended by \n.</summary>
    internal string For(string typed)
    {
        var place = At(typed);
        return place.Wrong is not null ? $"\n{place.Wrong.Text}\n" : place.Choices!.Text(Starred(place.Whole));
    }

    /// <summary>
    /// Returns the completions of the word at the cursor, quoted where necessary, and the position at which that word begins.
    /// </summary>
    internal (int Start, IReadOnlyList<string> Words) Completions(string typed)
    {
        var place = At(typed);
        return (place.Start, place.Choices is null ? [] : [.. place.Choices.Words.Select(choice => AsTyped(choice.Word))]);
    }

    private static Place Scanned(string typed)
    {
        var scanned = ConfigWords.Scan(typed);
        return scanned.LastStart < typed.Length
            ? new(scanned.Words[..^1], scanned.Words[^1], scanned.LastStart)
            : new(scanned.Words, "", scanned.LastStart);
    }

    private static string AsTyped(string word) =>
        word.Length > 0 && word.All(c => char.IsLetterOrDigit(c) || c is '-' or '_' or '.' or '+' or '/' or ':')
            ? word
            : ConfigWords.Quote(word);

    private Func<string, bool> Starred(IReadOnlyList<string> whole) =>
        word => whole.Count == 1 && editor.Level is ConfigLevel.Edit edit && edit.Schema.Attribute(word) is { Required: true };

    private Place At(string typed)
    {
        var verbs = CliVerbs.At(editor.Level);
        var bar = ConfigWords.Scan(typed).Bar;
        if (
            bar >= 0
            && ConfigWords.Split(typed[..bar]) is [var first, ..]
            && CliPaths.TryMatch(first, verbs, out var printing, out _)
            && CliVerbs.Prints(printing)
        )
        {
            var filter = Scanned(typed[(bar + 1)..]);
            return filter with
            {
                Start = filter.Start + bar + 1,
                Choices = (filter.Whole.Count == 0 ? Bar : CliChoices.Note("<pattern>", "<Enter>")).Starting(filter.Open),
            };
        }
        var place = Scanned(typed);
        if (place.Whole.Count == 0)
        {
            return place with
            {
                Choices = new CliChoices(
                    [.. verbs.Where(verb => CliVerbs.IsListed(verb, editor.Level)).Select(verb => (verb, CliVerbs.Help(verb)))],
                    VerbWidth
                ).Starting(place.Open),
            };
        }
        if (!CliPaths.TryMatch(place.Whole[0], verbs, out var word, out var wrong))
        {
            return place with { Wrong = wrong };
        }
        IReadOnlyList<string> rest = [.. place.Whole.Skip(1)];
        var (choices, error) = editor.Level switch
        {
            null => AtRoot(word, rest),
            ConfigLevel.List list => (InList(word, list, rest), null),
            ConfigLevel.Edit edit => InEdit(word, edit.Schema, rest),
            _ => (CliChoices.Enter, null),
        };
        return place with { Choices = choices?.Starting(place.Open), Wrong = error };
    }

    private (CliChoices?, ConfigError?) AtRoot(string verb, IReadOnlyList<string> rest)
    {
        if (verb is "exit" or "quit")
        {
            return (CliChoices.Enter, null);
        }
        if (verb == "alias")
        {
            return (rest.Count == 0 ? CliChoices.Of(workspace.Current.List("system alias").Keys) : CliChoices.Enter, null);
        }
        if (verb == "show" && rest.Count == 0)
        {
            return (CliChoices.Of(["full-configuration", .. paths.Next("show")], "|", "<Enter>"), null);
        }
        IReadOnlyList<string> path = verb == "show" && CliVerbs.IsFull(rest[0]) ? [.. rest.Skip(1)] : rest;
        if (!paths.TryFollow(verb, path, out var followed, out var wrong))
        {
            return (null, wrong);
        }
        if (followed!.Depth < path.Count)
        {
            return (CliVerbs.Prints(verb) ? CliChoices.Note("|", "<Enter>") : CliChoices.Enter, null);
        }
        var words = followed.Next.Select(word => (word, paths.Command(verb, followed.Through(word))?.Help ?? "")).ToList();
        if (verb is "show" or "get" && followed.Known is { } known && workspace.Current.Schema.Table(known) is { IsList: true })
        {
            words.AddRange(workspace.Current.List(known).Keys.Select(key => (key, "")));
        }
        string[] notes =
            followed.Known is null && path.Count > 0 || verb is "config" && path.Count == 0 ? []
            : CliVerbs.Prints(verb) ? ["|", "<Enter>"]
            : ["<Enter>"];
        return (
            new CliChoices(
                words,
                Math.Max(CommandWidth, words.Count == 0 ? 0 : words.Max(word => word.word.Length)),
                path.Count == 0 && verb is not ("show" or "tree") ? [] : notes
            ),
            null
        );
    }

    private CliChoices InList(string verb, ConfigLevel.List list, IReadOnlyList<string> rest) =>
        (verb, rest.Count) switch
        {
            ("edit" or "delete" or "rename" or "clone" or "move", 0) => CliChoices.Of(
                editor.ListHere!.Keys,
                verb == "edit" ? [$"<{list.Schema.Key}>"] : []
            ),
            ("get", 0) => CliChoices.Of(editor.ListHere!.Keys, "|", "<Enter>"),
            ("show", 0) => CliChoices.Of(["full-configuration", .. editor.ListHere!.Keys], "|", "<Enter>"),
            ("show", 1) when CliVerbs.IsFull(rest[0]) => CliChoices.Of(editor.ListHere!.Keys, "|", "<Enter>"),
            ("rename" or "clone", 1) => CliChoices.Of(["to"]),
            ("rename" or "clone", 2) => CliChoices.Note($"<{list.Schema.Key}>"),
            ("move", 1) => CliChoices.Of(["before", "after"]),
            ("move", 2) => CliChoices.Of(editor.ListHere!.Keys),
            _ => CliChoices.Enter,
        };

    private (CliChoices?, ConfigError?) InEdit(string verb, TableSchema table, IReadOnlyList<string> rest) =>
        verb switch
        {
            "set" or "append" or "select" or "unselect" or "unset" or "clear" => Attributes(verb, table, rest),
            "config" when rest.Count == 0 => (CliChoices.Of(table.Children.Select(child => child.Path)), null),
            "show" when rest.Count == 0 => (CliChoices.Of(["full-configuration"], "|", "<Enter>"), null),
            "get" or "tree" when rest.Count == 0 => (CliChoices.Note("|", "<Enter>"), null),
            _ => (CliChoices.Enter, null),
        };

    private (CliChoices?, ConfigError?) Attributes(string verb, TableSchema table, IReadOnlyList<string> rest)
    {
        if (rest.Count == 0)
        {
            return (
                new CliChoices(
                    [
                        .. table
                            .Attributes.Where(attribute => attribute.Name != table.Key)
                            .Select(attribute => (attribute.Name, attribute.Help)),
                    ],
                    AttributeWidth
                ),
                null
            );
        }
        if (!CliPaths.TryMatch(rest[0], table.Attributes.Select(attribute => attribute.Name), out var name, out var wrong))
        {
            return (null, wrong);
        }
        var attribute = table.Attribute(name)!;
        if (verb is "unset" or "clear" || (rest.Count > 1 && !attribute.Multi && attribute.Kind != ValueKind.Ipv4Mask))
        {
            return (CliChoices.Enter, null);
        }
        if (verb == "unselect")
        {
            return (CliChoices.Of(((ConfigLevel.Edit)editor.Level!).Working.Words(name)), null);
        }
        return (Values(attribute, rest.Count > 1 ? ["<Enter>"] : []), null);
    }

    private CliChoices Values(AttributeSchema attribute, IReadOnlyList<string> notes) =>
        attribute.Kind switch
        {
            ValueKind.Option => CliChoices.Of(attribute.Options, notes),
            ValueKind.Number => CliChoices.Note([
                $"{attribute.Name}    Enter an integer value from <{attribute.Min}> to <{attribute.Max}>",
                .. notes,
            ]),
            _ when attribute.BuiltIn.Concat(attribute.References.SelectMany(Keys)).Distinct(StringComparer.Ordinal).ToArray()
                    is { Length: > 0 } keys => CliChoices.Of(keys, notes),
            _ => CliChoices.Note([
                (attribute.Help.Length > 0 ? attribute.Name.PadRight(AttributeWidth) + " " + attribute.Help : attribute.Name),
                .. notes,
            ]),
        };

    private IEnumerable<string> Keys(string reference)
    {
        var path = reference[..reference.LastIndexOf('.')].Replace('.', ' ');
        return workspace.Current.Schema.Table(path) is { IsList: true } table
            ? table.BuiltIn.Concat(workspace.Current.List(path).Keys)
            : [];
    }

    /// <summary>
    /// A cursor position: the complete words before it, the word under it, the start of that word, and its choices or the error.
    /// </summary>
    private sealed record Place(IReadOnlyList<string> Whole, string Open, int Start, CliChoices? Choices = null, ConfigError? Wrong = null);
}
