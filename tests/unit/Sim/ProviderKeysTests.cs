using System.Security.Cryptography;
using Appliance.Doubles.Clock;
using Appliance.Doubles.Providers;
using Appliance.Firmware.Config;
using Xunit;

namespace Appliance.Tests.Sim;

public sealed class ProviderKeysTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("appliance-keys-");

    [Fact]
    public async Task Doubles_that_start_together_on_a_new_folder_have_the_same_keys()
    {
        const int Many = 8;
        using var together = new Barrier(Many);
        var shown = await Task.WhenAll(
            Enumerable
                .Range(0, Many)
                .Select(number =>
                    Task.Factory.StartNew(
                        () =>
                        {
                            together.SignalAndWait();
                            using var keys = ProviderKeys.Open(_folder.FullName, LabClock.Wall);
                            keys.For("apns", "api.push.apple.com");
                            return (
                                Convert.ToHexString(keys.Apns.ExportSubjectPublicKeyInfo()),
                                Convert.ToHexString(keys.Fcm.ExportSubjectPublicKeyInfo()),
                                keys.Authority.Thumbprint
                            );
                        },
                        CancellationToken.None,
                        TaskCreationOptions.LongRunning,
                        TaskScheduler.Default
                    )
                )
        );
        Assert.Single(shown.Distinct());
        using var apns = ECDsa.Create();
        apns.ImportFromPem(await File.ReadAllTextAsync(Path.Combine(_folder.FullName, "apns.p8")));
        Assert.Equal(shown[0].Item1, Convert.ToHexString(apns.ExportSubjectPublicKeyInfo()));
        Assert.Equal(
            ["apns.p8", "apns.pem", "authority.pem", "ca.pem", "fcm.key"],
            _folder.EnumerateFiles().Select(file => file.Name).Order(StringComparer.Ordinal)
        );
    }

    [Fact]
    public void A_file_is_created_once_and_for_its_owner_alone()
    {
        var file = Path.Combine(_folder.FullName, "one");
        Assert.True(AtomicFile.TryCreate(file, "first"u8));
        Assert.False(AtomicFile.TryCreate(file, "second"u8));
        Assert.Equal("first", File.ReadAllText(file));
        AtomicFile.Write(file, "third"u8);
        Assert.Equal("third", File.ReadAllText(file));
        Assert.Single(_folder.EnumerateFiles());
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        }
    }

    public void Dispose() => _folder.Delete(recursive: true);
}
