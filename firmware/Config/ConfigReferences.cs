namespace Appliance.Firmware.Config;

/// <summary>Who refers to what: an entry that is used cannot be deleted. Only tables that this unit carries are looked at.</summary>
internal static class ConfigReferences
{
    /// <summary>
    /// Whether a value may stand in an attribute that refers to other tables: it must be in one that this unit carries. Where it carries
    /// none of them, nobody can be asked; the value stands, and has no effect.
    /// </summary>
    internal static bool Allows(ConfigTree tree, AttributeSchema attribute, string key)
    {
        var carried = attribute.References.Select(reference => reference[..reference.LastIndexOf('.')].Replace('.', ' ')).Select(path => tree.Schema.Table(path)).OfType<TableSchema>().Where(table => table.IsList).ToArray();
        return carried.Length == 0 || carried.Any(table => table.BuiltIn.Contains(key) || tree.List(table.Path).Find(key) is not null);
    }

    /// <summary>How often an entry is referred to.</summary>
    internal static int CountUses(ConfigTree tree, TableSchema table, string key)
    {
        var reference = $"{table.Path.Replace(' ', '.')}.{table.Key}";
        return AllObjects(tree).Sum(value => value.Schema.Attributes.Count(attribute => attribute.References.Contains(reference) && value.Words(attribute.Name).Contains(key)));
    }

    /// <summary>The tree with every reference to an entry that has another key now.</summary>
    internal static ConfigTree Renamed(ConfigTree tree, TableSchema table, string from, string to)
    {
        var reference = $"{table.Path.Replace(' ', '.')}.{table.Key}";
        foreach (var held in tree.HeldPaths.Select(path => tree.Schema.Table(path)!).ToArray())
        {
            tree = held.IsList ? tree.With(held.Path, Renamed(tree.List(held.Path))) : tree.With(held.Path, InObject(tree.Object(held.Path)));
        }
        return tree;

        ConfigTable Renamed(ConfigTable list) => list.Entries.Select(entry => (entry.Key, Before: entry.Entry, After: InObject(entry.Entry)))
            .Where(entry => !ReferenceEquals(entry.Before, entry.After)).Aggregate(list, (changed, entry) => changed.With(entry.Key, entry.After));

        ConfigObject InObject(ConfigObject value)
        {
            foreach (var attribute in value.Schema.Attributes.Where(attribute => attribute.References.Contains(reference) && value.Words(attribute.Name).Contains(from)))
            {
                value = value.With(attribute.Name, [.. value.Words(attribute.Name).Select(word => word == from ? to : word)]);
            }
            foreach (var child in value.Schema.Children)
            {
                var (before, after) = (value.Children(child.Path), Renamed(value.Children(child.Path)));
                value = ReferenceEquals(before, after) ? value : value.WithChildren(child.Path, after);
            }
            return value;
        }
    }

    /// <summary>Values that refer to nothing, each as <c>path attribute value</c>.</summary>
    internal static IEnumerable<string> Broken(ConfigTree tree) =>
        from value in AllObjects(tree)
        from attribute in value.Schema.Attributes
        where attribute.References.Length > 0 && value.IsSet(attribute.Name)
        from word in value.Words(attribute.Name)
        where word.Length > 0 && !Allows(tree, attribute, word)
        select $"{value.Schema.Path} {attribute.Name} {word}";

    private static IEnumerable<ConfigObject> AllObjects(ConfigTree tree) => tree.HeldPaths.Select(path => tree.Schema.Table(path)!).SelectMany(table =>
        table.IsList ? tree.List(table.Path).Entries.SelectMany(entry => WithChildren(entry.Entry)) : WithChildren(tree.Object(table.Path)));

    private static IEnumerable<ConfigObject> WithChildren(ConfigObject value) =>
        value.Schema.Children.SelectMany(child => value.Children(child.Path).Entries.SelectMany(entry => WithChildren(entry.Entry))).Prepend(value);
}
