using System.Net;

namespace Appliance.Hal;

/// <summary>Handles an IP packet. The bytes are valid until the handler returns.</summary>
public delegate void TunnelPacketHandler(ReadOnlySpan<byte> packet);

/// <summary>
/// The network behind the tunnels of the SSL VPN: hosts in the process (lab, simulator), or the kernel's through a TUN device (box). It
/// carries IP packets without a guarantee of delivery. All members may be called from any thread.
/// </summary>
public interface ITunnelNetwork : IAsyncDisposable
{
    /// <summary>
    /// Sends an IP packet into the network. Returns immediately: a packet that cannot be carried is lost.
    /// </summary>
    void Send(ReadOnlySpan<byte> packet);

    /// <summary>
    /// Sets the handler of the packets that the network sends to tunnels. Called once, before the first packet. The network may call the
    /// handler from several threads, also from within <see cref="Send"/>.
    /// </summary>
    void Attach(TunnelPacketHandler deliver);

    /// <summary>
    /// Routes the addresses of a pool to the tunnels, or no longer. A network in the process needs no routes.
    /// </summary>
    /// <param name="prefixes">The prefixes of all pools, such as <c>10.212.134.200/32</c>.</param>
    void SetRoutes(IReadOnlyList<IPNetwork> prefixes);
}
