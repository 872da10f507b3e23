using System.Globalization;
using Appliance.Firmware.Events;

namespace Appliance.Lab.Units;

/// <summary>The events of a system clock that was set; id and words are *assumed*.</summary>
internal static class ClockEvents
{
    private const string Id = "0100099164";

    /// <summary>Creates the event of a system clock that was set by more than a second; negative for back.</summary>
    internal static EventEntry Stepped(TimeSpan by) =>
        Of(
            by,
            by < TimeSpan.Zero
                ? "The system clock was set back; the time continues without a jump"
                : "The system clock was set forward, and the time with it"
        );

    /// <summary>Creates the event of the lab's return to the system clock, by this much back.</summary>
    internal static EventEntry Returned(TimeSpan back) => Of(-back, "The time was returned to the system clock");

    private static EventEntry Of(TimeSpan by, string message) =>
        new(
            Id,
            "system",
            EventLevel.Warning,
            "System time changed",
            ("offset", ((long)Math.Round(by.TotalSeconds)).ToString(CultureInfo.InvariantCulture)),
            ("msg", message)
        );
}
