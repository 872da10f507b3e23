using System.Text;
using Appliance.Firmware.Config;

namespace Appliance.Firmware.Cli;

/// <summary>The <c>show</c> and <c>get</c> output of the configuration.</summary>
internal sealed class CliView(
    ConfigStore store,
    ConfigWorkspace workspace,
    ConfigEditor editor,
    CliPaths paths,
    CliAccess access,
    Func<string> user
)
{
    private const string NoEntry = "entry is not found in table\n";

    /// <summary>Formats configuration as commands: the current level, all of it, one table or one entry.</summary>
    internal CliReply Show(IReadOnlyList<string> words)
    {
        var full = words.Count > 0 && CliVerbs.IsFull(words[0]);
        var path = full ? [.. words.Skip(1)] : words;
        var text = new ConfigText(store.Seal, full);
        if (editor.Level is { } level)
        {
            return ShowLevel(level, path, text);
        }
        if (path.Count == 0)
        {
            return store.Header(user()) + text.Tree(workspace.Current, table => access.Read(table) is null);
        }
        if (!paths.TryPath("show", path, out var name, out var rest, out var error))
        {
            return error!;
        }
        var table = workspace.Current.Schema.Table(name)!;
        if (access.Read(table) is { } denied)
        {
            return denied;
        }
        if (rest.Count > (table.IsList ? 1 : 0))
        {
            return CliPaths.ParseError(rest[table.IsList ? 1 : 0]);
        }
        return rest is [var key] && workspace.Current.List(name).Find(key) is null
            ? NoEntry
            : text.Table(workspace.Current, table, rest is [var one] ? one : null).ToString();
    }

    /// <summary>Formats values, defaults included.</summary>
    internal CliReply Get(IReadOnlyList<string> words)
    {
        switch (editor.Level)
        {
            case ConfigLevel.List:
                return OfList(editor.ListHere!, words);
            case ConfigLevel.Edit edit:
                return words.Count > 0 ? CliPaths.ParseError(words[0]) : GetText.Of(edit.Working, edit.Key);
        }
        if (!paths.TryPath("get", words, out var name, out var rest, out var error))
        {
            return error!;
        }
        if (access.Read(workspace.Current.Schema.Table(name)!) is { } denied)
        {
            return denied;
        }
        return workspace.Current.Schema.Table(name)!.IsList ? OfList(store.Live(workspace.Current.List(name)), rest)
            : rest.Count > 0 ? CliPaths.ParseError(rest[0])
            : GetText.Of(workspace.Current.Object(name), null);
    }

    private static CliReply OfList(ConfigTable list, IReadOnlyList<string> words) =>
        words switch
        {
            [] => GetText.Of(list),
            [var key] => list.Find(key) is { } entry ? GetText.Of(entry, key) : NoEntry,
            _ => CliPaths.ParseError(words[1]),
        };

    private CliReply ShowLevel(ConfigLevel level, IReadOnlyList<string> path, ConfigText text)
    {
        if (path.Count > (level is ConfigLevel.List ? 1 : 0))
        {
            return CliPaths.ParseError(path[^1]);
        }
        switch (level)
        {
            case ConfigLevel.List list when path is [var key]:
                if (editor.ListHere!.Find(key) is null)
                {
                    return NoEntry;
                }
                text.List(list.Schema.Path, editor.ListHere!, 0, key);
                break;
            case ConfigLevel.List list:
                text.List(list.Schema.Path, editor.ListHere!, 0);
                break;
            case ConfigLevel.Edit { Key: { } key } edit:
                text.List(edit.Schema.Path, editor.TableHere(edit).With(key, edit.Working), 0, key);
                break;
            case ConfigLevel.Edit single:
                text.Object(single.Schema.Path, single.Working, 0);
                break;
        }
        return text.ToString();
    }
}
