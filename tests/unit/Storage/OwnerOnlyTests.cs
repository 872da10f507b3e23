using System.Runtime.Versioning;
using Appliance.Firmware.Storage;
using Xunit;

namespace Appliance.Tests.Storage;

/// <summary>The rights to a state folder and to what is in it.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class OwnerOnlyTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("appliance-owner-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData(0b110_100_000)]
    [InlineData(0b110_010_000)]
    [InlineData(0b110_001_000)]
    [InlineData(0b110_000_100)]
    [InlineData(0b110_000_010)]
    [InlineData(0b110_000_001)]
    [InlineData(0b111_111_111)]
    [InlineData(0b100_000_000)]
    public void Each_right_of_others_is_taken_away_and_the_owners_stay(int mode)
    {
        var folder = _folder.CreateSubdirectory("a").CreateSubdirectory("b");
        var file = Path.Combine(folder.FullName, "file");
        File.WriteAllText(file, "kept");
        File.SetUnixFileMode(file, (UnixFileMode)mode);
        File.SetUnixFileMode(folder.FullName, (UnixFileMode)(mode | 0b111_000_000));
        File.SetUnixFileMode(_folder.FullName, (UnixFileMode)(mode | 0b111_000_000));
        OwnerOnly.Enforce(_folder.FullName);
        Assert.Equal((UnixFileMode)(mode & 0b111_000_000), File.GetUnixFileMode(file));
        Assert.Equal(OwnerOnly.OfFolder, File.GetUnixFileMode(folder.FullName));
        Assert.Equal(OwnerOnly.OfFolder, File.GetUnixFileMode(_folder.FullName));
        File.SetUnixFileMode(file, (UnixFileMode)mode);
        OwnerOnly.MakeFile(file);
        Assert.Equal((UnixFileMode)(mode & 0b111_000_000), File.GetUnixFileMode(file));
        Assert.Equal("kept", File.ReadAllText(file));
    }

    [Fact]
    public void What_is_missing_is_made_for_its_owner_alone()
    {
        var folder = Path.Combine(_folder.FullName, "x", "y");
        OwnerOnly.Enforce(folder);
        Assert.Equal(OwnerOnly.OfFolder, File.GetUnixFileMode(folder));
        var file = Path.Combine(folder, "file");
        OwnerOnly.MakeFile(file);
        Assert.Equal((OwnerOnly.OfFile, 0L), (File.GetUnixFileMode(file), new FileInfo(file).Length));
    }

    [Fact]
    public void A_folder_that_users_share_is_refused_and_left_as_it_is()
    {
        const UnixFileMode Shared = (UnixFileMode)0b001_111_111_111;
        File.SetUnixFileMode(_folder.FullName, Shared);
        var error = Assert.Throws<UnauthorizedAccessException>(() => OwnerOnly.Enforce(_folder.FullName));
        Assert.Contains($"state folder {_folder.FullName} is shared by users", error.Message, StringComparison.Ordinal);
        Assert.Equal(Shared, File.GetUnixFileMode(_folder.FullName));
    }

    [Fact]
    public void A_file_is_opened_by_one_process_at_a_time()
    {
        var file = Path.Combine(_folder.FullName, "lock");
        using (OwnerOnly.OpenAlone(file))
        {
            Assert.Throws<IOException>(() => OwnerOnly.OpenAlone(file).Dispose());
        }
        OwnerOnly.OpenAlone(file).Dispose();
        Assert.Equal(OwnerOnly.OfFile, File.GetUnixFileMode(file));
    }
}
