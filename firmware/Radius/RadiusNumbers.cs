namespace Appliance.Firmware.Radius;

/// <summary>The packet type (RFC 2865, 3; RFC 2866, 3; RFC 5997).</summary>
public enum RadiusCode : byte
{
    /// <summary>Access-Request (RFC 2865, section 4.1).</summary>
    AccessRequest = 1,

    /// <summary>Access-Accept: the user is authenticated.</summary>
    AccessAccept = 2,

    /// <summary>Access-Reject: the user is refused.</summary>
    AccessReject = 3,

    /// <summary>Accounting-Request: a session starts, continues or stops.</summary>
    AccountingRequest = 4,

    /// <summary>Accounting-Response: the accounting data was recorded.</summary>
    AccountingResponse = 5,

    /// <summary>Access-Challenge: the server requests further input from the user.</summary>
    AccessChallenge = 11,

    /// <summary>Status-Server: tests whether the server is alive (RFC 5997).</summary>
    StatusServer = 12,
}

/// <summary>Attribute types (RFC 2865, 2866, 2869, 3162), as the RFCs name them.</summary>
public enum RadiusAttribute : byte
{
    UserName = 1,
    UserPassword = 2,
    ChapPassword = 3,
    NasIpAddress = 4,
    NasPort = 5,
    ServiceType = 6,
    FramedProtocol = 7,
    FramedIpAddress = 8,
    FramedIpNetmask = 9,
    FilterId = 11,
    FramedMtu = 12,
    LoginIpHost = 14,
    LoginService = 15,
    LoginTcpPort = 16,
    ReplyMessage = 18,
    State = 24,
    Class = 25,
    VendorSpecific = 26,
    SessionTimeout = 27,
    IdleTimeout = 28,
    CalledStationId = 30,
    CallingStationId = 31,
    NasIdentifier = 32,
    ProxyState = 33,
    AcctStatusType = 40,
    AcctDelayTime = 41,
    AcctInputOctets = 42,
    AcctOutputOctets = 43,
    AcctSessionId = 44,
    AcctSessionTime = 46,
    AcctTerminateCause = 49,
    EventTimestamp = 55,
    ChapChallenge = 60,
    NasPortType = 61,
    ConnectInfo = 77,
    EapMessage = 79,
    MessageAuthenticator = 80,
    NasIpv6Address = 95,
}

/// <summary>Vendors whose attributes are defined here (IANA enterprise numbers).</summary>
public static class RadiusVendor
{
    /// <summary>Microsoft (RFC 2548).</summary>
    public const uint Microsoft = 311;

    /// <summary>Fortinet, the vendor of the device.</summary>
    public const uint Fortinet = 12356;
}

/// <summary>Attributes of <see cref="RadiusVendor.Microsoft"/> (RFC 2548).</summary>
public enum MicrosoftAttribute : byte
{
    MsChapResponse = 1,
    MsChapError = 2,
    MsChapChallenge = 11,
    MsChap2Response = 25,
    MsChap2Success = 26,
}

/// <summary>Attributes of <see cref="RadiusVendor.Fortinet"/>, as its public dictionary defines them.</summary>
public enum FortinetAttribute : byte
{
    GroupName = 1,
    ClientIpAddress = 2,
    VdomName = 3,
    ClientIpv6Address = 4,
    InterfaceName = 5,
    AccessProfile = 6,
    FacAuthStatus = 11,
    FacTokenId = 12,
    FacChallengeCode = 15,
}
