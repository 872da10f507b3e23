using Microsoft.AspNetCore.Http;

namespace Appliance.Firmware.Vpn;

/// <summary>The part of the SSL VPN that carries a session's traffic. <see cref="VpnEndpoint"/> has checked the session's cookie.</summary>
public interface ITunnelService
{
    /// <summary>Answers <c>GET /remote/fortisslvpn_xml</c>: the addresses, routes and DNS servers of the session's tunnel.</summary>
    Task ConfigureAsync(HttpContext context, VpnSession session);

    /// <summary>
    /// Answers <c>GET /remote/sslvpn-tunnel</c>. On success it writes no HTTP answer: the connection carries PPP frames, and the task
    /// completes when the tunnel has ended. A refusal is an HTTP answer.
    /// </summary>
    Task ServeAsync(HttpContext context, VpnSession session);
}
