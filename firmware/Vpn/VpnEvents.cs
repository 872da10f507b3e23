using System.Globalization;
using System.Net;
using Appliance.Firmware.Events;
using Appliance.Firmware.Login;

namespace Appliance.Firmware.Vpn;

/// <summary>
/// The events of the SSL VPN. 39424 and 39426 are in the vendor's list; 39425 for the end of a session is *assumed* (the id between them).
/// </summary>
internal static class VpnEvents
{
    internal static EventEntry Opened(VpnSession session) =>
        Entry(
            "0101039424",
            EventLevel.Information,
            "SSL VPN tunnel up",
            "tunnel-up",
            session.TunnelId,
            session.Grant,
            ("reason", "login successfully"),
            ("msg", "SSL tunnel established")
        );

    internal static EventEntry Closed(VpnSession session, string reason, DateTimeOffset now) =>
        Entry(
            "0101039425",
            EventLevel.Information,
            "SSL VPN tunnel down",
            "tunnel-down",
            session.TunnelId,
            session.Grant,
            ("duration", ((long)(now - session.Began).TotalSeconds).ToString(CultureInfo.InvariantCulture)),
            ("reason", reason),
            ("msg", "SSL tunnel shutdown")
        );

    internal static EventEntry Failed(string user, IPAddress source, string reason) =>
        Entry(
            "0101039426",
            EventLevel.Alert,
            "SSL VPN login fail",
            "ssl-login-fail",
            0,
            new LoginGrant(user, "", "", source, TwoFactor: false),
            ("reason", reason),
            ("msg", "SSL user failed to logged in")
        );

    internal static EventEntry TunnelUp(VpnSession session, IPAddress address) =>
        Entry(
            "0101039947",
            EventLevel.Information,
            "SSL VPN session tunnel up",
            "tunnel-up",
            session.TunnelId,
            session.Grant,
            ("tunnelip", address.ToString()),
            ("reason", "tunnel established"),
            ("msg", "SSL tunnel established")
        );

    internal static EventEntry TunnelDown(
        VpnSession session,
        IPAddress address,
        string reason,
        long sentBytes,
        long receivedBytes,
        TimeSpan duration
    ) =>
        Entry(
            "0101039948",
            EventLevel.Information,
            "SSL VPN session tunnel down",
            "tunnel-down",
            session.TunnelId,
            session.Grant,
            ("tunnelip", address.ToString()),
            ("duration", ((long)duration.TotalSeconds).ToString(CultureInfo.InvariantCulture)),
            ("sentbyte", sentBytes.ToString(CultureInfo.InvariantCulture)),
            ("rcvdbyte", receivedBytes.ToString(CultureInfo.InvariantCulture)),
            ("reason", reason),
            ("msg", "SSL tunnel shutdown")
        );

    /// <summary>No address of the pool is free (*assumed* id and form; the text is the vendor's).</summary>
    internal static EventEntry PoolExhausted(VpnSession session) =>
        Entry(
            "0101039426",
            EventLevel.Alert,
            "SSL VPN login fail",
            "ssl-login-fail",
            session.TunnelId,
            session.Grant,
            ("reason", "no more IP address available"),
            ("msg", "SSL tunnel is refused: no more IP address available")
        );

    private static EventEntry Entry(
        string id,
        EventLevel level,
        string description,
        string action,
        uint tunnelId,
        LoginGrant grant,
        params ReadOnlySpan<(string, string)> more
    ) =>
        new(
            id,
            "vpn",
            level,
            description,
            [
                ("action", action),
                ("tunneltype", id is "0101039947" or "0101039948" or "0101039949" ? "ssl-tunnel" : "ssl-web"),
                ("tunnelid", tunnelId.ToString(CultureInfo.InvariantCulture)),
                ("remip", grant.Source.ToString()),
                ("user", grant.User.Length == 0 ? "N/A" : grant.User),
                ("group", grant.Group.Length == 0 ? "N/A" : grant.Group),
                ("dst_host", "N/A"),
                .. more,
            ]
        );
}
