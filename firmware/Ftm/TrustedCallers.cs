using System.Net;
using Appliance.Firmware.Config;
using Appliance.Firmware.Events;
using Appliance.Firmware.Login.Accounts;

namespace Appliance.Firmware.Ftm;

/// <summary>
/// The trusted-host rule for phones, which administrators often overlook: the callback is management access too. If every administrator has
/// trusted hosts and none of them contains the phone, its answer is refused. One account without trusted hosts (it may have no rights)
/// allows all phones. The form of the refusal on the wire, and its event (the id of a failed push), are *assumed*.
/// </summary>
public sealed class TrustedCallers(ConfigStore store, EventLog events, TimeProvider time)
{
    /// <summary>The interval within which the same address is not logged again.</summary>
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private (IPAddress? From, DateTimeOffset At) _told;

    /// <summary>Returns true if a phone may call from an address. Logs a refusal as an event.</summary>
    internal bool Allows(IPAddress from)
    {
        if (TrustedHosts.AnyoneFrom(store.Current, from))
        {
            return true;
        }
        var now = time.GetUtcNow();
        lock (_lock)
        {
            if (from.Equals(_told.From) && now - _told.At < Quiet)
            {
                return false;
            }
            _told = (from, now);
        }
        events.Write(
            new EventEntry(
                "0100032161",
                "system",
                EventLevel.Alert,
                "FortiToken mobile push message failed",
                ("srcip", from.ToString()),
                ("action", "callback"),
                ("status", "failed"),
                ("reason", "no_trusted_host"),
                (
                    "msg",
                    $"The answer of a phone from {from} was refused: every administrator has trusted hosts, and none contains this address"
                )
            )
        );
        return false;
    }
}
