using Appliance.Firmware.Vpn;

namespace Appliance.Firmware.Tunnels;

/// <summary>The identity of a session of the SSL VPN.</summary>
internal readonly record struct SessionKey(uint TunnelId, DateTimeOffset Began)
{
    internal static SessionKey Of(VpnSession session) => new(session.TunnelId, session.Began);
}

/// <summary>The tunnel state of one session: its addresses, and its tunnel while it is connected.</summary>
/// <param name="session">The session.</param>
/// <param name="lease">The reserved addresses.</param>
internal sealed class TunnelSession(VpnSession session, TunnelLease lease)
{
    /// <summary>The session.</summary>
    internal VpnSession Session { get; } = session;

    /// <summary>The reserved addresses.</summary>
    internal TunnelLease Lease { get; } = lease;

    /// <summary>The open tunnel; null before the first one and between two.</summary>
    internal Tunnel? Tunnel { get; set; }

    /// <summary>True once a tunnel was opened. Without <c>tunnel-connect-without-reauth</c> there is no second one.</summary>
    internal bool WasUsed { get; set; }

    /// <summary>The end of the time in which the client may connect again; null while it is connected.</summary>
    internal DateTimeOffset? KeptUntil { get; set; }

    /// <summary>The traffic at the last tick, to notice use.</summary>
    internal long SeenBytes { get; set; }
}
