using Appliance.Firmware.Config;
using Appliance.Tests.Cli;
using Xunit;

namespace Appliance.Tests.EndToEnd;

/// <summary>Two services that are configured for one port: the winner is documented, or the change is refused.</summary>
public sealed class SharedPortTests
{
    /// <summary>The lab's port1 has ping, https and ftm, port2 https without ftm; here port3 gets ftm without https.</summary>
    private const string FtmOnPort3 = "config system interface\nedit port3\nset allowaccess ftm\nnext\nend\n";

    [Fact]
    public async Task TheAdministratorsPageHasThePortBeforeTheCallback()
    {
        await using var unit = await TranscriptUnit.StartAsync(Personality.Default);
        await unit.Lab.TranscriptAsync(FtmOnPort3);
        Assert.Equal("admin port1 8443|admin port2 8443|ftm port1 4433|ftm port3 4433|sslvpn port1 10443", Services(unit));
        await unit.Lab.TranscriptAsync("config system ftm-push\nset server-port 8443\nend\n");
        // port3 has no https, and shows the page all the same: the opening is for the port.
        Assert.Equal("admin port1 8443|admin port2 8443|admin port3 8443|sslvpn port1 10443", Services(unit));
        await unit.Lab.TranscriptAsync("config system interface\nedit port3\nset allowaccess ping\nnext\nend\n");
        Assert.Equal("admin port1 8443|admin port2 8443|sslvpn port1 10443", Services(unit));
        await unit.Lab.TranscriptAsync(FtmOnPort3 + "config system ftm-push\nset server-port 4433\nend\n");
        Assert.Equal("admin port1 8443|admin port2 8443|ftm port1 4433|ftm port3 4433|sslvpn port1 10443", Services(unit));
    }

    [Theory]
    [InlineData("enable", "admin port2 8443|ftm port1 4433|sslvpn port1 8443")]
    [InlineData("disable", "admin port1 8443|admin port2 8443|ftm port1 4433")]
    public async Task PortPrecedenceTellsBetweenTheSslVpnAndThePage(string precedence, string services)
    {
        await using var unit = await TranscriptUnit.StartAsync(Personality.Default);
        await unit.Lab.TranscriptAsync($"config vpn ssl settings\nset port 8443\nset port-precedence {precedence}\nend\n");
        Assert.Equal(services, Services(unit));
    }

    [Fact]
    public async Task TheCallbackAndTheSslVpnCannotShare()
    {
        await using var unit = await TranscriptUnit.StartAsync(Personality.Default);
        var before = Services(unit);
        Assert.Contains(
            "Return code -1",
            await unit.Lab.TranscriptAsync("config system ftm-push\nset server-port 10443\nend\n"),
            StringComparison.Ordinal
        );
        Assert.Equal(before, Services(unit));
    }

    private static string Services(TranscriptUnit unit) =>
        string.Join(
            '|',
            unit.Lab.Services.Select(service => $"{service.Service} {service.Nic} {service.EndPoint.Port}").Order(StringComparer.Ordinal)
        );
}
