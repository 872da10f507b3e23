using Appliance.Doubles.LastHop;

namespace Appliance.Lab.Composition;

/// <summary>The path of a push through push proxy and providers.</summary>
/// <param name="ProvidersFile">The file with the providers (docs/use/providers.md); null for the lab's test doubles.</param>
/// <param name="Broker">The MQTT broker between test doubles and phones; null for the lab's own.</param>
/// <param name="LabPhones">False if another process has the phones, on the broker (<c>run phones</c>).</param>
internal sealed record PushOptions(string? ProvidersFile = null, MqttAddress? Broker = null, bool LabPhones = true);
