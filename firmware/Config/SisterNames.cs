namespace Appliance.Firmware.Config;

/// <summary>
/// Tables whose entries must not have the same name, because one attribute refers to both: an address and a group of addresses; a user and a
/// group of users, of which only the names of the factory objects are kept free. The code is public, the words are *assumed*.
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

    /// <summary>Why an entry cannot be created under a name; null if it can.</summary>
    /// <param name="path">The table of the new entry.</param>
    /// <param name="key">Its name.</param>
    /// <param name="exists">Whether a table has an entry of a name.</param>
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

    /// <summary>Why the entries that a change creates cannot have their names; null if they can.</summary>
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
                if (one is { Before: null, After: not null } && Check(path, one.Key, (table, name) => change.Next.List(table).Find(name) is not null) is { } taken)
                {
                    return taken;
                }
            }
        }
        return null;
    }
}
