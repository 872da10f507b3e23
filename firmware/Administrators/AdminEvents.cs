using System.Globalization;
using System.Net;
using Appliance.Firmware.Events;

namespace Appliance.Firmware.Administrators;

/// <summary>The events of administrators' sessions: 32001 and 32003 of the vendor's list, with the fields documented there.</summary>
internal static class AdminEvents
{
    internal static EventEntry LoggedIn(Administrator who, IPAddress? source, DateTimeOffset now) =>
        Entry(
            "0100032001",
            "Admin login successful",
            who,
            now,
            [
                ("method", who.Ui.Split('(')[0]),
                .. source is null ? ((string, string)[])[] : [("srcip", source.ToString())],
                ("action", "login"),
                ("status", "success"),
                ("reason", "none"),
                ("profile", who.Profile),
                ("msg", $"Administrator {who.Name} logged in successfully from {who.Ui}"),
            ]
        );

    internal static EventEntry LoggedOut(Administrator who, DateTimeOffset began, DateTimeOffset now, string reason) =>
        Entry(
            "0100032003",
            "Admin logout successful",
            who,
            began,
            ("action", "logout"),
            ("status", "success"),
            ("duration", ((long)(now - began).TotalSeconds).ToString(CultureInfo.InvariantCulture)),
            ("reason", reason),
            (
                "msg",
                reason == "timeout"
                    ? $"Administrator {who.Name} timed out on {who.Ui}"
                    : $"Administrator {who.Name} logged out from {who.Ui}"
            )
        );

    /// <param name="id">The event's number.</param>
    /// <param name="description">The event's description.</param>
    /// <param name="who">The administrator.</param>
    /// <param name="began">The start of the session. Its serial number (<c>sn</c>) is this time in seconds since 1970.</param>
    /// <param name="more">The fields after <c>ui</c>.</param>
    private static EventEntry Entry(
        string id,
        string description,
        Administrator who,
        DateTimeOffset began,
        params ReadOnlySpan<(string, string)> more
    ) =>
        new(
            id,
            "system",
            EventLevel.Information,
            description,
            [("sn", began.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture)), ("user", who.Name), ("ui", who.Ui), .. more]
        );
}
