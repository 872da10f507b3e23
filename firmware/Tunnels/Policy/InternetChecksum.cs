using System.Buffers.Binary;

namespace Appliance.Firmware.Tunnels.Policy;

/// <summary>The Internet checksum (RFC 1071) of IP, TCP, UDP and ICMP.</summary>
public static class InternetChecksum
{
    /// <summary>Computes the checksum of bytes whose checksum field is zero; of a valid packet with its checksum, 0.</summary>
    public static ushort Of(ReadOnlySpan<byte> bytes, uint sum = 0)
    {
        ulong total = sum;
        while (bytes.Length >= sizeof(ulong))
        {
            var part = BinaryPrimitives.ReadUInt64BigEndian(bytes);
            total += (part >> 32) + (part & uint.MaxValue);
            bytes = bytes[sizeof(ulong)..];
        }
        while (bytes.Length >= sizeof(ushort))
        {
            total += BinaryPrimitives.ReadUInt16BigEndian(bytes);
            bytes = bytes[sizeof(ushort)..];
        }
        if (bytes.Length == 1)
        {
            total += (uint)bytes[0] << 8;
        }
        while (total >> 16 != 0)
        {
            total = (total & 0xffff) + (total >> 16);
        }
        return (ushort)~total;
    }

    /// <summary>Writes the checksum of a transport header, with the pseudo-header of its IP packet (RFC 9293; RFC 8200, section 8.1).</summary>
    /// <param name="packet">The IP packet; its checksum field is overwritten.</param>
    /// <param name="at">The offset of the transport header.</param>
    /// <param name="protocol">The protocol number.</param>
    /// <param name="checksumOffset">The offset of the checksum in the transport header.</param>
    public static void WriteTransport(Span<byte> packet, int at, byte protocol, int checksumOffset)
    {
        var field = packet[(at + checksumOffset)..];
        BinaryPrimitives.WriteUInt16BigEndian(field, 0);
        BinaryPrimitives.WriteUInt16BigEndian(field, Of(packet[at..], PseudoSum(packet, at, protocol)));
    }

    /// <summary>True if the checksum of a transport header is right.</summary>
    public static bool IsValid(ReadOnlySpan<byte> packet, int at, byte protocol) => Of(packet[at..], PseudoSum(packet, at, protocol)) == 0;

    private static uint PseudoSum(ReadOnlySpan<byte> packet, int at, byte protocol)
    {
        var addresses = packet[0] >> 4 == 6 ? packet[8..40] : packet[12..20];
        return (uint)(ushort)~Of(addresses) + (uint)(packet.Length - at) + protocol;
    }
}
