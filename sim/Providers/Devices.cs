namespace Appliance.Sim.Providers;

/// <summary>A phone as a provider knows it.</summary>
/// <param name="Token">The provider's token of the app on it.</param>
/// <param name="App">For APNs the topic, for FCM the sender (project number) that the token was made for; null suits every one.</param>
/// <param name="GoneSince">Not null: the app was removed then.</param>
/// <param name="TokenExpired">The token itself ran out (APNs ExpiredToken).</param>
/// <param name="ForApns">On FCM: an iOS app, which FCM would reach by APNs.</param>
public sealed record Device(string Token, string? App = null, DateTimeOffset? GoneSince = null, bool TokenExpired = false, bool ForApns = false);

/// <summary>The phones that a provider knows. Thread-safe.</summary>
/// <param name="unseen">Asked for a token that nothing was told of: its phone, or null when there is none.</param>
public sealed class Devices(Func<string, Device?> unseen)
{
    /// <summary>Every well-formed token counts as registered until something else is told of it.</summary>
    public static Devices Open() => new(token => new Device(token));

    private readonly Lock _lock = new();
    private readonly Dictionary<string, Device> _byToken = new(StringComparer.Ordinal);

    /// <summary>Registers a phone, or changes what is known of it.</summary>
    public void Put(Device device)
    {
        lock (_lock)
        {
            _byToken[device.Token] = device;
        }
    }

    /// <summary>The phone of a token; null when there is none.</summary>
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

/// <summary>What a provider took and passes on to the phone.</summary>
/// <param name="Provider"><c>apns</c> or <c>fcm</c>.</param>
/// <param name="DeviceToken">Which phone.</param>
/// <param name="Payload">For APNs the whole payload, for FCM the message's <c>data</c>; JSON in UTF-8.</param>
/// <param name="Expires">Kept for an offline phone until then; null is not kept.</param>
/// <param name="CollapseId">A later one with the same id replaces this; null for none.</param>
public sealed record Notification(string Provider, string DeviceToken, ReadOnlyMemory<byte> Payload, DateTimeOffset? Expires, string? CollapseId);

/// <summary>The last hop, from a provider to the phone.</summary>
public interface ILastHop
{
    /// <summary>Passes it on; completes when it is on its way, not when the phone has it. False when there is no way.</summary>
    ValueTask<bool> DeliverAsync(Notification notification);
}
