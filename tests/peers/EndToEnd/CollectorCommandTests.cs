using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using Xunit;

namespace Appliance.Tests.EndToEnd;

/// <summary>Commands of collectors against a whole lab with traffic.</summary>
[Trait("Peer", "openfortivpn")]
public sealed class CollectorCommandTests
{
    private static readonly string[] Monitor =
    [
        "config system admin",
        "edit monitor",
        "set accprofile prof_admin",
        "set password Looking-1",
        "next",
        "end",
    ];

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(6)]
    public async Task The_sniffer_shows_a_connection_that_the_unit_serves(int level)
    {
        await using var lab = await TestLab.StartAsync();
        await using var console = await ConsoleClient.ConnectAsync(lab);
        await console.TypeAsync($"diagnose sniffer packet port1 'tcp port 10443' {level} 4");
        await console.ReadToAsync("filters=[tcp port 10443]\n");
        using var client = new TcpClient(AddressFamily.InterNetwork);
        await client.ConnectAsync(IPAddress.Parse(lab.Port1), 10443);
        await client.GetStream().WriteAsync("hello"u8.ToArray());
        await console.ReadToAsync("4 packets received by filter\n0 packets dropped by kernel\n");
        var (from, to) = (Escaped(client.Client.LocalEndPoint!), Regex.Escape($"{lab.Port1}.10443"));
        var (into, outOf) = level < 4 ? ("", "") : (" port1 in", " port1 out");
        Assert.Matches($@"\n\d+\.\d{{6}}{into} {from} -> {to}: syn 0\n", console.Shown);
        Assert.Matches($@"\n\d+\.\d{{6}}{outOf} {to} -> {from}: syn 0 ack 1\n", console.Shown);
        Assert.Matches($@"\n\d+\.\d{{6}}{into} {from} -> {to}: ack 1\n", console.Shown);
        Assert.Matches($@"\n\d+\.\d{{6}}{into} {from} -> {to}: psh 1 ack 1\n", console.Shown);
        if (level is 3 or 6)
        {
            Assert.Matches(@"0x0000\t 0000 0000 0000 0000 0000 0000 0800 4500\t\.{14}E\.\n", console.Shown);
            Assert.Matches(@"6865 6c6c 6f *\t.*hello\n\n", console.Shown);
        }
        else
        {
            Assert.DoesNotContain("0x0000", console.Shown, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task The_sniffer_shows_datagrams_to_a_RADIUS_server_and_no_other_interface()
    {
        await using var lab = await TestLab.StartAsync(fac: "push-without-challenge");
        await using var console = await ConsoleClient.ConnectAsync(lab);
        await using var other = await ConsoleClient.ConnectAsync(lab);
        await console.TypeAsync("diagnose sniffer packet any 'udp and dst port 1812' 4 1");
        await other.TypeAsync("diagnose sniffer packet port4 'udp'", "execute date");
        await console.ReadToAsync("filters=[udp and dst port 1812]\n");
        await other.ReadToAsync("filters=[udp]\n");
        var running = lab.OpenfortivpnAsync("dan", "dan-password");
        await console.ReadToAsync("1 packets received by filter");
        Assert.Matches($@" port1 out {Regex.Escape(lab.Port1)}\.\d+ -> {Regex.Escape(lab.Network)}\.10\.1812: udp \d+\n", console.Shown);
        await other.TypeAsync("\u0003");
        await other.ReadToAsync("0 packets received by filter");
        await lab.PushPendingAsync(TestLab.DanSerial);
        Assert.Equal(200, await lab.AnswerStatusAsync("approve", TestLab.DanSerial));
        Assert.True((await running).Authenticated);
    }

    [Fact]
    public async Task Requests_of_the_management_interface_are_shown_without_their_query()
    {
        await using var lab = await TestLab.StartAsync();
        await using var console = await ConsoleClient.ConnectAsync(lab);
        await console.TypeAsync("diagnose debug application httpsd -1", "diagnose debug enable", "diagnose debug info");
        await console.ReadToAsync("debug output:           enable");
        using var web = new Web(lab);
        using var page = await web.GetAsync($"https://{lab.Port1}:8443/api/v2/monitor/system/status?access_token=secret-of-a-script");
        await console.ReadToAsync("(HTTP 404)");
        Assert.Contains("New GET request for \"/api/v2/monitor/system/status\" from \"127.0.0.1:", console.Shown, StringComparison.Ordinal);
        Assert.DoesNotContain("secret-of-a-script", console.Shown, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_administrator_is_listed_and_can_be_disconnected()
    {
        await using var lab = await TestLab.StartAsync();
        await lab.CliAsync(Monitor);
        await using var console = await ConsoleClient.ConnectAsync(lab, login: true);
        await console.TypeAsync("monitor", "Looking-1");
        await console.ReadToAsync("Welcome!");
        var listed = await lab.CliAsync("get system admin list");
        Assert.Matches(@"\nmonitor   console +N/A +N/A +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\nadmin     console ", listed);

        await lab.CliAsync("execute disconnect-admin-session 0");
        await console.ReadToAsync("Disconnected by an administrator\n\nlab-appliance login: ");
        Assert.DoesNotContain("monitor", await lab.CliAsync("get system admin list"), StringComparison.Ordinal);
        Assert.Contains(
            lab.EventLines(),
            line =>
                line.Contains("logid=\"0100032003\"", StringComparison.Ordinal)
                && line.Contains("user=\"monitor\"", StringComparison.Ordinal)
        );
        await console.TypeAsync("monitor", "Looking-1", "get system admin list");
        await console.ReadToAsync("\nmonitor   console");
    }

    [Fact]
    public async Task Two_administrators_can_disconnect_each_other_at_once()
    {
        await using var lab = await TestLab.StartAsync();
        await lab.CliAsync([
            .. Monitor[..1],
            .. Monitor[1..5],
            "edit watcher",
            "set accprofile prof_admin",
            "set password Looking-2",
            "next",
            "end",
        ]);
        await using var one = await ConsoleClient.ConnectAsync(lab, login: true);
        await using var two = await ConsoleClient.ConnectAsync(lab, login: true);
        await one.TypeAsync("monitor", "Looking-1");
        await one.ReadToAsync("Welcome!");
        await two.TypeAsync("watcher", "Looking-2");
        await two.ReadToAsync("Welcome!");
        await Task.WhenAll(one.TypeAsync("execute disconnect-admin-session 1"), two.TypeAsync("execute disconnect-admin-session 0"));
        // At least one of the two answered in time; none hangs.
        await Until.TrueAsync(
            async () => Regex.Count(await lab.CliAsync("get system admin list"), @"(?m)^(monitor|watcher) ") < 2,
            "a session that ended"
        );
        await lab.CliAsync("execute date");
    }

    [Fact]
    public async Task An_administrator_without_the_right_disconnects_nobody()
    {
        await using var lab = await TestLab.StartAsync();
        await lab.CliAsync([
            "config system accprofile",
            "edit looker",
            "set sysgrp read",
            "set netgrp read",
            "next",
            "end",
            .. Monitor[..2],
            "set accprofile looker",
            .. Monitor[3..],
        ]);
        await using var console = await ConsoleClient.ConnectAsync(lab, login: true);
        await console.TypeAsync(
            "monitor",
            "Looking-1",
            "execute disconnect-admin-session 0",
            "diagnose sniffer packet any",
            "execute api-user generate-key x",
            "get system admin list"
        );
        await console.ReadToAsync("username  local");
        Assert.Equal(3, Regex.Count(console.Shown, "Permission denied."));
    }

    [Fact]
    public async Task Statistics_count_the_connections_of_the_unit()
    {
        await using var lab = await TestLab.StartAsync();
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Parse(lab.Port1), 10443);
        await Until.TrueAsync(
            async () =>
                (await lab.CliAsync("diagnose sys session stat")).Contains("session_count=1 setup_rate=1 ", StringComparison.Ordinal),
            "a connection"
        );
        await lab.AdvanceAsync(1);
        var shown = await lab.CliAsync("diagnose sys session stat");
        Assert.Contains("session_count=1 setup_rate=0 ", shown, StringComparison.Ordinal);
        Assert.Contains("TCP sessions:\n         1 in ESTABLISHED state\n", shown, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_ping_comes_from_the_source_that_was_set()
    {
        await using var lab = await TestLab.StartAsync();
        var shown = await lab.CliAsync(
            $"execute ping-options source {lab.Port2}",
            "execute ping-options repeat-count 1",
            $"execute ping {lab.Port1}",
            "execute ping-options source 192.0.2.1",
            "execute ping-options repeat-count 0"
        );
        Assert.Contains("1 packets transmitted, 1 packets received, 0% packet loss", shown, StringComparison.Ordinal);
        Assert.Contains("command parse error before '192.0.2.1'", shown, StringComparison.Ordinal);
        Assert.Contains("invalid integer value: 0, 1 to 1000", shown, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Static_routes_appear_while_their_interface_is_up()
    {
        await using var lab = await TestLab.StartAsync();
        await lab.CliAsync(
            "config router static",
            "edit 11",
            "set gateway 192.0.2.1",
            "set device port2",
            "next",
            "edit 12",
            "set dst 198.51.100.0/24",
            "set blackhole enable",
            "set distance 254",
            "next",
            "end"
        );
        var shown = await lab.CliAsync("get router info routing-table static", "get router info routing-table details 203.0.113.9");
        Assert.Contains(
            "Routing table for VRF=0\nS*      0.0.0.0/0 [10/0] via 192.0.2.1, port2\nS       198.51.100.0/24 [254/0] is a summary, Null\n",
            shown,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "Routing entry for 0.0.0.0/0\n  Known via \"static\", distance 10, metric 0, best\n  * 192.0.2.1, via port2\n",
            shown,
            StringComparison.Ordinal
        );
        await lab.CliAsync("config system interface", "edit port2", "set status down", "next", "end");
        shown = await lab.CliAsync("get router info routing-table all");
        Assert.DoesNotContain("port2", shown, StringComparison.Ordinal);
        Assert.Contains("198.51.100.0/24", shown, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_generated_key_is_kept_as_a_secret_and_every_key_is_another()
    {
        await using var lab = await TestLab.StartAsync();
        await lab.CliAsync("config system api-user", "edit script", "set accprofile super_admin", "next", "end");
        var keys = new HashSet<string>();
        for (var time = 0; time < 2; time++)
        {
            var shown = await lab.CliAsync("execute api-user generate-key script");
            Assert.Matches(
                "\n\nNew API key: [A-Za-z0-9]{30}\n\nNOTE: The bearer of this API key will be granted all access privileges assigned to the api-user script\\.\n",
                shown
            );
            keys.Add(Regex.Match(shown, "New API key: (.{30})").Groups[1].Value);
        }
        Assert.Equal(2, keys.Count);
        var saved = await File.ReadAllTextAsync(Path.Combine(lab.State, "system.conf"));
        Assert.Contains("set api-key ENC ", saved, StringComparison.Ordinal);
        Assert.DoesNotContain(
            keys,
            key =>
                saved.Contains(key, StringComparison.Ordinal) || lab.EventLines().Any(line => line.Contains(key, StringComparison.Ordinal))
        );
    }

    private static string Escaped(EndPoint end) => Regex.Escape($"{((IPEndPoint)end).Address}.{((IPEndPoint)end).Port}");
}
