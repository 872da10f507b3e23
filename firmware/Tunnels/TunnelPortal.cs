using System.Net;
using Appliance.Firmware.Config;
using Appliance.Firmware.Tunnels.Policy;

namespace Appliance.Firmware.Tunnels;

/// <summary>The tunnel settings of one portal, completed by <c>vpn ssl settings</c>. Immutable.</summary>
internal sealed record TunnelPortal
{
    private static readonly string[] DnsAttributes = ["dns-server1", "dns-server2", "ipv6-dns-server1", "ipv6-dns-server2"];

    /// <summary>True if the portal offers tunnels. Release 7.6.3 removed them: always false there.</summary>
    internal bool IsEnabled { get; private init; }

    /// <summary>True if clients get IPv6 addresses too.</summary>
    internal bool IsEnabled6 { get; private init; }

    /// <summary>The IPv4 pool: the portal's, or that of the settings if the portal has none (*assumed* order).</summary>
    internal IReadOnlyList<AddressRange> Pool { get; private init; } = [];

    /// <summary>The IPv6 pool.</summary>
    internal IReadOnlyList<AddressRange> Pool6 { get; private init; } = [];

    /// <summary>True if only some destinations are routed into the tunnel.</summary>
    internal bool Splits { get; private init; }

    /// <summary>The destinations that the portal names; empty to use those of the matching policies.</summary>
    internal IReadOnlyList<AddressRange> Routes { get; private init; } = [];

    /// <summary>True if the named destinations are those that are not routed into the tunnel.</summary>
    internal bool RoutesAreNegated { get; private init; }

    /// <summary>True if only some IPv6 destinations are routed into the tunnel.</summary>
    internal bool Splits6 { get; private init; }

    /// <summary>The IPv6 destinations that the portal names.</summary>
    internal IReadOnlyList<AddressRange> Routes6 { get; private init; } = [];

    /// <summary>The DNS servers: the portal's, or those of the settings (*assumed* order).</summary>
    internal IReadOnlyList<IPAddress> Dns { get; private init; } = [];

    /// <summary>The DNS suffixes, in order.</summary>
    internal IReadOnlyList<string> DnsSuffixes { get; private init; } = [];

    /// <summary>True if <c>limit-user-logins</c> ends the user's older sessions.</summary>
    internal bool LimitsUserLogins { get; private init; }

    /// <summary>Reads the settings of a portal; a portal without tunnels if it does not exist.</summary>
    internal static TunnelPortal From(ConfigTree config, string name)
    {
        var settings = config.Object("vpn ssl settings");
        if (config.List("vpn ssl web portal").Find(name) is not { } portal || portal.Schema.Attribute("tunnel-mode") is null)
        {
            return new TunnelPortal();
        }
        var own = Ranges(config, portal, "ip-pools");
        var own6 = Ranges(config, portal, "ipv6-pools", v6: true);
        var servers = Servers(portal);
        return new TunnelPortal
        {
            IsEnabled = portal.Enabled("tunnel-mode"),
            IsEnabled6 = portal.Enabled("ipv6-tunnel-mode"),
            // DHCP and user-group need servers that the unit does not have: such a portal has no address to assign (*assumed*).
            Pool =
                portal.Text("ip-mode") is not "range" ? []
                : own.Count > 0 ? own
                : Ranges(config, settings, "tunnel-ip-pools"),
            Pool6 = own6.Count > 0 ? own6 : Ranges(config, settings, "tunnel-ipv6-pools", v6: true),
            Splits = portal.Enabled("split-tunneling"),
            Routes = Ranges(config, portal, "split-tunneling-routing-address"),
            RoutesAreNegated =
                portal.Schema.Attribute("split-tunneling-routing-negate") is not null && portal.Enabled("split-tunneling-routing-negate"),
            Splits6 = portal.Enabled("ipv6-split-tunneling"),
            Routes6 = Ranges(config, portal, "ipv6-split-tunneling-routing-address", v6: true),
            Dns = servers.Count > 0 ? servers : Servers(settings),
            DnsSuffixes =
            [
                .. (portal.Text("dns-suffix") is { Length: > 0 } suffix ? suffix : settings.Text("dns-suffix")).Split(
                    [' ', ';'],
                    StringSplitOptions.RemoveEmptyEntries
                ),
            ],
            LimitsUserLogins = portal.Enabled("limit-user-logins"),
        };
    }

    private static IReadOnlyList<AddressRange> Ranges(ConfigTree config, ConfigObject entry, string attribute, bool v6 = false) =>
        entry.Schema.Attribute(attribute) is null ? [] : AddressSet.Of(config, entry.Words(attribute), v6).Ranges;

    private static IReadOnlyList<IPAddress> Servers(ConfigObject entry) =>
        [
            .. DnsAttributes
                .Where(attribute => entry.Schema.Attribute(attribute) is not null)
                .Select(attribute => IPAddress.TryParse(entry.Text(attribute), out var server) ? server : IPAddress.Any)
                .Where(server => !server.Equals(IPAddress.Any) && !server.Equals(IPAddress.IPv6Any)),
        ];
}
