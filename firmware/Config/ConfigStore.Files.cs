using System.Collections.Immutable;

namespace Appliance.Firmware.Config;

/// <content>Whole files: the first configuration, restores and their check.</content>
public sealed partial class ConfigStore
{
    /// <summary>
    /// Returns the lines of a text that this version does not support; nothing is changed or stored. ENC values are accepted without
    /// decryption.
    /// </summary>
    public static IReadOnlyList<IgnoredLine> Check(
        ConfigSchema schema,
        string text,
        IReadOnlyDictionary<string, Func<string, bool>>? checks = null
    ) => ConfigReader.Read(schema, text, _ => "", checks ?? ImmutableDictionary<string, Func<string, bool>>.Empty).Ignored;

    /// <summary>Returns the result that restoring a file would have; nothing is changed.</summary>
    /// <param name="schema">The tables.</param>
    /// <param name="file">The content of the file.</param>
    /// <param name="checks">Checks of single values.</param>
    /// <param name="load">The defaults and rules of a new unit of the kind that the file is for.</param>
    /// <param name="unit">The saved configuration and the key of the target unit; null for a new one.</param>
    /// <exception cref="InvalidDataException">The unit's saved configuration or key is damaged.</exception>
    public static RestoreVerdict Check(
        ConfigSchema schema,
        ReadOnlySpan<byte> file,
        IReadOnlyDictionary<string, Func<string, bool>> checks,
        FirstLoad load,
        (string File, DeviceKey Key)? unit = null
    )
    {
        var source = Source(schema, unit is var (_, key) ? text => Unseal(key, text) : _ => null, checks, load);
        if (unit is var (saved, _))
        {
            var text =
                ConfigImage.Verified(File.ReadAllBytes(saved)) ?? throw new InvalidDataException($"{Path.GetFileName(saved)} is damaged");
            source = source with { Standing = ConfigReader.Read(source with { Standing = null }, text, new()).Tree, KeepsSecrets = true };
        }
        var reading = ConfigLoader.Load(
            source,
            ConfigReader.Decode(file),
            tree => Broken(load.Rules, new ConfigChange(source.Standing!, tree, ConfigAuthor.AttachedConsole) { IsRestored = true })
        );
        return new RestoreVerdict(reading.Refusal, reading.Ignored);
    }

    /// <summary>Decodes a file from an administrator as UTF-8. The reader rejects lines with invalid bytes.</summary>
    public static string TextOf(ReadOnlySpan<byte> file) => ConfigReader.Decode(file);

    /// <summary>
    /// Replaces the whole configuration by that of a text, as one commit. Content without effect here is omitted and returned line by
    /// line. A rejected text changes nothing.
    /// </summary>
    public (IReadOnlyList<IgnoredLine> Ignored, ConfigError? Error) Restore(string text, ConfigAuthor? author = null, string comment = "")
    {
        author ??= ConfigAuthor.AttachedConsole;
        lock (_lock)
        {
            var source = new ConfigSource(Current.Schema, Unseal, Checks)
            {
                Standing = Current,
                KeepsSecrets = true,
                Factory = _factory,
            };
            var reading = ConfigLoader.Load(
                source,
                text,
                tree => Broken(_rules, new ConfigChange(Current, WithConsequences(Current, tree), author) { IsRestored = true })
            );
            return (
                reading.Ignored,
                reading.Refusal is { } refusal
                    ? new ConfigError(-1, $"File check failed: {refusal}")
                    : Replace(reading.Tree, author, comment)
            );
        }
    }

    /// <summary>Restores the first configuration. Keys, certificates and revisions remain.</summary>
    public ConfigError? Reset(ConfigAuthor? author = null)
    {
        var first = ReadFirst(new ConfigSource(Current.Schema, Unseal, Checks), _firstConfiguration, _firstLoad);
        return first.Refusal is { } refusal
            ? new ConfigError(-1, refusal)
            : Replace(first.Tree, author ?? ConfigAuthor.AttachedConsole, "factory default");
    }

    /// <summary>
    /// Puts a whole tree in force. It is saved regardless of <c>cfg-save</c>, because a restored configuration is always the saved one.
    /// </summary>
    private ConfigError? Replace(ConfigTree tree, ConfigAuthor author, string comment)
    {
        lock (_lock)
        {
            return Commit(_ => tree, author, null, comment, isRestored: true) ?? SaveNow(author);
        }
    }

    /// <summary>Reads the first configuration. In strict mode the refusal names the first error.</summary>
    private static ConfigReading ReadFirst(ConfigSource source, string text, FirstLoad? load)
    {
        if (load is not null)
        {
            source = Source(source.Schema, source.Unseal, source.Checks, load);
        }
        if (load is { Strict: false })
        {
            var reading = ConfigLoader.Load(
                source,
                text,
                tree => Broken(load.Rules, new ConfigChange(source.Standing!, tree, ConfigAuthor.AttachedConsole) { IsRestored = true })
            );
            return reading.Refusal is { } refusal ? reading with { Refusal = $"configuration: {refusal}" } : reading;
        }
        var strict = ConfigReader.Read(source, text, new());
        return strict with
        {
            Refusal = strict.Ignored.FirstOrDefault(line => line.Number > 0) is { } wrong
                ? $"configuration, line {wrong.Number}: {wrong.Why}"
                : null,
            Ignored = [],
        };
    }

    /// <summary>Returns a new unit as the context in which a text is read.</summary>
    private static ConfigSource Source(
        ConfigSchema schema,
        Func<string, string?> unseal,
        IReadOnlyDictionary<string, Func<string, bool>> checks,
        FirstLoad load
    )
    {
        var source = new ConfigSource(schema, unseal, checks) { Factory = load.FactoryObjects(schema) };
        return source with { Standing = ConfigReader.Read(source, load.Factory, new()).Tree };
    }

    private static ConfigError? Broken(IEnumerable<Func<ConfigChange, ConfigError?>> rules, ConfigChange change) =>
        rules.Select(rule => rule(change)).FirstOrDefault(error => error is not null);
}
