using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using Appliance.Hal;

namespace Appliance.Doubles.Providers;

/// <summary>A parsed JSON web token (RFC 7515, compact form). The caller has to verify its signature.</summary>
internal sealed record Jwt(string? Algorithm, string? KeyId, JsonElement Claims, byte[] Signed, byte[] Signature)
{
    /// <summary>Parses a token; null if the text is not one.</summary>
    public static Jwt? Parse(string text)
    {
        var parts = text.Split('.');
        if (parts.Length != 3)
        {
            return null;
        }
        try
        {
            var header = Object(parts[0]);
            return header is { } head && Object(parts[1]) is { } claims
                ? new Jwt(
                    Text(head, "alg"),
                    Text(head, "kid"),
                    claims,
                    Encoding.ASCII.GetBytes($"{parts[0]}.{parts[1]}"),
                    Base64Url.DecodeFromChars(parts[2])
                )
                : null;
        }
        catch (Exception wrong) when (wrong is FormatException or JsonException)
        {
            return null;
        }
    }

    /// <summary>Creates a token; <paramref name="sign"/> computes the signature of its first two parts.</summary>
    public static string Make(string header, string claims, Func<byte[], byte[]> sign)
    {
        var signed =
            Base64Url.EncodeToString(Encoding.UTF8.GetBytes(header)) + "." + Base64Url.EncodeToString(Encoding.UTF8.GetBytes(claims));
        return signed + "." + Base64Url.EncodeToString(sign(Encoding.ASCII.GetBytes(signed)));
    }

    /// <summary>Returns a text claim; null if it is missing or not a text.</summary>
    public string? TextClaim(string name) => Text(Claims, name);

    /// <summary>Returns a time claim, given in seconds since 1970; null if it is missing or not a number.</summary>
    public DateTimeOffset? TimeClaim(string name) =>
        Claims.TryGetProperty(name, out var value)
        && value.ValueKind == JsonValueKind.Number
        && value.TryGetInt64(out var seconds)
        && seconds is >= 0 and < 253402300800
            ? DateTimeOffset.FromUnixTimeSeconds(seconds)
            : null;

    private static JsonElement? Object(string part) =>
        OutsideJson.Parse(Base64Url.DecodeFromChars(part), depth: 4) is { ValueKind: JsonValueKind.Object } root ? root : null;

    private static string? Text(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
