using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Appliance.Hal;

namespace Appliance.Firmware.Commands;

/// <summary>
/// Builds a packet as an Ethernet frame. A socket has no headers, so they are derived from its data: hardware addresses are zeros, the
/// window is the largest, and sequence numbers begin at 0 (*assumed*). Lengths and checksums are correct (RFC 791, 8200, 9293, 768).
/// </summary>
internal static class SnifferFrame
{
    /// <summary>The length of the Ethernet header, in bytes.</summary>
    internal const int EthernetLength = 14;
    private const int Ipv4Length = 20;
    private const int Ipv6Length = 40;
    private const int TcpLength = 20;
    private const int UdpLength = 8;
    private const byte TimeToLive = 64;

    /// <summary>Builds the frame: headers and payload.</summary>
    internal static byte[] Of(SeenPacket packet)
    {
        var isUdp = packet.Kind == SegmentKind.Datagram;
        var isV4 = packet.Source.AddressFamily == AddressFamily.InterNetwork;
        var network = isV4 ? Ipv4Length : Ipv6Length;
        var header = isUdp ? UdpLength : TcpLength;
        var frame = new byte[EthernetLength + network + header + packet.Payload.Length];
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(12), (ushort)(isV4 ? 0x0800 : 0x86dd));
        var transport = frame.AsSpan(EthernetLength + network);
        packet.Payload.Span.CopyTo(transport[header..]);
        var protocol = (byte)(isUdp ? ProtocolType.Udp : ProtocolType.Tcp);
        WriteNetwork(frame.AsSpan(EthernetLength, network), packet, isV4, protocol, transport.Length);
        BinaryPrimitives.WriteUInt16BigEndian(transport, (ushort)packet.Source.Port);
        BinaryPrimitives.WriteUInt16BigEndian(transport[2..], (ushort)packet.Target.Port);
        if (isUdp)
        {
            BinaryPrimitives.WriteUInt16BigEndian(transport[4..], (ushort)transport.Length);
        }
        else
        {
            WriteTcp(transport, packet);
        }
        var sum =
            Sum(packet.Source.Address.GetAddressBytes())
            + Sum(packet.Target.Address.GetAddressBytes())
            + protocol
            + (uint)transport.Length
            + Sum(transport);
        BinaryPrimitives.WriteUInt16BigEndian(transport[(isUdp ? 6 : 16)..], Folded(sum));
        return frame;
    }

    /// <summary>Formats bytes as the device dumps them: sixteen a row, with an empty line at the end.</summary>
    internal static string Dump(ReadOnlySpan<byte> bytes)
    {
        const int Row = 16;
        const int HexWidth = (Row / 2 * 5) - 1;
        var text = new StringBuilder();
        for (var at = 0; at < bytes.Length; at += Row)
        {
            var row = bytes[at..Math.Min(at + Row, bytes.Length)];
            var hex = new StringBuilder();
            for (var place = 0; place < row.Length; place++)
            {
                hex.Append(place > 0 && place % 2 == 0 ? " " : "").Append(row[place].ToString("x2", CultureInfo.InvariantCulture));
            }
            text.Append(CultureInfo.InvariantCulture, $"0x{at:x4}\t {hex.ToString().PadRight(HexWidth)}\t");
            foreach (var one in row)
            {
                text.Append(one is >= 0x20 and < 0x7f ? (char)one : '.');
            }
            text.Append('\n');
        }
        return text.Append('\n').ToString();
    }

    private static void WriteNetwork(Span<byte> header, SeenPacket packet, bool isV4, byte protocol, int length)
    {
        var source = packet.Source.Address.GetAddressBytes();
        var target = packet.Target.Address.GetAddressBytes();
        if (isV4)
        {
            header[0] = 0x45;
            BinaryPrimitives.WriteUInt16BigEndian(header[2..], (ushort)(Ipv4Length + length));
            header[6] = 0x40; // Do not fragment.
            (header[8], header[9]) = (TimeToLive, protocol);
            source.CopyTo(header[12..]);
            target.CopyTo(header[16..]);
            BinaryPrimitives.WriteUInt16BigEndian(header[10..], Folded(Sum(header)));
            return;
        }
        header[0] = 0x60;
        BinaryPrimitives.WriteUInt16BigEndian(header[4..], (ushort)length);
        (header[6], header[7]) = (protocol, TimeToLive);
        source.CopyTo(header[8..]);
        target.CopyTo(header[24..]);
    }

    private static void WriteTcp(Span<byte> header, SeenPacket packet)
    {
        BinaryPrimitives.WriteUInt32BigEndian(header[4..], packet.Sequence);
        BinaryPrimitives.WriteUInt32BigEndian(header[8..], packet.Kind == SegmentKind.Syn ? 0 : packet.Acknowledged);
        header[12] = TcpLength / 4 << 4;
        header[13] = packet.Kind switch
        {
            SegmentKind.Syn => 0x02,
            SegmentKind.SynAck => 0x12,
            SegmentKind.Ack => 0x10,
            SegmentKind.Fin => 0x11,
            SegmentKind.Reset => 0x14,
            _ => 0x18,
        };
        BinaryPrimitives.WriteUInt16BigEndian(header[14..], ushort.MaxValue);
    }

    /// <summary>Adds 16-bit words (RFC 1071).</summary>
    private static uint Sum(ReadOnlySpan<byte> bytes)
    {
        var sum = 0u;
        for (; bytes.Length > 1; bytes = bytes[2..])
        {
            sum += BinaryPrimitives.ReadUInt16BigEndian(bytes);
        }
        return bytes.Length == 1 ? sum + (uint)(bytes[0] << 8) : sum;
    }

    private static ushort Folded(uint sum)
    {
        while (sum >> 16 != 0)
        {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        return (ushort)~sum;
    }
}
