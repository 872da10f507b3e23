using System.Net;
using System.Security.Cryptography.X509Certificates;

namespace Appliance.Firmware.Ftm;

/// <summary>Where the push proxy is and whom to believe that it is the one.</summary>
/// <param name="Addresses">Its addresses in the order of preference; the next one is tried when one cannot be reached. Never empty.</param>
/// <param name="TrustedCa">The authority of its certificate; no other is believed.</param>
/// <param name="Name">The name that its certificate must be for.</param>
public sealed record PushProxyOptions(IReadOnlyList<IPEndPoint> Addresses, X509Certificate2 TrustedCa, string Name = PushProxyOptions.DeviceName)
{
    /// <summary>The name on the device (*documented*).</summary>
    public const string DeviceName = "push.fortinet.com";

    /// <summary>The port on the device (*documented*).</summary>
    public const int DevicePort = 443;
}
