using System.Net.Http.Json;
using System.Runtime.Versioning;
using System.Text.Json.Nodes;
using Appliance.Firmware.Storage;
using Xunit;

namespace Appliance.Tests.EndToEnd;

/// <summary>The state folder is its owner's only, whatever it was before; and a clock that cannot be saved does not change.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class StateFolderTests
{
    private const UnixFileMode OfOthers = (UnixFileMode)0b111_111;
    private const UnixFileMode Open = (UnixFileMode)0b110_100_100; // 0644
    private const UnixFileMode OpenFolder = (UnixFileMode)0b111_101_101; // 0755

    [Fact]
    public async Task Everything_in_the_state_folder_is_the_owners_only_at_each_start()
    {
        await using var lab = new LabProcess();
        File.SetUnixFileMode(lab.State, OpenFolder);
        await lab.StartAsync();
        await lab.CliAsync("config system global\nset hostname first\nend\nexecute backup config usb a.conf\n");
        AssertClosed(lab.State);
        await lab.TerminateAsync();
        foreach (var entry in Entries(lab.State))
        {
            File.SetUnixFileMode(entry.FullName, entry is DirectoryInfo ? OpenFolder : Open);
        }
        File.SetUnixFileMode(lab.State, OpenFolder);
        await lab.StartAsync();
        AssertClosed(lab.State);
        Assert.Contains(Entries(lab.State), entry => entry.Name == "state.db-wal");
    }

    [Fact]
    public async Task A_folder_that_users_share_is_refused_with_the_reason()
    {
        await using var lab = new LabProcess();
        File.SetUnixFileMode(lab.State, OpenFolder | UnixFileMode.StickyBit);
        var (exit, output) = await lab.FailAsync("");
        Assert.Equal(5, exit);
        Assert.Contains("sticky bit", output, StringComparison.Ordinal);
        Assert.Contains(lab.State, output, StringComparison.Ordinal);
        Assert.Empty(Entries(lab.State));
    }

    [Fact]
    public void A_link_out_of_the_folder_is_not_followed()
    {
        var outside = Directory.CreateTempSubdirectory("appliance-outside-");
        var folder = Directory.CreateTempSubdirectory("appliance-state-");
        try
        {
            var file = Path.Combine(outside.FullName, "file");
            File.WriteAllText(file, "");
            File.SetUnixFileMode(file, Open);
            File.SetUnixFileMode(outside.FullName, OpenFolder);
            File.CreateSymbolicLink(Path.Combine(folder.FullName, "link"), file);
            Directory.CreateSymbolicLink(Path.Combine(folder.FullName, "folder"), outside.FullName);
            OwnerOnly.Enforce(folder.FullName);
            Assert.Equal((Open, OpenFolder), (File.GetUnixFileMode(file), File.GetUnixFileMode(outside.FullName)));
        }
        finally
        {
            outside.Delete(recursive: true);
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task A_clock_that_cannot_be_saved_stays_as_it_is_and_the_answer_names_the_file()
    {
        await using var lab = await TestLab.StartAsync();
        var file = Path.Combine(lab.State, "clock.json");
        var before = await ClockAsync(lab);
        // A folder cannot be replaced by a file.
        File.Delete(file);
        Directory.CreateDirectory(file);
        try
        {
            foreach (var change in new[] { """{"mode":"x60"}""", """{"mode":"real"}""", """{"advanceSeconds":60}""" })
            {
                using var answer = await lab.Api.PostAsync("/lab/clock", new StringContent(change));
                Assert.Equal(500, (int)answer.StatusCode);
                var detail = (await answer.Content.ReadFromJsonAsync<JsonObject>())!.ToJsonString();
                Assert.Contains("clock.json", detail, StringComparison.Ordinal);
                Assert.Contains("the clock is unchanged", detail, StringComparison.Ordinal);
                Assert.Equal(before, await ClockAsync(lab));
            }
        }
        finally
        {
            Directory.Delete(file);
        }
    }

    /// <summary>Time and mode; the offset from the host's clock changes while the lab's clock is stopped.</summary>
    private static async Task<(string Now, string Mode)> ClockAsync(TestLab lab) =>
        await lab.Api.GetFromJsonAsync<JsonObject>("/lab/clock") is { } clock
            ? (clock["now"]!.ToString(), clock["mode"]!.ToString())
            : default;

    private static IEnumerable<FileSystemInfo> Entries(string folder) =>
        new DirectoryInfo(folder).EnumerateFileSystemInfos(
            "*",
            new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0 }
        );

    private static void AssertClosed(string folder)
    {
        Assert.Equal(OwnerOnly.OfFolder, File.GetUnixFileMode(folder));
        Assert.All(Entries(folder), entry => Assert.True((entry.UnixFileMode & OfOthers) == 0, $"{entry.FullName}: {entry.UnixFileMode}"));
    }
}
