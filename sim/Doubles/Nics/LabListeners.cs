using System.Net;
using Appliance.Firmware;
using Appliance.Hal;
using Appliance.Hal.Linux;
using Microsoft.AspNetCore.Connections;

namespace Appliance.Doubles.Nics;

/// <summary>
/// The lab's own listeners (its API, its mail server, the FortiAuthenticator emulator), which share one connection limit.
/// </summary>
/// <param name="limit">The limit; null for any number of connections.</param>
public sealed class LabListeners(ConnectionLimit? limit = null) : IConnectionListenerFactory
{
    /// <inheritdoc/>
    /// <exception cref="AddressInUseException">The port is in use, or the address does not belong to this machine.</exception>
    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) =>
        new(NicAt("lab", ((IPEndPoint)endpoint).Address).Listen(((IPEndPoint)endpoint).Port));

    /// <summary>Returns an interface at an address whose connections count towards the limit.</summary>
    internal SocketNic NicAt(string name, IPAddress address) => new(name, address) { Limit = limit };
}

/// <summary>The division of the process's file descriptors between the appliance and the lab's own listeners.</summary>
internal static class LabConnections
{
    /// <summary>
    /// Descriptors for everything but accepted connections: libraries (two each), files, the databases, outgoing connections of appliance,
    /// emulator and phones, threads. A lab has 150 more open when it is ready than when this value is used, and 40 more under load.
    /// </summary>
    private const int Reserve = 320;

    private const int LabMost = 1000;
    private const int LabLeast = 4;

    /// <summary>Returns the limit of the lab's own listeners, and the number of connections left for the appliance.</summary>
    /// <exception cref="TooFewDescriptorsException">The limit of open files is too low.</exception>
    internal static (ConnectionLimit Lab, int Unit) Share()
    {
        var all = Descriptors.Connections(Reserve, UnitOptions.ConnectionsMost + LabMost);
        var lab = Math.Clamp(all / 8, LabLeast, LabMost);
        return (new ConnectionLimit(lab, lab), all - lab);
    }

    /// <summary>Returns the limit of the lab's own listeners if no appliance is in the process.</summary>
    /// <exception cref="TooFewDescriptorsException">The limit of open files is too low.</exception>
    internal static ConnectionLimit All()
    {
        var all = Descriptors.Connections(Reserve, UnitOptions.ConnectionsMost);
        return new ConnectionLimit(all, all);
    }
}
