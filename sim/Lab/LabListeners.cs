using System.Net;
using Appliance.Firmware;
using Appliance.Hal;
using Appliance.Hal.Linux;
using Microsoft.AspNetCore.Connections;

namespace Appliance.Sim.Lab;

/// <summary>The lab's own listeners (its API, its mail server, the FortiAuthenticator emulator), which share one bound of connections.</summary>
/// <param name="limit">The bound; null for any number.</param>
public sealed class LabListeners(ConnectionLimit? limit = null) : IConnectionListenerFactory
{
    /// <inheritdoc/>
    /// <exception cref="AddressInUseException">The port is taken, or the address is not one of this machine.</exception>
    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) =>
        new(NicAt("lab", ((IPEndPoint)endpoint).Address).Listen(((IPEndPoint)endpoint).Port));

    /// <summary>An interface at an address whose connections count.</summary>
    internal SocketNic NicAt(string name, IPAddress address) => new(name, address) { Limit = limit };
}

/// <summary>How the descriptors of the tool's process are shared out between the appliance and the lab's own listeners.</summary>
internal static class LabConnections
{
    /// <summary>
    /// Descriptors for anything but connections that are accepted: libraries (two each), files, the databases, outgoing connections of appliance,
    /// emulator and phones, threads. A lab has 150 more open when it is ready than when this is asked, and 40 more at work.
    /// </summary>
    private const int Reserve = 320;

    private const int LabMost = 1000;
    private const int LabLeast = 4;

    /// <summary>The bound of the lab's own listeners, and how many connections are left for the appliance.</summary>
    /// <exception cref="TooFewDescriptorsException">The limit of open files is too low.</exception>
    internal static (ConnectionLimit Lab, int Unit) Share()
    {
        var all = Descriptors.Connections(Reserve, UnitOptions.ConnectionsMost + LabMost);
        var lab = Math.Clamp(all / 8, LabLeast, LabMost);
        return (new ConnectionLimit(lab, lab), all - lab);
    }

    /// <summary>The bound of the lab's own listeners where no appliance is in the process.</summary>
    /// <exception cref="TooFewDescriptorsException">The limit of open files is too low.</exception>
    internal static ConnectionLimit All()
    {
        var all = Descriptors.Connections(Reserve, UnitOptions.ConnectionsMost);
        return new ConnectionLimit(all, all);
    }
}
