namespace Appliance.Firmware.Config;

/// <summary>The way in which a unit reads its first configuration.</summary>
/// <param name="Factory">
/// The minimal content of a new unit of this kind: an administrator and the interfaces of its board, as console lines.
/// </param>
/// <param name="Rules">The rules across tables that apply before the first configuration is read.</param>
/// <param name="Strict">True to abort the start at the first error; false to skip and report errors, as a restore does.</param>
public sealed record FirstLoad(string Factory, IReadOnlyList<Func<ConfigChange, ConfigError?>> Rules, bool Strict)
{
    /// <summary>
    /// The interfaces of the board, in order; every file then gets the factory objects besides its own. Null for a unit without factory
    /// objects.
    /// </summary>
    public IReadOnlyList<string>? Interfaces { get; init; }

    /// <summary>Returns the factory objects of a unit of this kind; null for none.</summary>
    internal ConfigTree? FactoryObjects(ConfigSchema schema) => Interfaces is null ? null : Config.FactoryObjects.For(schema, Interfaces);
}

/// <summary>The result of restoring a file; <c>restore FILE --check</c> and the restore itself return the same.</summary>
/// <param name="Refusal">The reason that the file is rejected as a whole; null if it is loaded.</param>
/// <param name="Ignored">The lines and blocks without effect, or with an effect that differs from the text.</param>
public sealed record RestoreVerdict(string? Refusal, IReadOnlyList<IgnoredLine> Ignored);

/// <summary>
/// Reads a file from an administrator. An entry or single object that breaks a rule across tables is omitted and reported, like an
/// unreadable line: one error does not cost the rest of a backup.
/// </summary>
internal static class ConfigLoader
{
    /// <summary>The maximum number of entries that may break rules; a file with more is rejected.</summary>
    private const int RefusedMax = 100;

    /// <summary>Reads a text.</summary>
    /// <param name="source">The unit.</param>
    /// <param name="text">The whole file.</param>
    /// <param name="rules">The rules across tables, evaluated for a tree that is to replace the current one.</param>
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
            if (
                findings.Refused.Count == RefusedMax
                || Culprit(reading, source.Standing, rules) is not var (place, why)
                || !findings.Refused.TryAdd(place, why.Lines[0])
            )
            {
                return reading with { Refusal = error.Lines[0] };
            }
        }
    }

    /// <summary>
    /// Finds, by bisection, the entry with which a text begins to break a rule; null if it does so without any entry. Repeated reads
    /// without the entries found so far eventually find every entry that breaks a rule.
    /// </summary>
    private static ((string Path, string Key) Place, ConfigError Why)? Culprit(
        ConfigReading reading,
        ConfigTree? standing,
        Func<ConfigTree, ConfigError?> rules
    )
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

    /// <summary>Returns the tree of a reading with only the first entries of its text.</summary>
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
