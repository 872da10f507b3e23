using Appliance.Firmware.Ftm;

namespace Appliance.Sim.Phones;

/// <summary>The push cloud, in process: hands a message to the phone that registered under the recipient's id.</summary>
public sealed class PushCloud(PhoneFleet fleet, TimeProvider time) : IPushSender
{
    public ValueTask<PushResult> SendAsync(PushMessage message, CancellationToken cancellationToken)
    {
        if (message.Recipient.Length == 0)
        {
            return ValueTask.FromResult(PushResult.Failed(PushOutcome.Refused, "no registration id"));
        }
        if (message.Expires <= time.GetUtcNow())
        {
            return ValueTask.FromResult(PushResult.Failed(PushOutcome.Refused, "expired before it was sent"));
        }
        var phone = fleet.Phones.FirstOrDefault(phone =>
            phone.Activation.RegistrationId == message.Recipient && phone.Serial == message.TokenSerial);
        // An offline phone gets it once it is back, unless it expires: the cloud took it either way.
        phone?.Receive(message);
        return ValueTask.FromResult(phone is null ? PushResult.Failed(PushOutcome.Refused, "unknown registration id") : PushResult.Sent);
    }
}
