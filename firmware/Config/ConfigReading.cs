using System.Collections.Immutable;

namespace Appliance.Firmware.Config;

/// <summary>A line or block of a file that has no effect, or another one than it says.</summary>
/// <param name="Number">From 1; 0 for what is true of the file as a whole.</param>
/// <param name="Why">The device's message.</param>
/// <param name="Last">The last line that is left out with it: that of the <c>end</c> or <c>next</c> of a block.</param>
public sealed record IgnoredLine(int Number, string Why, int Last)
{
    /// <summary>A line alone.</summary>
    public IgnoredLine(int number, string why) : this(number, why, number) { }

    /// <summary>The line or lines in words; "" for the file as a whole.</summary>
    public string Where => Number == 0 ? "" : Last > Number ? $"lines {Number} to {Last}" : $"line {Number}";

    /// <summary>Place and reason in one line, as a restore prints it.</summary>
    public override string ToString() => Number == 0 ? Why : $"{Where} ignored: {Why}";
}

/// <summary>What a text is read for: a unit, with its key and what it has now.</summary>
/// <param name="Schema">The tables.</param>
/// <param name="Unseal">Opens an ENC value; null when this unit did not make it.</param>
/// <param name="Checks">Checks of single values that the schema cannot express, by <c>table attribute</c>.</param>
internal sealed record ConfigSource(ConfigSchema Schema, Func<string, string?> Unseal, IReadOnlyDictionary<string, Func<string, bool>> Checks)
{
    /// <summary>
    /// What the unit has now, or a new unit of its kind: where the text leaves no administrator or no interface, those of this tree stay. Null keeps nothing.
    /// </summary>
    internal ConfigTree? Standing { get; init; }

    /// <summary>The objects that every file has besides its own (<see cref="FactoryObjects"/>); null for none.</summary>
    internal ConfigTree? Factory { get; init; }

    /// <summary>True when the secrets of <see cref="Standing"/> take the place of those that the text has and nothing can open.</summary>
    internal bool KeepsSecrets { get; init; }
}

/// <summary>What a text means to a unit.</summary>
/// <param name="Tree">The configuration.</param>
/// <param name="Ignored">What of the text has no effect, in the order of its lines.</param>
/// <param name="Refusal">Why the text is no configuration file that can be loaded; null when it is one.</param>
internal sealed record ConfigReading(ConfigTree Tree, IReadOnlyList<IgnoredLine> Ignored, string? Refusal)
{
    /// <summary>The entries and single objects (key "") of the root that the text stores, in its order.</summary>
    internal ImmutableArray<(string Path, string Key)> Places { get; init; } = [];

    /// <summary>Tree and ignored lines alone.</summary>
    internal void Deconstruct(out ConfigTree tree, out IReadOnlyList<IgnoredLine> ignored) => (tree, ignored) = (Tree, Ignored);
}
