using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using Appliance.Hal;

namespace Appliance.Sim.Providers;

/// <summary>A signed JSON web token (RFC 7515, compact form) as it was read; whether its signature is right is for the reader to ask.</summary>
internal sealed record Jwt(string? Algorithm, string? KeyId, JsonElement Claims, byte[] Signed, byte[] Signature)
{
    /// <summary>Null for what is no such token.</summary>
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
                ? new Jwt(Text(head, "alg"), Text(head, "kid"), claims, Encoding.ASCII.GetBytes($"{parts[0]}.{parts[1]}"), Base64Url.DecodeFromChars(parts[2]))
                : null;
        }
        catch (Exception wrong) when (wrong is FormatException or JsonException)
        {
            return null;
        }
    }

    /// <summary>A token; <paramref name="sign"/> makes the signature of its first two parts.</summary>
    public static string Make(string header, string claims, Func<byte[], byte[]> sign)
    {
        var signed = Base64Url.EncodeToString(Encoding.UTF8.GetBytes(header)) + "." + Base64Url.EncodeToString(Encoding.UTF8.GetBytes(claims));
        return signed + "." + Base64Url.EncodeToString(sign(Encoding.ASCII.GetBytes(signed)));
    }

    /// <summary>A text claim; null when it is missing or none.</summary>
    public string? TextClaim(string name) => Text(Claims, name);

    /// <summary>A time claim in seconds since 1970; null when it is missing or none.</summary>
    public DateTimeOffset? TimeClaim(string name) =>
        Claims.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var seconds) && seconds is >= 0 and < 253402300800
            ? DateTimeOffset.FromUnixTimeSeconds(seconds) : null;

    private static JsonElement? Object(string part) => OutsideJson.Parse(Base64Url.DecodeFromChars(part), depth: 4) is { ValueKind: JsonValueKind.Object } root ? root : null;

    private static string? Text(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
