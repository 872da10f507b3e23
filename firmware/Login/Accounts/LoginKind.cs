namespace Appliance.Firmware.Login.Accounts;

/// <summary>The access method of a login. The rules are the same for all; the directory and the limits differ.</summary>
public enum LoginKind
{
    /// <summary>A user of the SSL VPN (<c>user local</c>, and remote users of the groups that a rule names).</summary>
    SslVpn,

    /// <summary>An administrator (<c>system admin</c>).</summary>
    Admin,

    /// <summary>A user on whose behalf a RADIUS client sends a request (<c>user local</c>).</summary>
    Radius,
}
