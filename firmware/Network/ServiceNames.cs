using System.Net;
using Appliance.Firmware.Certificates;
using Appliance.Firmware.Config;
using Appliance.Firmware.Ftm;
using Appliance.Hal;

namespace Appliance.Firmware.Network;

/// <summary>
/// The names in each service's certificate: the serial number, the interfaces' addresses, and for the callback the public address that
/// phones receive. The host name is not included, because renaming a unit must not break the clients' pinned certificates.
/// </summary>
internal sealed class ServiceNames(string serialNumber, IReadOnlyList<GatedNic> nics) : IConfigSubscriber
{
    private volatile CertificateNames _callback = Of(serialNumber, nics, null);
    private volatile CertificateNames _others = Of(serialNumber, nics, null);

    /// <inheritdoc/>
    public ConfigError? Apply(ConfigTree previous, ConfigTree next)
    {
        _others = Of(serialNumber, nics, null); // The addresses are already those of this configuration.
        var push = FtmPushSettings.From(next);
        _callback = Of(serialNumber, nics, push.Usable ? push.CallbackHost : null);
        return null;
    }

    /// <summary>Returns the names of a service.</summary>
    internal CertificateNames Of(string service) => service == Listeners.Ftm ? _callback : _others;

    private static CertificateNames Of(string serialNumber, IReadOnlyList<GatedNic> nics, string? callbackHost)
    {
        var addresses = nics.SelectMany(nic => nic.Addresses).Where(address => !address.Equals(IPAddress.Any)).ToList();
        if (IPAddress.TryParse(callbackHost, out var address))
        {
            return new CertificateNames([serialNumber], addresses.Contains(address) ? addresses : [.. addresses, address]);
        }
        return new CertificateNames(callbackHost is null ? [serialNumber] : [serialNumber, callbackHost], addresses);
    }
}
