using System.Net;
using System.Net.Sockets;

namespace Appliance.Hal.Linux;

/// <summary>Finds the address that this machine uses towards another one.</summary>
public static class WayOut
{
    /// <summary>Returns the local address of the system's route to an endpoint. Nothing is sent.</summary>
    /// <exception cref="IOException">There is no route.</exception>
    public static IPAddress To(IPEndPoint remote)
    {
        try
        {
            using var socket = Sockets.New(remote.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
            socket.Connect(remote);
            return ((IPEndPoint)socket.LocalEndPoint!).Address;
        }
        catch (SocketException error)
        {
            throw new IOException($"{remote.Address}: {error.Message}", error);
        }
    }
}
