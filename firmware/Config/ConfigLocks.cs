namespace Appliance.Firmware.Config;

/// <summary>
/// The objects that open transactions have changed; no other session may change them until the transaction ends. A whole table is locked
/// if the order of its entries was changed. Used only under the store's commit lock.
/// </summary>
internal sealed class ConfigLocks
{
    private readonly Dictionary<ConfigWorkspace, HashSet<Touched>> _held = [];

    /// <summary>The number of the newest transaction.</summary>
    internal int Newest { get; set; }

    /// <summary>Returns the error if another transaction has locked an object of a change, otherwise null.</summary>
    internal ConfigError? Conflict(ConfigTree before, ConfigTree after, ConfigWorkspace? owner)
    {
        if (_held.Keys.All(workspace => workspace == owner))
        {
            return null;
        }
        foreach (var touched in Between(before, after))
        {
            foreach (var (workspace, held) in _held)
            {
                if (workspace != owner && Meets(held, touched))
                {
                    return new ConfigError(
                        -1,
                        $"{touched.Path}{(touched.Key is null ? "" : $" {touched.Key}")} is being configured in transaction id={workspace.Transaction}"
                    );
                }
            }
        }
        return null;
    }

    /// <summary>Locks the objects of a change for the owner of a transaction.</summary>
    internal void Hold(ConfigWorkspace owner, ConfigTree before, ConfigTree after)
    {
        if (!_held.TryGetValue(owner, out var held))
        {
            _held.Add(owner, held = []);
        }
        held.UnionWith(Between(before, after));
    }

    /// <summary>Returns the objects that a transaction has locked.</summary>
    internal IReadOnlyCollection<Touched> Of(ConfigWorkspace owner) => _held.TryGetValue(owner, out var held) ? held : [];

    /// <summary>Releases the locks of a transaction.</summary>
    internal void Release(ConfigWorkspace owner) => _held.Remove(owner);

    /// <summary>Returns the objects that differ between two trees.</summary>
    internal static IEnumerable<Touched> Between(ConfigTree before, ConfigTree after)
    {
        foreach (var table in ConfigTree.Changed(before, after))
        {
            if (!table.IsList)
            {
                yield return new(table.Path, null);
                continue;
            }
            var (old, current) = (before.List(table.Path), after.List(table.Path));
            foreach (var change in ConfigTable.Changes(old, current))
            {
                yield return new(table.Path, change.Key);
            }
            if (
                !old
                    .Keys.Where(key => current.Find(key) is not null)
                    .SequenceEqual(current.Keys.Where(key => old.Find(key) is not null), StringComparer.Ordinal)
            )
            {
                yield return new(table.Path, null);
            }
        }
    }

    private static bool Meets(HashSet<Touched> held, Touched touched) =>
        held.Contains(touched)
        || held.Contains(touched with { Key = null })
        || (touched.Key is null && held.Any(one => one.Path == touched.Path));

    /// <summary>A single object (no key), an entry, or a whole list (no key).</summary>
    internal readonly record struct Touched(string Path, string? Key);
}
