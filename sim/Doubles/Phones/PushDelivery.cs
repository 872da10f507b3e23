using Appliance.Doubles.Faults;
using Appliance.Firmware.Ftm;

namespace Appliance.Doubles.Phones;

/// <summary>The last step of a push, onto the phone, with the faults of that step. Thread-safe.</summary>
internal sealed class PushDelivery(LabFaults? faults, TimeProvider time)
{
    /// <summary>The time for which <c>push.reorder</c> delays a push if no other one arrives.</summary>
    private static readonly TimeSpan ReorderDefault = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    private (Phone Phone, PushMessage Push)? _held;

    /// <summary>Delivers a push to a phone; returns immediately.</summary>
    public void Deliver(Phone phone, PushMessage push)
    {
        if (faults?.Arrival(push) is not { } fault)
        {
            phone.Receive(push);
        }
        else if (fault.Word == FaultWord.PushDelay)
        {
            After(fault.Delay!.Value, () => phone.Receive(push));
            return;
        }
        else if (fault.Word == FaultWord.PushDuplicate)
        {
            phone.Receive(push);
            phone.Receive(push);
        }
        else if (fault.Word == FaultWord.PushReorder)
        {
            lock (_lock)
            {
                _held = (phone, push);
            }
            After(fault.Delay ?? ReorderDefault, ReleaseHeld);
            return;
        }
        else if (fault.Word == FaultWord.PhoneOffline)
        {
            SwitchOff(phone, push, fault.Delay);
            return;
        }
        else
        {
            return; // push.drop
        }
        // A delayed push is delivered after the next one.
        ReleaseHeld();
    }

    private void SwitchOff(Phone phone, PushMessage push, TimeSpan? delay)
    {
        if (delay is { } back)
        {
            // Armed before the phone is offline: a client that observes that may set the clock to the time of its return.
            After(back, () => phone.Change(new PhoneChange(Online: true)));
        }
        phone.Change(new PhoneChange(Online: false));
        phone.Receive(push);
    }

    private void ReleaseHeld()
    {
        (Phone Phone, PushMessage Push)? held;
        lock (_lock)
        {
            (held, _held) = (_held, null);
        }
        held?.Phone.Receive(held.Value.Push);
    }

    private void After(TimeSpan delay, Action action)
    {
        ITimer? timer = null;
        timer = time.CreateTimer(
            _ =>
            {
                timer?.Dispose();
                action();
            },
            null,
            Timeout.InfiniteTimeSpan,
            Timeout.InfiniteTimeSpan
        );
        timer.Change(delay, Timeout.InfiniteTimeSpan);
    }
}
