namespace Appliance.Firmware.Config;

/// <summary>How a unit reads its first configuration.</summary>
/// <param name="Factory">What a new unit of this kind has in any case: an administrator and the interfaces of its board, as console lines.</param>
/// <param name="Rules">The rules across tables that are in force before the first configuration is read.</param>
/// <param name="Strict">True ends the start at the first mistake; false leaves it out and reports it, as a restore does.</param>
public sealed record FirstLoad(string Factory, IReadOnlyList<Func<ConfigChange, ConfigError?>> Rules, bool Strict)
{
    /// <summary>The interfaces of the board, in order: every file has the factory objects besides its own; null for a unit without factory objects.</summary>
    public IReadOnlyList<string>? Interfaces { get; init; }

    /// <summary>The factory objects of a unit of this kind; null for none.</summary>
    internal ConfigTree? FactoryObjects(ConfigSchema schema) => Interfaces is null ? null : Config.FactoryObjects.For(schema, Interfaces);
}

/// <summary>What a restore of a file does: <c>restore FILE --check</c> and the restore itself give the same.</summary>
/// <param name="Refusal">Why nothing of the file is loaded; null when it is.</param>
/// <param name="Ignored">The lines and blocks that have no effect, or another one than they say.</param>
public sealed record RestoreVerdict(string? Refusal, IReadOnlyList<IgnoredLine> Ignored);

/// <summary>
/// Reads a file that an operator gives. An entry or single object that breaks a rule across tables is left out and named, like a line that cannot be
/// read: one mistake does not cost the rest of a backup.
/// </summary>
internal static class ConfigLoader
{
    /// <summary>A file of which more entries break rules is refused.</summary>
    private const int RefusedMax = 100;

    /// <summary>Reads a text.</summary>
    /// <param name="source">The unit.</param>
    /// <param name="text">The whole file.</param>
    /// <param name="rules">The rules across tables, for a tree that is to take the place of what stands.</param>
    internal static ConfigReading Load(ConfigSource source, string text, Func<ConfigTree, ConfigError?> rules)
    {
        var findings = new ConfigReader.Findings();
        while (true)
        {
            var reading = ConfigReader.Read(source, text, findings);
            if (reading.Refusal is not null || rules(reading.Tree) is not { } error)
            {
                return reading;
            }
            if (findings.Refused.Count == RefusedMax || Culprit(reading, source.Standing, rules) is not var (place, why) || !findings.Refused.TryAdd(place, why.Lines[0]))
            {
                return reading with { Refusal = error.Lines[0] };
            }
        }
    }

    /// <summary>
    /// The entry with which a text begins to break a rule, found by halves; null when it does so without any entry. Each entry that breaks a rule is found
    /// in the end, as the text is read again without those that were found.
    /// </summary>
    private static ((string Path, string Key) Place, ConfigError Why)? Culprit(ConfigReading reading, ConfigTree? standing, Func<ConfigTree, ConfigError?> rules)
    {
        var (good, bad) = (0, reading.Places.Length);
        ConfigError? ErrorOf(int count) => rules(With(reading, standing, count));
        if (ErrorOf(good) is not null || ErrorOf(bad) is not { } why)
        {
            return null;
        }
        while (bad - good > 1)
        {
            var middle = good + ((bad - good) / 2);
            if (ErrorOf(middle) is { } error)
            {
                (bad, why) = (middle, error);
            }
            else
            {
                good = middle;
            }
        }
        return (reading.Places[bad - 1], why);
    }

    /// <summary>The tree of a reading with the first entries of its text alone.</summary>
    private static ConfigTree With(ConfigReading reading, ConfigTree? standing, int count)
    {
        var tree = reading.Tree;
        foreach (var table in reading.Places.Skip(count).GroupBy(place => place.Path, place => place.Key))
        {
            tree = tree.Schema.Table(table.Key)!.IsList
                ? tree.With(table.Key, tree.List(table.Key).Without(table.ToHashSet(StringComparer.Ordinal)))
                : tree.With(table.Key, tree.Schema.Table(table.Key)!.EmptyObject);
        }
        return standing is null ? tree : ConfigReader.Completed(tree, standing);
    }
}
