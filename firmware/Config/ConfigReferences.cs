using System.Runtime.CompilerServices;

namespace Appliance.Firmware.Config;

/// <summary>The references between entries: an entry in use cannot be deleted. Only tables that this unit has are evaluated.</summary>
internal static class ConfigReferences
{
    /// <summary>The number of references from an object or table, by the referenced table and key. Computed on first use.</summary>
    private static readonly ConditionalWeakTable<object, Dictionary<(string Path, string Key), int>> Uses = [];

    /// <summary>
    /// True if an attribute that refers to other tables may have a value: one of the referenced tables must contain it. If this unit has
    /// none of those tables, the value is accepted and has no effect.
    /// </summary>
    internal static bool Allows(ConfigTree tree, AttributeSchema attribute, string key)
    {
        if (attribute.References.IsEmpty || attribute.BuiltIn.Contains(key))
        {
            return true;
        }
        var targets = tree.Schema.Targets(attribute);
        foreach (var target in targets)
        {
            if (tree.List(target.Path).Find(key) is not null || target.BuiltIn.Contains(key))
            {
                return true;
            }
        }
        return targets.Count == 0;
    }

    /// <summary>Counts the references to an entry.</summary>
    internal static int CountUses(ConfigTree tree, TableSchema table, string key) =>
        tree.Schema.Referrers(table.Path).Sum(path => UsesIn(tree, path).GetValueOrDefault((table.Path, key)));

    /// <summary>Returns the tree with every reference to a renamed entry updated.</summary>
    internal static ConfigTree Renamed(ConfigTree tree, TableSchema table, string from, string to)
    {
        foreach (var path in tree.Schema.Referrers(table.Path).Where(path => UsesIn(tree, path).ContainsKey((table.Path, from))).ToArray())
        {
            tree = tree.Schema.Table(path)!.IsList
                ? tree.With(path, InTable(tree.List(path)))
                : tree.With(path, InObject(tree.Object(path)));
        }
        return tree;

        ConfigTable InTable(ConfigTable list) =>
            list
                .Entries.Select(entry => (entry.Key, Before: entry.Entry, After: InObject(entry.Entry)))
                .Where(entry => !ReferenceEquals(entry.Before, entry.After))
                .ToArray()
                .Aggregate(list, (changed, entry) => changed.With(entry.Key, entry.After));

        ConfigObject InObject(ConfigObject value)
        {
            foreach (var (attribute, words) in value.Values.ToArray())
            {
                if (words.Contains(from) && tree.Schema.Targets(attribute).Contains(table))
                {
                    value = value.With(attribute, [.. words.Select(word => word == from ? to : word)]);
                }
            }
            foreach (var child in value.HeldChildren.ToArray())
            {
                value = value.WithChildren(child.Schema.Path, InTable(child));
            }
            return value;
        }
    }

    /// <summary>
    /// Returns a reference that is broken in a tree but was not in the previous one, as <c>path attribute value</c>; null if there is
    /// none. Checks only changed objects and the references to deleted entries.
    /// </summary>
    internal static string? NewlyBroken(ConfigTree before, ConfigTree after)
    {
        var changed = ConfigTree.Changed(before, after).ToArray();
        foreach (var table in changed)
        {
            if (!table.IsList)
            {
                if (Broken(after, before.Object(table.Path), after.Object(table.Path)) is { } broken)
                {
                    return broken;
                }
                continue;
            }
            foreach (var change in ConfigTable.Changes(before.List(table.Path), after.List(table.Path)))
            {
                if (change.After is { } entry && Broken(after, change.Before, entry) is { } broken)
                {
                    return broken;
                }
            }
        }
        return changed
            .Where(table => table.IsList)
            .Select(table => Orphaned(before, after, table))
            .FirstOrDefault(orphan => orphan is not null);
    }

    /// <summary>Returns an object and all objects nested in it.</summary>
    internal static IEnumerable<ConfigObject> WithChildren(ConfigObject value) =>
        value.HeldChildren.SelectMany(child => child.Entries.SelectMany(entry => WithChildren(entry.Entry))).Prepend(value);

    private static string? Broken(ConfigTree tree, ConfigObject? before, ConfigObject after)
    {
        HashSet<string>? known = null;
        foreach (var broken in BrokenIn(tree, after))
        {
            known ??= before is null ? [] : [.. BrokenIn(tree, before)];
            if (!known.Contains(broken))
            {
                return broken;
            }
        }
        return null;
    }

    private static IEnumerable<string> BrokenIn(ConfigTree tree, ConfigObject value)
    {
        foreach (var one in WithChildren(value))
        {
            foreach (var (attribute, words) in one.Values)
            {
                if (attribute.References.Length > 0)
                {
                    foreach (var word in words)
                    {
                        if (word.Length > 0 && !Allows(tree, attribute, word))
                        {
                            yield return $"{one.Schema.Path} {attribute.Name} {word}";
                        }
                    }
                }
            }
        }
    }

    /// <summary>Returns a reference to a deleted entry of this table; null if there is none.</summary>
    private static string? Orphaned(ConfigTree before, ConfigTree after, TableSchema table)
    {
        var deleted = ConfigTable
            .Changes(before.List(table.Path), after.List(table.Path))
            .Where(change => change.After is null)
            .Select(change => change.Key)
            .ToHashSet(StringComparer.Ordinal);
        if (deleted.Count == 0)
        {
            return null;
        }
        foreach (var path in after.Schema.Referrers(table.Path))
        {
            var uses = UsesIn(after, path);
            if (!deleted.Any(key => uses.ContainsKey((table.Path, key))))
            {
                continue;
            }
            var referrer = after.Schema.Table(path)!;
            foreach (var value in referrer.IsList ? after.List(path).Entries.Select(entry => entry.Entry) : [after.Object(path)])
            {
                // Only references that were valid before: the others were already broken.
                if (BrokenIn(after, value).FirstOrDefault(broken => !BrokenIn(before, value).Contains(broken)) is { } orphan)
                {
                    return orphan;
                }
            }
        }
        return null;
    }

    private static Dictionary<(string Path, string Key), int> UsesIn(ConfigTree tree, string path)
    {
        var table = tree.Schema.Table(path)!;
        return Uses.GetValue(table.IsList ? tree.List(path) : tree.Object(path), held => Count(tree.Schema, held));
    }

    private static Dictionary<(string Path, string Key), int> Count(ConfigSchema schema, object held)
    {
        var counts = new Dictionary<(string, string), int>();
        foreach (
            var value in (held is ConfigTable table ? table.Entries.Select(entry => entry.Entry) : [(ConfigObject)held]).SelectMany(
                WithChildren
            )
        )
        {
            foreach (var (attribute, words) in value.Values)
            {
                foreach (var target in attribute.References.IsEmpty ? [] : schema.Targets(attribute))
                {
                    foreach (var word in words)
                    {
                        counts[(target.Path, word)] = counts.GetValueOrDefault((target.Path, word)) + 1;
                    }
                }
            }
        }
        return counts;
    }
}
