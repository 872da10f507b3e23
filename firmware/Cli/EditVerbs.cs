using Appliance.Firmware.Config;

namespace Appliance.Firmware.Cli;

/// <summary>The verbs of the edit tree, with their arguments.</summary>
internal sealed class EditVerbs(ConfigEditor editor, CliPaths paths, CliAccess access)
{

    /// <summary>Runs a verb; the message is shown before the error, if any.</summary>
    internal (string Message, ConfigError? Error) Run(string verb, IReadOnlyList<string> words) =>
        verb switch
        {
            "config" => ("", Config(words)),
            "edit" => Edit(words),
            "delete" => ("", One(words, editor.Delete)),
            "rename" or "clone" => ("", Copy(words, remove: verb == "rename")),
            "move" => ("", Move(words)),
            "set" or "select" => ("", Attribute(words, editor.Set)),
            "append" => ("", Attribute(words, editor.Append)),
            "unselect" => ("", Attribute(words, editor.Unselect)),
            "unset" or "clear" => ("", Attribute(words, Unset)),
            "next" => ("", None(words, editor.Next)),
            "end" => ("", None(words, editor.End)),
            "abort" => ("", None(words, Abort)),
            _ => ("", CliPaths.ParseError(verb)),
        };

    private ConfigError? Config(IReadOnlyList<string> words)
    {
        TableSchema? table;
        IReadOnlyList<string> rest;
        if (editor.Level is ConfigLevel.Edit edit)
        {
            if (words.Count == 0)
            {
                return ConfigError.Incomplete;
            }
            if (!CliPaths.TryMatch(words[0], edit.Schema.Children.Select(child => child.Path), out var name, out var wrong))
            {
                return wrong;
            }
            (table, rest) = (edit.Schema.Child(name), [.. words.Skip(1)]);
        }
        else
        {
            if (!paths.TryPath("config", words, out var path, out rest, out var error))
            {
                return error;
            }
            table = paths.Table(path);
        }
        if (rest.Count > 0)
        {
            return CliPaths.ParseError(rest[0]);
        }
        if (editor.Level is null && access.Write(table!) is { } denied)
        {
            return denied;
        }
        editor.Enter(table!);
        return null;
    }

    private (string, ConfigError?) Edit(IReadOnlyList<string> words) =>
        words switch
        {
            [] => ("", ConfigError.Incomplete),
            [var key] => editor.Edit(key),
            _ => ("", CliPaths.ParseError(words[1])),
        };

    private ConfigError? Copy(IReadOnlyList<string> words, bool remove) =>
        words switch
        {
            [var from, "to", var to] => editor.Copy(from, to, remove),
            [_, "to"] or [_] or [] => ConfigError.Incomplete,
            [_, not "to", ..] => CliPaths.ParseError(words[1]),
            _ => CliPaths.ParseError(words[3]),
        };

    private ConfigError? Move(IReadOnlyList<string> words) =>
        words switch
        {
            [var key, "before" or "after", var other] => editor.Move(key, other, after: words[1] == "after"),
            [] or [_] or [_, "before" or "after"] => ConfigError.Incomplete,
            [_, not ("before" or "after"), ..] => CliPaths.ParseError(words[1]),
            _ => CliPaths.ParseError(words[3]),
        };

    private ConfigError? Attribute(IReadOnlyList<string> words, Func<AttributeSchema, IReadOnlyList<string>, ConfigError?> run)
    {
        if (words.Count == 0)
        {
            return ConfigError.Incomplete;
        }
        var table = editor.Level!.Schema;
        return CliPaths.TryMatch(
            words[0],
            table.Attributes.Select(attribute => attribute.Name).Where(name => name != table.Key),
            out var name,
            out var wrong
        )
            ? run(table.Attribute(name)!, [.. words.Skip(1)])
            : wrong;
    }

    private ConfigError? Unset(AttributeSchema attribute, IReadOnlyList<string> words)
    {
        if (words.Count > 0)
        {
            return CliPaths.ParseError(words[0]);
        }
        editor.Unset(attribute);
        return null;
    }

    private ConfigError? Abort()
    {
        editor.Abort();
        return null;
    }

    private static ConfigError? One(IReadOnlyList<string> words, Func<string, ConfigError?> run) =>
        words switch
        {
            [] => ConfigError.Incomplete,
            [var word] => run(word),
            _ => CliPaths.ParseError(words[1]),
        };

    private static ConfigError? None(IReadOnlyList<string> words, Func<ConfigError?> run) =>
        words.Count == 0 ? run() : CliPaths.ParseError(words[0]);
}
