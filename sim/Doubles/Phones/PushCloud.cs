using Appliance.Doubles.Faults;
using Appliance.Doubles.PushProxy;
using Appliance.Firmware.Events;
using Appliance.Firmware.Ftm;

namespace Appliance.Doubles.Phones;

/// <summary>The in-process push cloud, which delivers a message to the phone that registered under the recipient's id.</summary>
public sealed class PushCloud(PhoneFleet fleet, TimeProvider time, LabFaults? faults = null) : IPushSender
{
    private readonly PushDelivery _delivery = new(faults, time);
    private readonly PushFaults? _faults = faults is null ? null : new(faults, time);

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
        // The app of the registration's second phone was removed, and its provider reports that. The first phone gets the push all the
        // same.
        _ = _faults?.HasSecondPhone(PushProxyRequest.Of(message, ""));
        // An offline phone gets the push once it is online again, unless it expires. The cloud has accepted it either way.
        _delivery.Deliver(phone, message);
        return PushResult.Sent;
    }

    /// <summary>
    /// Returns the result that proxy and provider would report under a fault; null for no fault. Without those, nothing is retried.
    /// </summary>
    private async ValueTask<PushResult?> FaultAsync(PushMessage message, CancellationToken cancellationToken)
    {
        if (_faults?.Way(PushProxyRequest.Of(message, "")) is { } way)
        {
            return PushResult.Failed(
                PushOutcome.Unavailable,
                way == WayFault.Dns ? "the name cannot be resolved" : "the TLS handshake failed"
            );
        }
        if (_faults?.Provider("", message, devices: null) is not { } fault)
        {
            return null;
        }
        if (fault.Status == 0)
        {
            await WorkTracker.DelayAsync(message.Expires - time.GetUtcNow(), time, cancellationToken);
            return PushResult.Failed(PushOutcome.Unavailable, "the provider did not answer in time");
        }
        var outcome = fault.Status switch
        {
            401 or 403 => PushOutcome.CredentialBad,
            410 => PushOutcome.RegistrationGone,
            429 or >= 500 => PushOutcome.Unavailable,
            _ => PushOutcome.Refused,
        };
        return new PushResult(
            outcome,
            $"the provider answers {fault.Status}",
            outcome == PushOutcome.RegistrationGone ? time.GetUtcNow() : null
        );
    }
}
