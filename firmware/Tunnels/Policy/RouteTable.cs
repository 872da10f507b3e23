using System.Collections.Immutable;
using System.Net;
using Appliance.Firmware.Config;

namespace Appliance.Firmware.Tunnels.Policy;

/// <summary>The connected networks and the static routes of a configuration. Immutable.</summary>
internal sealed class RouteTable
{
    /// <summary>No route.</summary>
    internal static RouteTable Empty { get; } = new([]);

    private readonly IReadOnlyList<(AddressRange Network, int Distance, string Interface)> _routes;

    private RouteTable(IEnumerable<(AddressRange Network, int Distance, string Interface)> routes) =>
        _routes = [.. routes.OrderBy(route => route.Network.Span).ThenBy(route => route.Distance)];

    /// <summary>Reads the routes of a configuration. IPv6 has the default route of the first interface (*assumed*).</summary>
    internal static RouteTable From(ConfigTree config)
    {
        var routes = new List<(AddressRange, int, string)>();
        foreach (var (name, nic) in config.List("system interface").Entries)
        {
            if (nic.Text("status") != "down" && Range(nic.Words("ip")) is { } connected && !connected.Contains(IPAddress.Any))
            {
                routes.Add((connected, 0, name));
            }
        }
        foreach (var (_, route) in config.List("router static").Entries)
        {
            if (route.Enabled("status") && !route.Enabled("blackhole") && Range(route.Words("dst")) is { } network)
            {
                routes.Add((network, (int)route.Number("distance"), route.Text("device")));
            }
        }
        return new RouteTable(routes);
    }

    /// <summary>The interface of the most specific route to an address; "" without a route.</summary>
    internal string Interface(IPAddress address)
    {
        foreach (var (network, _, name) in _routes)
        {
            if (network.Contains(address))
            {
                return name;
            }
        }
        return "";
    }

    private static AddressRange? Range(ImmutableArray<string> subnet) =>
        subnet is [var network, var mask] ? AddressSet.Subnet(network, mask) : null;
}
