using System.Buffers.Binary;
using System.Net;
using Appliance.Firmware.Tunnels.Policy;

namespace Appliance.Doubles.TunnelNetwork;

/// <summary>Builds IPv4 and IPv6 packets without options or extension headers.</summary>
internal static class IpBuilder
{
    /// <summary>The size of an IPv4 header without options, in bytes.</summary>
    internal const int HeadSize4 = 20;

    /// <summary>The size of an IPv6 header, in bytes.</summary>
    internal const int HeadSize6 = 40;

    private const byte HopLimit = 64;
    private static int _identification;

    /// <summary>Returns the size of the IP header for an address family.</summary>
    internal static int HeadSize(IPAddress address) =>
        address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 ? HeadSize6 : HeadSize4;

    /// <summary>Creates a packet with its header and an empty payload.</summary>
    /// <param name="source">The source address.</param>
    /// <param name="destination">The destination address, of the same family.</param>
    /// <param name="protocol">The protocol number.</param>
    /// <param name="size">The size of the payload in bytes.</param>
    internal static byte[] Create(IPAddress source, IPAddress destination, byte protocol, int size)
    {
        var head = HeadSize(source);
        var packet = new byte[head + size];
        if (head == HeadSize6)
        {
            packet[0] = 0x60;
            BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(4), (ushort)size);
            packet[6] = protocol;
            packet[7] = HopLimit;
            source.TryWriteBytes(packet.AsSpan(8), out _);
            destination.TryWriteBytes(packet.AsSpan(24), out _);
            return packet;
        }
        packet[0] = 0x45;
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), (ushort)packet.Length);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(4), (ushort)Interlocked.Increment(ref _identification));
        packet[8] = HopLimit;
        packet[9] = protocol;
        source.TryWriteBytes(packet.AsSpan(12), out _);
        destination.TryWriteBytes(packet.AsSpan(16), out _);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(10), InternetChecksum.Of(packet.AsSpan(0, HeadSize4)));
        return packet;
    }
}
