using System.Text.RegularExpressions;
using Appliance.Firmware.Config;
using Xunit;

namespace Appliance.Tests.Cli;

/// <summary>
/// Collectors parse command output: every line matches one of their expressions, and the records are complete. The expressions follow the
/// TextFSM templates of networktocode/ntc-templates (Apache-2.0), where a line without a match is an error.
/// </summary>
public sealed class CollectorPatternTests
{
    private const string Blank = @"^\s*$";
    private const string Ip = @"\d+\.\d+\.\d+\.\d+";
    private const string Mac = "[a-zA-Z0-9]{2}(:[a-zA-Z0-9]{2}){5}";

    public static TheoryData<string> Releases => [.. Personality.All.Select(personality => personality.Name)];

    [Theory]
    [MemberData(nameof(Releases))]
    public async Task Every_line_fits_the_patterns_of_ntc_templates(string release)
    {
        await using var unit = await TranscriptUnit.StartAsync(Personality.Find(release)!);

        Assert.Empty(
            await RecordsAsync(
                unit,
                "get system arp",
                [@"^Address\s+Age\(min\)\s+Hardware\s+Addr\s+Interface\s*$", Blank],
                $@"^(?<address>{Ip})\s+(?<age>\d+)\s+(?<mac>\S+)\s+(?<interface>.*)"
            )
        );

        var routes = await RecordsAsync(
            unit,
            "get router info routing-table all",
            [".*"],
            @"^\s*(?<type>.{7})\s*(?<destination>(\d+\.){3}\d+\/\d+)\s+(\[(?<distance>\d+)/(?<metric>\d+)\]\s+)?(?<gateway>.*?(?=,))\,\s*(?<interface>\S+)(\s*\,\s*(?<updated>\S+))?\s*$"
        );
        Assert.Equal(["port1", "port2", "port3", "port4"], routes.Select(route => route.Groups["interface"].Value));
        Assert.All(routes, route => Assert.Equal("is directly connected", route.Groups["gateway"].Value));

        var ha = await RecordsAsync(
            unit,
            "get system ha status",
            [
                @"^HA\s+Health\s+Status:\s+\S+(?:.*)",
                @"^Model:\s+\S+",
                @"^Group:\s+\S+",
                @"^Debug:\s+\d+",
                @"^Cluster\s+Uptime:\s+[\S\s]+",
                @"^Cluster\s+state\s+change\s+time:\s+[\S\s]+",
                @"^ses_pickup:\s+\S+,\s+ses_pickup_delay=\S+",
                @"^override:\s+\S+",
                @"^System\s+Usage\s+stats:",
                @"^HBDEV\s+stats:",
                @"^number\s+of\s+vcluster:\s+\d+",
                Blank,
            ],
            @"^Mode:\s+(?<mode>[\S\s]+)"
        );
        Assert.Equal("Standalone", Assert.Single(ha).Groups["mode"].Value);

        Assert.Equal(
            ["port1", "port2", "port3", "port4"],
            (
                await RecordsAsync(
                    unit,
                    "get hardware nic",
                    [@"^The\s+following\s+NICs\s+are\s+available:\s*$", Blank],
                    @"^\s*(?<nic>\S+)\s*$"
                )
            ).Select(nic => nic.Groups["nic"].Value)
        );
        await NicAsync(unit, "get hardware nic port1");
        await NicAsync(unit, "diagnose hardware deviceinfo nic port1");

        var processes = await RecordsAsync(
            unit,
            "diagnose sys top 1 20 1",
            [
                @"^\s*Run\s+Time:\s+\d+\s+days,\s+\d+\s+hours\s+and\s+\d+\s+minutes\s*$",
                @"^\s*\d+U(,\s+\d+N)?,\s+\d+S,\s+\d+I(,\s+\d+WA)?(,\s+\d+HI)?(,\s+\d+SI)?(,\s+\d+ST)?;\s+\d+T,\s+\d+F(,\s+\d+KF)?\s*$",
                Blank,
            ],
            @"^\s*(?<name>\S+)\s+(?<id>\d+)\s+(?<state>(R|S|Z|D)(\s+(<|N))?)\s+(?<cpu>\d+\.\d+)\s+(?<memory>\d+\.\d+)(\s+(?<core>\d+))?\s*$"
        );
        Assert.Equal(Environment.ProcessId.ToString(), Assert.Single(processes).Groups["id"].Value);

        Assert.Empty(
            await RecordsAsync(
                unit,
                "execute dhcp lease-list",
                [@"^\s*IP\s+MAC-Address\s+Hostname\s+VCI\s+SSID\s+AP\s+Expiry\s*$", Blank],
                @"^\s*(?<ip>\S+)\s+(?<mac>([a-f0-9]{2}:){5}[a-f0-9]{2})\s+.*$"
            )
        );

        const string Trace =
            @"^\s*traceroute\s+to\s+\S+\s+\(.*?\),\s+\d+\s+hops\s+max,\s+\d+\s+probe\s+packets\s+per\s+hop,\s+\d+\s+byte\s+packets\s*$";
        const string Hop = @"^\s*(?<hop>\d+)(?:\s+(?<address>(?!\*(?:\s+\*)*)\S+))?\s+(?<details>.*)\s*$";
        Assert.Equal(
            "127.0.1.3",
            Assert.Single(await RecordsAsync(unit, "execute traceroute 127.0.1.3", [Trace, Blank], Hop)).Groups["address"].Value
        );
        Assert.All(
            await RecordsAsync(unit, "execute traceroute 192.0.2.1", [Trace, Blank], Hop),
            hop => Assert.Equal("", hop.Groups["address"].Value)
        );

        Assert.Equal(
            "never",
            Assert
                .Single(
                    await RecordsAsync(
                        unit,
                        "execute time",
                        [@"^\s*current\s+time\s+is:\s+\d{2}:\d{2}:\d{2}\s*$", Blank],
                        @"^\s*last\s+ntp\s+sync:\s+(?<sync>.*?)\s*$"
                    )
                )
                .Groups["sync"]
                .Value
        );

        var interfaces = await RecordsAsync(
            unit,
            "get system interface",
            [@"^==\s+\[\s+\S+\s\]$", @"^name:\s+\S+\s+ip:.*type:\s+(tunnel|vlan|loopback).*$", Blank],
            @"^name:\s+(?<name>\S+)\s+mode:\s+\S+\s+ip:\s+(?<ip>\S+)\s+\S+\s+status:\s+\S+\s+netbios-forward:\s+\S+\s+type:\s+\S+\s+netflow-sampler:\s+\S+\s+sflow-sampler:\s+\S+\s+src-check:\s+\S+\s+explicit-web-proxy:\s+\S+\s+"
                + @"explicit-ftp-proxy:\s+\S+\s+proxy-captive-portal:\s+\S+\s+mtu-override:\s+\S+\s+wccp:\s+\S+\s+drop-overlapped-fragment:\s+(?<overlapped>\S+)\s+drop-fragment:\s+(?<fragment>\S+)\s*$"
        );
        Assert.Equal(4, interfaces.Count(found => found.Groups["name"].Value.StartsWith("port", StringComparison.Ordinal)));
        Assert.All(
            interfaces,
            found => Assert.Equal(("disable", "disable"), (found.Groups["overlapped"].Value, found.Groups["fragment"].Value))
        );
    }

    /// <summary>Verifies that the words by which oxidized keeps or drops lines are in the output.</summary>
    [Fact]
    public async Task Lines_that_oxidized_looks_for_are_there()
    {
        await using var unit = await TranscriptUnit.StartAsync(Personality.Default);
        Assert.Matches(
            @"Power Supply +Status",
            await unit.Lab.TranscriptAsync("diagnose hardware deviceinfo psu\n", TestContext.Current.CancellationToken)
        );
        Assert.Matches(
            @"(?m)^Interface \w.*Transceiver is not detected",
            await unit.Lab.TranscriptAsync("get system interface transceiver\n", TestContext.Current.CancellationToken)
        );
        Assert.Matches(
            @"FDS Address\n---------\n.*\n",
            await unit.Lab.TranscriptAsync("diagnose autoupdate version\n", TestContext.Current.CancellationToken)
        );
    }

    private static async Task NicAsync(TranscriptUnit unit, string command)
    {
        var records = await RecordsAsync(
            unit,
            command,
            [
                @"^Description\s*:.+\s*$",
                @"^Driver\s+Name\s*:.+\s*$",
                @"^Board\s*:\w+\s*$",
                @"^lif\s+id\s*:\d+\s*$",
                @"^lif\s+oid\s*:\d+\s*$",
                @"^netdev\s+oid\s*:\d+\s*$",
                $@"^Current_HWaddr\s*{Mac}\s*$",
                $@"^Permanent_HWaddr\s*{Mac}\s*$",
                @"^=+\s+Link\s+Status\s+=+",
                @"^Admin\s*:\S+\s*$",
                @"^netdev\s+status\s*:\S+\s*$",
                @"^autonego_setting\s*:\d+\s*$",
                @"^Speed\s*:\d+\s*$",
                @"^Duplex\s*:\S+\s*$",
                Blank,
            ],
            @"^link_status\s*:(?<link>\S+)\s*$"
        );
        Assert.Equal("Up", Assert.Single(records).Groups["link"].Value);
    }

    /// <summary>The lines that fit the record's expression; a line that fits none at all fails the test.</summary>
    private static async Task<IReadOnlyList<Match>> RecordsAsync(TranscriptUnit unit, string command, string[] others, string record)
    {
        var shown = await unit.Lab.TranscriptAsync(command + "\n", TestContext.Current.CancellationToken);
        var lines = shown.Split('\n')[1..^1];
        Assert.NotEmpty(string.Concat(lines));
        var found = new List<Match>();
        foreach (var line in lines)
        {
            if (Regex.Match(line, record) is { Success: true } match)
            {
                found.Add(match);
            }
            else
            {
                Assert.True(others.Any(other => Regex.IsMatch(line, other)), $"{command}: '{line}' fits no pattern");
            }
        }
        return found;
    }
}
