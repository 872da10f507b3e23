using System.Collections.Immutable;

namespace Appliance.Firmware.Config;

/// <summary>A line or block of a file without effect, or with an effect that differs from the text.</summary>
/// <param name="Number">The first line, from 1; 0 for a finding about the file as a whole.</param>
/// <param name="Why">The device's message.</param>
/// <param name="Last">The last omitted line, which is the <c>end</c> or <c>next</c> of a block.</param>
public sealed record IgnoredLine(int Number, string Why, int Last)
{
    /// <summary>Creates a finding about a single line.</summary>
    public IgnoredLine(int number, string why)
        : this(number, why, number) { }

    /// <summary>The line or lines in words; "" for the file as a whole.</summary>
    public string Where =>
        Number == 0 ? ""
        : Last > Number ? $"lines {Number} to {Last}"
        : $"line {Number}";

    /// <summary>Returns position and reason in one line, as a restore prints them.</summary>
    public override string ToString() => Number == 0 ? Why : $"{Where} ignored: {Why}";
}

/// <summary>The context in which a text is read: a unit with its key and current configuration.</summary>
/// <param name="Schema">The tables.</param>
/// <param name="Unseal">Decrypts an ENC value; null if this unit did not create it.</param>
/// <param name="Checks">Checks of single values that the schema cannot express, by <c>table attribute</c>.</param>
internal sealed record ConfigSource(
    ConfigSchema Schema,
    Func<string, string?> Unseal,
    IReadOnlyDictionary<string, Func<string, bool>> Checks
)
{
    /// <summary>
    /// The current configuration of the unit, or that of a new unit of its kind. If the text has no administrator or no interface, those
    /// of this tree remain. Null to keep nothing.
    /// </summary>
    internal ConfigTree? Standing { get; init; }

    /// <summary>The objects that every file has besides its own (<see cref="FactoryObjects"/>); null for none.</summary>
    internal ConfigTree? Factory { get; init; }

    /// <summary>True if secrets of <see cref="Standing"/> replace secrets in the text that cannot be decrypted.</summary>
    internal bool KeepsSecrets { get; init; }
}

/// <summary>The result of reading a text for a unit.</summary>
/// <param name="Tree">The configuration.</param>
/// <param name="Ignored">The lines and blocks without effect, in order.</param>
/// <param name="Refusal">The reason that the text is rejected as a configuration file; null if it can be loaded.</param>
internal sealed record ConfigReading(ConfigTree Tree, IReadOnlyList<IgnoredLine> Ignored, string? Refusal)
{
    /// <summary>The entries and single objects (key "") that the text stores at the root, in its order.</summary>
    internal ImmutableArray<(string Path, string Key)> Places { get; init; } = [];

    /// <summary>Returns the tree and the ignored lines.</summary>
    internal void Deconstruct(out ConfigTree tree, out IReadOnlyList<IgnoredLine> ignored) => (tree, ignored) = (Tree, Ignored);
}
