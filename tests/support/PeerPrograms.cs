using System.Text.RegularExpressions;

namespace Appliance.Tests;

/// <summary>The peer programs that <c>./test</c> installs.</summary>
internal static partial class PeerPrograms
{
    public static IReadOnlySet<string> Installed { get; } = Read();

    private static HashSet<string> Read()
    {
        var text = File.ReadAllText(Repository.PathOf("test"));
        var start = text.IndexOf("\ngroups=(\n", StringComparison.Ordinal);
        var groups = text[start..text.IndexOf("\n)\n", start, StringComparison.Ordinal)];
        return [.. ProgramAndPackage().Matches(groups[groups.IndexOf('(', StringComparison.Ordinal)..]).Select(match => match.Groups[1].Value)];
    }

    [GeneratedRegex(@"([a-z-]+)=[a-z0-9+-]+")]
    private static partial Regex ProgramAndPackage();
}
