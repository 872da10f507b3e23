using Appliance.Firmware.Login;

namespace Appliance.Firmware.Vpn;

/// <summary>The session of one logged-in client.</summary>
/// <param name="TunnelId">The number that identifies the session in events; not secret.</param>
/// <param name="Grant">The user, group, portal and source address of the login.</param>
/// <param name="Began">The start of the session.</param>
public sealed record VpnSession(uint TunnelId, LoginGrant Grant, DateTimeOffset Began);

/// <summary>The result of opening a session: its cookie, or the reason for the refusal.</summary>
/// <param name="Cookie">64 hex digits, durable; null when there is no session.</param>
/// <param name="Refused">The reason for the refusal; null when there is a cookie.</param>
public readonly record struct VpnOpening(string? Cookie, Refusal? Refused);

/// <summary>The result of ending a session.</summary>
public enum VpnEnding
{
    /// <summary>There is no such session, or it has ended already.</summary>
    None,

    /// <summary>It has ended, durably.</summary>
    Durable,

    /// <summary>It has ended, but the disk cannot be written. The write is repeated until it is durable.</summary>
    NotDurable,
}
