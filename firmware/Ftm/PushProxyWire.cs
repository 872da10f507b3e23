using System.Text.Json;
using System.Text.Json.Serialization;
using Appliance.Firmware.Text;

namespace Appliance.Firmware.Ftm;

/// <summary>What the unit tells the push proxy (docs/push-dialect.md): one JSON object, times in seconds since 1970.</summary>
public sealed record PushProxyRequest(
    string Device, string Recipient, string Platform, string Session, string CallbackIp, int CallbackPort,
    string Token, string User, string ClientIp, long Time, long Expires, bool? NumberMatch = null)
{
    /// <summary>The path of the proxy that takes it.</summary>
    public const string Path = "/api/v1/push";

    /// <summary>A message as the unit of this serial number sends it.</summary>
    public static PushProxyRequest Of(PushMessage message, string device) => new(
        device, message.Recipient, message.OsVersion.StartsWith("android", StringComparison.OrdinalIgnoreCase) ? "android" : "ios", message.SessionId,
        message.CallbackHost, message.CallbackPort, message.TokenSerial, message.User, message.ClientAddress.ToString(),
        message.Time.ToUnixTimeSeconds(), message.Expires.ToUnixTimeSeconds(), message.NumberMatch ? true : null);
}

/// <summary>What the proxy answers.</summary>
/// <param name="Status"><c>sent</c>, <c>unavailable</c>, <c>refused</c>, <c>gone</c> or <c>credential</c>.</param>
/// <param name="Cause">Why not; absent when sent.</param>
/// <param name="GoneSince">Milliseconds since 1970; with <c>gone</c>, when the provider said it.</param>
/// <param name="CredentialExpires">Seconds since 1970; absent when nothing that the proxy shows the provider expires.</param>
public sealed record PushProxyAnswer(string Status, string? Cause = null, long? GoneSince = null, long? CredentialExpires = null)
{
    /// <summary>The longest cause that is kept.</summary>
    private const int CauseMax = 200;

    /// <summary>The answer of an outcome.</summary>
    public static PushProxyAnswer Of(PushResult result) => new(
        result.Outcome switch
        {
            PushOutcome.Sent => "sent",
            PushOutcome.Unavailable => "unavailable",
            PushOutcome.RegistrationGone => "gone",
            PushOutcome.CredentialBad => "credential",
            _ => "refused",
        },
        result.Cause.Length == 0 ? null : result.Cause, result.GoneSince?.ToUnixTimeMilliseconds(), result.CredentialExpires?.ToUnixTimeSeconds());

    /// <summary>The outcome that an answer tells; null for what is no answer.</summary>
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

    /// <summary>The outcome that it tells; null when the status is none of the words, or a time is none.</summary>
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
                ? new PushResult(known, Printable(Cause ?? ""),
                    GoneSince is { } gone ? DateTimeOffset.FromUnixTimeMilliseconds(gone) : null,
                    CredentialExpires is { } expires ? DateTimeOffset.FromUnixTimeSeconds(expires) : null)
                : null;
        }
        catch (ArgumentOutOfRangeException)
        {
            return null;
        }
    }

    /// <summary>A stranger's text on its way to a log: one short line.</summary>
    private static string Printable(string text) => new([.. text.Take(CauseMax).Select(c => ControlCharacters.Includes(c) ? ' ' : c)]);
}

/// <summary>The proxy's wire in JSON.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Strict, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(PushProxyRequest))]
[JsonSerializable(typeof(PushProxyAnswer))]
public sealed partial class PushProxyJson : JsonSerializerContext;
