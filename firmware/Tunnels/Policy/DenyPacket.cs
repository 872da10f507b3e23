using System.Buffers.Binary;

namespace Appliance.Firmware.Tunnels.Policy;

/// <summary>The answer to a denied packet with <c>send-deny-packet</c>: TCP RST, or ICMP "administratively prohibited".</summary>
internal static class DenyPacket
{
    private const int HeadSize4 = 20;
    private const int HeadSize6 = 40;
    private const int TcpSize = 20;
    private const int IcmpSize = 8;
    private const int QuotedMax = 28;
    private const byte HopLimit = 64;

    /// <summary>Builds the answer; null for a packet that must not be answered (an ICMP error, a TCP RST).</summary>
    internal static byte[]? For(ReadOnlySpan<byte> denied)
    {
        if (!IpPacket.TryRead(denied, out var packet) || packet.IsReset || packet.IsLaterFragment)
        {
            return null;
        }
        if (packet.Protocol == IpProtocol.Tcp)
        {
            return Reset(denied, packet);
        }
        return IcmpError.TryReadCause(packet, denied, out _) ? null : Prohibited(denied, packet);
    }

    private static byte[] Reset(ReadOnlySpan<byte> denied, in IpPacket packet)
    {
        var tcp = denied[packet.TransportOffset..];
        var answer = Head(denied, packet, IpProtocol.Tcp, TcpSize, out var at);
        var reset = answer.AsSpan(at);
        const byte SynFlag = 2;
        const byte AckFlag = 16;
        const byte RstFlag = 4;
        tcp[2..4].CopyTo(reset);
        tcp[..2].CopyTo(reset[2..]);
        var acknowledges = (tcp[13] & AckFlag) != 0;
        if (acknowledges)
        {
            tcp[8..12].CopyTo(reset[4..]);
        }
        else
        {
            var length = (uint)(tcp.Length - ((tcp[12] >> 4) * 4)) + ((tcp[13] & SynFlag) != 0 ? 1u : 0u);
            BinaryPrimitives.WriteUInt32BigEndian(reset[8..], BinaryPrimitives.ReadUInt32BigEndian(tcp[4..]) + length);
        }
        reset[12] = (TcpSize / 4) << 4;
        reset[13] = acknowledges ? RstFlag : (byte)(RstFlag | AckFlag);
        InternetChecksum.WriteTransport(answer, at, IpProtocol.Tcp, checksumOffset: 16);
        return answer;
    }

    private static byte[] Prohibited(ReadOnlySpan<byte> denied, in IpPacket packet)
    {
        var quoted = denied[..Math.Min(denied.Length, packet.TransportOffset + IcmpSize + QuotedMax)];
        var v6 = denied[0] >> 4 == 6;
        var protocol = v6 ? IpProtocol.IcmpV6 : IpProtocol.Icmp;
        var answer = Head(denied, packet, protocol, IcmpSize + quoted.Length, out var at);
        // Destination unreachable, communication administratively prohibited (RFC 1812, section 5.2.7.1; RFC 4443, section 3.1).
        (answer[at], answer[at + 1]) = v6 ? ((byte)1, (byte)1) : ((byte)3, (byte)13);
        quoted.CopyTo(answer.AsSpan(at + IcmpSize));
        if (v6)
        {
            InternetChecksum.WriteTransport(answer, at, protocol, checksumOffset: 2);
        }
        else
        {
            BinaryPrimitives.WriteUInt16BigEndian(answer.AsSpan(at + 2), InternetChecksum.Of(answer.AsSpan(at)));
        }
        return answer;
    }

    private static byte[] Head(ReadOnlySpan<byte> denied, in IpPacket packet, byte protocol, int size, out int at)
    {
        var v6 = denied[0] >> 4 == 6;
        at = v6 ? HeadSize6 : HeadSize4;
        var answer = new byte[at + size];
        if (v6)
        {
            answer[0] = 0x60;
            BinaryPrimitives.WriteUInt16BigEndian(answer.AsSpan(4), (ushort)size);
            (answer[6], answer[7]) = (protocol, HopLimit);
            packet.Destination.TryWriteBytes(answer.AsSpan(8), out _);
            packet.Source.TryWriteBytes(answer.AsSpan(24), out _);
            return answer;
        }
        answer[0] = 0x45;
        BinaryPrimitives.WriteUInt16BigEndian(answer.AsSpan(2), (ushort)answer.Length);
        (answer[8], answer[9]) = (HopLimit, protocol);
        packet.Destination.TryWriteBytes(answer.AsSpan(12), out _);
        packet.Source.TryWriteBytes(answer.AsSpan(16), out _);
        BinaryPrimitives.WriteUInt16BigEndian(answer.AsSpan(10), InternetChecksum.Of(answer.AsSpan(0, HeadSize4)));
        return answer;
    }
}
