namespace Appliance.Doubles.Providers;

/// <summary>The behaviour of a provider's test double that replaces serving a request.</summary>
/// <param name="Status">The HTTP status of the answer; 0 never answers.</param>
/// <param name="RetryAfter">With 429 and 503, the wait that the answer requests; null for none.</param>
public sealed record ProviderFault(int Status, TimeSpan? RetryAfter = null);

/// <summary>
/// Returns the fault of a request: by the provider (<c>apns</c>, <c>fcm</c>), the phone's token and the body. Null serves the request by
/// the rules.
/// </summary>
public delegate ProviderFault? ProviderFaults(string provider, string deviceToken, ReadOnlyMemory<byte> body);
