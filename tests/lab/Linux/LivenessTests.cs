using System.Net;
using Appliance.Boot;
using Appliance.Doubles.Clock;
using Appliance.Doubles.Nics;
using Appliance.Firmware;
using Appliance.Firmware.Ftm;
using Appliance.Firmware.Network;
using Appliance.Hal;
using Appliance.Hal.Linux;
using Appliance.Lab.Composition;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Appliance.Tests.Linux;

/// <summary>The heartbeat: sent when every listener and service works, and not sent otherwise.</summary>
public sealed class LivenessTests
{
    [Fact]
    public async Task AUnitThatServesAnswersAndIsNotDisturbed()
    {
        await using var rig = await Rig.StartAsync();
        var last = rig.Unit.Events.LastId;
        for (var round = 0; round < 3; round++)
        {
            Assert.Empty(await rig.ProbeAsync());
        }
        Assert.Equal(last, rig.Unit.Events.LastId);
        // A cable that is pulled, a flag and an interface that are not wanted are no faults.
        rig.Nics[0].SetLink(false);
        Assert.Empty(await rig.ProbeAsync());
    }

    [Fact]
    public async Task AListenerThatLostItsPortIsNamed()
    {
        await using var rig = await Rig.StartAsync();
        rig.Nics[0].SetLink(false);
        var thief = new SimNic(rig.Network, "thief", rig.Nics[0].Addresses[0]);
        await using (thief.Listen(10443))
        {
            rig.Nics[0].SetLink(true);
            Assert.Equal(["sslvpn does not listen on port1:10443"], await rig.ProbeAsync());
        }
        // Its port is free again: taken with the next change.
        rig.Nics[0].SetLink(false);
        rig.Nics[0].SetLink(true);
        Assert.Empty(await rig.ProbeAsync());
    }

    [Fact]
    public async Task AServiceThatHangsIsNamed()
    {
        var network = new SimNetwork();
        using var nic = new GatedNic(new SimNic(network, "port1", IPAddress.Parse("10.0.0.1")));
        var transport = new NicTransport(TimeProvider.System);
        transport.Apply([new Placement("ftm", nic, 4433, AllowAccess.None)]);
        using var soon = new CancellationTokenSource(TimeSpan.FromMilliseconds(200), BusyMachine.Time);
        Assert.Equal(["ftm does not answer in time"], await new Liveness(transport, _ => null).ProbeAsync(["ftm", "sslvpn"], soon.Token));
        transport.Apply([]);
    }

    [Theory]
    [InlineData(null, null, null, null)]
    [InlineData("/nowhere/notify", "30000000", null, 30.0)]
    [InlineData("/nowhere/notify", "30000000", "1", null)]
    [InlineData("@abstract", null, null, null)]
    [InlineData("/nowhere/notify", "rubbish", null, null)]
    public void WhatTheManagerWantsIsInTheEnvironment(string? socket, string? microseconds, string? pid, double? seconds)
    {
        using var manager = ServiceManager.FromEnvironment(name =>
            name switch
            {
                "NOTIFY_SOCKET" => socket,
                "WATCHDOG_USEC" => microseconds,
                _ => pid,
            }
        );
        Assert.Equal(seconds, manager.WatchdogInterval?.TotalSeconds);
        manager.Alive(); // An absent service manager has no effect.
    }

    [Fact]
    public void TheFactoryConfigurationHasTheBoardsAddresses()
    {
        var text = BoardBoot.FactoryConfiguration(Board.Load(LabBoard.File("rpi5")));
        Assert.Contains(
            "edit \"port1\"\nset ip 192.168.1.99 255.255.255.0\nset type physical\nset allowaccess ping https\n",
            text,
            StringComparison.Ordinal
        );
        Assert.Contains("edit \"port2\"\nset ip 0.0.0.0 0.0.0.0\nset type physical\nnext\n", text, StringComparison.Ordinal);
    }

    private sealed class Rig : IAsyncDisposable
    {
        private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("appliance-live-");

        public SimNetwork Network { get; } = new();

        public IReadOnlyList<SimNic> Nics { get; private set; } = [];

        public Unit Unit { get; private set; } = null!;

        public static async Task<Rig> StartAsync()
        {
            var rig = new Rig();
            rig.Nics =
            [
                .. Enumerable.Range(1, 4).Select(number => new SimNic(rig.Network, $"port{number}", IPAddress.Parse($"127.0.1.{number}"))),
            ];
            var time = new FakeTimeProvider(new DateTimeOffset(2033, 2, 3, 4, 5, 6, TimeSpan.Zero));
            rig.Unit = await Unit.StartAsync(
                new UnitOptions(
                    rig._folder.FullName,
                    rig.Nics,
                    time,
                    new NoPushProxy(),
                    LabBoard.DefaultConfiguration(),
                    NullLoggerFactory.Instance
                )
            );
            return rig;
        }

        public async Task<IReadOnlyList<string>> ProbeAsync()
        {
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20), BusyMachine.Time);
            return await Unit.ProbeAsync(patience.Token);
        }

        public async ValueTask DisposeAsync()
        {
            await Unit.DisposeAsync();
            _folder.Delete(recursive: true);
        }
    }
}
