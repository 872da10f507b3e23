using Appliance.Sim.Providers;
using Appliance.Sim.PushProxy;

namespace Appliance.Sim.Phones;

/// <summary>The last hop without a network: straight to the lab's phones in this process.</summary>
internal sealed class FleetLastHop(PhoneFleet fleet) : ILastHop
{
    /// <summary>The phones of the lab as its providers know them.</summary>
    public Devices Devices { get; } = new(token => PhonesOf(fleet, token).Any() ? new Device(token) : null);

    public ValueTask DeliverAsync(Notification notification)
    {
        if (PushPayload.Read(notification.Payload) is { } message)
        {
            foreach (var phone in PhonesOf(fleet, notification.DeviceToken).Where(phone => phone.Serial == message.TokenSerial))
            {
                phone.Receive(message);
            }
        }
        return ValueTask.CompletedTask;
    }

    private static IEnumerable<Phone> PhonesOf(PhoneFleet fleet, string deviceToken) =>
        fleet.Phones.Where(phone => phone.Activation.RegistrationId is { Length: > 0 } registration && DeviceTokens.Of(phone.Platform, registration) == deviceToken);
}
