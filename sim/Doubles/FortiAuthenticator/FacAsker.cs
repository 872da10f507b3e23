using System.Net;

namespace Appliance.Doubles.FortiAuthenticator;

/// <summary>Fills a span with random bytes; tests generate them from a seed.</summary>
public delegate void FillRandom(Span<byte> destination);

/// <summary>The origin of a request: the client (NAS), its policy, and the address of its user.</summary>
/// <param name="Nas">The client's address.</param>
/// <param name="Policy">The policy for the second factor of its users.</param>
/// <param name="Caller">The user's own address (Calling-Station-Id); the client's if the request has none.</param>
public sealed record FacAsker(IPAddress Nas, FacPolicy Policy, IPAddress Caller);
