namespace Appliance.Firmware.Config;

/// <summary>Who refers to what: an entry that is used cannot be deleted. Only tables that this unit carries are looked at.</summary>
internal static class ConfigReferences
{
    /// <summary>Whether a value may stand in an attribute that refers to <paramref name="reference"/> (<c>user.local.name</c>).</summary>
    internal static bool Exists(ConfigTree tree, string reference, string key)
    {
        var path = reference[..reference.LastIndexOf('.')].Replace('.', ' ');
        // A table that is not carried cannot be asked; the value stands, and has no effect.
        return tree.Schema.Table(path) is not { IsList: true } || tree.List(path).Find(key) is not null;
    }

    /// <summary>How often an entry is referred to.</summary>
    internal static int CountUses(ConfigTree tree, TableSchema table, string key)
    {
        var reference = $"{table.Path.Replace(' ', '.')}.{table.Key}";
        return AllObjects(tree).Sum(value => value.Schema.Attributes.Count(attribute => attribute.References.Contains(reference) && value.Words(attribute.Name).Contains(key)));
    }

    /// <summary>Values that refer to nothing, each as <c>path attribute value</c>.</summary>
    internal static IEnumerable<string> Broken(ConfigTree tree) =>
        from value in AllObjects(tree)
        from attribute in value.Schema.Attributes
        where attribute.References.Length > 0 && value.IsSet(attribute.Name)
        from word in value.Words(attribute.Name)
        where word.Length > 0 && !attribute.References.Any(reference => Exists(tree, reference, word))
        select $"{value.Schema.Path} {attribute.Name} {word}";

    private static IEnumerable<ConfigObject> AllObjects(ConfigTree tree) => tree.Schema.Tables.SelectMany(table =>
        table.IsList ? tree.List(table.Path).Entries.SelectMany(entry => WithChildren(entry.Entry)) : WithChildren(tree.Object(table.Path)));

    private static IEnumerable<ConfigObject> WithChildren(ConfigObject value) =>
        value.Schema.Children.SelectMany(child => value.Children(child.Path).Entries.SelectMany(entry => WithChildren(entry.Entry))).Prepend(value);
}
