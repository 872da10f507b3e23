using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Appliance.Firmware.Text;

namespace Appliance.Doubles.Wire;

/// <summary>
/// Replaces secrets with asterisks: passwords, codes, cookies, and the ids of logins and pushes that authenticate their holder.
/// </summary>
internal static partial class Mask
{
    internal const string Stars = "********";

    private const int BodyMax = 4096;

    private static readonly HashSet<string> SecretFields = new(StringComparer.OrdinalIgnoreCase)
    {
        "credential",
        "code",
        "code2",
        "magic",
        "polid",
        "reqid",
        "password",
        "token_code",
        "number",
        "hmac",
        "session",
        "session_id",
        "assertion",
        "access_token",
        "refresh_token",
        "id_token",
    };

    private static readonly HashSet<string> SecretHeaders = new(StringComparer.OrdinalIgnoreCase)
    {
        "Authorization",
        "Cookie",
        "apns-collapse-id",
        "State",
        "Message-Authenticator",
        "MS-CHAP-Challenge",
        "CHAP-Challenge",
        "MS-CHAP2-Success",
        "Proxy-State",
        "EAP-Message",
    };

    /// <summary>Masks a header or a RADIUS attribute.</summary>
    public static (string Name, string Value) Header(string name, string value) =>
        (
            name,
            name.Equals("Set-Cookie", StringComparison.OrdinalIgnoreCase) ? CookieValue().Replace(Line(value), "$1" + Stars)
            : SecretHeaders.Contains(name) || value.StartsWith('<') ? Stars
            : Line(value)
        );

    /// <summary>Masks a body of form fields (<c>application/x-www-form-urlencoded</c>) as transmitted.</summary>
    public static string Form(string body) =>
        Short(
            string.Join(
                '&',
                body.Split('&')
                    .Select(pair =>
                        pair.Split('=', 2) is [var name, { Length: > 0 }] && SecretFields.Contains(name) ? $"{name}={Stars}" : pair
                    )
            )
        );

    /// <summary>Masks a JSON object; any other body is not displayed.</summary>
    public static string Json(ReadOnlySpan<byte> body)
    {
        try
        {
            var node = JsonNode.Parse(body, documentOptions: new JsonDocumentOptions { MaxDepth = 16 });
            Walk(node);
            return Short(node?.ToJsonString() ?? "null");
        }
        catch (Exception wrong) when (wrong is JsonException or ArgumentException)
        {
            return $"({body.Length} bytes that are no JSON)";
        }
    }

    /// <summary>Masks a response of the SSL VPN: a challenge line or a page.</summary>
    public static string Reply(string body) =>
        Short(
            TypedCode().Replace(HiddenField().Replace(LineField().Replace(body, "$1=" + Stars), $"name=\"$1\" value=\"{Stars}\""), Stars)
        );

    /// <summary>Returns one line without control characters.</summary>
    public static string Line(string text) => ControlCharacters.Mask(text);

    private static void Walk(JsonNode? node)
    {
        if (node is JsonArray array)
        {
            foreach (var item in array)
            {
                Walk(item);
            }
        }
        if (node is not JsonObject fields)
        {
            return;
        }
        foreach (var (name, value) in fields.ToArray())
        {
            if (SecretFields.Contains(name) && value is JsonValue)
            {
                fields[name] = Stars;
            }
            else
            {
                Walk(value);
            }
        }
    }

    private static string Short(string body)
    {
        var shown = string.Concat(
            body.Take(BodyMax).Select(letter => ControlCharacters.Includes(letter) && letter is not ('\n' or '\r' or '\t') ? '?' : letter)
        );
        return body.Length > BodyMax ? $"{shown}… ({body.Length} characters in all)" : shown;
    }

    [GeneratedRegex("^([^=;]+=)[^;]+")]
    private static partial Regex CookieValue();

    [GeneratedRegex("\\b(reqid|polid|magic)=[^,&\"\\s]+")]
    private static partial Regex LineField();

    [GeneratedRegex("name=\"(magic|reqid|polid)\" value=\"[^\"]*\"")]
    private static partial Regex HiddenField();

    /// <summary>The typed code, and the number that proves that the user sees the login's screen.</summary>
    [GeneratedRegex("(?<=\\(code: )[^)]*(?=\\))|(?<=the number )[0-9]+")]
    private static partial Regex TypedCode();
}
