using System.Net.NetworkInformation;
using Appliance.Hal;

namespace Appliance.Firmware.Commands;

/// <summary>The kernel's network device of an interface, found by its address. An interface of the simulator has none.</summary>
internal static class KernelDevice
{
    private const string Unknown = "none";

    /// <summary>Returns the device; null if no device, loopback aside, has its address.</summary>
    internal static NetworkInterface? Of(GatedNic nic)
    {
        try
        {
            return NetworkInterface
                .GetAllNetworkInterfaces()
                .FirstOrDefault(device =>
                    device.NetworkInterfaceType != NetworkInterfaceType.Loopback
                    && device.GetIPProperties().UnicastAddresses.Any(address => address.Address.Equals(nic.Addresses[0]))
                );
        }
        catch (NetworkInformationException)
        {
            return null; // The system reports no devices.
        }
    }

    /// <summary>Returns the kernel driver of a device; <c>none</c> without one.</summary>
    internal static string Driver(NetworkInterface? device)
    {
        var link = $"/sys/class/net/{device?.Name}/device/driver";
        return device is not null && Directory.Exists(link) && Directory.ResolveLinkTarget(link, returnFinalTarget: false) is { } target
            ? target.Name
            : Unknown;
    }

    /// <summary>Returns the hardware address; zeros for an interface without one.</summary>
    internal static string HardwareAddress(NetworkInterface? device)
    {
        var bytes = device?.GetPhysicalAddress().GetAddressBytes() ?? [];
        return string.Join(
            ':',
            (bytes.Length == 6 ? bytes : new byte[6]).Select(part => part.ToString("x2", System.Globalization.CultureInfo.InvariantCulture))
        );
    }
}
