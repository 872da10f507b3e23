namespace Appliance.Firmware.Tunnels.Policy;

/// <summary>
/// The predefined services that a policy can name. The unit has no table <c>firewall service custom</c>: a name that is not listed here
/// matches no packet (*assumed*).
/// </summary>
internal static class FirewallServices
{
    private const byte EchoRequest = 8;
    private const byte EchoRequest6 = 128;

    private static readonly Dictionary<string, (byte Protocol, int First, int Last)[]> Ports = new(StringComparer.Ordinal)
    {
        ["ALL_TCP"] = [(IpProtocol.Tcp, 1, 65535)],
        ["ALL_UDP"] = [(IpProtocol.Udp, 1, 65535)],
        ["DNS"] = [(IpProtocol.Tcp, 53, 53), (IpProtocol.Udp, 53, 53)],
        ["FTP"] = [(IpProtocol.Tcp, 21, 21)],
        ["HTTP"] = [(IpProtocol.Tcp, 80, 80)],
        ["HTTPS"] = [(IpProtocol.Tcp, 443, 443)],
        ["IMAP"] = [(IpProtocol.Tcp, 143, 143)],
        ["IMAPS"] = [(IpProtocol.Tcp, 993, 993)],
        ["KERBEROS"] = [(IpProtocol.Tcp, 88, 88), (IpProtocol.Tcp, 464, 464), (IpProtocol.Udp, 88, 88), (IpProtocol.Udp, 464, 464)],
        ["LDAP"] = [(IpProtocol.Tcp, 389, 389)],
        ["LDAP_UDP"] = [(IpProtocol.Udp, 389, 389)],
        ["MS-SQL"] = [(IpProtocol.Tcp, 1433, 1434)],
        ["MYSQL"] = [(IpProtocol.Tcp, 3306, 3306)],
        ["NTP"] = [(IpProtocol.Tcp, 123, 123), (IpProtocol.Udp, 123, 123)],
        ["POP3"] = [(IpProtocol.Tcp, 110, 110)],
        ["POP3S"] = [(IpProtocol.Tcp, 995, 995)],
        ["RADIUS"] = [(IpProtocol.Udp, 1812, 1813)],
        ["RDP"] = [(IpProtocol.Tcp, 3389, 3389)],
        ["SAMBA"] = [(IpProtocol.Tcp, 139, 139)],
        ["SMB"] = [(IpProtocol.Tcp, 445, 445)],
        ["SMTP"] = [(IpProtocol.Tcp, 25, 25)],
        ["SMTPS"] = [(IpProtocol.Tcp, 465, 465)],
        ["SNMP"] = [(IpProtocol.Tcp, 161, 162), (IpProtocol.Udp, 161, 162)],
        ["SSH"] = [(IpProtocol.Tcp, 22, 22)],
        ["SYSLOG"] = [(IpProtocol.Udp, 514, 514)],
        ["TELNET"] = [(IpProtocol.Tcp, 23, 23)],
        ["TFTP"] = [(IpProtocol.Udp, 69, 69)],
        ["TRACEROUTE"] = [(IpProtocol.Udp, 33434, 33535)],
        ["VNC"] = [(IpProtocol.Tcp, 5900, 5900)],
    };

    /// <summary>True if a packet belongs to a service.</summary>
    internal static bool Matches(string service, in IpPacket packet)
    {
        switch (service)
        {
            case "ALL":
                return true;
            case "ALL_ICMP":
                return packet.Protocol == IpProtocol.Icmp;
            case "ALL_ICMP6":
                return packet.Protocol == IpProtocol.IcmpV6;
            case "PING":
                return packet is { Protocol: IpProtocol.Icmp, IcmpType: EchoRequest };
            case "PING6":
                return packet is { Protocol: IpProtocol.IcmpV6, IcmpType: EchoRequest6 };
        }
        foreach (var (protocol, first, last) in Ports.GetValueOrDefault(service, []))
        {
            if (packet.Protocol == protocol && packet.DestinationPort >= first && packet.DestinationPort <= last)
            {
                return true;
            }
        }
        return false;
    }
}
