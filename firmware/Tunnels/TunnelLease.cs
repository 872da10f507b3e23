using System.Net;

namespace Appliance.Firmware.Tunnels;

/// <summary>The addresses that a session's tunnel has. They are reserved until the session ends.</summary>
/// <param name="Address">The IPv4 address.</param>
/// <param name="Address6">The IPv6 address; null without IPv6.</param>
internal sealed record TunnelLease(IPAddress Address, IPAddress? Address6);
