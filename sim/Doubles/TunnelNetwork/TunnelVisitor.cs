using System.Net;

namespace Appliance.Doubles.TunnelNetwork;

/// <summary>The user behind a tunnel address, as the HTTP page in the tunnel shows it.</summary>
/// <param name="User">The user's name.</param>
/// <param name="Group">The deciding group.</param>
/// <param name="TunnelId">The number of the session.</param>
/// <param name="Address">The tunnel address.</param>
public sealed record TunnelVisitor(string User, string Group, uint TunnelId, IPAddress Address);
