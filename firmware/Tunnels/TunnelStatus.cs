using System.Net;
using Appliance.Firmware.Vpn;

namespace Appliance.Firmware.Tunnels;

/// <summary>One open tunnel, for lists.</summary>
/// <param name="Session">The session.</param>
/// <param name="Address">The client's IPv4 address in the tunnel.</param>
/// <param name="Address6">The client's IPv6 address in the tunnel; null without IPv6.</param>
/// <param name="Transport"><c>TLS</c> or <c>DTLS</c>.</param>
/// <param name="IsUp">True while IPv4 packets pass.</param>
/// <param name="Began">The time at which the tunnel was opened.</param>
/// <param name="Traffic">The traffic up to now.</param>
public sealed record TunnelStatus(
    VpnSession Session,
    IPAddress Address,
    IPAddress? Address6,
    string Transport,
    bool IsUp,
    DateTimeOffset Began,
    TunnelTraffic Traffic
);
