using System.Text;
using System.Text.RegularExpressions;

namespace Appliance.Tests.Cli;

/// <summary>
/// Keys as a transcript of a terminal spells them: <c>&lt;Tab&gt;</c>, <c>&lt;Up&gt;</c>, <c>&lt;C-c&gt;</c>. A line ends with Enter,
/// unless with <c>&lt;&gt;</c>.
/// </summary>
internal static partial class TerminalKeyNames
{
    private static readonly Dictionary<string, string> Keys = new(StringComparer.Ordinal)
    {
        ["Tab"] = "\t",
        ["Up"] = "\e[A",
        ["Down"] = "\e[B",
        ["Right"] = "\e[C",
        ["Left"] = "\e[D",
        ["Home"] = "\e[H",
        ["End"] = "\e[F",
        ["Del"] = "\e[3~",
        ["BS"] = "\u007f",
        ["Enter"] = "\r",
    };

    /// <summary>The bytes of typed lines.</summary>
    public static byte[] Bytes(string typed) =>
        Encoding.UTF8.GetBytes(
            Names().Replace(typed.Replace("<>\n", "", StringComparison.Ordinal).Replace('\n', '\r'), name => Key(name.Groups[1].Value))
        );

    private static string Key(string name) =>
        name is ['C', '-', >= 'a' and <= 'z' and var letter] ? ((char)(letter - 'a' + 1)).ToString() : Keys[name];

    [GeneratedRegex("<([A-Za-z-]+)>")]
    private static partial Regex Names();
}
