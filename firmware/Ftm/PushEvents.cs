using Appliance.Firmware.Events;
using Appliance.Firmware.Login;

namespace Appliance.Firmware.Ftm;

/// <summary>The events of push delivery. Ids 32160 and 32161 are the vendor's; the texts and the other ids are *assumed*.</summary>
internal static class PushEvents
{
    internal static EventEntry Sent(PushOrder order) =>
        new(
            "0100032160",
            "system",
            EventLevel.Notice,
            "FortiToken mobile push message succeeded",
            ("msg", $"Push message to {order.Token.Serial} of user {order.User} was sent")
        );

    internal static EventEntry Failed(PushOrder order, string cause) =>
        new(
            "0100032161",
            "system",
            EventLevel.Alert,
            "FortiToken mobile push message failed",
            ("msg", $"Push message to {order.Token.Serial} of user {order.User} failed: {cause}")
        );

    internal static EventEntry Alarm(PushAlarm alarm) =>
        alarm.Degraded
            ? new(
                "0100099160",
                "system",
                EventLevel.Alert,
                "FortiToken mobile push degraded",
                ("status", "degraded"),
                ("msg", $"Push messages are not delivered: {alarm.Cause}")
            )
            : new(
                "0100099161",
                "system",
                EventLevel.Notice,
                "FortiToken mobile push restored",
                ("status", "ok"),
                ("msg", $"Push messages work: {alarm.Cause}")
            );

    internal static EventEntry RegistrationRemoved(string serial) =>
        new(
            "0100099162",
            "system",
            EventLevel.Warning,
            "FortiToken mobile registration removed",
            ("serialno", serial),
            ("msg", $"The phone of {serial} is no longer registered for push and must be provisioned again")
        );
}
