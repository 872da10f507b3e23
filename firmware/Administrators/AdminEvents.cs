using System.Globalization;
using System.Net;
using Appliance.Firmware.Events;

namespace Appliance.Firmware.Administrators;

/// <summary>The events of administrators' sessions: 32001 and 32003 of the vendor's list, with the fields given there.</summary>
internal static class AdminEvents
{
    internal static EventEntry LoggedIn(Administrator who, IPAddress? source, DateTimeOffset now) => Entry("0100032001", EventLevel.Information, "Admin login successful", who.Name, who.Ui, source, now,
        ("action", "login"), ("status", "success"), ("reason", "none"), ("profile", who.Profile), ("msg", $"Administrator {who.Name} logged in successfully from {who.Ui}"));

    internal static EventEntry LoggedOut(Administrator who, IPAddress? source, DateTimeOffset began, DateTimeOffset now, string reason) => Entry("0100032003", EventLevel.Information, "Admin logout successful", who.Name, who.Ui, source, began,
        ("action", "logout"), ("status", "success"), ("duration", ((long)(now - began).TotalSeconds).ToString(CultureInfo.InvariantCulture)), ("reason", reason),
        ("msg", reason == "timeout" ? $"Administrator {who.Name} timed out on {who.Ui}" : $"Administrator {who.Name} logged out from {who.Ui}"));

    private static EventEntry Entry(string id, EventLevel level, string description, string name, string ui, IPAddress? source, DateTimeOffset began, params ReadOnlySpan<(string, string)> more) => new(id, "system", level, description,
    [
        ("sn", began.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture)), ("user", name), ("ui", ui), ("method", ui.Split('(')[0]),
        .. source is null ? ((string, string)[])[] : [("srcip", source.ToString())], .. more,
    ]);
}
