namespace Appliance.Firmware.Config;

/// <summary>
/// Pairs of tables whose entries must not share a name, because one attribute refers to both: an address and an address group; a user and
/// a user group, for which only the names of factory objects are reserved. The code is public, the wording is *assumed*.
/// </summary>
internal static class SisterNames
{
    private static readonly (string Path, string Sister, bool EveryName)[] Pairs =
    [
        ("firewall address", "firewall addrgrp", true),
        ("firewall addrgrp", "firewall address", true),
        ("user local", "user group", false),
        ("user group", "user local", false),
    ];

    /// <summary>Returns the error if an entry cannot be created under a name, otherwise null.</summary>
    /// <param name="path">The table of the new entry.</param>
    /// <param name="key">The name of the new entry.</param>
    /// <param name="exists">Returns true if a table has an entry with a name.</param>
    internal static ConfigError? Check(string path, string key, Func<string, string, bool> exists)
    {
        foreach (var pair in Pairs)
        {
            if (pair.Path == path && (FactoryObjects.Has(pair.Sister, key) || (pair.EveryName && exists(pair.Sister, key))))
            {
                return new ConfigError(-163, "object set operator error, -163 discard the setting");
            }
        }
        return null;
    }

    /// <summary>Returns the error if an entry that a change creates cannot have its name, otherwise null.</summary>
    internal static ConfigError? Check(ConfigChange change)
    {
        foreach (var (path, _, _) in Pairs)
        {
            var (before, after) = (change.Previous.List(path), change.Next.List(path));
            if (ReferenceEquals(before, after))
            {
                continue;
            }
            foreach (var one in ConfigTable.Changes(before, after))
            {
                if (
                    one is { Before: null, After: not null }
                    && Check(path, one.Key, (table, name) => change.Next.List(table).Find(name) is not null) is { } taken
                )
                {
                    return taken;
                }
            }
        }
        return null;
    }
}
