using System.Buffers.Binary;

namespace Appliance.Firmware.Tunnels.Policy;

/// <summary>ICMP errors (RFC 792, RFC 4443): the packet that caused one, and errors that the unit sends for denied packets.</summary>
internal static class IcmpError
{
    private const int HeadSize = 8;

    /// <summary>Reads the packet that an ICMP error quotes. Its transport header may be cut after 8 bytes.</summary>
    /// <returns>False if the packet is no ICMP error, or quotes no readable packet.</returns>
    internal static bool TryReadCause(in IpPacket packet, ReadOnlySpan<byte> bytes, out IpPacket cause)
    {
        cause = default;
        var isError =
            (packet.Protocol == IpProtocol.Icmp && packet.IcmpType is 3 or 4 or 11 or 12)
            || (packet.Protocol == IpProtocol.IcmpV6 && packet.IcmpType is >= 1 and < 128);
        if (!isError || bytes.Length < packet.TransportOffset + HeadSize)
        {
            return false;
        }
        // A quoted packet is cut: its length fields describe the original. A padded copy has the ports, which are all that is read.
        var quoted = bytes[(packet.TransportOffset + HeadSize)..];
        if (quoted.Length < 28)
        {
            return false;
        }
        var whole = new byte[Math.Max(quoted.Length, LengthOf(quoted))];
        quoted.CopyTo(whole);
        return IpPacket.TryRead(whole, out cause);
    }

    private static int LengthOf(ReadOnlySpan<byte> quoted) =>
        quoted[0] >> 4 == 4 ? BinaryPrimitives.ReadUInt16BigEndian(quoted[2..]) : 40 + BinaryPrimitives.ReadUInt16BigEndian(quoted[4..]);
}
