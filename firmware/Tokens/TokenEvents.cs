using Appliance.Firmware.Events;

namespace Appliance.Firmware.Tokens;

/// <summary>
/// The events of a token's lifecycle: 32155 to 32159 of the vendor's list, with the fields given there; texts are *assumed*.
/// </summary>
internal static class TokenEvents
{
    /// <summary>Creates the event of a beginning activation: a code is sent, or the administrator activates a hardware token.</summary>
    internal static EventEntry Requested(string serial, string message) =>
        new(
            "0100032155",
            "system",
            EventLevel.Notice,
            "FortiToken activation requested",
            ("user", "admin"),
            ("ui", "console"),
            ("action", "activate"),
            ("serialno", serial),
            ("msg", message)
        );

    internal static EventEntry Activated(string serial, string message) =>
        new(
            "0100032156",
            "system",
            EventLevel.Notice,
            "FortiToken activated",
            ("action", "activate"),
            ("status", "success"),
            ("serialno", serial),
            ("msg", message)
        );

    internal static EventEntry Refused(string serial, string message) =>
        new(
            "0100032159",
            "system",
            EventLevel.Error,
            "FortiToken activation failed",
            ("action", "activate"),
            ("status", "failure"),
            ("serialno", serial),
            ("msg", message)
        );

    internal static EventEntry Synchronized(string serial, bool done) =>
        new(
            done ? "0100032157" : "0100032158",
            "system",
            done ? EventLevel.Notice : EventLevel.Error,
            done ? "FortiToken synchronized" : "FortiToken synchronization failed",
            ("user", "admin"),
            ("ui", "console"),
            ("action", "sync"),
            ("status", done ? "success" : "failure"),
            ("serialno", serial)
        );
}
