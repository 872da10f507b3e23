using Appliance.Firmware.Ftm;
using Appliance.Sim.Phones;

namespace Appliance.Sim.Faults;

/// <summary>The last step of a push, onto the phone, with what may go wrong there. Thread-safe.</summary>
internal sealed class PushDelivery(LabFaults? faults, TimeProvider time)
{
    /// <summary>How long <c>push.reorder</c> holds a push back when no other one comes.</summary>
    private static readonly TimeSpan ReorderDefault = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    private (Phone Phone, PushMessage Push)? _held;

    /// <summary>Brings a push to a phone; returns at once.</summary>
    public void Deliver(Phone phone, PushMessage push)
    {
        switch (faults?.Arrival(push))
        {
            case null:
                phone.Receive(push);
                break;
            case { Word: "push.drop" }:
                return;
            case { Word: "push.delay", Delay: var delay }:
                After(delay!.Value, () => phone.Receive(push));
                return;
            case { Word: "push.duplicate" }:
                phone.Receive(push);
                phone.Receive(push);
                break;
            case { Word: "push.reorder", Delay: var delay }:
                lock (_lock)
                {
                    _held = (phone, push);
                }
                After(delay ?? ReorderDefault, ReleaseHeld);
                return;
            case { Word: "phone.offline", Delay: var delay }:
                if (delay is { } back)
                {
                    // Before it is off: whoever sees that may set the clock to when it is back.
                    After(back, () => phone.Change(new PhoneChange(Online: true)));
                }
                phone.Change(new PhoneChange(Online: false));
                phone.Receive(push);
                return;
        }
        // One that was held back comes after the next one.
        ReleaseHeld();
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
        timer = time.CreateTimer(_ =>
        {
            timer?.Dispose();
            action();
        }, null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        timer.Change(delay, Timeout.InfiniteTimeSpan);
    }
}
