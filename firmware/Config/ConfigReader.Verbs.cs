namespace Appliance.Firmware.Config;

/// <content>The verbs of scripts that backups do not contain. They act as on the console, on the result of the text so far.</content>
internal sealed partial class ConfigReader
{
    /// <summary>
    /// The list that the previous line purged, with its former content; the next line may be the answer to the console's prompt.
    /// </summary>
    private (Level List, ConfigTable Held)? _purged;

    /// <summary>Runs <c>select</c>, <c>append</c> and <c>unselect</c>.</summary>
    private string? ChangeWords(Level level, AttributeSchema attribute, List<string> words)
    {
        var typed = words.GetRange(2, words.Count - 2);
        if (words[0] == "select")
        {
            return Set(level, attribute, typed);
        }
        var held = level.Working!.Words(attribute);
        if (words[0] == "append")
        {
            return typed.Count == 0 ? ConfigError.Incomplete.Lines[0] : Set(level, attribute, [.. held, .. typed], held.Length);
        }
        var (left, error) = ConfigValue.Remove(attribute, held, typed);
        if (error is null)
        {
            level.Working = level.Working!.With(attribute, left);
        }
        return error?.Lines[0];
    }

    private string? ChangeList(Level list, List<string> words) =>
        words switch
        {
            ["delete", var key] => Delete(list, key),
            ["purge"] => Purge(list),
            ["rename", var from, "to", var to] => Copy(list, from, to, remove: true),
            ["clone", var from, "to", var to] => Copy(list, from, to, remove: false),
            ["move", var key, "before" or "after", var other] => Move(list, key, other, words[2] == "after"),
            ["purge", var more, ..] => Unknown(more),
            ["delete", _, var more, ..] => Unknown(more),
            ["rename" or "clone", _, "to", _, var more, ..] => Unknown(more),
            ["move", _, "before" or "after", _, var more, ..] => Unknown(more),
            ["rename" or "clone", _, not "to", ..] or ["move", _, not ("before" or "after"), ..] => Unknown(words[2]),
            _ => ConfigError.Incomplete.Lines[0],
        };

    private string? Delete(Level list, string key)
    {
        if (list.Entries!.Find(key) is null)
        {
            return ConfigEditor.NotInTable.Lines[0];
        }
        if (Uses(list, key) is > 0 and var uses)
        {
            return ConfigEditor.InUse(uses).Lines[0];
        }
        list.Entries.Load(list.Entries.ToTable().Without(key));
        return null;
    }

    /// <summary>
    /// Deletes every entry. A file cannot be prompted: the line itself means yes, unless the next line is the answer no (*assumed*).
    /// </summary>
    private string? Purge(Level list)
    {
        var held = list.Entries!.ToTable();
        _purged = (list, held);
        if (held.Keys.Select(key => Uses(list, key)).DefaultIfEmpty().Max() is > 0 and var uses)
        {
            return ConfigEditor.InUse(uses).Lines[0];
        }
        list.Entries.Load(list.Schema.EmptyTable);
        return null;
    }

    private static string? AnswerPurge((Level List, ConfigTable Held)? purged, string answer)
    {
        if (answer is "n" or "N")
        {
            purged!.Value.List.Entries!.Load(purged.Value.Held);
        }
        return null;
    }

    private string? Copy(Level list, string from, string to, bool remove)
    {
        if (list.Entries!.Find(from) is not { } entry)
        {
            return ConfigEditor.NotInTable.Lines[0];
        }
        if (RefuseKey(list, to) is { } wrong)
        {
            return wrong;
        }
        if (list.Entries.Find(to) is not null)
        {
            return ConfigEditor.Duplicate(to).Lines[0];
        }
        var why =
            (remove ? null : ConfigEditor.CheckRoom(list.Schema, list.Entries.Count)?.Lines[0])
            ?? (_levels.Count == 1 ? Refused(list.Schema.Path, to, _line) : null);
        if (why is not null)
        {
            return why;
        }
        if (!remove)
        {
            list.Entries.Set(to, ConfigAssignments.Complete(list.Schema, to, ConfigAssignments.Unassigned(entry), list.Entries.Entries));
            return null;
        }
        list.Entries.Load(list.Entries.ToTable().Renamed(from, to));
        if (_levels.Count == 1)
        {
            _origins.TryAdd(to, _line);
            Flush();
            _tree = ConfigReferences.Renamed(_tree, list.Schema, from, to);
            foreach (var (path, entries) in _lists)
            {
                entries.Load(_tree.List(path));
            }
        }
        return null;
    }

    private static string? Move(Level list, string key, string other, bool after)
    {
        if (!list.Schema.Ordered)
        {
            return Unknown("move");
        }
        if (list.Entries!.Find(key) is null || list.Entries.Find(other) is null)
        {
            return ConfigEditor.NotInTable.Lines[0];
        }
        if (key != other)
        {
            list.Entries.Load(list.Entries.ToTable().Moved(key, other, after));
        }
        return null;
    }

    private string? Abort(Level level)
    {
        _levels.Pop();
        if (level.Key is not null)
        {
            _levels.Pop();
        }
        return null;
    }

    /// <summary>Counts the references to an entry in the text so far; entries of nested lists are never referenced.</summary>
    private int Uses(Level list, string key)
    {
        if (_levels.Count > 1)
        {
            return 0;
        }
        Flush();
        return ConfigReferences.CountUses(_tree, list.Schema, key);
    }
}
