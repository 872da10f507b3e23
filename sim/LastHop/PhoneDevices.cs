using Appliance.Sim.Phones;
using Appliance.Sim.Providers;

namespace Appliance.Sim.LastHop;

/// <summary>The lab's phones as its providers know them: by the token of each registration.</summary>
internal static class PhoneDevices
{
    /// <summary>A registry that follows the fleet.</summary>
    public static Devices Of(PhoneFleet fleet) => new(token => fleet.Phones.Any(phone => TopicOf(phone)?.DeviceToken == token) ? new Device(token) : null);

    /// <summary>Where a phone listens; null while it is registered for no push.</summary>
    public static DeviceTopic? TopicOf(Phone phone) => phone.Activation.RegistrationId is { Length: > 0 } registration
        ? new DeviceTopic(phone.Platform == "ios" ? "apns" : "fcm", DeviceTokens.Of(phone.Platform, registration)) : null;
}

/// <summary>The topic of one app on one phone.</summary>
internal sealed record DeviceTopic(string Provider, string DeviceToken)
{
    /// <summary>What every one begins with.</summary>
    public const string Root = "push/";

    /// <summary>As MQTT has it: a token holds no character that means something in a topic.</summary>
    public override string ToString() => $"{Root}{Provider}/{DeviceToken}";
}
