namespace Appliance.Firmware.Tunnels.Ppp;

/// <summary>PPP protocol numbers (IANA "PPP Numbers"; RFC 1661, section 2).</summary>
internal enum PppProtocol : ushort
{
    /// <summary>Internet Protocol, version 4 (RFC 1332).</summary>
    Ipv4 = 0x0021,

    /// <summary>Internet Protocol, version 6 (RFC 5072).</summary>
    Ipv6 = 0x0057,

    /// <summary>IP Control Protocol (RFC 1332).</summary>
    Ipcp = 0x8021,

    /// <summary>IPv6 Control Protocol (RFC 5072).</summary>
    Ipv6cp = 0x8057,

    /// <summary>Compression Control Protocol (RFC 1962).</summary>
    Ccp = 0x80fd,

    /// <summary>Link Control Protocol (RFC 1661).</summary>
    Lcp = 0xc021,
}

/// <summary>Codes of control packets (RFC 1661, section 5).</summary>
internal enum PppCode : byte
{
    ConfigureRequest = 1,
    ConfigureAck = 2,
    ConfigureNak = 3,
    ConfigureReject = 4,
    TerminateRequest = 5,
    TerminateAck = 6,
    CodeReject = 7,

    /// <summary>LCP only, like the following ones.</summary>
    ProtocolReject = 8,
    EchoRequest = 9,
    EchoReply = 10,
    DiscardRequest = 11,
}

/// <summary>Option types of the control protocols that a tunnel negotiates.</summary>
internal static class PppOption
{
    /// <summary>LCP Maximum-Receive-Unit, two bytes (RFC 1661, section 6.1).</summary>
    internal const byte Mru = 1;

    /// <summary>LCP Magic-Number, four bytes (RFC 1661, section 6.4).</summary>
    internal const byte Magic = 5;

    /// <summary>IPCP IP-Address, four bytes (RFC 1332, section 3.3).</summary>
    internal const byte Address = 3;

    /// <summary>IPCP Primary DNS Server Address, four bytes (RFC 1877, section 1.1).</summary>
    internal const byte PrimaryDns = 129;

    /// <summary>IPCP Secondary DNS Server Address, four bytes (RFC 1877, section 1.3).</summary>
    internal const byte SecondaryDns = 131;

    /// <summary>IPV6CP Interface-Identifier, eight bytes (RFC 5072, section 4.1).</summary>
    internal const byte InterfaceId = 1;
}
