using System.Globalization;
using Appliance.Firmware.Events;

namespace Appliance.Firmware.Monitoring;

/// <summary>The events of a disk that cannot be written. No public source documents an id: 99165 and 99166 are *assumed*.</summary>
internal static class StorageEvents
{
    /// <summary>Creates the event for the start of a fault, or for its end (null).</summary>
    /// <param name="fault">The database's reason; null when it works again.</param>
    /// <param name="lost">Events lost since the start.</param>
    internal static EventEntry Of(string? fault, long lost) =>
        fault is not null
            ? new(
                "0100099165",
                "system",
                EventLevel.Alert,
                "Disk cannot be written",
                ("disk", "state"),
                ("status", "failing"),
                ("msg", $"The disk of the state folder cannot be written: {fault}. Logins are refused until it can")
            )
            : new(
                "0100099166",
                "system",
                EventLevel.Notice,
                "Disk can be written",
                ("disk", "state"),
                ("status", "ok"),
                (
                    "msg",
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"The disk of the state folder can be written again; {lost} events were lost since the start"
                    )
                )
            );
}
