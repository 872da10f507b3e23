using System.Globalization;
using System.Net;
using System.Numerics;
using System.Text;
using Appliance.Firmware.Administrators;
using Appliance.Firmware.Cli;
using Appliance.Firmware.Config;
using Appliance.Hal;

namespace Appliance.Firmware.Commands;

/// <summary>
/// <c>get router info routing-table</c> and <c>get system arp</c>. The routes are those of the configuration that are valid: connected
/// routes of each interface that is up, and static routes through such an interface. The unit forwards no packets, so they apply only to
/// its own.
/// </summary>
internal sealed class RouteCommands(ConfigStore config, IReadOnlyList<GatedNic> nics) : ICommandSource
{
    private const string ArpFile = "/proc/net/arp";
    private const string Vrf = "Routing table for VRF=0\n";

    public IReadOnlyList<CliCommand> Commands =>
        [
            new("get system arp", "Show the ARP table.", Permissions.Network.Read, CliArguments.None, _ => Arp()),
            new("get router info routing-table all", "Show all routes.", Permissions.Routes.Read, CliArguments.None, _ => Table(_ => true)),
            new(
                "get router info routing-table connected",
                "Show connected routes.",
                Permissions.Routes.Read,
                CliArguments.None,
                _ => Vrf + Lines(route => route.IsConnected)
            ),
            new(
                "get router info routing-table static",
                "Show static routes.",
                Permissions.Routes.Read,
                CliArguments.None,
                _ => Vrf + Lines(route => !route.IsConnected)
            ),
            new(
                "get router info routing-table details",
                "Show the routes, or the route of an address in detail: [ADDRESS].",
                Permissions.Routes.Read,
                CliArguments.Optional,
                Details
            ),
        ];

    private string Table(Func<Route, bool> wanted)
    {
        var text = new StringBuilder(
            "Codes: K - kernel, C - connected, S - static, R - RIP, B - BGP\n"
                + "       O - OSPF, IA - OSPF inter area\n"
                + "       N1 - OSPF NSSA external type 1, N2 - OSPF NSSA external type 2\n"
                + "       E1 - OSPF external type 1, E2 - OSPF external type 2\n"
                + "       i - IS-IS, L1 - IS-IS level-1, L2 - IS-IS level-2, ia - IS-IS inter area\n"
        );
        // *Assumed*: from 7.2 on.
        text.Append(Release >= new Version(7, 2) ? "       V - BGP VPNv4\n" : "");
        return text.Append("       * - candidate default\n\n").Append(Vrf).Append(Lines(wanted)).ToString();
    }

    private Version Release => config.Current.Schema.Personality.Release;

    private string Lines(Func<Route, bool> wanted)
    {
        var text = new StringBuilder();
        foreach (var route in Routes().Where(wanted))
        {
            var code =
                route.IsConnected ? "C"
                : route.Target.PrefixLength == 0 ? "S*"
                : "S";
            text.Append(code.PadRight(8)).Append(route.Target);
            text.Append(
                    route switch
                    {
                        { IsConnected: true } => $" is directly connected, {route.Device}",
                        { Gateway: null } => string.Create(
                            CultureInfo.InvariantCulture,
                            $" [{route.Distance}/0] is a summary, Null{Weights(route)}"
                        ),
                        _ => string.Create(
                            CultureInfo.InvariantCulture,
                            $" [{route.Distance}/0] via {route.Gateway}, {route.Device}{Weights(route)}"
                        ),
                    }
                )
                .Append('\n');
        }
        return text.ToString();
    }

    /// <summary>Formats priority and weight, which end a static route from 7.0 on.</summary>
    private string Weights(Route route) =>
        Release.Major >= 7 ? string.Create(CultureInfo.InvariantCulture, $", [{route.Priority}/{route.Weight}]") : "";

    private CliReply Details(CliCall call)
    {
        if (call.Arguments.Count == 0)
        {
            return Table(_ => true);
        }
        if (!IPAddress.TryParse(call.Arguments[0].Split('/')[0], out var address))
        {
            return CliPaths.ParseError(call.Arguments[0]);
        }
        var fitting = Routes().Where(route => route.Target.Contains(address)).ToArray();
        var longest = fitting.Length == 0 ? -1 : fitting.Max(route => route.Target.PrefixLength);
        var text = new StringBuilder();
        foreach (
            var routes in fitting
                .Where(route => route.Target.PrefixLength == longest)
                .GroupBy(route => (route.Target, route.IsConnected, route.Distance))
        )
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $"Routing entry for {routes.Key.Target}\n  Known via \"{(routes.Key.IsConnected ? "connected" : "static")}\", distance {routes.Key.Distance}, metric 0, best\n"
            );
            foreach (var route in routes)
            {
                text.Append(
                    route.IsConnected ? $"  * is directly connected, {route.Device}\n"
                    : route.Gateway is null ? "  * directly connected, Null\n"
                    : $"  * {route.Gateway}, via {route.Device}\n"
                );
            }
            text.Append('\n');
        }
        return text.Length > 0 ? "\n" + Vrf + text : "% Network not in table\n";
    }

    /// <summary>
    /// Returns the routes in force, by destination. Of several to one destination, only the one with the smallest distance.
    /// </summary>
    private IEnumerable<Route> Routes()
    {
        var up = nics.Where(nic => nic.Inner.CanServe).ToArray();
        var connected = up.Select(nic => new Route(Network(nic.Addresses[0], MaskOf(nic)), nic.Name, IsConnected: true));
        var fixedRoutes = config
            .Current.List("router static")
            .Entries.Select(entry => entry.Entry)
            .Where(entry => entry.Enabled("status"))
            .Where(entry =>
                entry.Enabled("blackhole") || (entry.Text("gateway") != "0.0.0.0" && up.Any(nic => nic.Name == entry.Text("device")))
            )
            .Select(entry => new Route(
                Network(IPAddress.Parse(entry.Words("dst")[0]), entry.Words("dst")[1]),
                entry.Text("device"),
                IsConnected: false
            )
            {
                Gateway = entry.Enabled("blackhole") ? null : IPAddress.Parse(entry.Text("gateway")),
                Distance = (int)entry.Number("distance"),
                Priority = (int)entry.Number("priority"),
                Weight = (int)entry.Number("weight"),
            });
        return connected
            .Concat(fixedRoutes)
            .GroupBy(route => route.Target)
            .SelectMany(same => same.Where(route => route.Distance == same.Min(other => other.Distance)))
            .OrderBy(route => Bits(route.Target.BaseAddress))
            .ThenBy(route => route.Target.PrefixLength);
    }

    private string MaskOf(GatedNic nic) =>
        config.Current.List("system interface").Find(nic.Name)?.Words("ip") is [_, var mask] ? mask : "255.255.255.255";

    private static IPNetwork Network(IPAddress address, string mask) =>
        new(
            new IPAddress(BitConverter.GetBytes(IPAddress.HostToNetworkOrder((int)(Bits(address) & Bits(IPAddress.Parse(mask)))))),
            BitOperations.PopCount(Bits(IPAddress.Parse(mask)))
        );

    private static uint Bits(IPAddress address) => (uint)IPAddress.NetworkToHostOrder(BitConverter.ToInt32(address.GetAddressBytes()));

    /// <summary>
    /// Returns the kernel's neighbours on the devices of the board's interfaces. The kernel does not store their age (0 is *assumed*).
    /// </summary>
    private string Arp()
    {
        const int Complete = 2;
        var text = new StringBuilder("Address           Age(min)   Hardware Addr      Interface\n");
        var names = nics.Select(nic => (nic.Name, Device: KernelDevice.Of(nic)?.Name))
            .Where(pair => pair.Device is not null)
            .ToLookup(pair => pair.Device!, pair => pair.Name, StringComparer.Ordinal);
        foreach (var line in names.Count > 0 && File.Exists(ArpFile) ? File.ReadLines(ArpFile).Skip(1) : [])
        {
            if (
                line.Split(' ', StringSplitOptions.RemoveEmptyEntries)
                    is [var address, _, ['0', 'x', .. var flags], var hardware, _, var device]
                && int.TryParse(flags, NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var bits)
                && (bits & Complete) != 0
            )
            {
                foreach (var name in names[device])
                {
                    text.Append(CultureInfo.InvariantCulture, $"{address,-17} {0,-10} {hardware} {name}\n");
                }
            }
        }
        return text.ToString();
    }

    /// <summary>One route in force.</summary>
    private sealed record Route(IPNetwork Target, string Device, bool IsConnected)
    {
        public IPAddress? Gateway { get; init; }
        public int Distance { get; init; }
        public int Priority { get; init; }
        public int Weight { get; init; }
    }
}
