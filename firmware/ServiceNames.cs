using System.Net;
using Appliance.Firmware.Certificates;
using Appliance.Firmware.Config;
using Appliance.Firmware.Ftm;
using Appliance.Hal;

namespace Appliance.Firmware;

/// <summary>
/// The names on each service's certificate: the serial number and the interfaces' addresses, and for the callback the public
/// address that phones are told. The host name is not among them: renaming a unit must not break what clients have pinned.
/// </summary>
internal sealed class ServiceNames(string serialNumber, IReadOnlyList<GatedNic> nics) : IConfigSubscriber
{
    private volatile CertificateNames _callback = Of(serialNumber, nics, null);
    private readonly CertificateNames _others = Of(serialNumber, nics, null);

    /// <inheritdoc/>
    public ConfigError? Apply(ConfigTree previous, ConfigTree next)
    {
        var push = FtmPushSettings.From(next);
        _callback = Of(serialNumber, nics, push.Usable && IPAddress.TryParse(push.ServerIp, out var address) ? address : null);
        return null;
    }

    /// <summary>The names of a service.</summary>
    internal CertificateNames Of(string service) => service == Listeners.Ftm ? _callback : _others;

    private static CertificateNames Of(string serialNumber, IReadOnlyList<GatedNic> nics, IPAddress? publicAddress)
    {
        var addresses = nics.SelectMany(nic => nic.Addresses).ToList();
        if (publicAddress is not null && !addresses.Contains(publicAddress))
        {
            addresses.Add(publicAddress);
        }
        return new CertificateNames(serialNumber, addresses);
    }
}
