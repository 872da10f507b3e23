using System.Text;
using System.Text.RegularExpressions;

namespace Appliance.Doubles.Inbox;

/// <summary>The channel of a message.</summary>
public enum LetterKind
{
    Mail,
    Sms,
}

/// <summary>
/// A message that a user in the lab received. <paramref name="Code"/> is the activation or one-time code in its text, null if there is
/// none; <paramref name="Picture"/> is the PNG attached to it.
/// </summary>
public sealed record ReceivedLetter(
    long Id,
    DateTimeOffset Time,
    LetterKind Kind,
    string From,
    string To,
    string Subject,
    string Text,
    string? Code,
    byte[]? Picture
)
{
    /// <summary>
    /// Parses an e-mail of RFC 5322 into a plain text and at most one picture. Parts that cannot be parsed are returned as received.
    /// </summary>
    internal static (string Subject, string Text, byte[]? Picture) Read(string raw)
    {
        var (headers, body) = Split(raw);
        var subject = headers.GetValueOrDefault("subject", "");
        var type = headers.GetValueOrDefault("content-type", "");
        if (LetterPatterns.Boundary().Match(type) is not { Success: true } boundary)
        {
            return (subject, Decode(headers, body), null);
        }
        var (text, picture) = ("", (byte[]?)null);
        foreach (
            var part in body.Split("--" + boundary.Groups[1].Value).Skip(1).Where(part => !part.StartsWith("--", StringComparison.Ordinal))
        )
        {
            var (partHeaders, partBody) = Split(part.StartsWith('\n') ? part[1..] : part);
            if (partHeaders.GetValueOrDefault("content-type", "").StartsWith("image/png", StringComparison.OrdinalIgnoreCase))
            {
                picture ??= Bytes(partBody);
            }
            else
            {
                text += Decode(partHeaders, partBody);
            }
        }
        return (subject, text, picture);
    }

    /// <summary>Finds the code in a text by the words in front of it; null if there is none.</summary>
    internal static string? CodeIn(string text) =>
        LetterPatterns.Code().Match(text) is { Success: true } match ? match.Groups[1].Value : null;

    private static (Dictionary<string, string> Headers, string Body) Split(string raw)
    {
        var end = raw.IndexOf("\n\n", StringComparison.Ordinal);
        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var line in (end < 0 ? raw : raw[..end]).Split('\n'))
        {
            if (line.IndexOf(':', StringComparison.Ordinal) is > 0 and var colon)
            {
                headers.TryAdd(line[..colon], line[(colon + 1)..].Trim());
            }
        }
        return (headers, end < 0 ? "" : raw[(end + 2)..]);
    }

    private static string Decode(Dictionary<string, string> headers, string body) =>
        headers.GetValueOrDefault("content-transfer-encoding", "").Equals("base64", StringComparison.OrdinalIgnoreCase)
        && Bytes(body) is { } bytes
            ? Encoding.UTF8.GetString(bytes)
            : body;

    private static byte[]? Bytes(string base64)
    {
        var buffer = new byte[base64.Length];
        return Convert.TryFromBase64String(base64, buffer, out var length) ? buffer[..length] : null;
    }
}

internal static partial class LetterPatterns
{
    [GeneratedRegex("boundary=\"([^\"]+)\"")]
    internal static partial Regex Boundary();

    [GeneratedRegex("(?:code is |code(?: of \\S+)?: )([A-Z2-7]{16}|[0-9]{6,8})\\b")]
    internal static partial Regex Code();
}
