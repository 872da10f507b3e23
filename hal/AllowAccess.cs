namespace Appliance.Hal;

/// <summary>
/// The management access that an interface allows (<c>config system interface / set allowaccess</c>), in the order in which the device
/// shows the flags.
/// </summary>
[Flags]
public enum AllowAccess
{
    /// <summary>No access. As the requirement of a listener: no flag is needed.</summary>
    None = 0,

    /// <summary>ICMP echo.</summary>
    Ping = 1 << 0,

    /// <summary>Management over HTTPS.</summary>
    Https = 1 << 1,

    /// <summary>Management over SSH.</summary>
    Ssh = 1 << 2,

    /// <summary>SNMP.</summary>
    Snmp = 1 << 3,

    /// <summary>Management over plain HTTP.</summary>
    Http = 1 << 4,

    /// <summary>Management over telnet.</summary>
    Telnet = 1 << 5,

    /// <summary>Central management.</summary>
    Fgfm = 1 << 6,

    /// <summary>RADIUS accounting.</summary>
    RadiusAcct = 1 << 7,

    /// <summary>Probe responses.</summary>
    ProbeResponse = 1 << 8,

    /// <summary>Security fabric.</summary>
    Fabric = 1 << 9,

    /// <summary>The FortiToken Mobile push callback.</summary>
    Ftm = 1 << 10,

    /// <summary>Speed test.</summary>
    SpeedTest = 1 << 11,

    /// <summary>SCIM provisioning.</summary>
    Scim = 1 << 12,
}
