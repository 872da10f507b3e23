using System.Net;
using Appliance.Doubles.Nics;
using Appliance.Firmware;
using Appliance.Firmware.Ftm;
using Appliance.Hal;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Appliance.Tests.EndToEnd;

/// <summary>A unit without its own configuration, with interfaces in memory.</summary>
public sealed class NewUnitTests : IAsyncLifetime
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("appliance-new-");
    private Unit _unit = null!;

    public async ValueTask InitializeAsync()
    {
        var network = new SimNetwork();
        INic[] nics =
        [
            .. Enumerable.Range(1, 3).Select(number => new SimNic(network, $"port{number}", IPAddress.Parse($"10.0.0.{number}"))),
        ];
        _unit = await Unit.StartAsync(
            new UnitOptions(
                _folder.FullName,
                nics,
                new FakeTimeProvider(new DateTimeOffset(2033, 2, 3, 4, 5, 6, TimeSpan.Zero)),
                new NoPhones(),
                "",
                NullLoggerFactory.Instance
            )
        );
    }

    public async ValueTask DisposeAsync()
    {
        await _unit.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public void Source_interface_any_serves_the_SSL_VPN_on_every_interface()
    {
        Assert.DoesNotContain(_unit.Services, service => service.Service == "sslvpn");
        Type("config vpn ssl settings", "set source-interface any", "set port 10443", "end");
        Assert.Equal(
            ["port1", "port2", "port3"],
            _unit.Services.Where(service => service.Service == "sslvpn").Select(service => service.Nic).Order()
        );
        Type("config vpn ssl settings", "set source-interface port2", "end");
        Assert.Equal(["port2"], _unit.Services.Where(service => service.Service == "sslvpn").Select(service => service.Nic));
    }

    [Fact]
    public void A_policy_may_name_the_interfaces_any_and_ssl_root()
    {
        Type("config firewall policy", "edit 1", "set srcintf ssl.root", "set dstintf any", "set schedule always", "next", "end");
        var policy = _unit.Config.Current.List("firewall policy").Find("1")!;
        Assert.Equal(["ssl.root", "any"], [.. policy.Words("srcintf"), .. policy.Words("dstintf")]);
    }

    [Fact]
    public void An_interface_of_the_board_cannot_be_deleted_or_renamed()
    {
        using var console = _unit.OpenConsole();
        console.Execute("config system interface");
        foreach (var line in new[] { "delete port3", "rename port3 to port9" })
        {
            Assert.Contains("Command fail. Return code -45", console.Execute(line), StringComparison.Ordinal);
        }
        console.Execute("purge");
        Assert.Contains("Command fail. Return code -45", console.Execute("y"), StringComparison.Ordinal);
        Assert.Equal(["port1", "port2", "port3"], _unit.Config.Current.List("system interface").Keys);
    }

    [Fact]
    public void A_configuration_of_one_interface_has_the_other_interfaces_of_the_board_as_well()
    {
        var (_, error) = _unit.Config.Restore(
            "config system interface\nedit \"port2\"\nset type physical\nset allowaccess ping\nnext\nend\n"
        );
        Assert.Null(error);
        Assert.Equal(["port2", "port1", "port3"], _unit.Config.Current.List("system interface").Keys);
        Assert.Equal("physical", _unit.Config.Current.List("system interface").Find("port3")!.Text("type"));
        Assert.Equal("3", _unit.Config.Current.List("system interface").Find("port3")!.Text("snmp-index"));
    }

    private void Type(params ReadOnlySpan<string> lines)
    {
        using var console = _unit.OpenConsole();
        foreach (var line in lines)
        {
            Assert.DoesNotContain("fail", console.Execute(line), StringComparison.Ordinal);
        }
    }

    private sealed class NoPhones : IPushSender
    {
        public ValueTask<PushResult> SendAsync(PushMessage message, CancellationToken cancellationToken) =>
            ValueTask.FromResult(PushResult.Failed(PushOutcome.Unavailable, "no phone"));
    }
}
