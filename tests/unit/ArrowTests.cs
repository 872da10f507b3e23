using System.Text.RegularExpressions;
using Appliance.Doubles.Failures;
using Xunit;

namespace Appliance.Tests;

/// <summary>The projects and levels of ARCHITECTURE.md: which code may reference which.</summary>
public sealed partial class ArrowTests
{
    [Theory]
    [InlineData(typeof(Appliance.Hal.INic), new string[0])]
    [InlineData(typeof(Appliance.Hal.Linux.SocketNic), new[] { "Appliance.Hal" })]
    [InlineData(typeof(Appliance.Firmware.Unit), new[] { "Appliance.Hal" })]
    [InlineData(typeof(Appliance.Boot.BoardBoot), new[] { "Appliance.Firmware", "Appliance.Hal", "Appliance.Hal.Linux" })]
    [InlineData(typeof(Appliance.Link.LinkStart), new[] { "Appliance.Firmware", "Appliance.Hal" })]
    [InlineData(typeof(Appliance.Doubles.Failures.LabFailure), new[] { "Appliance.Firmware", "Appliance.Hal", "Appliance.Hal.Linux" })]
    [InlineData(
        typeof(Appliance.Lab.Laboratory),
        new[] { "Appliance.Doubles", "Appliance.Firmware", "Appliance.Hal", "Appliance.Hal.Linux", "Appliance.Link" }
    )]
    [InlineData(
        typeof(Appliance.Tool.ExitCode),
        new[] { "Appliance.Doubles", "Appliance.Firmware", "Appliance.Hal", "Appliance.Hal.Linux", "Appliance.Lab", "Appliance.Link" }
    )]
    public void AProjectReferencesOnlyWhatItMay(Type inProject, string[] allowed)
    {
        var referenced = inProject
            .Assembly.GetReferencedAssemblies()
            .Select(name => name.Name!)
            .Where(name => name.StartsWith("Appliance.", StringComparison.Ordinal));
        Assert.Empty(referenced.Except(allowed));
    }

    /// <summary>
    /// ARCHITECTURE.md, Levels: a folder references only folders of lower levels. The root namespace, the composition, is above all.
    /// </summary>
    [Theory]
    [InlineData(typeof(Appliance.Firmware.Unit), "Appliance.Firmware")]
    [InlineData(typeof(Appliance.Firmware.Unit), "Appliance.Firmware.Login")]
    [InlineData(typeof(Appliance.Doubles.Failures.LabFailure), "Appliance.Doubles")]
    [InlineData(typeof(Appliance.Lab.Laboratory), "Appliance.Lab")]
    public void A_folder_references_only_lower_levels(Type inProject, string project)
    {
        var levels = LevelsOf(project);
        var references = TypeReferences.Between(inProject.Assembly.Location, project);
        var wrong = references.Where(reference =>
            reference.From != reference.To
            && LevelOf(levels, reference.From) is var from
            && (from < 0 || LevelOf(levels, reference.To) is var to && (to < 0 || to >= from))
        );
        var lines = wrong
            .Select(reference => $"{reference.Type} references {reference.Target}")
            .Distinct()
            .Order(StringComparer.Ordinal)
            .ToArray();
        Assert.True(lines.Length == 0, string.Join('\n', lines));
    }

    /// <summary>Every folder has its level, and no level names a folder that does not exist.</summary>
    [Theory]
    [InlineData("Appliance.Firmware", "firmware")]
    [InlineData("Appliance.Firmware.Login", "firmware/Login")]
    [InlineData("Appliance.Doubles", "sim/Doubles")]
    [InlineData("Appliance.Lab", "sim/Lab")]
    public void Every_folder_has_its_level(string project, string folder) =>
        Assert.Equal(
            LevelsOf(project).SelectMany(level => level).Order(StringComparer.Ordinal),
            Repository
                .SourcesIn(folder)
                .Select(file => Path.GetRelativePath(Repository.PathOf(folder), file).Split('/'))
                .Where(parts => parts.Length > 1)
                .Select(parts => parts[0])
                .Distinct()
                .Order(StringComparer.Ordinal)
        );

    /// <summary>
    /// No thread of the firmware blocks, except the two dedicated threads of the state database: SQLite's calls block anyway, and these
    /// threads have nothing else to do.
    /// </summary>
    [Fact]
    public void No_firmware_code_blocks_a_thread() =>
        Assert.Equal(
            [
                "Appliance.Firmware.Storage.StateCheckpoint.Run: System.Threading.SemaphoreSlim::Wait",
                "Appliance.Firmware.Storage.StateDatabase.WriteLoop: System.Threading.Monitor::Wait",
            ],
            BlockingCalls.In(typeof(Appliance.Firmware.Unit).Assembly.Location)
        );

    /// <summary>The check of blocking calls finds each form of them, and takes <c>await</c> and completed tasks for none.</summary>
    [Fact]
    public void Each_form_of_a_blocking_call_is_found() =>
        Assert.Equal(
            ["GetAwaiter", "GetAwaiterOfIncomplete", "Lambda", "Result", "Sleep", "Wait"],
            BlockingCalls
                .In(typeof(BlockingCallExamples).Assembly.Location)
                .Where(call => call.Contains(nameof(BlockingCallExamples), StringComparison.Ordinal))
                .Select(call => call.Contains("b__", StringComparison.Ordinal) ? "Lambda" : call.Split(':')[0].Split('.')[^1])
                .Distinct()
                .Order(StringComparer.Ordinal)
        );

    [Fact]
    public void SocketsAreMadeInOnePlace()
    {
        var elsewhere = Repository
            .Sources()
            .Where(file => !file.StartsWith(Repository.PathOf("tests/"), StringComparison.Ordinal))
            .Where(file => File.ReadAllText(file).Contains("new Socket(", StringComparison.Ordinal))
            .Select(Path.GetFileName);
        Assert.Equal(["Sockets.cs"], elsewhere);
    }

    [Fact]
    public void NoBoardIsNamedInTheFirmware()
    {
        // Addresses and devices of a board are data.
        var named = Repository
            .SourcesIn("firmware")
            .Where(file => BoardDetail().IsMatch(File.ReadAllText(file)))
            .Select(Path.GetFileName);
        Assert.Empty(named);
    }

    /// <summary>The levels of a project in ARCHITECTURE.md, lowest first: <c>Appliance.Lab  Units | Console Messages | …</c>.</summary>
    private static string[][] LevelsOf(string project) =>
        [
            .. File.ReadLines(Repository.PathOf("ARCHITECTURE.md"))
                .Select(line => line.Trim())
                .Single(line => line.StartsWith(project + "  ", StringComparison.Ordinal))[project.Length..]
                .Split('|')
                .Select(level => level.Split(' ', StringSplitOptions.RemoveEmptyEntries)),
        ];

    /// <summary>The root namespace is above all levels; -1 for a folder without a level.</summary>
    private static int LevelOf(string[][] levels, string folder) =>
        folder.Length == 0 ? levels.Length : Array.FindIndex(levels, level => level.Contains(folder));

    [GeneratedRegex(@"\b(127\.0\.1\.\d+|eth\d|gpiochip\d)\b")]
    private static partial Regex BoardDetail();
}
