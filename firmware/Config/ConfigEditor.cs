using System.Collections.Immutable;
using System.Globalization;

namespace Appliance.Firmware.Config;

/// <summary>
/// The edit tree: <c>config</c>, <c>edit</c>, <c>set</c>, <c>next</c>, <c>end</c> and their sisters. Works on copies; what <c>next</c> and
/// <c>end</c> store goes through <paramref name="commit"/>. Words are whole here: abbreviations are the console's business.
/// </summary>
/// <param name="current">The tree in force.</param>
/// <param name="commit">Stores a change, or says why not.</param>
/// <param name="unseal">Opens an ENC value; null when it was not made here.</param>
/// <param name="checks">Checks of single values that the schema cannot say, by <c>table attribute</c>; true when the value is good.</param>
internal sealed class ConfigEditor(
    Func<ConfigTree> current, Func<Func<ConfigTree, ConfigTree>, ConfigError?> commit, Func<string, string?> unseal,
    IReadOnlyDictionary<string, Func<string, bool>> checks)
{
    private readonly Stack<ConfigLevel> _levels = new();

    /// <summary>Where the administrator stands; null at the root.</summary>
    internal ConfigLevel? Level => _levels.TryPeek(out var level) ? level : null;

    /// <summary>The list whose entries can be edited here; null elsewhere.</summary>
    internal ConfigTable? ListHere => Level is ConfigLevel.List list ? TableOf(list) : null;

    /// <summary>The list that an open entry belongs to, without what is not stored.</summary>
    internal ConfigTable TableHere(ConfigLevel.Edit entry) => TableOf((ConfigLevel.List)_levels.SkipWhile(level => level != entry).Skip(1).First());

    /// <summary>Enters a table: at the root by its whole path, inside an entry one of its own.</summary>
    internal void Enter(TableSchema table)
    {
        var word = table.Path[(table.Path.LastIndexOf(' ') + 1)..];
        _levels.Push(table.IsList ? new ConfigLevel.List(table, word) : new ConfigLevel.Edit(table, word, null, SingleOf(table), isNew: false));
    }

    /// <summary>Opens an entry, existing or new. The message of a new one, or "".</summary>
    internal (string Message, ConfigError? Error) Edit(string key)
    {
        var list = (ConfigLevel.List)Level!;
        if (CheckKey(list.Schema, key) is { } error)
        {
            return ("", error);
        }
        key = KeyOf(list.Schema, key);
        var existing = TableOf(list).Find(key);
        if (existing is null && Full(list) is { } full)
        {
            return ("", full);
        }
        _levels.Push(new ConfigLevel.Edit(list.Schema, key, key, existing ?? list.Schema.EmptyObject, existing is null));
        return (existing is null ? $"new entry '{key}' added\n" : "", null);
    }

    /// <summary>Replaces the whole value.</summary>
    internal ConfigError? Set(AttributeSchema attribute, IReadOnlyList<string> words)
    {
        var edit = (ConfigLevel.Edit)Level!;
        var tree = current();
        var (kept, error) = Check(attribute, words, (asked, key) => ConfigReferences.Allows(tree, asked, key), unseal, checks);
        if (error is null)
        {
            edit.Working = Assign(edit.Working, attribute, kept);
        }
        return error;
    }

    /// <summary>An object with a checked value, without what that value takes away (<c>mode static</c> what DHCP had).</summary>
    internal static ConfigObject Assign(ConfigObject value, AttributeSchema attribute, ImmutableArray<string> kept)
    {
        value = value.With(attribute, kept);
        foreach (var other in value.Schema.Droppable)
        {
            if (other.When!.Attribute == attribute.Name && value.IsSet(other) && !kept.Any(other.When.Values.Contains))
            {
                value = value.Without(other.Name);
            }
        }
        return value;
    }

    /// <summary>The words of a value as they are kept, or why they are refused.</summary>
    internal static (ImmutableArray<string> Kept, ConfigError? Error) Check(
        AttributeSchema attribute, IReadOnlyList<string> words, Func<AttributeSchema, string, bool>? allows, Func<string, string?> unseal, IReadOnlyDictionary<string, Func<string, bool>> checks)
    {
        var (kept, error) = ConfigValue.Check(attribute, words, allows, unseal);
        if (error is null && kept is [{ Length: > 0 } value] && checks.TryGetValue(attribute.Id, out var check) && !check(value))
        {
            var why = check.Target is IReasonedCheck reasoned ? ": " + reasoned.Why(value) : "";
            return (kept, ConfigValue.Refuse(-651, attribute.Secret ? "***" : value, $"node_check_object fail! for {attribute.Name}{why}"));
        }
        return (kept, error);
    }

    /// <summary>Adds to a multi-value.</summary>
    internal ConfigError? Append(AttributeSchema attribute, IReadOnlyList<string> words) =>
        words.Count == 0 ? Incomplete : Set(attribute, [.. ((ConfigLevel.Edit)Level!).Working.Words(attribute.Name), .. words]);

    /// <summary>Takes away from a multi-value.</summary>
    internal ConfigError? Unselect(AttributeSchema attribute, IReadOnlyList<string> words)
    {
        var edit = (ConfigLevel.Edit)Level!;
        var (left, error) = ConfigValue.Remove(attribute, edit.Working.Words(attribute), words);
        if (error is null)
        {
            edit.Working = edit.Working.With(attribute, left);
        }
        return error;
    }

    /// <summary>Back to the default.</summary>
    internal void Unset(AttributeSchema attribute)
    {
        var edit = (ConfigLevel.Edit)Level!;
        edit.Working = edit.Working.Without(attribute.Name);
    }

    /// <summary>Stores the open entry and goes back to its list; what cannot be stored is dropped.</summary>
    internal ConfigError? Next()
    {
        var edit = (ConfigLevel.Edit)_levels.Pop();
        return Store(edit);
    }

    /// <summary>Stores what is open and leaves the <c>config</c> level; what cannot be stored is dropped.</summary>
    internal ConfigError? End()
    {
        ConfigError? error = null;
        if (Level is ConfigLevel.Edit edit)
        {
            _levels.Pop();
            error = Store(edit);
            if (edit.Key is null)
            {
                return error;
            }
        }
        _levels.Pop();
        return error;
    }

    /// <summary>Leaves the <c>config</c> level and drops what is not stored.</summary>
    internal void Abort()
    {
        if (_levels.Pop() is ConfigLevel.Edit { Key: not null })
        {
            _levels.Pop();
        }
    }

    /// <summary>Leaves every level and drops what is not stored.</summary>
    internal void AbortAll() => _levels.Clear();

    /// <summary>Deletes an entry at once.</summary>
    internal ConfigError? Delete(string key)
    {
        var list = (ConfigLevel.List)Level!;
        if (TableOf(list).Find(key) is null)
        {
            return NotInTable;
        }
        return IsRoot(list) && ConfigReferences.CountUses(current(), list.Schema, key) is > 0 and var uses
            ? InUse(uses)
            : Change(list, table => table.Without(key));
    }

    /// <summary>Deletes every entry, or none when one of them is used.</summary>
    internal ConfigError? Purge()
    {
        var list = (ConfigLevel.List)Level!;
        var uses = IsRoot(list) ? TableOf(list).Keys.Max(key => (int?)ConfigReferences.CountUses(current(), list.Schema, key)) ?? 0 : 0;
        return uses > 0 ? InUse(uses) : Change(list, table => table.Schema.EmptyTable);
    }

    /// <summary>Another entry with the same values; <paramref name="remove"/> makes it the same entry under another key, for those that refer to it, too.</summary>
    internal ConfigError? Copy(string from, string to, bool remove)
    {
        var list = (ConfigLevel.List)Level!;
        if (TableOf(list).Find(from) is not { } entry)
        {
            return NotInTable;
        }
        if (CheckKey(list.Schema, to) is { } error)
        {
            return error;
        }
        if (TableOf(list).Find(to) is not null)
        {
            return Duplicate(to);
        }
        if (remove)
        {
            return IsRoot(list)
                ? commit(tree => ConfigReferences.Renamed(tree.With(list.Schema.Path, tree.List(list.Schema.Path).Renamed(from, to)), list.Schema, from, to))
                : Change(list, table => table.Renamed(from, to));
        }
        return CheckRoom(list.Schema, TableOf(list).Count) ?? Change(list, table => table.With(to, ConfigAssignments.Complete(table.Schema, to, ConfigAssignments.Unassigned(entry), table.Entries.Select(other => other.Entry))));
    }

    /// <summary>Moves an entry of a list whose order matters.</summary>
    internal ConfigError? Move(string key, string other, bool after)
    {
        var list = (ConfigLevel.List)Level!;
        var table = TableOf(list);
        return table.Find(key) is null || table.Find(other) is null ? NotInTable
            : key == other ? null
            : Change(list, held => held.Find(key) is null || held.Find(other) is null ? held : held.Moved(key, other, after)); // Another administrator may have deleted it.
    }

    internal static ConfigError Incomplete { get; } = new(-160, "incomplete command in the end");

    internal static ConfigError NotInTable { get; } = new(-3, "entry not found in table");

    internal static ConfigError Duplicate(string key) => new(-5, $"a duplicate entry already exists: {key}");

    internal static ConfigError InUse(int uses) => new(-23, $"The entry is used by other {uses} entries");

    /// <summary>An error when the table takes no further entry.</summary>
    private ConfigError? Full(ConfigLevel.List list) => CheckRoom(list.Schema, TableOf(list).Count);

    /// <summary>Why a list of so many entries takes no further one; null when it does.</summary>
    internal static ConfigError? CheckRoom(TableSchema table, int count) => table.MaxEntries is > 0 and var most && count >= most
        ? new ConfigError(-4, "reached the maximum number of entries", "object set operator error, -4 discard the setting")
        : null;

    /// <summary>Why a key cannot be one of this list; null when it can.</summary>
    internal static ConfigError? CheckKey(TableSchema table, string key)
    {
        if (table.NumericKey)
        {
            return key.Length is > 0 and <= 10 && key.All(char.IsAsciiDigit) && long.Parse(key, CultureInfo.InvariantCulture) <= uint.MaxValue
                ? null
                : ConfigValue.Refuse(-651, key, $"invalid unsigned integer value: {key}");
        }
        if (key.Length == 0 || ConfigValue.HasDangerous(key) || ConfigValue.HasControl(key))
        {
            return ConfigValue.Refuse(-173, key, key.Length == 0 ? "the name is empty" : "The string contains XSS vulnerability characters");
        }
        return table.Attribute(table.Key!) is { MaxLength: > 0 and var longest } && key.Length > longest
            ? ConfigValue.Refuse(-1, key, $"string value is too long. the size is {key.Length}, the limit is {longest}")
            : null;
    }

    /// <summary>What an entry or object lacks to be stored; null when nothing.</summary>
    internal static ConfigError? CheckWhole(ConfigObject value)
    {
        foreach (var attribute in value.Schema.Mandatory)
        {
            if (value.Words(attribute) is [] or [""] && (attribute.RequiredWhen is not { } condition || condition.Values.Contains(value.Text(condition.Attribute))))
            {
                return new ConfigError(-56, $"Attribute '{attribute.Name}' MUST be set.");
            }
        }
        return null;
    }

    /// <summary>A number as a key, without leading zeros; another key as it is.</summary>
    internal static string KeyOf(TableSchema table, string typed) =>
        table.NumericKey ? long.Parse(typed, CultureInfo.InvariantCulture).ToString(CultureInfo.InvariantCulture) : typed;

    /// <summary>The number that <c>edit 0</c> stands for.</summary>
    internal static string NextFree(IEnumerable<string> keys) =>
        (keys.Select(key => long.Parse(key, CultureInfo.InvariantCulture)).DefaultIfEmpty().Max() + 1).ToString(CultureInfo.InvariantCulture);

    private ConfigError? Store(ConfigLevel.Edit edit)
    {
        if (CheckWhole(edit.Working) is { } missing)
        {
            return missing;
        }
        if (edit.Key is { } key)
        {
            var list = (ConfigLevel.List)Level!;
            return Change(list, table =>
            {
                var name = table.Schema.NumericKey && key == "0" ? NextFree(table.Keys) : key;
                return table.With(name, ConfigAssignments.Complete(table.Schema, name, edit.Working, table.Entries.Select(entry => entry.Entry)));
            });
        }
        if (Level is ConfigLevel.Edit parent)
        {
            parent.Working = parent.Working.WithChildren(edit.Schema.Path, edit.Working.IsDefault ? edit.Schema.EmptyTable : edit.Schema.EmptyTable.With("", edit.Working));
            return null;
        }
        return commit(tree => tree.With(edit.Schema.Path, edit.Working));
    }

    /// <summary>Changes a list: in force at once at the root, in the parent's working copy when it is nested.</summary>
    private ConfigError? Change(ConfigLevel.List list, Func<ConfigTable, ConfigTable> change)
    {
        if (ParentOf(list) is { } parent)
        {
            parent.Working = parent.Working.WithChildren(list.Schema.Path, change(parent.Working.Children(list.Schema.Path)));
            return null;
        }
        return commit(tree => tree.With(list.Schema.Path, change(tree.List(list.Schema.Path))));
    }

    private ConfigTable TableOf(ConfigLevel.List list) => ParentOf(list) is { } parent ? parent.Working.Children(list.Schema.Path) : current().List(list.Schema.Path);

    private ConfigObject SingleOf(TableSchema table) =>
        Level is ConfigLevel.Edit parent ? parent.Working.Children(table.Path).Find("") ?? table.EmptyObject : current().Object(table.Path);

    private bool IsRoot(ConfigLevel.List list) => ParentOf(list) is null;

    private ConfigLevel.Edit? ParentOf(ConfigLevel.List list) => _levels.SkipWhile(level => level != list).Skip(1).FirstOrDefault() as ConfigLevel.Edit;
}
