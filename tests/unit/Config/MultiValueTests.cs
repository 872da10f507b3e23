using Appliance.Firmware.Config;
using Xunit;

namespace Appliance.Tests.Config;

/// <summary>The three kinds of values of several words: a set, an ordered list, and names with their numbers.</summary>
public sealed class MultiValueTests : IDisposable
{
    private readonly StoreFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("system interface", "allowaccess", "ssh ping ssh", "ping ssh")]
    [InlineData("firewall addrgrp", "member", "all none all", "all none")]
    [InlineData("system ha", "monitor", "port2 port1 port2", "port2 port1")]
    [InlineData("system ha", "hbdev", "port3 50 port4 50", "port3 50 port4 50")]
    [InlineData("system ha", "hbdev", "port3 0050", "port3 50")]
    [InlineData("system ha", "hbdev", "port3 50 port4 60 port3 512", "port3 512 port4 60")]
    [InlineData("system ha", "hbdev", "50 50", "50 50")]
    [InlineData("system ha", "hbdev", "port3", "incomplete command in the end")]
    [InlineData("system ha", "hbdev", "port3 50 port4", "incomplete command in the end")]
    [InlineData("system ha", "hbdev", "port3 port4", "invalid unsigned integer value: port4")]
    [InlineData("system ha", "hbdev", "port3 513", "node_check_object fail! for hbdev 513")]
    [InlineData("system dhcp server/options", "ip", "192.0.2.1 192.0.2.2 192.0.2.1", "192.0.2.1 192.0.2.2 192.0.2.1")]
    [InlineData("system interface", "dhcp-relay-ip", "192.0.2.2 192.0.2.1 192.0.2.2", "192.0.2.2 192.0.2.1 192.0.2.2")]
    [InlineData("system snmp user", "notify-hosts6", "2001:DB8::1 2001:db8:0::1", "2001:db8::1 2001:db8::1")]
    [InlineData("system settings", "sip-udp-port", "5060 5061 5060", "5060 5061 5060")]
    public void Words_are_kept_by_the_kind_of_their_attribute(string table, string attribute, string typed, string expected)
    {
        var schema = table.Split('/') is [var parent, var child]
            ? StoreFolder.Schema.Table(parent)!.Child(child)!
            : StoreFolder.Schema.Table(table)!;
        var (words, error) = ConfigValue.Check(schema.Attribute(attribute)!, typed.Split(' '), null, _ => null);
        Assert.Equal(expected, error?.Lines[0] ?? string.Join(' ', words));
    }

    [Theory]
    [InlineData("append hbdev port5 70", "port3 50 port4 50 port5 70", "")]
    [InlineData("append hbdev port4 90", "port3 50 port4 90", "")]
    [InlineData("append hbdev port5", "port3 50 port4 50", "incomplete command in the end")]
    [InlineData("unselect hbdev port3", "port4 50", "")]
    [InlineData("unselect hbdev 50", "port3 50 port4 50", "entry not found in datasource")]
    public void Pairs_are_added_and_taken_away_by_their_names(string line, string expected, string error)
    {
        var store = _folder.Open();
        var (ignored, _) = store.Restore($"config system ha\nset hbdev \"port3\" 50 \"port4\" 50\n{line}\nend\n");
        Assert.Equal(error, string.Concat(ignored.Select(one => one.Why)));
        Assert.Equal(expected, string.Join(' ', _folder.Open().Current.Object("system ha").Words("hbdev")));
    }

    [Fact]
    public void Repeated_values_of_a_list_and_equal_numbers_of_pairs_outlive_a_restart()
    {
        var store = _folder.Open(
            "config system ha\nset hbdev \"port3\" 50 \"port4\" 50\nend\nconfig system dhcp server\nedit 1\nset interface port1\nconfig options\nedit 1\nset code 42\nset ip 192.0.2.1 192.0.2.2 192.0.2.1\nnext\nend\nnext\nend\nconfig system interface\nedit port1\nnext\nend\n"
        );
        Assert.Equal(["port3", "50", "port4", "50"], _folder.Open().Current.Object("system ha").Words("hbdev"));
        Assert.Equal(
            ["192.0.2.1", "192.0.2.2", "192.0.2.1"],
            _folder.Open().Current.List("system dhcp server").Find("1")!.Children("options").Find("1")!.Words("ip")
        );
        Assert.True(store.IsFirst);
    }
}
