namespace Appliance.Sim.Providers;

/// <summary>What a double is told to do with a request in place of serving it.</summary>
/// <param name="Status">The HTTP status that it answers with; 0 never answers.</param>
/// <param name="RetryAfter">With 429 and 503: what it asks for.</param>
public sealed record ProviderFault(int Status, TimeSpan? RetryAfter = null);

/// <summary>Asked before each request: the provider (<c>apns</c>, <c>fcm</c>), the phone's token and the body; null serves it as the rules have it.</summary>
public delegate ProviderFault? ProviderFaults(string provider, string deviceToken, ReadOnlyMemory<byte> body);
