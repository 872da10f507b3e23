using System.Security.Cryptography;
using System.Text;
using Appliance.Firmware.Vpn;
using Xunit;

namespace Appliance.Tests.Vpn;

/// <summary>The file of sessions whose end could not be written to the database.</summary>
public sealed class EndedSessionsTests : IDisposable
{
    private const int Most = 4096;
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("appliance-ended-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void The_file_has_its_full_size_from_the_start_and_keeps_it()
    {
        using (var ended = EndedSessions.Open(File))
        {
            Assert.Equal(Most * 16, new FileInfo(File).Length);
            Assert.True(ended.IsEmpty);
            ended.Add(["one", "two", "one"]);
            Assert.Equal(2, ended.Version);
        }
        var content = System.IO.File.ReadAllBytes(File);
        Assert.Equal(Most * 16, content.Length);
        Assert.Equal([.. Half("one"), .. Half("two")], content[..32]);
        Assert.DoesNotContain(content[32..], octet => octet != 0);
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, System.IO.File.GetUnixFileMode(File));
        }
    }

    [Fact]
    public void Records_are_read_again_and_cleared_for_good()
    {
        using (var ended = EndedSessions.Open(File))
        {
            ended.Add(["one", "two"]);
        }
        using (var again = EndedSessions.Open(File))
        {
            Assert.False(again.IsEmpty);
            Assert.True(again.Contains("one") && again.Contains("two"));
            Assert.False(again.Contains("ONE") || again.Contains("three") || again.Contains(""));
            again.Clear();
            Assert.True(again.IsEmpty);
            Assert.False(again.Contains("one"));
            again.Add(["three"]);
        }
        using var last = EndedSessions.Open(File);
        Assert.False(last.Contains("one") || last.Contains("two"));
        Assert.True(last.Contains("three"));
    }

    [Fact]
    public void Records_that_were_added_since_the_commit_are_not_cleared_with_it()
    {
        using var ended = EndedSessions.Open(File);
        ended.Add(["one"]);
        var committed = ended.Version;
        ended.Add(["two"]);
        ended.Clear(committed);
        Assert.True(ended.Contains("one") && ended.Contains("two"));
        ended.Clear(ended.Version);
        Assert.True(ended.IsEmpty);
        ended.Clear(committed);
        Assert.Equal(2, ended.Version);
    }

    [Fact]
    public void Four_thousand_and_ninety_six_sessions_fit()
    {
        using (var ended = EndedSessions.Open(File))
        {
            ended.Add(Enumerable.Range(0, Most - 1).Select(number => $"{number}"));
            ended.Add(["the last", "one too many"]);
            Assert.True(ended.Contains("the last"));
            Assert.False(ended.Contains("one too many"));
            Assert.Equal(Most, ended.Version);
        }
        Assert.Equal(Most * 16, new FileInfo(File).Length);
        using var again = EndedSessions.Open(File);
        Assert.True(again.Contains("0") && again.Contains("the last"));
        again.Clear();
        Assert.DoesNotContain(System.IO.File.ReadAllBytes(File), octet => octet != 0);
    }

    [Fact]
    public void A_file_that_is_too_short_is_filled_up()
    {
        System.IO.File.WriteAllBytes(File, Half("one"));
        using var ended = EndedSessions.Open(File);
        Assert.True(ended.Contains("one"));
        Assert.Equal(Most * 16, new FileInfo(File).Length);
    }

    private string File => Path.Combine(_folder.FullName, "sessions.ended");

    private static byte[] Half(string digest) => SHA256.HashData(Encoding.ASCII.GetBytes(digest))[..16];
}
