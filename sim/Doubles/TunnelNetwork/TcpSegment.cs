using System.Buffers.Binary;
using System.Net;
using Appliance.Firmware.Tunnels.Policy;

namespace Appliance.Doubles.TunnelNetwork;

/// <summary>TCP control bits (RFC 9293, section 3.1).</summary>
[Flags]
internal enum TcpFlags : byte
{
    None = 0,
    Fin = 1,
    Syn = 2,
    Rst = 4,
    Psh = 8,
    Ack = 16,
}

/// <summary>A TCP segment (RFC 9293, section 3.1).</summary>
/// <param name="Sequence">The sequence number of the first byte.</param>
/// <param name="Acknowledgment">The next expected sequence number; 0 without ACK.</param>
/// <param name="Flags">The control bits.</param>
/// <param name="Window">The receive window, as in the header (unscaled).</param>
internal readonly record struct TcpSegment(uint Sequence, uint Acknowledgment, TcpFlags Flags, ushort Window)
{
    /// <summary>The size of the header without options, in bytes.</summary>
    internal const int HeadSize = 20;

    private const int ChecksumOffset = 16;
    private const byte OptionEnd = 0;
    private const byte OptionNone = 1;
    private const byte OptionMss = 2;
    private const byte OptionScale = 3;

    /// <summary>The maximum segment size option of a SYN; 0 for none.</summary>
    internal ushort Mss { get; init; }

    /// <summary>The window scale option of a SYN; null for none.</summary>
    internal byte? Scale { get; init; }

    /// <summary>The offset of the payload in the packet.</summary>
    internal int PayloadOffset { get; private init; }

    /// <summary>Reads the segment of a packet. False if it is malformed or its checksum is wrong.</summary>
    internal static bool TryRead(ReadOnlySpan<byte> packet, in IpPacket ip, out TcpSegment segment)
    {
        segment = default;
        var tcp = packet[ip.TransportOffset..];
        if (tcp.Length < HeadSize)
        {
            return false;
        }
        var head = (tcp[12] >> 4) * 4;
        if (head < HeadSize || head > tcp.Length || !InternetChecksum.IsValid(packet, ip.TransportOffset, IpProtocol.Tcp))
        {
            return false;
        }
        segment = new TcpSegment(
            BinaryPrimitives.ReadUInt32BigEndian(tcp[4..]),
            BinaryPrimitives.ReadUInt32BigEndian(tcp[8..]),
            (TcpFlags)(tcp[13] & 0x1f),
            BinaryPrimitives.ReadUInt16BigEndian(tcp[14..])
        )
        {
            PayloadOffset = ip.TransportOffset + head,
        };
        return ReadOptions(tcp[HeadSize..head], ref segment);
    }

    /// <summary>Builds the packet of this segment.</summary>
    internal byte[] Build(IPEndPoint source, IPEndPoint destination, ReadOnlySpan<byte> payload)
    {
        var options = (Mss > 0 ? 4 : 0) + (Scale is null ? 0 : 4);
        var packet = IpBuilder.Create(source.Address, destination.Address, IpProtocol.Tcp, HeadSize + options + payload.Length);
        var at = IpBuilder.HeadSize(source.Address);
        var tcp = packet.AsSpan(at);
        BinaryPrimitives.WriteUInt16BigEndian(tcp, (ushort)source.Port);
        BinaryPrimitives.WriteUInt16BigEndian(tcp[2..], (ushort)destination.Port);
        BinaryPrimitives.WriteUInt32BigEndian(tcp[4..], Sequence);
        BinaryPrimitives.WriteUInt32BigEndian(tcp[8..], Acknowledgment);
        tcp[12] = (byte)((HeadSize + options) / 4 << 4);
        tcp[13] = (byte)Flags;
        BinaryPrimitives.WriteUInt16BigEndian(tcp[14..], Window);
        if (Mss > 0)
        {
            (tcp[HeadSize], tcp[HeadSize + 1]) = (OptionMss, 4);
            BinaryPrimitives.WriteUInt16BigEndian(tcp[(HeadSize + 2)..], Mss);
        }
        if (Scale is { } scale)
        {
            var option = tcp[(HeadSize + options - 4)..];
            (option[0], option[1], option[2], option[3]) = (OptionNone, OptionScale, 3, scale);
        }
        payload.CopyTo(tcp[(HeadSize + options)..]);
        InternetChecksum.WriteTransport(packet, at, IpProtocol.Tcp, ChecksumOffset);
        return packet;
    }

    private static bool ReadOptions(ReadOnlySpan<byte> options, ref TcpSegment segment)
    {
        while (options.Length > 0 && options[0] != OptionEnd)
        {
            if (options[0] == OptionNone)
            {
                options = options[1..];
                continue;
            }
            if (options.Length < 2 || options[1] < 2 || options[1] > options.Length)
            {
                return false;
            }
            segment = (options[0], options[1]) switch
            {
                (OptionMss, 4) => segment with { Mss = BinaryPrimitives.ReadUInt16BigEndian(options[2..]) },
                (OptionScale, 3) => segment with { Scale = Math.Min(options[2], (byte)14) },
                _ => segment,
            };
            options = options[options[1]..];
        }
        return true;
    }
}
