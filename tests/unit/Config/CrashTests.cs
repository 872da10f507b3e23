using Appliance.Firmware;
using Appliance.Firmware.Config;
using Appliance.Firmware.Validation;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Appliance.Tests.Config;

/// <summary>
/// A power cut at every boundary of a save, and every possible state of the disk then: each boots to exactly the old or the new
/// configuration. Damage of durable data is noticed, and an older revision boots.
/// </summary>
public sealed class CrashTests(ITestOutputHelper output) : IDisposable
{
    private const string File = "system.conf";

    /// <summary>Below that the enumeration has lost its meaning.</summary>
    private const int StatesMin = 5_000;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("appliance-crash-");
    private DeviceKey? _key;

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void EveryStateBootsTheOldOrTheNew()
    {
        var states = PowerCuts() + Faults() + BitFlips() + PowerCutsWhileMending();
        output.WriteLine($"{states} states");
        Assert.True(states >= StatesMin, $"only {states} states");
    }

    [Fact]
    public void APowerCutInTheFirstSaveIsAFreshUnit()
    {
        for (var cut = 0; ; cut++)
        {
            var disk = new CrashDisk { CutAt = cut };
            if (Record.Exception(() => Open(disk)) is null)
            {
                return;
            }
            foreach (var state in disk.StatesAfterPowerCut())
            {
                Assert.Equal(4433, PortOf(CrashDisk.Of(state), out var warning));
                Assert.Null(warning);
            }
        }
    }

    [Fact]
    public void OnlyTheNewestHundredRevisionsAreKept()
    {
        var disk = new CrashDisk();
        var store = Open(disk);
        for (var port = 5000; port < 5000 + ConfigFiles.RevisionsMax + 20; port++)
        {
            Assert.Null(SetPort(store, port));
        }
        var numbers = store.Revisions().Select(revision => revision.Number).ToArray();
        Assert.Equal(Enumerable.Range(21, ConfigFiles.RevisionsMax).Select(number => (long)number), numbers);
        Assert.Equal(ConfigFiles.RevisionsMax, disk.Names("revisions").Count);
    }

    private DeviceKey Key => _key ??= DeviceKey.Open(Path.Combine(_folder.FullName, "device.key"));

    /// <summary>The power goes before each operation of a save.</summary>
    private int PowerCuts()
    {
        var (before, states) = (Prepared(), 0);
        for (var cut = 0; ; cut++)
        {
            var disk = CrashDisk.Of(before);
            var store = Open(disk);
            disk.CutAt = disk.Operations + cut;
            var acknowledged = false;
            try
            {
                acknowledged = SetPort(store, 6000) is null;
            }
            catch (CrashDisk.PowerCut)
            {
                // The tested case.
            }
            foreach (var state in disk.StatesAfterPowerCut())
            {
                states++;
                var port = PortOf(CrashDisk.Of(state), out var warning);
                Assert.True(port == 6000 || (port == 5002 && !acknowledged), $"cut before operation {cut}: {port} was booted");
                Assert.Null(warning);
                if (acknowledged)
                {
                    // Then the newest is damaged: the one before it was durable before the commit was reported.
                    states++;
                    var damaged = state.ToDictionary(
                        file => file.Key,
                        file => file.Key == File ? file.Value[1..] : file.Value,
                        StringComparer.Ordinal
                    );
                    Assert.Equal(5002, PortOf(CrashDisk.Of(damaged), out _));
                }
            }
            if (acknowledged)
            {
                Assert.True(cut > 5, "the save had fewer operations than it must have");
                return states;
            }
        }
    }

    /// <summary>
    /// Each operation of a save fails: the commit is refused, no acknowledged write is lost, and the next commit works; also with a power
    /// cut after it.
    /// </summary>
    private int Faults()
    {
        var (before, states) = (Prepared(), 0);
        foreach (var error in new[] { "Input/output error", "No space left on device" })
        {
            foreach (var half in new[] { false, true })
            {
                for (var at = 0; ; at++)
                {
                    var disk = CrashDisk.Of(before);
                    var store = Open(disk);
                    disk.FaultLeavesHalf = half;
                    disk.Fault = (disk.Operations + at, new IOException(error));
                    var refused = SetPort(store, 6000);
                    if (disk.Fault is not null)
                    {
                        break; // Past the last operation.
                    }
                    Assert.Equal(refused is null ? 6000 : 5002, store.Current.Object("system ftm-push").Number("server-port"));
                    foreach (var state in disk.StatesAfterPowerCut())
                    {
                        states++;
                        var port = PortOf(CrashDisk.Of(state), out var warning);
                        Assert.Null(warning);
                        Assert.True(refused is null ? port == 6000 : port is 5002 or 6000, $"{error} at operation {at}: {port} was booted");
                    }
                    if (refused is not null)
                    {
                        Assert.Contains(error, refused.Text, StringComparison.Ordinal);
                        Assert.Equal(5002, PortOf(CrashDisk.Of(disk.Files), out _));
                    }
                    Assert.Null(SetPort(store, 7000));
                    Assert.Equal(7000, PortOf(CrashDisk.Of(disk.Files), out _));
                }
            }
        }
        return states;
    }

    /// <summary>
    /// Each bit of the durable newest file is flipped, or the file is truncated: the damage is detected and named, and the previous
    /// revision boots.
    /// </summary>
    private int BitFlips()
    {
        var (before, states) = (Prepared(), 0);
        var newest = before[File];
        for (var at = 0; at < newest.Length; at++)
        {
            for (var bit = 0; bit < 8; bit++)
            {
                var damaged = newest.ToArray();
                damaged[at] ^= (byte)(1 << bit);
                Damaged(damaged);
            }
            Damaged(newest[..at]);
        }
        return states;

        void Damaged(byte[] content)
        {
            states++;
            var disk = CrashDisk.Of(before.Select(file => KeyValuePair.Create(file.Key, file.Key == File ? content : file.Value)));
            Assert.Equal(5001, PortOf(disk, out var warning));
            Assert.Contains("system.conf is damaged; revision 2", warning, StringComparison.Ordinal);
            Assert.Equal(5001, PortOf(disk, out warning));
            Assert.Null(warning);
        }
    }

    /// <summary>A second power cut while the previous revision replaces the damaged file.</summary>
    private int PowerCutsWhileMending()
    {
        var states = 0;
        var damaged = Prepared()
            .ToDictionary(file => file.Key, file => file.Key == File ? file.Value[..^10] : file.Value, StringComparer.Ordinal);
        for (var cut = 0; ; cut++)
        {
            var disk = CrashDisk.Of(damaged);
            disk.CutAt = cut;
            if (Record.Exception(() => Open(disk)) is null)
            {
                return states;
            }
            foreach (var state in disk.StatesAfterPowerCut())
            {
                states++;
                Assert.Equal(5001, PortOf(CrashDisk.Of(state), out _));
            }
        }
    }

    /// <summary>A disk with three saves: ports 4433, 5001, 5002.</summary>
    private IReadOnlyDictionary<string, byte[]> Prepared()
    {
        var disk = new CrashDisk();
        var store = Open(disk);
        Assert.Null(SetPort(store, 5001));
        Assert.Null(SetPort(store, 5002));
        return disk.Files;
    }

    private ConfigStore Open(CrashDisk disk) =>
        ConfigStore.Open(
            StoreFolder.Schema,
            disk,
            File,
            Key,
            "config user local\nedit ann\nset passwd secret\nnext\nend\nconfig system global\nset hostname crash\nend\n",
            ConfigRules.Values,
            new FakeTimeProvider()
        );

    private long PortOf(CrashDisk disk, out string? warning)
    {
        var store = Open(disk);
        warning = store.BootWarning;
        Assert.Empty(store.Ignored);
        Assert.Equal("secret", store.Current.List("user local").Find("ann")!.Text("passwd"));
        Assert.Equal("crash", store.Current.Object("system global").Text("hostname"));
        return store.Current.Object("system ftm-push").Number("server-port");
    }

    private static ConfigError? SetPort(ConfigStore store, int port) =>
        store.Commit(tree => tree.With("system ftm-push", tree.Object("system ftm-push").With("server-port", [$"{port}"])));
}
