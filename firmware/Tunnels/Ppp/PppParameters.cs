using System.Net;

namespace Appliance.Firmware.Tunnels.Ppp;

/// <summary>The values that a tunnel's PPP link negotiates.</summary>
/// <param name="Own">The unit's own IPv4 address in the link. A peer may replace it.</param>
/// <param name="Assigned">The IPv4 address that the peer gets.</param>
/// <param name="Assigned6">The IPv6 address that the peer gets; null without IPv6.</param>
/// <param name="Dns">DNS servers; IPCP offers the first two IPv4 addresses among them.</param>
internal sealed record PppParameters(IPAddress Own, IPAddress Assigned, IPAddress? Assigned6, IReadOnlyList<IPAddress> Dns)
{
    /// <summary>True to repeat the own address however often the peer refuses it (fault <c>tunnel.ppp-insist</c>).</summary>
    internal bool InsistsOnOwnAddress { get; init; }

    /// <summary>The MRU that this side requests; null for none, as on a device (fault <c>tunnel.mru</c>).</summary>
    internal ushort? RequestedMru { get; init; }
}

/// <summary>The cause of a link's end.</summary>
internal enum PppEnd
{
    /// <summary>The link has not ended.</summary>
    None,

    /// <summary>The peer terminated the link.</summary>
    ByPeer,

    /// <summary>The unit terminated the link.</summary>
    ByUnit,

    /// <summary>The two sides did not agree on options, or the peer did not answer.</summary>
    NegotiationFailed,
}

/// <summary>The content of a received packet.</summary>
internal enum PppContent
{
    /// <summary>A control packet, or a packet that was discarded.</summary>
    None,

    /// <summary>An IPv4 packet for the far side.</summary>
    Ipv4,

    /// <summary>An IPv6 packet for the far side.</summary>
    Ipv6,
}
