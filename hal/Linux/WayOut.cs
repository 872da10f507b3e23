using System.Net;
using System.Net.Sockets;

namespace Appliance.Hal.Linux;

/// <summary>Which address of this machine the system would use on the way to another.</summary>
public static class WayOut
{
    /// <summary>Asks the system's routes; nothing is sent.</summary>
    /// <exception cref="IOException">No way leads there.</exception>
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
