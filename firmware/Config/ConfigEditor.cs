using System.Collections.Immutable;
using System.Globalization;

namespace Appliance.Firmware.Config;

/// <summary>
/// The edit tree: <c>config</c>, <c>edit</c>, <c>set</c>, <c>next</c>, <c>end</c> and related verbs. Edits working copies; <c>next</c>
/// and <c>end</c> store them through <paramref name="commit"/>. Words are complete here; the console resolves abbreviations.
/// </summary>
/// <param name="current">Returns the tree in force.</param>
/// <param name="commit">Stores a change; returns null, or the error.</param>
/// <param name="unseal">Decrypts an ENC value; null if this unit did not create it.</param>
/// <param name="checks">
/// Checks of single values that the schema cannot express, by <c>table attribute</c>; true if the value is valid.
/// </param>
internal sealed class ConfigEditor(
    Func<ConfigTree> current,
    Func<Func<ConfigTree, ConfigTree>, ConfigError?> commit,
    Func<string, string?> unseal,
    IReadOnlyDictionary<string, Func<string, bool>> checks
)
{
    internal static ConfigError NotInTable { get; } = new(-3, "entry not found in table");

    private readonly Stack<ConfigLevel> _levels = new();

    /// <summary>The administrator's current level; null at the root.</summary>
    internal ConfigLevel? Level => _levels.TryPeek(out var level) ? level : null;

    /// <summary>The list whose entries can be edited at this level; null elsewhere.</summary>
    internal ConfigTable? ListHere => Level is ConfigLevel.List list ? TableOf(list) : null;

    /// <summary>Returns the list that an open entry belongs to, without unsaved changes to that entry.</summary>
    internal ConfigTable TableHere(ConfigLevel.Edit entry) =>
        TableOf((ConfigLevel.List)_levels.SkipWhile(level => level != entry).Skip(1).First());

    /// <summary>Enters a table: at the root by its whole path, inside an entry one of the entry's child tables.</summary>
    internal void Enter(TableSchema table)
    {
        var word = table.Path[(table.Path.LastIndexOf(' ') + 1)..];
        _levels.Push(
            table.IsList ? new ConfigLevel.List(table, word) : new ConfigLevel.Edit(table, word, null, SingleOf(table), isNew: false)
        );
    }

    /// <summary>Opens an entry, existing or new; the message announces a new entry and is otherwise "".</summary>
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

    /// <summary>Replaces the whole value of an attribute.</summary>
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

    /// <summary>
    /// Returns an object with a checked value set and the attributes dropped that this value excludes (<c>mode static</c> drops those of
    /// DHCP).
    /// </summary>
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

    /// <summary>Returns the words of a value in their stored form, or the error.</summary>
    internal static (ImmutableArray<string> Kept, ConfigError? Error) Check(
        AttributeSchema attribute,
        IReadOnlyList<string> words,
        Func<AttributeSchema, string, bool>? allows,
        Func<string, string?> unseal,
        IReadOnlyDictionary<string, Func<string, bool>> checks
    )
    {
        var (kept, error) = ConfigValue.Check(attribute, words, allows, unseal);
        if (error is null && kept is [{ Length: > 0 } value] && checks.TryGetValue(attribute.Id, out var check) && !check(value))
        {
            var why = check.Target is IReasonedCheck reasoned ? ": " + reasoned.Why(value) : "";
            return (kept, ConfigValue.Refuse(-651, attribute.Secret ? "***" : value, $"node_check_object fail! for {attribute.Name}{why}"));
        }
        return (kept, error);
    }

    /// <summary>Adds words to a multi-value.</summary>
    internal ConfigError? Append(AttributeSchema attribute, IReadOnlyList<string> words) =>
        words.Count == 0 ? ConfigError.Incomplete : Set(attribute, [.. ((ConfigLevel.Edit)Level!).Working.Words(attribute.Name), .. words]);

    /// <summary>Removes words from a multi-value.</summary>
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

    /// <summary>Resets an attribute to its default.</summary>
    internal void Unset(AttributeSchema attribute)
    {
        var edit = (ConfigLevel.Edit)Level!;
        edit.Working = edit.Working.Without(attribute.Name);
    }

    /// <summary>Stores the open entry and returns to its list; an entry that cannot be stored is dropped.</summary>
    internal ConfigError? Next()
    {
        var edit = (ConfigLevel.Edit)_levels.Pop();
        return Store(edit);
    }

    /// <summary>Stores the open entry or object and leaves the <c>config</c> level; one that cannot be stored is dropped.</summary>
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

    /// <summary>Leaves the <c>config</c> level and drops unsaved changes.</summary>
    internal void Abort()
    {
        if (_levels.Pop() is ConfigLevel.Edit { Key: not null })
        {
            _levels.Pop();
        }
    }

    /// <summary>Leaves every level and drops unsaved changes.</summary>
    internal void AbortAll() => _levels.Clear();

    /// <summary>Deletes an entry immediately.</summary>
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

    /// <summary>Deletes every entry, or none if one of them is in use.</summary>
    internal ConfigError? Purge()
    {
        var list = (ConfigLevel.List)Level!;
        var uses = IsRoot(list) ? TableOf(list).Keys.Max(key => (int?)ConfigReferences.CountUses(current(), list.Schema, key)) ?? 0 : 0;
        return uses > 0 ? InUse(uses) : Change(list, table => table.Schema.EmptyTable);
    }

    /// <summary>
    /// Copies an entry to another key. With <paramref name="remove"/> the entry is renamed instead, and references to it follow.
    /// </summary>
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
                ? commit(tree =>
                    ConfigReferences.Renamed(
                        tree.With(list.Schema.Path, tree.List(list.Schema.Path).Renamed(from, to)),
                        list.Schema,
                        from,
                        to
                    )
                )
                : Change(list, table => table.Renamed(from, to));
        }
        return CheckRoom(list.Schema, TableOf(list).Count)
            ?? Change(
                list,
                table =>
                    table.With(
                        to,
                        ConfigAssignments.Complete(
                            table.Schema,
                            to,
                            ConfigAssignments.Unassigned(entry),
                            table.Entries.Select(other => other.Entry)
                        )
                    )
            );
    }

    /// <summary>Moves an entry of an ordered list.</summary>
    internal ConfigError? Move(string key, string other, bool after)
    {
        var list = (ConfigLevel.List)Level!;
        var table = TableOf(list);
        return table.Find(key) is null || table.Find(other) is null ? NotInTable
            : key == other ? null
            : Change(list, held => held.Find(key) is null || held.Find(other) is null ? held : held.Moved(key, other, after)); // Another administrator may have deleted it.
    }

    internal static ConfigError Duplicate(string key) => new(-5, $"a duplicate entry already exists: {key}");

    internal static ConfigError InUse(int uses) => new(-23, $"The entry is used by other {uses} entries");

    /// <summary>Returns the error if the table is full, otherwise null.</summary>
    private ConfigError? Full(ConfigLevel.List list) => CheckRoom(list.Schema, TableOf(list).Count);

    /// <summary>Returns the error if a list with this many entries is full, otherwise null.</summary>
    internal static ConfigError? CheckRoom(TableSchema table, int count) =>
        table.MaxEntries is > 0 and var most && count >= most
            ? new ConfigError(-4, "reached the maximum number of entries", "object set operator error, -4 discard the setting")
            : null;

    /// <summary>Returns the error if a key is not valid for this list, otherwise null.</summary>
    internal static ConfigError? CheckKey(TableSchema table, string key)
    {
        if (table.NumericKey)
        {
            return
                key.Length is > 0 and <= 10 && key.All(char.IsAsciiDigit) && long.Parse(key, CultureInfo.InvariantCulture) <= uint.MaxValue
                ? null
                : ConfigValue.Refuse(-651, key, $"invalid unsigned integer value: {key}");
        }
        if (key.Length == 0 || ConfigValue.HasDangerous(key) || ConfigValue.HasControl(key))
        {
            return ConfigValue.Refuse(
                -173,
                key,
                key.Length == 0 ? "the name is empty" : "The string contains XSS vulnerability characters"
            );
        }
        return table.Attribute(table.Key!) is { MaxLength: > 0 and var longest } && key.Length > longest
            ? ConfigValue.Refuse(-1, key, $"string value is too long. the size is {key.Length}, the limit is {longest}")
            : null;
    }

    /// <summary>Returns the error if a mandatory attribute of an entry or object is not set, otherwise null.</summary>
    internal static ConfigError? CheckWhole(ConfigObject value)
    {
        foreach (var attribute in value.Schema.Mandatory)
        {
            if (
                value.Words(attribute) is [] or [""]
                && (attribute.RequiredWhen is not { } condition || condition.Values.Contains(value.Text(condition.Attribute)))
            )
            {
                return new ConfigError(-56, $"Attribute '{attribute.Name}' MUST be set.");
            }
        }
        return null;
    }

    /// <summary>Returns a numeric key without leading zeros, and any other key unchanged.</summary>
    internal static string KeyOf(TableSchema table, string typed) =>
        table.NumericKey ? long.Parse(typed, CultureInfo.InvariantCulture).ToString(CultureInfo.InvariantCulture) : typed;

    /// <summary>Returns the number that <c>edit 0</c> creates.</summary>
    internal static string NextFree(IEnumerable<string> keys) =>
        (keys.Select(key => long.Parse(key, CultureInfo.InvariantCulture)).DefaultIfEmpty().Max() + 1).ToString(
            CultureInfo.InvariantCulture
        );

    private ConfigError? Store(ConfigLevel.Edit edit)
    {
        if (CheckWhole(edit.Working) is { } missing)
        {
            return missing;
        }
        if (edit.Key is { } key)
        {
            var list = (ConfigLevel.List)Level!;
            return Change(
                list,
                table =>
                {
                    var name = table.Schema.NumericKey && key == "0" ? NextFree(table.Keys) : key;
                    return table.With(
                        name,
                        ConfigAssignments.Complete(table.Schema, name, edit.Working, table.Entries.Select(entry => entry.Entry))
                    );
                }
            );
        }
        if (Level is ConfigLevel.Edit parent)
        {
            parent.Working = parent.Working.WithChildren(
                edit.Schema.Path,
                edit.Working.IsDefault ? edit.Schema.EmptyTable : edit.Schema.EmptyTable.With("", edit.Working)
            );
            return null;
        }
        return commit(tree => tree.With(edit.Schema.Path, edit.Working));
    }

    /// <summary>Changes a list: a top-level list takes effect immediately, a nested one in the parent's working copy.</summary>
    private ConfigError? Change(ConfigLevel.List list, Func<ConfigTable, ConfigTable> change)
    {
        if (ParentOf(list) is { } parent)
        {
            parent.Working = parent.Working.WithChildren(list.Schema.Path, change(parent.Working.Children(list.Schema.Path)));
            return null;
        }
        return commit(tree => tree.With(list.Schema.Path, change(tree.List(list.Schema.Path))));
    }

    private ConfigTable TableOf(ConfigLevel.List list) =>
        ParentOf(list) is { } parent ? parent.Working.Children(list.Schema.Path) : current().List(list.Schema.Path);

    private ConfigObject SingleOf(TableSchema table) =>
        Level is ConfigLevel.Edit parent ? parent.Working.Children(table.Path).Find("") ?? table.EmptyObject : current().Object(table.Path);

    private bool IsRoot(ConfigLevel.List list) => ParentOf(list) is null;

    private ConfigLevel.Edit? ParentOf(ConfigLevel.List list) =>
        _levels.SkipWhile(level => level != list).Skip(1).FirstOrDefault() as ConfigLevel.Edit;
}
