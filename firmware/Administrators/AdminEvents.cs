using System.Globalization;
using System.Net;
using Appliance.Firmware.Events;

namespace Appliance.Firmware.Administrators;

/// <summary>The events of administrators' sessions: 32001, 32002, 32003 and 32021 of the vendor's list, with the fields given there.</summary>
internal static class AdminEvents
{
    internal static EventEntry LoggedIn(Administrator who, IPAddress? source, DateTimeOffset now) => Entry("0100032001", EventLevel.Information, "Admin login successful", who.Name, who.Ui, source, now,
        ("action", "login"), ("status", "success"), ("reason", "none"), ("profile", who.Profile), ("msg", $"Administrator {who.Name} logged in successfully from {who.Ui}"));

    internal static EventEntry Failed(string name, string ui, IPAddress? source, AdminRefusal reason, DateTimeOffset now) => Entry("0100032002", EventLevel.Alert, "Admin login failed", name, ui, source, now,
        ("action", "login"), ("status", "failed"), ("reason", Word(reason)), ("msg", $"Administrator {name} login failed from {ui} because of {Because(reason)}"));

    internal static EventEntry Locked(string ui, IPAddress? source, int failures, TimeSpan duration) => new("0100032021", "system", EventLevel.Alert, "Admin login disabled",
        ("ui", ui), ("action", "login"), ("status", "failed"), ("reason", "exceed_limit"),
        ("msg", string.Create(CultureInfo.InvariantCulture, $"Login disabled from {(source is null ? ui : $"IP {source}")} for {(long)duration.TotalSeconds} seconds because of {failures} bad attempts")));

    internal static EventEntry LoggedOut(Administrator who, IPAddress? source, DateTimeOffset began, DateTimeOffset now, string reason) => Entry("0100032003", EventLevel.Information, "Admin logout successful", who.Name, who.Ui, source, began,
        ("action", "logout"), ("status", "success"), ("duration", ((long)(now - began).TotalSeconds).ToString(CultureInfo.InvariantCulture)), ("reason", reason),
        ("msg", reason == "timeout" ? $"Administrator {who.Name} timed out on {who.Ui}" : $"Administrator {who.Name} logged out from {who.Ui}"));

    /// <summary>The words that public samples have; the last two are *assumed*.</summary>
    private static string Word(AdminRefusal reason) => reason switch
    {
        AdminRefusal.UnknownName => "name_invalid",
        AdminRefusal.WrongPassword => "passwd_invalid",
        AdminRefusal.Locked => "exceed_limit",
        AdminRefusal.NotTrusted => "ip_trusted_host",
        _ => "two_factor",
    };

    private static string Because(AdminRefusal reason) => reason switch
    {
        AdminRefusal.UnknownName => "invalid user name",
        AdminRefusal.WrongPassword => "invalid password",
        AdminRefusal.Locked => "too many bad attempts",
        AdminRefusal.NotTrusted => "an address that is no trusted host",
        _ => "a second factor that cannot be asked for",
    };

    private static EventEntry Entry(string id, EventLevel level, string description, string name, string ui, IPAddress? source, DateTimeOffset began, params ReadOnlySpan<(string, string)> more) => new(id, "system", level, description,
    [
        ("sn", began.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture)), ("user", name), ("ui", ui), ("method", ui.Split('(')[0]),
        .. source is null ? ((string, string)[])[] : [("srcip", source.ToString())], .. more,
    ]);
}
