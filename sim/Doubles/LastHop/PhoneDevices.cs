using Appliance.Doubles.Phones;
using Appliance.Doubles.Providers;

namespace Appliance.Doubles.LastHop;

/// <summary>The lab's phones as the providers' devices, by the token of each registration.</summary>
internal static class PhoneDevices
{
    /// <summary>Returns a registry that follows the fleet.</summary>
    public static Devices Of(PhoneFleet fleet) =>
        new(token => fleet.Phones.Any(phone => TopicOf(phone)?.DeviceToken == token) ? new Device(token) : null);

    /// <summary>Returns the topic that a phone subscribes to; null while it is registered for no push.</summary>
    public static DeviceTopic? TopicOf(Phone phone) =>
        phone.Activation.RegistrationId is { Length: > 0 } registration
            ? new DeviceTopic(phone.Platform == "ios" ? "apns" : "fcm", DeviceTokens.Of(phone.Platform, registration))
            : null;
}

/// <summary>The topic of one app on one phone.</summary>
internal sealed record DeviceTopic(string Provider, string DeviceToken)
{
    /// <summary>The prefix of every topic.</summary>
    public const string Root = "push/";

    /// <summary>Returns the MQTT topic. A token holds no character that has a meaning in topics.</summary>
    public override string ToString() => $"{Root}{Provider}/{DeviceToken}";
}
