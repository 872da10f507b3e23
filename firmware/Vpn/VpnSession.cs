using Appliance.Firmware.Login;

namespace Appliance.Firmware.Vpn;

/// <summary>One logged-in client.</summary>
/// <param name="TunnelId">The number by which events name the session; no secret.</param>
/// <param name="Grant">Who, in which group, with which portal, from where.</param>
/// <param name="Began">When.</param>
public sealed record VpnSession(uint TunnelId, LoginGrant Grant, DateTimeOffset Began);

/// <summary>What came of a session that was to be opened: its cookie, or why there is none.</summary>
/// <param name="Cookie">64 hex digits, durable; null when there is no session.</param>
/// <param name="Refused">Why not; null when there is a cookie.</param>
public readonly record struct VpnOpening(string? Cookie, Refusal? Refused);

/// <summary>What came of a session that was to be ended.</summary>
public enum VpnEnding
{
    /// <summary>There is no such session, or it has ended already.</summary>
    None,
    /// <summary>It has ended, and that is durable.</summary>
    Durable,
    /// <summary>It has ended, but the disk cannot be written: the write is repeated until it is durable.</summary>
    NotDurable,
}
