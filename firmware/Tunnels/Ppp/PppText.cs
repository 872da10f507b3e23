using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Appliance.Firmware.Tunnels.Ppp;

/// <summary>Lines of <c>diagnose debug application sslvpn</c> about control packets, in the device's form.</summary>
internal static class PppText
{
    private const int HeadSize = 4;

    /// <summary>Describes a packet, such as <c>RCV: LCP Configure_Request id(1) len(14) [Magic_Number FB7C1352]</c>.</summary>
    /// <param name="direction"><c>RCV</c> or <c>SND</c>.</param>
    /// <param name="protocol">The protocol.</param>
    /// <param name="packet">The packet behind the protocol field. It may be malformed.</param>
    internal static string Describe(string direction, PppProtocol protocol, ReadOnlySpan<byte> packet)
    {
        var name = Name(protocol);
        if (packet.Length < HeadSize)
        {
            return $"{direction}: {name} len({packet.Length})";
        }
        var (code, length) = ((PppCode)packet[0], BinaryPrimitives.ReadUInt16BigEndian(packet[2..]));
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{direction}: {name} {Name(code)} id({packet[1]}) len({length})");
        if (code is >= PppCode.ConfigureRequest and <= PppCode.ConfigureReject && length >= HeadSize && length <= packet.Length)
        {
            var options = packet[HeadSize..length];
            while (PppOptions.TryRead(ref options, out var type, out var value))
            {
                text.Append(' ').Append(Option(protocol, type, value));
            }
        }
        return text.ToString();
    }

    private static string Name(PppProtocol protocol) =>
        protocol switch
        {
            PppProtocol.Lcp => "LCP",
            PppProtocol.Ipcp => "IPCP",
            PppProtocol.Ipv6cp => "IP6CP",
            PppProtocol.Ccp => "CCP",
            _ => string.Create(CultureInfo.InvariantCulture, $"0x{(ushort)protocol:x4}"),
        };

    private static string Name(PppCode code) =>
        code switch
        {
            PppCode.ConfigureRequest => "Configure_Request",
            PppCode.ConfigureAck => "Configure_Ack",
            PppCode.ConfigureNak => "Configure_Nak",
            PppCode.ConfigureReject => "Configure_Reject",
            PppCode.TerminateRequest => "Terminate_Request",
            PppCode.TerminateAck => "Terminate_Ack",
            PppCode.CodeReject => "Code_Reject",
            PppCode.ProtocolReject => "Protocol_Reject",
            PppCode.EchoRequest => "Echo_Request",
            PppCode.EchoReply => "Echo_Reply",
            PppCode.DiscardRequest => "Discard_Request",
            _ => string.Create(CultureInfo.InvariantCulture, $"code({(byte)code})"),
        };

    private static string Option(PppProtocol protocol, byte type, ReadOnlySpan<byte> value) =>
        (protocol, type, value.Length) switch
        {
            (PppProtocol.Lcp, PppOption.Mru, 2) => string.Create(
                CultureInfo.InvariantCulture,
                $"[Maximum_Received_Unit {BinaryPrimitives.ReadUInt16BigEndian(value)}]"
            ),
            (PppProtocol.Lcp, PppOption.Magic, 4) => $"[Magic_Number {Convert.ToHexString(value)}]",
            (PppProtocol.Ipcp, PppOption.Address, 4) => $"[IP_Address {Dotted(value)}]",
            (PppProtocol.Ipcp, PppOption.PrimaryDns, 4) => $"[Primary_DNS_IP_Address {Dotted(value)}]",
            (PppProtocol.Ipcp, PppOption.SecondaryDns, 4) => $"[Secondary_DNS_IP_Address {Dotted(value)}]",
            (PppProtocol.Ipv6cp, PppOption.InterfaceId, 8) => $"[Interface_ID {Convert.ToHexString(value)}]",
            _ => string.Create(CultureInfo.InvariantCulture, $"[{type} {Convert.ToHexString(value)}]"),
        };

    private static string Dotted(ReadOnlySpan<byte> value) =>
        string.Create(CultureInfo.InvariantCulture, $"{value[0]}.{value[1]}.{value[2]}.{value[3]}");
}
