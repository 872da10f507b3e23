using Appliance.Firmware.Administrators;
using Appliance.Firmware.Config;
using Appliance.Firmware.Tokens;

namespace Appliance.Firmware;

/// <summary>What the schema cannot say: rules across tables, and values that another slice must understand.</summary>
public static class ConfigRules
{
    /// <summary>Checks of single values, by table and attribute.</summary>
    public static readonly IReadOnlyDictionary<string, Func<string, bool>> Values = new Dictionary<string, Func<string, bool>>(StringComparer.Ordinal)
    {
        // A seed that no token could use is refused where it is typed.
        ["user fortitoken seed"] = new SeedCheck().IsGood,
        // State, not configuration: shown by get, and never set.
        ["user fortitoken activation-code"] = _ => false,
        ["user fortitoken activation-expire"] = text => text == "0", // What a full backup of a unit says of every token.
    };

    /// <summary>Whether a text is a token's seed, and why not.</summary>
    private sealed class SeedCheck : IReasonedCheck
    {
        public bool IsGood(string value) => TokenSeed.Parse(value) is not null;

        public string Why(string value) => TokenSeed.Parse(value, out var fault) is null ? fault : "";
    }

    /// <summary>The same, and which interfaces a board has: in a file, an entry for another one is left out like what is not understood.</summary>
    public static IReadOnlyDictionary<string, Func<string, bool>> ValuesOn(IReadOnlyList<string> interfaces) =>
        new Dictionary<string, Func<string, bool>>(Values, StringComparer.Ordinal) { ["system interface name"] = interfaces.Contains };

    /// <summary>The rules across tables that depend on nothing but the configuration and the interfaces that there are.</summary>
    public static IReadOnlyList<Func<ConfigChange, ConfigError?>> Across(IReadOnlyList<string> interfaces) =>
        [OfTree(InterfacesOf(interfaces)), InterfacesStay(interfaces), OfTree(CallbackAddress), AdminRules.Check, .. NetworkRules.All, TokenEntry.CheckOwners];

    /// <summary>A rule about the tree that a change makes, whatever was before.</summary>
    internal static Func<ConfigChange, ConfigError?> OfTree(Func<ConfigTree, ConfigError?> rule) => change => rule(change.Next);

    /// <summary>How a unit with these interfaces reads its first configuration. Its only account is <c>admin</c> without a password: good at the console alone.</summary>
    /// <param name="interfaces">The names of its interfaces, in order.</param>
    /// <param name="strict">Whether the first mistake ends the start.</param>
    public static FirstLoad First(IReadOnlyList<string> interfaces, bool strict) => new(
        "config system interface\n" + string.Concat(interfaces.Select(name => $"edit \"{name}\"\nset type physical\nnext\n")) + "end\n"
            + "config system admin\nedit \"admin\"\nset accprofile \"super_admin\"\nset vdom \"root\"\nnext\nend\n", Across(interfaces), strict) { Interfaces = interfaces };

    /// <summary>
    /// Where phones call back to, in releases that have <c>server</c>: without it nothing works, and there must be one source only.
    /// What is refused is documented; code and words of the second case are *assumed*.
    /// </summary>
    internal static ConfigError? CallbackAddress(ConfigTree tree)
    {
        var push = tree.Object("system ftm-push");
        string Value(string attribute) => push.Schema.Attribute(attribute) is null ? "" : push.Text(attribute);
        if (push.Schema.Attribute("server") is null)
        {
            return null;
        }
        var (server, source, legacy) = (Value("server"), Value("interface"), Value("server-ip") is "0.0.0.0" ? "" : Value("server-ip"));
        if (server.Length == 0 && source.Length == 0 && (push.Enabled("status") || legacy.Length > 0))
        {
            return new ConfigError(-56, "Missing server address.", "object check operator error, -56, discard the setting");
        }
        return server.Length > 0 && (source.Length > 0 || legacy.Length > 0)
            ? new ConfigError(-45, "server cannot be set together with " + (source.Length > 0 ? "interface" : "server-ip"), "object check operator error, -45, discard the setting")
            : null;
    }

    /// <summary>An interface that this board does not have cannot be configured (*assumed*: nothing would listen there, and nobody would be told).</summary>
    private static Func<ConfigTree, ConfigError?> InterfacesOf(IReadOnlyList<string> interfaces) => tree =>
        tree.List("system interface").Keys.FirstOrDefault(name => !interfaces.Contains(name)) is { } unknown
            ? new ConfigError(-45, $"interface {unknown} is not on this board", "object check operator error, -45, discard the setting")
            : null;

    /// <summary>An interface of this board cannot be deleted; code and words are *assumed*. A file that lacks one has it at its defaults.</summary>
    private static Func<ConfigChange, ConfigError?> InterfacesStay(IReadOnlyList<string> interfaces) => change =>
        !change.IsRestored && interfaces.FirstOrDefault(name => change.Previous.List("system interface").Find(name) is not null && change.Next.List("system interface").Find(name) is null) is { } missing
            ? new ConfigError(-45, $"interface {missing} is part of the board and cannot be deleted", "object check operator error, -45, discard the setting")
            : null;
}
