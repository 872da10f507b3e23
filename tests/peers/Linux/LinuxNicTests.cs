using Appliance.Hal.Linux;
using Appliance.Tests.EndToEnd;
using Xunit;

namespace Appliance.Tests.Linux;

/// <summary>Kernel devices as interfaces of the box: reachability, and the handling of addresses, cables and devices.</summary>
[Trait("Peer", "ip")]
[Trait("Peer", "curl")]
[Trait("Peer", "openssl")]
public sealed class LinuxNicTests
{
    private const string Configuration = """
        config system settings
            set allow-subnet-overlap enable
        end
        config system interface
            edit "port1"
                set ip 10.9.0.1 255.255.255.0
                set allowaccess ping https
                set type physical
            next
            edit "port2"
                set ip 10.9.1.1 255.255.255.0
                set allowaccess https
                set type physical
            next
        end
        config system admin
            edit "admin"
                set accprofile "super_admin"
                set vdom "root"
            next
        end

        """;

    [Fact]
    public async Task AListenerAnswersOnItsInterfaceAndNotOnAnotherWithTheSameAddress()
    {
        await using var box = await NamespaceBox.StartAsync(Configuration);
        await box.TypeAsync("config system interface", "edit port2", "set ip 10.9.0.1 255.255.255.0", "unset allowaccess", "end");
        Assert.Equal(["10.9.0.1/24", "10.9.0.1/24"], [.. await box.AddressesAsync("p1"), .. await box.AddressesAsync("p2")]);
        await NamespaceBox.AnswersAsync(box.Wan, "10.9.0.1");
        Assert.Equal(0, await NamespaceBox.StatusAsync(box.Lan, "10.9.0.1"));
        await box.TypeAsync(
            "config system interface",
            "edit port1",
            "unset allowaccess",
            "next",
            "edit port2",
            "set allowaccess https",
            "end"
        );
        await NamespaceBox.AnswersAsync(box.Lan, "10.9.0.1");
        Assert.Equal(0, await NamespaceBox.StatusAsync(box.Wan, "10.9.0.1")); // (The refusal follows the route, wherever it leads.)
        // The box's other address does not answer on the wrong side, either: an address is not an interface.
        await NamespaceBox.IpAsync($"-n {box.Wan} route add 10.9.1.0/24 via 10.9.0.1");
        await box.TypeAsync("config system interface", "edit port2", "set ip 10.9.1.1 255.255.255.0", "end");
        await NamespaceBox.AnswersAsync(box.Lan, "10.9.1.1");
        Assert.True(await NamespaceBox.RefusesAsync(box.Wan, "10.9.1.1"));
    }

    [Fact]
    public async Task ADeviceIsNeverWithoutAnAddress()
    {
        await using var box = await NamespaceBox.StartAsync(Configuration);
        // The kernel removes the routes of a device with its last address.
        await NamespaceBox.IpAsync($"-n {box.Box} route add 10.50.0.0/24 dev p2");
        await box.TypeAsync("config system interface", "edit port2", "set ip 10.9.2.1 255.255.255.0", "end");
        Assert.Equal(["10.9.2.1/24"], await box.AddressesAsync("p2"));
        Assert.Contains("10.50.0.0/24", await NamespaceBox.IpAsync($"-n {box.Box} route"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task AnAddressMovesUnderLoadAndOneThatCannotBeHadIsUndone()
    {
        await using var box = await NamespaceBox.StartAsync(Configuration);
        using var enough = new CancellationTokenSource();
        var (there, lost) = (0, 0);
        async Task LoadAsync()
        {
            while (!enough.IsCancellationRequested)
            {
                Interlocked.Add(ref await NamespaceBox.StatusAsync(box.Lan, "10.9.1.1") > 0 ? ref there : ref lost, 1);
            }
        }
        async Task StrainAsync()
        {
            while (!enough.IsCancellationRequested)
            {
                await NamespaceBox.StatusAsync(box.Wan, "10.9.0.1");
            }
        }
        var load = Task.WhenAll(LoadAsync(), StrainAsync());
        for (var round = 0; round < 5; round++)
        {
            await box.TypeAsync("config system interface", "edit port1", "set ip 10.9.0.5 255.255.255.0", "end");
            await NamespaceBox.AnswersAsync(box.Wan, "10.9.0.5");
            Assert.Equal(["10.9.0.5/24"], await box.AddressesAsync("p1"));
            await box.TypeAsync("config system interface", "edit port1", "set ip 10.9.0.1 255.255.255.0", "end");
            await NamespaceBox.AnswersAsync(box.Wan, "10.9.0.1");
        }
        await enough.CancelAsync();
        await load;
        // The other interface was not affected.
        Assert.Equal(0, lost);
        Assert.InRange(there, 1, int.MaxValue);

        // Another process has that port of that address already: refused, and nothing changed.
        await NamespaceBox.IpAsync($"-n {box.Box} addr add 10.9.0.7/32 dev lo");
        box.Launch("openssl", "s_server", "-nocert", "-quiet", "-accept", "10.9.0.7:443");
        await Until.TrueAsync(
            async () =>
                (await Peer.RunAsync("ip", ["netns", "exec", box.Box, "ss", "-ltn"])).Output.Contains(
                    "10.9.0.7:443",
                    StringComparison.Ordinal
                ),
            "the other server"
        );
        Assert.Contains(
            "port1: 10.9.0.7:443 is in use",
            await box.TypeAsync("config system interface", "edit port1", "set ip 10.9.0.7 255.255.255.0", "end", "abort"),
            StringComparison.Ordinal
        );
        Assert.Equal(["10.9.0.1/24"], await box.AddressesAsync("p1"));
        Assert.Contains("set ip 10.9.0.1 255.255.255.0", await box.TypeAsync("show system interface port1"), StringComparison.Ordinal);
        await NamespaceBox.AnswersAsync(box.Wan, "10.9.0.1");
        Assert.Contains(
            "mode dhcp is not served on this board",
            await box.TypeAsync("config system interface", "edit port1", "set mode dhcp", "end", "abort"),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task ALinkThatFlapsAndADeviceThatIsDeletedComeBack()
    {
        await using var box = await NamespaceBox.StartAsync(Configuration);
        Task PhysicalAsync(string status) =>
            Until.TrueAsync(
                async () =>
                    (await box.TypeAsync("get system interface physical"))
                        .ReplaceLineEndings("\n")
                        .Split("==[port2]")[0]
                        .Contains($"status: {status}\n", StringComparison.Ordinal),
                $"port1 {status}"
            );
        await NamespaceBox.AnswersAsync(box.Wan, "10.9.0.1");
        for (var flap = 0; flap < 5; flap++)
        {
            await NamespaceBox.IpAsync($"-n {box.Wan} link set w0 down");
            if (flap == 0)
            {
                await PhysicalAsync("down");
            }
            await NamespaceBox.IpAsync($"-n {box.Wan} link set w0 up");
        }
        await PhysicalAsync("up");
        await NamespaceBox.AnswersAsync(box.Wan, "10.9.0.1");

        await NamespaceBox.IpAsync($"-n {box.Box} link del p1");
        await PhysicalAsync("down");
        await NamespaceBox.AnswersAsync(box.Lan, "10.9.1.1");
        // The configuration of the time without the device applies when it is back.
        await box.TypeAsync("config system interface", "edit port1", "set ip 10.9.0.9 255.255.255.0", "end");
        await box.PlugAsync("p1", box.Wan, "w0", "10.9.0.2/24");
        await NamespaceBox.AnswersAsync(box.Wan, "10.9.0.9");
        Assert.Equal(["10.9.0.9/24"], await box.AddressesAsync("p1"));
        // An address that was removed outside the unit is restored from the configuration.
        await NamespaceBox.IpAsync($"-n {box.Box} addr del 10.9.0.9/24 dev p1");
        await NamespaceBox.AnswersAsync(box.Wan, "10.9.0.9");
    }

    [Fact]
    public async Task StatusIsTheDevicesAndTheManagerIsTold()
    {
        await using var box = await NamespaceBox.StartAsync(Configuration);
        await NamespaceBox.AnswersAsync(box.Wan, "10.9.0.1");
        await box.TypeAsync("config system interface", "edit port1", "set status down", "end");
        Assert.DoesNotContain("UP", (await NamespaceBox.IpAsync($"-n {box.Box} -o link show p1")).Split('>')[0], StringComparison.Ordinal);
        Assert.Equal(0, await NamespaceBox.StatusAsync(box.Wan, "10.9.0.1"));
        await box.TypeAsync("config system interface", "edit port1", "set status up", "end");
        await NamespaceBox.AnswersAsync(box.Wan, "10.9.0.1");

        // A heartbeat in a third of the time that the manager gives, each after every listener was probed.
        await Until.TrueAsync(() => box.Told.Split("WATCHDOG=1").Length > 2, "signs of life");
        Assert.Equal("", box.Complained);
        Assert.Equal(0, await box.TerminateAsync());
        Assert.Contains("STOPPING=1", box.Told, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("fd580000.ethernet", "/sys/devices/platform/scb/fd580000.ethernet/net/eth0", true)]
    [InlineData("0000:00:01.0", "/sys/devices/pci0000:00/0000:00:01.0/virtio0/net/eth0", true)]
    [InlineData("pci0000:00/0000:00:01.0", "/sys/devices/pci0000:00/0000:00:01.0/virtio0/net/eth0", true)]
    [InlineData("0000:00:01", "/sys/devices/pci0000:00/0000:00:01.0/virtio0/net/eth0", false)]
    [InlineData("usb2", null, false)]
    public void APathIsMatchedByWholeNames(string part, string? path, bool matches) =>
        Assert.Equal(matches, DeviceTree.IsPartOf(part, path));
}
