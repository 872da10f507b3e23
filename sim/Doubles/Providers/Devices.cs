namespace Appliance.Doubles.Providers;

/// <summary>A phone as a provider stores it.</summary>
/// <param name="Token">The provider's token of the app on the phone.</param>
/// <param name="App">For APNs the topic, for FCM the sender (project number) that the token was created for; null matches any.</param>
/// <param name="GoneSince">The time at which the app was removed; null while it is installed.</param>
/// <param name="TokenExpired">True: the token itself has expired (APNs ExpiredToken).</param>
/// <param name="ForApns">On FCM, true for an iOS app, which FCM would reach through APNs.</param>
public sealed record Device(
    string Token,
    string? App = null,
    DateTimeOffset? GoneSince = null,
    bool TokenExpired = false,
    bool ForApns = false
);

/// <summary>The phones of a provider. Thread-safe.</summary>
/// <param name="unseen">Queried for a token that was not registered; returns its phone, or null if there is none.</param>
public sealed class Devices(Func<string, Device?> unseen)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Device> _byToken = new(StringComparer.Ordinal);

    /// <summary>Returns a registry in which every well-formed token counts as registered until it is changed.</summary>
    public static Devices Open() => new(token => new Device(token));

    /// <summary>Registers a phone, or replaces its entry.</summary>
    public void Put(Device device)
    {
        lock (_lock)
        {
            _byToken[device.Token] = device;
        }
    }

    /// <summary>Returns the phone of a token; null if there is none.</summary>
    public Device? Find(string token)
    {
        lock (_lock)
        {
            if (_byToken.TryGetValue(token, out var known))
            {
                return known;
            }
        }
        return unseen(token);
    }
}

/// <summary>A notification that a provider accepted and passes on to the phone.</summary>
/// <param name="Provider"><c>apns</c> or <c>fcm</c>.</param>
/// <param name="DeviceToken">The phone's token.</param>
/// <param name="Payload">For APNs the whole payload, for FCM the message's <c>data</c>; JSON in UTF-8.</param>
/// <param name="Expires">The time until which it is stored for an offline phone; null if it is not stored.</param>
/// <param name="CollapseId">A later notification with the same id replaces this one; null for none.</param>
public sealed record Notification(
    string Provider,
    string DeviceToken,
    ReadOnlyMemory<byte> Payload,
    DateTimeOffset? Expires,
    string? CollapseId
);

/// <summary>The last hop, from a provider to the phone.</summary>
public interface ILastHop
{
    /// <summary>
    /// Passes a notification on. Completes when it is on its way, not when the phone has it. Returns false if there is no connection.
    /// </summary>
    ValueTask<bool> DeliverAsync(Notification notification);
}
