using System.Net;
using Appliance.Doubles.Faults;
using Appliance.Doubles.Providers;
using Appliance.Firmware.Ftm;

namespace Appliance.Doubles.PushProxy;

/// <summary>The faults of a push between proxy and provider, and at the provider. Thread-safe.</summary>
/// <param name="faults">The lab's faults.</param>
/// <param name="time">The lab's clock.</param>
internal sealed class PushFaults(LabFaults faults, TimeProvider time)
{
    /// <summary>Returns the fault with which the provider answers a push; null to serve it.</summary>
    /// <param name="deviceToken">The phone's token at the provider.</param>
    /// <param name="push">The push; null if the body is none.</param>
    /// <param name="devices">The provider's devices, from which a reinstalled app is removed permanently; null without a provider.</param>
    public ProviderFault? Provider(string deviceToken, PushMessage? push, Devices? devices)
    {
        if (faults.Take(LabFaults.SubjectOf(push), FaultPoint.ProviderReply) is not { Fault: var fault })
        {
            return null;
        }
        if (fault.Word == FaultWord.PhoneReinstalled)
        {
            // The rules of a provider report the removed device themselves.
            devices?.Put(new Device(deviceToken, GoneSince: time.GetUtcNow()));
            return devices is null ? new ProviderFault(410) : null;
        }
        // A provider that hangs has no status.
        return new ProviderFault(fault.Word.Status ?? 0, fault.RetryAfter);
    }

    /// <summary>Returns the fault that makes the provider unreachable; null if it is reachable.</summary>
    public WayFault? Way(PushProxyRequest push) =>
        faults.Take(SubjectOf(push), FaultPoint.Connection) is not { Fault.Word: var word } ? null
        : word == FaultWord.ProviderTls ? WayFault.Tls
        : WayFault.Dns;

    /// <summary>Returns the second phone of a registration, whose app was removed long ago; null if it has only one.</summary>
    public Registration? SecondPhone(PushProxyRequest push, Devices devices)
    {
        if (!HasSecondPhone(push))
        {
            return null;
        }
        var stale = new Registration(push.Platform, DeviceTokens.Of(push.Platform, "stale " + push.Recipient));
        devices.Put(new Device(stale.Token, GoneSince: time.GetUtcNow()));
        return stale;
    }

    /// <summary>Returns true if the registration of a push has a second phone, whose app was removed long ago.</summary>
    public bool HasSecondPhone(PushProxyRequest push) => faults.Take(SubjectOf(push), FaultPoint.Registration) is not null;

    private static FaultSubject SubjectOf(PushProxyRequest push) =>
        new(push.User, IPAddress.TryParse(push.ClientIp, out var source) ? source : null, push.Token, push.Session);
}
