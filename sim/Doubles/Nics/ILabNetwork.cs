using System.Net;
using Appliance.Hal;
using Appliance.Hal.Linux;

namespace Appliance.Doubles.Nics;

/// <summary>The network of a lab: sockets of this machine, or memory.</summary>
public interface ILabNetwork
{
    /// <summary>Returns an interface of the unit, or of its clients.</summary>
    INic Nic(string name, IPAddress address);

    /// <summary>Returns an interface of one of the lab's own servers, which share one connection limit.</summary>
    INic ServerNic(string name, IPAddress address);

    /// <summary>Returns true if a server of the lab can listen at an address.</summary>
    bool IsLocal(IPAddress address);
}

/// <summary>Sockets. Servers of the lab listen at loopback addresses only.</summary>
/// <param name="listeners">The listeners with the connection limit of the lab's own servers.</param>
public sealed class SocketNetwork(LabListeners listeners) : ILabNetwork
{
    /// <inheritdoc/>
    public INic Nic(string name, IPAddress address) => new SocketNic(name, address);

    /// <inheritdoc/>
    public INic ServerNic(string name, IPAddress address) => listeners.NicAt(name, address);

    /// <inheritdoc/>
    public bool IsLocal(IPAddress address) => IPAddress.IsLoopback(address);
}
