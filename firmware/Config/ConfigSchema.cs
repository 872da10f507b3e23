using System.Collections.Immutable;

namespace Appliance.Firmware.Config;

/// <summary>Every table of the personality in force, loaded from the embedded data.</summary>
public sealed class ConfigSchema
{
    /// <summary>The tables, sorted by path.</summary>
    public ImmutableArray<TableSchema> Tables { get; }

    private ConfigSchema(ImmutableArray<TableSchema> tables) => Tables = tables;

    /// <summary>Loads the tables as a device of <paramref name="version"/> (for example <c>6.4.0</c>) has them.</summary>
    public static ConfigSchema Load(string version = "6.4.0") => throw new NotSupportedException(version);

    /// <summary>The table at a path as typed (<c>system ftm-push</c>), or null.</summary>
    public TableSchema? Table(string path) => Tables.FirstOrDefault(table => table.Path == path);
}
