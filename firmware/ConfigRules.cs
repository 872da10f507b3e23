using Appliance.Firmware.Config;
using Appliance.Firmware.Tokens;
using Appliance.Hal;

namespace Appliance.Firmware;

/// <summary>What the schema cannot say: rules across tables, and values that another slice must understand.</summary>
internal static class ConfigRules
{
    /// <summary>Checks of single values, by table and attribute.</summary>
    internal static readonly IReadOnlyDictionary<string, Func<string, bool>> Values = new Dictionary<string, Func<string, bool>>(StringComparer.Ordinal)
    {
        // A seed that no token could use is refused where it is typed.
        ["user fortitoken seed"] = text => TokenSeed.Parse(text) is not null,
    };

    /// <summary>An interface that this board does not have cannot be configured (*assumed*: nothing would listen there, and nobody would be told).</summary>
    internal static Func<ConfigTree, ConfigError?> InterfacesOf(IReadOnlyList<INic> nics) => tree =>
        tree.List("system interface").Keys.FirstOrDefault(name => nics.All(nic => nic.Name != name)) is { } unknown
            ? new ConfigError(-45, $"interface {unknown} is not on this board", "object check operator error, -45, discard the setting")
            : null;
}
