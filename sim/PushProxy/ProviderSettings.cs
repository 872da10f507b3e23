using System.Text.Json;
using System.Text.Json.Serialization;
using Appliance.Sim.Providers;

namespace Appliance.Sim.PushProxy;

/// <summary>How the proxy reaches APNs.</summary>
/// <param name="Url">The base address, for example <c>https://api.push.apple.com</c>.</param>
/// <param name="TeamId">The team that the key belongs to.</param>
/// <param name="KeyId">Which key.</param>
/// <param name="Key">The key's file (.p8).</param>
/// <param name="Topic">The app.</param>
/// <param name="Ca">PEM file of the only authority believed; null for the system's.</param>
/// <param name="KeyExpires">When the key must not be used any more; null when never.</param>
internal sealed record ApnsSettings(Uri Url, string TeamId, string KeyId, string Key, string Topic, string? Ca = null, DateTimeOffset? KeyExpires = null);

/// <summary>How the proxy reaches FCM.</summary>
/// <param name="Url">The base address, for example <c>https://fcm.googleapis.com</c>.</param>
/// <param name="ServiceAccount">The service account's key file (JSON, as Google gives it).</param>
/// <param name="Ca">PEM file of the only authority believed; null for the system's.</param>
/// <param name="KeyExpires">When the key must not be used any more; null when never.</param>
internal sealed record FcmSettings(Uri Url, string ServiceAccount, string? Ca = null, DateTimeOffset? KeyExpires = null);

/// <summary>A phone behind a registration id.</summary>
internal sealed record Registration(string Platform, string Token);

/// <summary>Where the proxy's pushes go: a JSON file. A provider that is not there is not served.</summary>
/// <param name="Registrations">Phones by registration id, where the id itself is not the provider's token; one id may stand for several phones.</param>
internal sealed record ProviderSettings(ApnsSettings? Apns = null, FcmSettings? Fcm = null, IReadOnlyDictionary<string, IReadOnlyList<Registration>>? Registrations = null)
{
    /// <summary>Reads a file; paths in it are relative to it.</summary>
    /// <exception cref="FormatException">It is not such a file; the message says what is wrong.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static ProviderSettings Load(string file) => Read(File.ReadAllBytes(file), file);

    /// <summary>Reads the text of such a file.</summary>
    /// <exception cref="FormatException">It is not such a file; the message says what is wrong.</exception>
    internal static ProviderSettings Read(ReadOnlySpan<byte> json, string file)
    {
        var name = Path.GetFileName(file);
        try
        {
            var settings = JsonSerializer.Deserialize(json, ProviderSettingsJson.Default.ProviderSettings) ?? throw new FormatException($"{name}: null names no provider");
            foreach (var url in new[] { settings.Apns?.Url, settings.Fcm?.Url })
            {
                if (url is not null && (!url.IsAbsoluteUri || url.Scheme != Uri.UriSchemeHttps))
                {
                    throw new FormatException($"{name}: url must begin with https://, not '{url.OriginalString}'");
                }
            }
            // Nullable annotations do not reach into collections.
            if (settings.Registrations?.Values.Any(phones => phones is null || phones.Contains(null!)) == true)
            {
                throw new FormatException($"{name}: null in registrations");
            }
            if (settings.Registrations?.Values.SelectMany(phones => phones).FirstOrDefault(phone => phone.Platform is not ("ios" or "android")) is { } wrong)
            {
                throw new FormatException($"{name}: platform must be ios or android, not '{wrong.Platform}'");
            }
            var folder = Path.GetDirectoryName(Path.GetFullPath(file))!;
            string Beside(string path) => Path.Combine(folder, path);
            return settings with
            {
                Apns = settings.Apns is { } apns ? apns with { Key = Beside(apns.Key), Ca = apns.Ca is null ? null : Beside(apns.Ca) } : null,
                Fcm = settings.Fcm is { } fcm ? fcm with { ServiceAccount = Beside(fcm.ServiceAccount), Ca = fcm.Ca is null ? null : Beside(fcm.Ca) } : null,
            };
        }
        catch (JsonException wrong)
        {
            throw new FormatException($"{name}: {wrong.Message}", wrong);
        }
    }

    /// <summary>The phones behind a registration id; never empty.</summary>
    public IReadOnlyList<Registration> PhonesOf(string registrationId, string platform) =>
        Registrations?.TryGetValue(registrationId, out var phones) == true && phones.Count > 0 ? phones : [new Registration(platform, DeviceTokens.Of(platform, registrationId))];
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Strict, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ProviderSettings))]
internal sealed partial class ProviderSettingsJson : JsonSerializerContext;
