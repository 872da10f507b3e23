using System.Text.Json;
using System.Text.Json.Serialization;
using Appliance.Firmware.Text;

namespace Appliance.Firmware.Ftm;

/// <summary>The unit's request to the push proxy (docs/reference/push-dialect.md): one JSON object, times in seconds since 1970.</summary>
public sealed record PushProxyRequest(
    string Device,
    string Recipient,
    string Platform,
    string Session,
    string CallbackIp,
    int CallbackPort,
    string Token,
    string User,
    string ClientIp,
    long Time,
    long Expires,
    bool? NumberMatch = null
)
{
    /// <summary>The path of the request on the proxy.</summary>
    public const string Path = "/api/v1/push";

    /// <summary>Creates the request for a message from the unit with this serial number.</summary>
    public static PushProxyRequest Of(PushMessage message, string device) =>
        new(
            device,
            message.Recipient,
            message.OsVersion.StartsWith("android", StringComparison.OrdinalIgnoreCase) ? "android" : "ios",
            message.SessionId,
            message.CallbackHost,
            message.CallbackPort,
            message.TokenSerial,
            message.User,
            message.ClientAddress.ToString(),
            message.Time.ToUnixTimeSeconds(),
            message.Expires.ToUnixTimeSeconds(),
            message.NumberMatch ? true : null
        );
}

/// <summary>The proxy's response.</summary>
/// <param name="Status"><c>sent</c>, <c>unavailable</c>, <c>refused</c>, <c>gone</c> or <c>credential</c>.</param>
/// <param name="Cause">The cause of a failure; absent if the push was sent.</param>
/// <param name="GoneSince">Milliseconds since 1970; with <c>gone</c>, if the provider reported it.</param>
/// <param name="CredentialExpires">Seconds since 1970; absent if the proxy's credential at the provider does not expire.</param>
public sealed record PushProxyAnswer(string Status, string? Cause = null, long? GoneSince = null, long? CredentialExpires = null)
{
    /// <summary>Maximum length of a stored cause in characters.</summary>
    private const int CauseMax = 200;

    /// <summary>Creates the response for an outcome.</summary>
    public static PushProxyAnswer Of(PushResult result) =>
        new(
            result.Outcome switch
            {
                PushOutcome.Sent => "sent",
                PushOutcome.Unavailable => "unavailable",
                PushOutcome.RegistrationGone => "gone",
                PushOutcome.CredentialBad => "credential",
                _ => "refused",
            },
            result.Cause.Length == 0 ? null : result.Cause,
            result.GoneSince?.ToUnixTimeMilliseconds(),
            result.CredentialExpires?.ToUnixTimeSeconds()
        );

    /// <summary>Parses a response and returns its outcome; null if it is malformed.</summary>
    public static PushResult? Read(ReadOnlySpan<byte> json)
    {
        try
        {
            return JsonSerializer.Deserialize(json, PushProxyJson.Default.PushProxyAnswer)?.ToResult();
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>The outcome in the response; null if the status is unknown or a time is invalid.</summary>
    public PushResult? ToResult()
    {
        PushOutcome? outcome = Status switch
        {
            "sent" => PushOutcome.Sent,
            "unavailable" => PushOutcome.Unavailable,
            "refused" => PushOutcome.Refused,
            "gone" => PushOutcome.RegistrationGone,
            "credential" => PushOutcome.CredentialBad,
            _ => null,
        };
        try
        {
            return outcome is { } known
                ? new PushResult(
                    known,
                    Printable(Cause ?? ""),
                    GoneSince is { } gone ? DateTimeOffset.FromUnixTimeMilliseconds(gone) : null,
                    CredentialExpires is { } expires ? DateTimeOffset.FromUnixTimeSeconds(expires) : null
                )
                : null;
        }
        catch (ArgumentOutOfRangeException)
        {
            return null;
        }
    }

    /// <summary>Converts external text to one short line that is safe to log.</summary>
    private static string Printable(string text) => new([.. text.Take(CauseMax).Select(c => ControlCharacters.Includes(c) ? ' ' : c)]);
}

/// <summary>The JSON serialization of the proxy's wire format.</summary>
[JsonSourceGenerationOptions(
    JsonSerializerDefaults.Strict,
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull
)]
[JsonSerializable(typeof(PushProxyRequest))]
[JsonSerializable(typeof(PushProxyAnswer))]
public sealed partial class PushProxyJson : JsonSerializerContext;
