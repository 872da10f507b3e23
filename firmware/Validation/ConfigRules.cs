using Appliance.Firmware.Administrators;
using Appliance.Firmware.Config;
using Appliance.Firmware.Tokens;

namespace Appliance.Firmware.Validation;

/// <summary>The rules that the schema cannot express: rules across tables, and values with their own syntax.</summary>
public static class ConfigRules
{
    /// <summary>Checks of single values, by table and attribute.</summary>
    public static readonly IReadOnlyDictionary<string, Func<string, bool>> Values = new Dictionary<string, Func<string, bool>>(
        StringComparer.Ordinal
    )
    {
        // A seed that no token could use is refused when it is entered.
        ["user fortitoken seed"] = new SeedCheck().IsGood,
        // State, not configuration: displayed by get, and never set.
        ["user fortitoken activation-code"] = _ => false,
        ["user fortitoken activation-expire"] = text => text == "0", // A full backup contains these for every token.
    };

    /// <summary>
    /// Returns the same checks, and one of interface names. In a file, an entry for an interface that the board does not have is omitted
    /// like anything unknown.
    /// </summary>
    public static IReadOnlyDictionary<string, Func<string, bool>> ValuesOn(IReadOnlyList<string> interfaces) =>
        new Dictionary<string, Func<string, bool>>(Values, StringComparer.Ordinal) { ["system interface name"] = interfaces.Contains };

    /// <summary>Returns the rules across tables that depend on the configuration and the interface names alone.</summary>
    public static IReadOnlyList<Func<ConfigChange, ConfigError?>> Across(IReadOnlyList<string> interfaces) =>
        [
            OfTree(InterfacesOf(interfaces)),
            InterfacesStay(interfaces),
            OfTree(CallbackAddress),
            AdminRules.Check,
            .. NetworkRules.All,
            TokenEntry.CheckOwners,
        ];

    /// <summary>
    /// Describes the first configuration of a unit with these interfaces. Its only account is <c>admin</c> without a password, which is
    /// accepted at the console alone.
    /// </summary>
    /// <param name="interfaces">The names of the interfaces, in order.</param>
    /// <param name="strict">True if the first error ends the start.</param>
    public static FirstLoad First(IReadOnlyList<string> interfaces, bool strict) =>
        new(
            "config system interface\n"
                + string.Concat(interfaces.Select(name => $"edit \"{name}\"\nset type physical\nnext\n"))
                + "end\n"
                + "config system admin\nedit \"admin\"\nset accprofile \"super_admin\"\nset vdom \"root\"\nnext\nend\n",
            Across(interfaces),
            strict
        )
        {
            Interfaces = interfaces,
        };

    /// <summary>Makes a rule about the resulting tree, regardless of the previous one.</summary>
    internal static Func<ConfigChange, ConfigError?> OfTree(Func<ConfigTree, ConfigError?> rule) => change => rule(change.Next);

    /// <summary>
    /// Checks the phones' callback address, in releases that have <c>server</c>. It is required, and only one source may be set. The
    /// refusals are documented; code and words of the second case are *assumed*.
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
            ? new ConfigError(
                -45,
                "server cannot be set together with " + (source.Length > 0 ? "interface" : "server-ip"),
                "object check operator error, -45, discard the setting"
            )
            : null;
    }

    /// <summary>
    /// An interface that this board does not have cannot be configured (*assumed*: nothing would listen there, without any report of it).
    /// </summary>
    private static Func<ConfigTree, ConfigError?> InterfacesOf(IReadOnlyList<string> interfaces) =>
        tree =>
            tree.List("system interface").Keys.FirstOrDefault(name => !interfaces.Contains(name)) is { } unknown
                ? new ConfigError(-45, $"interface {unknown} is not on this board", "object check operator error, -45, discard the setting")
                : null;

    /// <summary>
    /// An interface of this board cannot be deleted; code and words are *assumed*. If a file lacks one, that interface has its defaults.
    /// </summary>
    private static Func<ConfigChange, ConfigError?> InterfacesStay(IReadOnlyList<string> interfaces) =>
        change =>
            !change.IsRestored
            && interfaces.FirstOrDefault(name =>
                change.Previous.List("system interface").Find(name) is not null && change.Next.List("system interface").Find(name) is null
            )
                is { } missing
                ? new ConfigError(
                    -45,
                    $"interface {missing} is part of the board and cannot be deleted",
                    "object check operator error, -45, discard the setting"
                )
                : null;

    /// <summary>Checks that a text is a token's seed, and gives the reason if it is not.</summary>
    private sealed class SeedCheck : IReasonedCheck
    {
        public bool IsGood(string value) => TokenSeed.Parse(value) is not null;

        public string Why(string value) => TokenSeed.Parse(value, out var fault) is null ? fault : "";
    }
}
