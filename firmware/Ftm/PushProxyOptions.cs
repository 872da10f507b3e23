using System.Net;
using System.Security.Cryptography.X509Certificates;

namespace Appliance.Firmware.Ftm;

/// <summary>The addresses of the push proxy and the identity that it must prove.</summary>
/// <param name="Addresses">Its addresses in order of preference; the next one is tried if one cannot be reached. Never empty.</param>
/// <param name="TrustedCa">The CA that issued its certificate; no other is trusted.</param>
/// <param name="Name">The name that its certificate must be for.</param>
public sealed record PushProxyOptions(
    IReadOnlyList<IPEndPoint> Addresses,
    X509Certificate2 TrustedCa,
    string Name = PushProxyOptions.DeviceName
)
{
    /// <summary>The name on the device (*documented*).</summary>
    public const string DeviceName = "push.fortinet.com";

    /// <summary>The port on the device (*documented*).</summary>
    public const int DevicePort = 443;
}
