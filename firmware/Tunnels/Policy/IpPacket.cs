using System.Buffers.Binary;
using System.Net;

namespace Appliance.Firmware.Tunnels.Policy;

/// <summary>IP protocol numbers (IANA "Protocol Numbers").</summary>
public static class IpProtocol
{
    public const byte Icmp = 1;
    public const byte Tcp = 6;
    public const byte Udp = 17;
    public const byte IcmpV6 = 58;
}

/// <summary>The fields of an IP packet that a policy evaluates. Created by <see cref="TryRead"/> only, so the fields are within the packet.</summary>
public readonly record struct IpPacket
{
    private const int HeadSize4 = 20;
    private const int HeadSize6 = 40;
    private const int ExtensionsMax = 8;
    private const int FragmentOffsetMask = 0x1fff;
    private const byte Fin = 1;
    private const byte Rst = 4;

    /// <summary>The source address.</summary>
    public required IPAddress Source { get; init; }

    /// <summary>The destination address.</summary>
    public required IPAddress Destination { get; init; }

    /// <summary>The protocol number behind IPv6 extension headers.</summary>
    public required byte Protocol { get; init; }

    /// <summary>The source port (TCP, UDP) or the identifier (ICMP echo); otherwise 0.</summary>
    public ushort SourcePort { get; init; }

    /// <summary>The destination port (TCP, UDP) or the identifier (ICMP echo); otherwise 0.</summary>
    public ushort DestinationPort { get; init; }

    /// <summary>The ICMP type; 0 for other protocols.</summary>
    public byte IcmpType { get; init; }

    /// <summary>True for a TCP segment with FIN.</summary>
    public bool IsFin { get; init; }

    /// <summary>True for a TCP segment with RST.</summary>
    public bool IsReset { get; init; }

    /// <summary>True for a fragment behind the first one, which has no ports.</summary>
    public bool IsLaterFragment { get; init; }

    /// <summary>The offset of the transport header in bytes.</summary>
    public int TransportOffset { get; init; }

    /// <summary>Reads a packet. False if it is malformed; such a packet is dropped.</summary>
    public static bool TryRead(ReadOnlySpan<byte> packet, out IpPacket read)
    {
        read = default;
        return packet.Length >= HeadSize4
            && (packet[0] >> 4) switch
            {
                4 => TryRead4(packet, out read),
                6 => TryRead6(packet, out read),
                _ => false,
            };
    }

    private static bool TryRead4(ReadOnlySpan<byte> packet, out IpPacket read)
    {
        read = default;
        var head = (packet[0] & 0xf) * 4;
        int total = BinaryPrimitives.ReadUInt16BigEndian(packet[2..]);
        if (head < HeadSize4 || total < head || total > packet.Length)
        {
            return false;
        }
        var later = (BinaryPrimitives.ReadUInt16BigEndian(packet[6..]) & FragmentOffsetMask) != 0;
        read = new IpPacket
        {
            Source = new IPAddress(packet[12..16]),
            Destination = new IPAddress(packet[16..20]),
            Protocol = packet[9],
            IsLaterFragment = later,
            TransportOffset = head,
        };
        return later || TryTransport(packet[head..total], ref read);
    }

    private static bool TryRead6(ReadOnlySpan<byte> packet, out IpPacket read)
    {
        read = default;
        if (packet.Length < HeadSize6)
        {
            return false;
        }
        var total = HeadSize6 + BinaryPrimitives.ReadUInt16BigEndian(packet[4..]);
        if (total > packet.Length)
        {
            return false;
        }
        var (protocol, at, later) = (packet[6], HeadSize6, false);
        // Hop-by-hop options, routing and destination options have a length in units of 8 bytes; a fragment header has 8 bytes (RFC 8200).
        for (var extensions = 0; protocol is 0 or 43 or 44 or 60; extensions++)
        {
            if (extensions == ExtensionsMax || at + 8 > total)
            {
                return false;
            }
            var size = protocol == 44 ? 8 : 8 + (packet[at + 1] * 8);
            later |= protocol == 44 && (BinaryPrimitives.ReadUInt16BigEndian(packet[(at + 2)..]) & 0xfff8) != 0;
            (protocol, at) = (packet[at], at + size);
            if (at > total)
            {
                return false;
            }
        }
        read = new IpPacket
        {
            Source = new IPAddress(packet[8..24]),
            Destination = new IPAddress(packet[24..40]),
            Protocol = protocol,
            IsLaterFragment = later,
            TransportOffset = at,
        };
        return later || TryTransport(packet[at..total], ref read);
    }

    private static bool TryTransport(ReadOnlySpan<byte> transport, ref IpPacket read)
    {
        switch (read.Protocol)
        {
            case IpProtocol.Tcp when transport.Length >= 20:
                read = read with { IsFin = (transport[13] & Fin) != 0, IsReset = (transport[13] & Rst) != 0 };
                read = Ports(read, transport);
                return true;
            case IpProtocol.Udp when transport.Length >= 8:
                read = Ports(read, transport);
                return true;
            case IpProtocol.Tcp or IpProtocol.Udp:
                return false;
            case IpProtocol.Icmp or IpProtocol.IcmpV6 when transport.Length >= 8:
                var identifier = BinaryPrimitives.ReadUInt16BigEndian(transport[4..]);
                read = read with { IcmpType = transport[0], SourcePort = identifier, DestinationPort = identifier };
                return true;
            case IpProtocol.Icmp or IpProtocol.IcmpV6:
                return false;
            default:
                return true;
        }
    }

    private static IpPacket Ports(IpPacket read, ReadOnlySpan<byte> transport) =>
        read with
        {
            SourcePort = BinaryPrimitives.ReadUInt16BigEndian(transport),
            DestinationPort = BinaryPrimitives.ReadUInt16BigEndian(transport[2..]),
        };
}
