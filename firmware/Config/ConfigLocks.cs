namespace Appliance.Firmware.Config;

/// <summary>
/// What transactions have touched: nobody else may change it until they end. A whole table is held where the order of its entries was
/// changed. Used under the store's commit lock only.
/// </summary>
internal sealed class ConfigLocks
{
    private readonly Dictionary<ConfigWorkspace, HashSet<Touched>> _held = [];

    /// <summary>A single object (no key), an entry, or a whole list (no key).</summary>
    internal readonly record struct Touched(string Path, string? Key);

    /// <summary>The number of the newest transaction.</summary>
    internal int Newest { get; set; }

    /// <summary>Why a change cannot be made: an object of it is held by somebody else. Null when none is.</summary>
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
                    return new ConfigError(-1, $"{touched.Path}{(touched.Key is null ? "" : $" {touched.Key}")} is being configured in transaction id={workspace.Transaction}");
                }
            }
        }
        return null;
    }

    /// <summary>Holds what a change touches, for the owner of a transaction.</summary>
    internal void Hold(ConfigWorkspace owner, ConfigTree before, ConfigTree after)
    {
        if (!_held.TryGetValue(owner, out var held))
        {
            _held.Add(owner, held = []);
        }
        held.UnionWith(Between(before, after));
    }

    /// <summary>What a transaction has touched.</summary>
    internal IReadOnlyCollection<Touched> Of(ConfigWorkspace owner) => _held.TryGetValue(owner, out var held) ? held : [];

    /// <summary>The transaction is over.</summary>
    internal void Release(ConfigWorkspace owner) => _held.Remove(owner);

    /// <summary>What differs between two trees.</summary>
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
            if (!old.Keys.Where(key => current.Find(key) is not null).SequenceEqual(current.Keys.Where(key => old.Find(key) is not null), StringComparer.Ordinal))
            {
                yield return new(table.Path, null);
            }
        }
    }

    private static bool Meets(HashSet<Touched> held, Touched touched) =>
        held.Contains(touched) || held.Contains(touched with { Key = null }) || (touched.Key is null && held.Any(one => one.Path == touched.Path));
}
