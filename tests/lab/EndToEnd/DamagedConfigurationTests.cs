using System.Net;
using Appliance.Doubles.Nics;
using Appliance.Firmware;
using Appliance.Firmware.Config;
using Appliance.Firmware.Ftm;
using Appliance.Hal;
using Appliance.Lab.Composition;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Appliance.Tests.EndToEnd;

/// <summary>A whole unit whose configuration was damaged, or written by another release: it boots, and reports its actions.</summary>
public sealed class DamagedConfigurationTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("appliance-damaged-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task TheRevisionBeforeBootsAndAnEventNamesIt()
    {
        var file = Path.Combine(_folder.FullName, "system.conf");
        await using (var unit = await BootAsync(Personality.Default))
        {
            Assert.Null(unit.Config.Commit(tree => tree.With("system global", tree.Object("system global").With("hostname", ["second"]))));
        }
        var damaged = await File.ReadAllBytesAsync(file);
        damaged[damaged.Length / 2] ^= 1;
        await File.WriteAllBytesAsync(file, damaged);
        await using (var unit = await BootAsync(Personality.Default))
        {
            Assert.Equal("lab-appliance", unit.Config.Current.Object("system global").Text("hostname"));
            var record = unit.Events.After(0).Single(record => record.Entry.LogId == "0100032139");
            Assert.Contains("system.conf is damaged; revision 1, saved before it, was booted", record.Line, StringComparison.Ordinal);
        }
        await using (var unit = await BootAsync(Personality.Default))
        {
            Assert.Single(unit.Events.After(0), record => record.Entry.LogId == "0100032139"); // Reported once.
        }
    }

    [Fact]
    public async Task WhatAnotherReleaseWroteIsLeftOutAndTold()
    {
        await using (await BootAsync(Personality.Default)) { }
        await using var unit = await BootAsync(Personality.Find("7.4")!);
        var line = Assert.Single(unit.Config.Ignored);
        Assert.Equal("command parse error before 'server-ip'", line.Why);
        Assert.Contains(
            $"the saved configuration, line {line.Number}: {line.Why}",
            unit.Events.After(0).Single(record => record.Entry.LogId == "0100032144").Line,
            StringComparison.Ordinal
        );
    }

    private Task<Unit> BootAsync(Personality personality)
    {
        var network = new SimNetwork();
        INic[] nics =
        [
            .. Enumerable.Range(1, 4).Select(number => new SimNic(network, $"port{number}", IPAddress.Parse($"127.0.1.{number}"))),
        ];
        return Unit.StartAsync(
            new UnitOptions(
                _folder.FullName,
                nics,
                new FakeTimeProvider(new DateTimeOffset(2033, 2, 3, 4, 5, 6, TimeSpan.Zero)),
                new NoPhones(),
                LabBoard.DefaultConfiguration(),
                NullLoggerFactory.Instance,
                personality
            )
        );
    }

    private sealed class NoPhones : IPushSender
    {
        public ValueTask<PushResult> SendAsync(PushMessage message, CancellationToken cancellationToken) =>
            ValueTask.FromResult(PushResult.Failed(PushOutcome.Unavailable, "no phone"));
    }
}
