using Appliance.Firmware.Config;

namespace Appliance.Firmware.Cli;

/// <summary>The verbs of each level, with their help.</summary>
internal static class CliVerbs
{
    private static readonly string[] Root = ["config", "get", "show", "diagnose", "execute", "alias", "tree", "exit", "quit"];
    private static readonly string[] List = ["edit", "delete", "purge", "rename", "clone", "get", "show", "tree", "end", "abort"];
    private static readonly string[] OrderedList =
    [
        "edit",
        "delete",
        "purge",
        "move",
        "rename",
        "clone",
        "get",
        "show",
        "tree",
        "end",
        "abort",
    ];
    private static readonly string[] Entry =
    [
        "config",
        "set",
        "unset",
        "append",
        "select",
        "unselect",
        "clear",
        "get",
        "show",
        "tree",
        "next",
        "end",
        "abort",
    ];
    private static readonly string[] Single =
    [
        "config",
        "set",
        "unset",
        "append",
        "select",
        "unselect",
        "clear",
        "get",
        "show",
        "tree",
        "end",
        "abort",
    ];

    private static readonly Dictionary<string, string> Texts = new(StringComparer.Ordinal)
    {
        ["config"] = "Configure object.",
        ["get"] = "Get dynamic and system information.",
        ["show"] = "Show configuration.",
        ["diagnose"] = "Diagnose facility.",
        ["execute"] = "Execute static commands.",
        ["alias"] = "Execute alias commands.",
        ["exit"] = "Exit the CLI.",
        ["quit"] = "Exit the CLI.",
        ["edit"] = "Add/edit a table value.",
        ["delete"] = "Delete a table value.",
        ["purge"] = "Clear all table values.",
        ["rename"] = "Rename a table entry.",
        ["clone"] = "Clone a table entry.",
        ["move"] = "Move an ordered table value.",
        ["tree"] = "Display the command tree.",
        ["set"] = "Modify value.",
        ["unset"] = "Set to default value.",
        ["append"] = "Append values to a multi-value.",
        ["select"] = "Replace the values of a multi-value.",
        ["unselect"] = "Remove values from a multi-value.",
        ["clear"] = "Set to default value.",
        ["next"] = "Configure next table entry.",
        ["end"] = "End and save last config.",
        ["abort"] = "End and discard last config.",
    };

    /// <summary>Returns the verbs of a level; null is the root.</summary>
    internal static IReadOnlyList<string> At(ConfigLevel? level) =>
        level switch
        {
            null => Root,
            ConfigLevel.List list => list.Schema.Ordered ? OrderedList : List,
            ConfigLevel.Edit { Key: not null } => Entry,
            _ => Single,
        };

    /// <summary>True for a verb with output that <c>| grep</c> can filter.</summary>
    internal static bool Prints(string verb) => verb is "show" or "get" or "execute" or "diagnose" or "tree";

    /// <summary>
    /// True for a verb that <c>?</c> lists: the device hides <c>tree</c> and <c>quit</c>, and <c>config</c> needs child tables.
    /// </summary>
    internal static bool IsListed(string verb, ConfigLevel? level) =>
        verb is not ("tree" or "quit") && !(verb == "config" && level is { Schema.Children.Length: 0 });

    /// <summary>True for <c>full-configuration</c> or an abbreviation of it, with which <c>show</c> includes defaults.</summary>
    internal static bool IsFull(string word) => word.Length > 0 && "full-configuration".StartsWith(word, StringComparison.Ordinal);

    /// <summary>Returns the help text of a verb.</summary>
    internal static string Help(string verb) => Texts[verb];
}
