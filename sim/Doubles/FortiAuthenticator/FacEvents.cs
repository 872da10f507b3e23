using System.Net;
using Appliance.Firmware.Events;

namespace Appliance.Doubles.FortiAuthenticator;

/// <summary>The events of the emulator. Their ids and texts are the emulator's own (*assumed*: few of the product's are public).</summary>
internal static class FacEvents
{
    internal static EventEntry Decided(string user, IPAddress nas, string scheme, string status, string reason) =>
        new(
            status == "success" ? "0102043008" : "0102043009",
            "user",
            status == "success" ? EventLevel.Notice : EventLevel.Warning,
            status == "success" ? "Authentication success" : "Authentication failed",
            ("user", user),
            ("authproto", $"RADIUS({scheme})"),
            ("action", "authentication"),
            ("status", status),
            ("srcip", nas.ToString()),
            ("reason", reason)
        );

    internal static EventEntry PushSent(string user, string serial, string session) =>
        new(
            "0100032160",
            "system",
            EventLevel.Notice,
            "FortiToken mobile push message succeeded",
            ("user", user),
            ("serialno", serial),
            ("msg", $"Push {session[..8]} is sent to the phone of {user}")
        );

    internal static EventEntry PushFailed(string user, string why) =>
        new("0100032161", "system", EventLevel.Alert, "FortiToken mobile push message failed", ("user", user), ("msg", why));

    internal static EventEntry Accounting(
        string status,
        string user,
        string session,
        IPAddress nas,
        string seconds,
        string received,
        string sent
    ) =>
        new(
            "0102043011",
            "user",
            EventLevel.Information,
            "RADIUS accounting",
            ("user", user),
            ("action", $"accounting-{status}"),
            ("srcip", nas.ToString()),
            ("sessionid", session),
            ("duration", seconds),
            ("rcvdbyte", received),
            ("sentbyte", sent)
        );
}
