using System.Text.Json;
using System.Text.Json.Serialization;
using Appliance.Doubles.Failures;
using Appliance.Doubles.Phones;
using Appliance.Doubles.Providers;

namespace Appliance.Doubles.PushProxy;

/// <summary>The settings for APNs.</summary>
/// <param name="Url">The base address, for example <c>https://api.push.apple.com</c>.</param>
/// <param name="TeamId">The team that the key belongs to.</param>
/// <param name="KeyId">The id of the key.</param>
/// <param name="Key">The key's file (.p8).</param>
/// <param name="Topic">The topic of the app.</param>
/// <param name="Ca">A PEM file with the only trusted CA; null trusts the system's CAs.</param>
/// <param name="KeyExpires">The time from which the key must not be used any more; null for never.</param>
internal sealed record ApnsSettings(
    Uri Url,
    string TeamId,
    string KeyId,
    string Key,
    string Topic,
    string? Ca = null,
    DateTimeOffset? KeyExpires = null
);

/// <summary>The settings for FCM.</summary>
/// <param name="Url">The base address, for example <c>https://fcm.googleapis.com</c>.</param>
/// <param name="ServiceAccount">The service account's key file (JSON, as Google gives it).</param>
/// <param name="Ca">A PEM file with the only trusted CA; null trusts the system's CAs.</param>
/// <param name="KeyExpires">The time from which the key must not be used any more; null for never.</param>
internal sealed record FcmSettings(Uri Url, string ServiceAccount, string? Ca = null, DateTimeOffset? KeyExpires = null);

/// <summary>A phone behind a registration id.</summary>
internal sealed record Registration(string Platform, string Token);

/// <summary>The providers of the push proxy, from a JSON file. A provider that is missing is not served.</summary>
/// <param name="Registrations">
/// The phones by registration id, for ids that are not the provider's token; one id may represent several phones.
/// </param>
internal sealed record ProviderSettings(
    ApnsSettings? Apns = null,
    FcmSettings? Fcm = null,
    IReadOnlyDictionary<string, IReadOnlyList<Registration>>? Registrations = null
)
{
    private const string AnUrl = "a URL that begins with https://";

    /// <summary>Reads a file; paths in it are relative to its folder.</summary>
    /// <exception cref="FormatException">The file is invalid; the message gives the reason.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static ProviderSettings Load(string file) => Read(File.ReadAllBytes(file), file);

    /// <summary>Returns the phones of a registration id; never empty.</summary>
    public IReadOnlyList<Registration> PhonesOf(string registrationId, string platform) =>
        Registrations?.TryGetValue(registrationId, out var phones) == true && phones.Count > 0
            ? phones
            : [new Registration(platform, DeviceTokens.Of(platform, registrationId))];

    /// <summary>Reads the text of such a file.</summary>
    /// <exception cref="FormatException">The text is invalid; the message gives the reason.</exception>
    internal static ProviderSettings Read(ReadOnlySpan<byte> json, string file)
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(file))!;
        string Beside(JsonPart path) => Path.Combine(folder, path.Text("a file"));
        try
        {
            var root = JsonPart
                .Read(json)
                .Object(
                    null,
                    new("apns", "an object", Required: false),
                    new("fcm", "an object", Required: false),
                    new("registrations", "an object", Required: false)
                );
            var apns = root.Find("apns")
                ?.Object(
                    null,
                    new("url", AnUrl),
                    new("teamId", "a text"),
                    new("keyId", "a text"),
                    new("key", "a .p8 file"),
                    new("topic", "a text"),
                    new("ca", "a PEM file", Required: false),
                    new("keyExpires", "a time", Required: false)
                );
            var fcm = root.Find("fcm")
                ?.Object(
                    null,
                    new("url", AnUrl),
                    new("serviceAccount", "a JSON file"),
                    new("ca", "a PEM file", Required: false),
                    new("keyExpires", "a time", Required: false)
                );
            return new ProviderSettings(
                apns is null
                    ? null
                    : new ApnsSettings(
                        Url(apns["url"]),
                        apns["teamId"].Text(),
                        apns["keyId"].Text(),
                        Beside(apns["key"]),
                        apns["topic"].Text(),
                        apns.Find("ca") is { } ca ? Beside(ca) : null,
                        apns.Find("keyExpires")?.Time()
                    ),
                fcm is null
                    ? null
                    : new FcmSettings(
                        Url(fcm["url"]),
                        Beside(fcm["serviceAccount"]),
                        fcm.Find("ca") is { } authority ? Beside(authority) : null,
                        fcm.Find("keyExpires")?.Time()
                    ),
                root.Find("registrations")
                    ?.Entries()
                    .ToDictionary(
                        entry => entry.Name,
                        entry => (IReadOnlyList<Registration>)[.. entry.Value.List().Select(Phone)],
                        StringComparer.Ordinal
                    )
            );
        }
        catch (FormatException wrong)
        {
            throw new FormatException($"{Path.GetFileName(file)}: {wrong.Message}", wrong);
        }
    }

    private static Uri Url(JsonPart part)
    {
        var text = part.Text(AnUrl);
        return Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme == Uri.UriSchemeHttps
            ? url
            : throw part.MustBegin("https://");
    }

    private static Registration Phone(JsonPart part)
    {
        var phone = part.Object(null, new("platform", "ios or android"), new("token", "a text"));
        return new(
            phone["platform"].Text("ios or android") is var platform && platform is "ios" or "android"
                ? platform
                : throw phone["platform"].Wrong("ios or android"),
            phone["token"].Text()
        );
    }
}

[JsonSourceGenerationOptions(
    JsonSerializerDefaults.Strict,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull
)]
[JsonSerializable(typeof(ProviderSettings))]
internal sealed partial class ProviderSettingsJson : JsonSerializerContext;
