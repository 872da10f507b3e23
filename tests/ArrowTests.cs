using System.Text.RegularExpressions;
using Xunit;

namespace Appliance.Tests;

/// <summary>The walls and arrows of ARCHITECTURE.md: who may name whom.</summary>
public sealed partial class ArrowTests
{
    /// <summary>The slices of the firmware, lowest first; a slice may name those on lower levels, and none beside it.</summary>
    private static readonly string[][] Levels =
    [
        ["Text"],
        ["Http", "Storage"],
        ["Config", "Events"],
        ["Certificates", "Tokens"],
        ["Mail"],
        ["Login"],
        ["Administrators"],
        ["Admin", "Cli", "Enrolment", "Ftm", "Radius", "Vpn"],
        ["Commands"],
    ];

    [Theory]
    [InlineData(typeof(Appliance.Hal.INic), new string[0])]
    [InlineData(typeof(Appliance.Hal.Linux.SocketNic), new[] { "Appliance.Hal" })]
    [InlineData(typeof(Appliance.Firmware.Unit), new[] { "Appliance.Hal" })]
    [InlineData(typeof(Appliance.Boot.BoardBoot), new[] { "Appliance.Firmware", "Appliance.Hal", "Appliance.Hal.Linux" })]
    [InlineData(typeof(Appliance.Sim.Lab.LabApi), new[] { "Appliance.Firmware", "Appliance.Hal", "Appliance.Hal.Linux" })]
    public void AProjectReferencesOnlyWhatItMay(Type inProject, string[] allowed)
    {
        var referenced = inProject.Assembly.GetReferencedAssemblies().Select(name => name.Name!).Where(name => name.StartsWith("Appliance.", StringComparison.Ordinal));
        Assert.Empty(referenced.Except(allowed));
    }

    [Fact]
    public void SlicesPointOneWay()
    {
        var wrong = new List<string>();
        foreach (var (file, slice) in Sources())
        {
            var level = LevelOf(slice);
            foreach (var named in SliceName().Matches(File.ReadAllText(file)).Select(match => match.Groups[1].Value).Distinct())
            {
                if (named != slice && LevelOf(named) is var other && (other < 0 || other >= level))
                {
                    wrong.Add($"{slice}/{Path.GetFileName(file)} names {named}");
                }
            }
        }
        Assert.Empty(wrong);
    }

    [Fact]
    public void EverySliceHasItsPlace() =>
        Assert.Equal(Levels.SelectMany(level => level).Order(), Sources().Select(source => source.Slice).Distinct().Order());

    [Fact]
    public void SocketsAreMadeInOnePlace()
    {
        var elsewhere = Directory.EnumerateFiles(Root(), "*.cs", SearchOption.AllDirectories)
            .Where(file => !IsBuilt(file) && !file.Contains("/tests/", StringComparison.Ordinal))
            .Where(file => File.ReadAllText(file).Contains("new Socket(", StringComparison.Ordinal))
            .Select(Path.GetFileName);
        Assert.Equal(["Sockets.cs"], elsewhere);
    }

    [Fact]
    public void NoBoardIsNamedInTheFirmware()
    {
        // Addresses and devices of a board are data.
        var named = Directory.EnumerateFiles(Path.Combine(Root(), "firmware"), "*.cs", SearchOption.AllDirectories).Where(file => !IsBuilt(file))
            .Where(file => BoardDetail().IsMatch(File.ReadAllText(file))).Select(Path.GetFileName);
        Assert.Empty(named);
    }

    private static int LevelOf(string slice) => Array.FindIndex(Levels, level => level.Contains(slice));

    private static IEnumerable<(string File, string Slice)> Sources()
    {
        var firmware = Path.Combine(Root(), "firmware");
        return Directory.EnumerateDirectories(firmware).Where(folder => Path.GetFileName(folder) is not ("bin" or "obj"))
            .SelectMany(folder => Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories).Select(file => (file, Path.GetFileName(folder))));
    }

    internal static bool IsBuilt(string file) => file.Contains("/obj/", StringComparison.Ordinal) || file.Contains("/bin/", StringComparison.Ordinal)
        || Path.GetRelativePath(Root(), file).StartsWith(".build/", StringComparison.Ordinal);

    internal static string Root()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Appliance.sln")))
        {
            folder = folder.Parent!;
        }
        return folder.FullName;
    }

    [GeneratedRegex(@"\bAppliance\.Firmware\.([A-Z]\w+)\b")]
    private static partial Regex SliceName();

    [GeneratedRegex(@"\b(127\.0\.1\.\d+|eth\d|gpiochip\d)\b")]
    private static partial Regex BoardDetail();
}
