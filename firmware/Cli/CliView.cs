using System.Text;
using Appliance.Firmware.Config;

namespace Appliance.Firmware.Cli;

/// <summary><c>show</c> and <c>get</c>.</summary>
internal sealed class CliView(CliSession session, ConfigStore store, ConfigEditor editor, CliPaths paths)
{
    private const string FullWord = "full-configuration";

    /// <summary>Configuration as commands: of the level, of the whole, of a table or of one entry.</summary>
    internal (string Text, ConfigError? Error) Show(IReadOnlyList<string> words)
    {
        var full = words.Count > 0 && words[0].Length > 0 && FullWord.StartsWith(words[0], StringComparison.Ordinal) && words[0][0] == 'f';
        var path = full ? [.. words.Skip(1)] : words;
        var text = new ConfigText(store.Seal, full);
        if (editor.Level is { } level)
        {
            return path.Count > 0 ? ("", CliPaths.ParseError(path[0])) : (ShowLevel(level, text), null);
        }
        if (path.Count == 0)
        {
            return (store.Header() + text.Tree(session.Workspace.Current), null);
        }
        if (!paths.TryTable(path, out var table, out var rest, out var error))
        {
            return ("", error);
        }
        if (rest.Count > (table!.IsList ? 1 : 0))
        {
            return ("", CliPaths.ParseError(rest[^1]));
        }
        if (rest is [var key] && session.Workspace.Current.List(table.Path).Find(key) is null)
        {
            return ("entry is not found in table\n", null);
        }
        return (text.Table(session.Workspace.Current, table, rest is [var one] ? one : null).ToString(), null);
    }

    /// <summary>Values, defaults included; or a command.</summary>
    internal (string Text, ConfigError? Error) Get(IReadOnlyList<string> words)
    {
        if (editor.Level is { } level)
        {
            return words.Count > 0 ? ("", CliPaths.ParseError(words[0])) : (level is ConfigLevel.Edit edit ? ObjectView(edit.Working, edit.Key) : ListView(editor.ListHere!), null);
        }
        if (paths.TryCommand("get", words, out var command, out var arguments, out _))
        {
            if (arguments.Count > 0)
            {
                return ("", CliPaths.ParseError(arguments[0]));
            }
            var reply = command!.Run(new CliCall([], session));
            return (reply.Text, reply.Error);
        }
        if (!paths.TryTable(words, out var table, out var rest, out var error))
        {
            return ("", error);
        }
        if (!table!.IsList)
        {
            return rest.Count > 0 ? ("", CliPaths.ParseError(rest[0])) : (ObjectView(session.Workspace.Current.Object(table.Path), null), null);
        }
        return rest switch
        {
            [] => (ListView(session.Workspace.Current.List(table.Path)), null),
            [var key] => session.Workspace.Current.List(table.Path).Find(key) is { } entry ? (ObjectView(entry, key), null) : ("entry is not found in table\n", null),
            _ => ("", CliPaths.ParseError(rest[1])),
        };
    }

    private string ShowLevel(ConfigLevel level, ConfigText text)
    {
        switch (level)
        {
            case ConfigLevel.List list:
                text.List(list.Schema.Path, editor.ListHere!, 0);
                break;
            case ConfigLevel.Edit { Key: { } key } edit:
                text.List(edit.Schema.Path, new ConfigTable(edit.Schema).With(key, edit.Working), 0);
                break;
            case ConfigLevel.Edit single:
                text.Object(single.Schema.Path, single.Working, 0);
                break;
        }
        return text.ToString();
    }

    private static string ObjectView(ConfigObject value, string? key)
    {
        var text = new StringBuilder();
        foreach (var attribute in value.Schema.Attributes)
        {
            text.Append(attribute.Name.PadRight(20)).Append(": ").Append(Shown(value, attribute, key)).Append(" \n");
        }
        foreach (var child in value.Schema.Children.Where(child => child.IsList))
        {
            text.Append(child.Path).Append(":\n");
            foreach (var name in value.Children(child.Path).Keys)
            {
                text.Append("    == [ ").Append(name).Append(" ]\n");
            }
        }
        return text.ToString();
    }

    private static string ListView(ConfigTable table)
    {
        var text = new StringBuilder();
        foreach (var (key, entry) in table.Entries)
        {
            text.Append("== [ ").Append(key).Append(" ]\n")
                .AppendJoin("    ", entry.Schema.Attributes.Select(attribute => $"{attribute.Name}: {Shown(entry, attribute, key)}")).Append('\n');
        }
        return text.ToString();
    }

    private static string Shown(ConfigObject value, AttributeSchema attribute, string? key) =>
        attribute.Name == value.Schema.Key ? key ?? "" : attribute.Secret ? (value.Text(attribute.Name).Length > 0 ? "*" : "") : string.Join(' ', value.Words(attribute.Name));
}
