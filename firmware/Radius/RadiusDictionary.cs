using System.Collections.Frozen;

namespace Appliance.Firmware.Radius;

/// <summary>The data type of an attribute's value (RFC 8044, 3).</summary>
public enum RadiusValueKind
{
    /// <summary>Any bytes.</summary>
    Octets,

    /// <summary>UTF-8 text.</summary>
    Text,

    /// <summary>An unsigned 32-bit integer.</summary>
    Integer,

    /// <summary>An IPv4 address.</summary>
    Ipv4,

    /// <summary>An IPv6 address.</summary>
    Ipv6,

    /// <summary>Bytes that must never be displayed.</summary>
    Secret,
}

/// <summary>An attribute and its name in the RFCs and dictionaries.</summary>
/// <param name="Name">The name.</param>
/// <param name="Vendor">The vendor; 0 for a standard attribute.</param>
/// <param name="Number">The attribute's number within that vendor.</param>
/// <param name="Kind">The data type of its value.</param>
public sealed record RadiusDefinition(string Name, uint Vendor, byte Number, RadiusValueKind Kind);

/// <summary>The attributes that have a name here.</summary>
public static class RadiusDictionary
{
    private static readonly RadiusDefinition[] All =
    [
        .. Standard(
            RadiusValueKind.Text,
            ("User-Name", 1),
            ("Filter-Id", 11),
            ("Reply-Message", 18),
            ("Callback-Number", 19),
            ("Callback-Id", 20),
            ("Framed-Route", 22),
            ("Called-Station-Id", 30),
            ("Calling-Station-Id", 31),
            ("NAS-Identifier", 32),
            ("Acct-Session-Id", 44),
            ("Acct-Multi-Session-Id", 50),
            ("Connect-Info", 77),
            ("Configuration-Token", 78),
            ("NAS-Port-Id", 87),
            ("Framed-Pool", 88)
        ),
        .. Standard(
            RadiusValueKind.Integer,
            ("NAS-Port", 5),
            ("Service-Type", 6),
            ("Framed-Protocol", 7),
            ("Framed-Routing", 10),
            ("Framed-MTU", 12),
            ("Framed-Compression", 13),
            ("Login-Service", 15),
            ("Login-TCP-Port", 16),
            ("Framed-IPX-Network", 23),
            ("Session-Timeout", 27),
            ("Idle-Timeout", 28),
            ("Termination-Action", 29),
            ("Port-Limit", 62),
            ("Acct-Status-Type", 40),
            ("Acct-Delay-Time", 41),
            ("Acct-Input-Octets", 42),
            ("Acct-Output-Octets", 43),
            ("Acct-Authentic", 45),
            ("Acct-Session-Time", 46),
            ("Acct-Input-Packets", 47),
            ("Acct-Output-Packets", 48),
            ("Acct-Terminate-Cause", 49),
            ("Acct-Link-Count", 51),
            ("Acct-Input-Gigawords", 52),
            ("Acct-Output-Gigawords", 53),
            ("Event-Timestamp", 55),
            ("Framed-AppleTalk-Link", 37),
            ("Framed-AppleTalk-Network", 38),
            ("ARAP-Zone-Access", 72),
            ("ARAP-Security", 73),
            ("Password-Retry", 75),
            ("Prompt", 76),
            ("Acct-Interim-Interval", 85),
            ("NAS-Port-Type", 61)
        ),
        .. Standard(RadiusValueKind.Ipv4, ("NAS-IP-Address", 4), ("Framed-IP-Address", 8), ("Framed-IP-Netmask", 9), ("Login-IP-Host", 14)),
        .. Standard(RadiusValueKind.Ipv6, ("NAS-IPv6-Address", 95)),
        .. Standard(
            RadiusValueKind.Octets,
            ("State", 24),
            ("Class", 25),
            ("Vendor-Specific", 26),
            ("Proxy-State", 33),
            ("CHAP-Challenge", 60),
            ("EAP-Message", 79),
            ("Message-Authenticator", 80),
            ("Login-LAT-Service", 34),
            ("Login-LAT-Node", 35),
            ("Login-LAT-Group", 36),
            ("Framed-AppleTalk-Zone", 39),
            ("Login-LAT-Port", 63),
            ("ARAP-Features", 71),
            ("ARAP-Security-Data", 74)
        ),
        .. Standard(
            RadiusValueKind.Secret,
            ("User-Password", 2),
            ("CHAP-Password", 3),
            ("Tunnel-Password", 69),
            ("ARAP-Password", 70),
            ("ARAP-Challenge-Response", 84)
        ),
        .. Of(RadiusVendor.Microsoft, RadiusValueKind.Octets, ("MS-CHAP-Challenge", 11)),
        .. Of(RadiusVendor.Microsoft, RadiusValueKind.Text, ("MS-CHAP-Error", 2), ("MS-CHAP2-Success", 26)),
        .. Of(
            RadiusVendor.Microsoft,
            RadiusValueKind.Secret,
            ("MS-CHAP-Response", 1),
            ("MS-CHAP2-Response", 25),
            ("MS-MPPE-Send-Key", 16),
            ("MS-MPPE-Recv-Key", 17)
        ),
        .. Of(
            RadiusVendor.Fortinet,
            RadiusValueKind.Text,
            ("Fortinet-Group-Name", 1),
            ("Fortinet-Vdom-Name", 3),
            ("Fortinet-Interface-Name", 5),
            ("Fortinet-Access-Profile", 6),
            ("Fortinet-SSID", 7),
            ("Fortinet-AP-Name", 8),
            ("Fortinet-FAC-Auth-Status", 11),
            ("Fortinet-FAC-Token-ID", 12),
            ("Fortinet-FAC-Challenge-Code", 15),
            ("Fortinet-WirelessController-WTP-ID", 24),
            ("Fortinet-FortiWAN-AVPair", 26),
            ("Fortinet-FDD-Access-Profile", 30),
            ("Fortinet-FDD-Trusted-Hosts", 31),
            ("Fortinet-FDD-SPP-Name", 32),
            ("Fortinet-FDD-Is-System-Admin", 33),
            ("Fortinet-FDD-Is-SPP-Admin", 34),
            ("Fortinet-FDD-SPP-Policy-Group", 35),
            ("Fortinet-FDD-Allow-API-Access", 36),
            ("Fortinet-Fpc-User-Role", 40),
            ("Fortinet-Tenant-Identification", 41),
            ("Fortinet-Host-Port-AVPair", 42)
        ),
        .. Of(RadiusVendor.Fortinet, RadiusValueKind.Ipv4, ("Fortinet-Client-IP-Address", 2)),
        .. Of(RadiusVendor.Fortinet, RadiusValueKind.Integer, ("Fortinet-WirelessController-Assoc-Time", 25)),
        .. Of(
            RadiusVendor.Fortinet,
            RadiusValueKind.Octets,
            ("Fortinet-Client-IPv6-Address", 4),
            ("Fortinet-Webfilter-Category-Allow", 16),
            ("Fortinet-Webfilter-Category-Block", 17),
            ("Fortinet-Webfilter-Category-Monitor", 18),
            ("Fortinet-AppCtrl-Category-Allow", 19),
            ("Fortinet-AppCtrl-Category-Block", 20),
            ("Fortinet-AppCtrl-Risk-Allow", 21),
            ("Fortinet-AppCtrl-Risk-Block", 22),
            ("Fortinet-WirelessController-Device-MAC", 23)
        ),
    ];

    private static readonly FrozenDictionary<(uint, byte), RadiusDefinition> ByNumber = All.ToFrozenDictionary(definition =>
        (definition.Vendor, definition.Number)
    );
    private static readonly FrozenDictionary<string, RadiusDefinition> ByName = All.ToFrozenDictionary(
        definition => definition.Name,
        StringComparer.Ordinal
    );

    /// <summary>
    /// The attribute of a vendor (0 for a standard one) and number. An unlisted one is named <c>Attr-n</c> or <c>Attr-26.v.n</c> and holds
    /// octets.
    /// </summary>
    public static RadiusDefinition Find(uint vendor, byte number) =>
        ByNumber.TryGetValue((vendor, number), out var known)
            ? known
            : new(vendor == 0 ? $"Attr-{number}" : $"Attr-26.{vendor}.{number}", vendor, number, RadiusValueKind.Octets);

    /// <summary>The attribute with this name, or null.</summary>
    public static RadiusDefinition? Find(string name) => ByName.GetValueOrDefault(name);

    private static IEnumerable<RadiusDefinition> Standard(RadiusValueKind kind, params (string Name, byte Number)[] attributes) =>
        Of(0, kind, attributes);

    private static IEnumerable<RadiusDefinition> Of(uint vendor, RadiusValueKind kind, params (string Name, byte Number)[] attributes) =>
        attributes.Select(attribute => new RadiusDefinition(attribute.Name, vendor, attribute.Number, kind));
}
