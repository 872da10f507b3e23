using Appliance.Firmware.Events;
using Appliance.Firmware.Ftm;
using Appliance.Sim.Faults;

namespace Appliance.Sim.Phones;

/// <summary>The push cloud, in process: hands a message to the phone that registered under the recipient's id.</summary>
public sealed class PushCloud(PhoneFleet fleet, TimeProvider time, LabFaults? faults = null) : IPushSender
{
    private readonly PushDelivery _delivery = new(faults, time);

    public async ValueTask<PushResult> SendAsync(PushMessage message, CancellationToken cancellationToken)
    {
        fleet.Wire?.Sees(message.SessionId, message.User);
        if (message.Recipient.Length == 0)
        {
            return PushResult.Failed(PushOutcome.Refused, "no registration id");
        }
        if (message.Expires <= time.GetUtcNow())
        {
            return PushResult.Failed(PushOutcome.Refused, "expired before it was sent");
        }
        if (await FaultAsync(message, cancellationToken) is { } failure)
        {
            return failure;
        }
        if (fleet.Find(message.TokenSerial) is not { } phone || phone.Activation.RegistrationId != message.Recipient)
        {
            return PushResult.Failed(PushOutcome.Refused, "unknown registration id");
        }
        // A second phone of this registration, whose app is gone, is told so by its provider; the first one has the push all the same.
        _ = faults?.HasSecondPhone(PushProxyRequest.Of(message, ""));
        // An offline phone gets it once it is back, unless it expires: the cloud took it either way.
        _delivery.Deliver(phone, message);
        return PushResult.Sent;
    }

    /// <summary>What proxy and provider would say; without them nothing is tried again.</summary>
    private async ValueTask<PushResult?> FaultAsync(PushMessage message, CancellationToken cancellationToken)
    {
        if (faults?.Way(PushProxyRequest.Of(message, "")) is { } way)
        {
            return PushResult.Failed(PushOutcome.Unavailable, way == PushProxy.WayFault.Dns ? "the name cannot be resolved" : "the TLS handshake failed");
        }
        if (faults?.Provider("cloud", "", message, devices: null) is not { } fault)
        {
            return null;
        }
        if (fault.Status == 0)
        {
            await WorkInHand.DelayAsync(message.Expires - time.GetUtcNow(), time, cancellationToken);
            return PushResult.Failed(PushOutcome.Unavailable, "the provider did not answer in time");
        }
        var outcome = fault.Status switch
        {
            401 or 403 => PushOutcome.CredentialBad,
            410 => PushOutcome.RegistrationGone,
            429 or >= 500 => PushOutcome.Unavailable,
            _ => PushOutcome.Refused,
        };
        return new PushResult(outcome, $"the provider answers {fault.Status}", outcome == PushOutcome.RegistrationGone ? time.GetUtcNow() : null);
    }
}
