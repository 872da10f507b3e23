using System.Text;
using System.Text.Json;
using Appliance.Firmware.Ftm;
using CsCheck;
using Xunit;

namespace Appliance.Tests.Ftm;

/// <summary>The reader of phones' answers against a slow one that makes a document of everything first.</summary>
public sealed class CallbackRequestTests
{
    private const string Id = "0123456789abcdef0123456789abcdef";
    private static readonly string Hmac = string.Concat(Enumerable.Repeat("Ab", 32));

    private static readonly Gen<string> Names = Of(
        "session_id",
        "session_id",
        "action",
        "action",
        "token_code",
        "message",
        "hmac",
        "number",
        "other",
        "session\\u005fid",
        ""
    );

    private static readonly Gen<string> Values = Gen.OneOf(
        Of($"\"{Id}\"", $"\"{Id.ToUpperInvariant()}\"", $"\"{Id[..31]}g\"", $"\"{Id[..31]}\"", $"\"\\u0030{Id[1..]}\""),
        Of("\"validate\"", "\"alert\"", "\"vali\\u0064ate\"", "\"Validate\"", "\"\""),
        Of(
            "\"123456\"",
            "\"12345678901234567\"",
            "\"12é\"",
            "\"\\ud83d\"",
            "\"\\ud83d\\ude00\"",
            "\"\\n\"",
            $"\"{new string('x', 256)}\"",
            $"\"{new string('é', 256)}\"",
            $"\"{new string('x', 257)}\""
        ),
        Of($"\"{Hmac}\"", $"\"{Hmac[1..]}g\"", "\"12\"", "\"12345\"", "12", "null", "{}", "[]", "true")
    );

    private static readonly Gen<string> Bodies =
        from fields in Gen.Select(Names, Values, (name, value) => $"\"{name}\":{value}").Array[0, 6]
        from frame in Of(
            "{*}",
            "{*}",
            "{*}",
            " {*}\n",
            "{*",
            "{*}x",
            "[*]",
            "{*,}",
            "{\"session_id\":\"" + Id + "\",\"action\":\"validate\",\"token_code\":\"1\",*}",
            "{\"session_id\":\"" + Id + "\",*}"
        )
        select frame.Replace("*", string.Join(',', fields), StringComparison.Ordinal);

    [Fact]
    public void ItReadsWhatTheSlowReaderReads() => Bodies.Sample(body => Agree(Encoding.UTF8.GetBytes(body)), iter: 50_000);

    [Fact]
    public void AnyBytesAreReadOrRefused() => Gen.Byte.Array[0, 64].Sample(Agree, iter: 10_000);

    [Fact]
    public void TextThatIsNotUtf8IsNoAnswer()
    {
        byte[] body = [.. Encoding.ASCII.GetBytes($$"""{"session_id":"{{Id}}","action":"validate","token_code":"1"""), 0xff, .. "\"}"u8];
        Assert.Equal(PhoneAction.None, CallbackRequest.Parse(body).Action);
    }

    [Fact]
    public void AnIdIsReadAsItIsWritten() =>
        Gen.Select(Gen.ULong, Gen.ULong)
            .Sample(
                (high, low) =>
                {
                    var id = new PushSessionId(new UInt128(high, low));
                    var text = id.ToString();
                    Assert.Equal(id, PushSessionId.Parse(Encoding.ASCII.GetBytes(text)));
                    Assert.True(
                        text.Length == PushSessionId.Digits
                            && (
                                !text.AsSpan().ContainsAnyInRange('a', 'f')
                                || PushSessionId.Parse(Encoding.ASCII.GetBytes(text.ToUpperInvariant())) is null
                            )
                    );
                }
            );

    private static void Agree(byte[] body)
    {
        var answer = CallbackRequest.Parse(body);
        var slow = Slow(body);
        Assert.Equal(slow is null, answer.Action == PhoneAction.None);
        if (slow is not null)
        {
            Assert.Equal(slow["action"], answer.Action == PhoneAction.Validate ? "validate" : "alert");
            Assert.Equal(slow["session_id"], (answer.Session is { } session ? session.ToString() : slow["session_id"]));
            Assert.Equal(IsOurs(slow["session_id"]), answer.Session is not null);
            Assert.Equal(slow.GetValueOrDefault("token_code", ""), Encoding.UTF8.GetString(answer.Code));
            Assert.Equal(slow.GetValueOrDefault("number", ""), Encoding.UTF8.GetString(answer.Number));
            Assert.Equal(slow.GetValueOrDefault("message", ""), Encoding.UTF8.GetString(answer.Message));
            Assert.Equal(slow.GetValueOrDefault("hmac", ""), Encoding.UTF8.GetString(answer.Hmac));
        }
    }

    private static bool IsOurs(string id) => id.All(digit => char.IsAsciiHexDigitLower(digit));

    /// <summary>docs/reference/push-dialect.md, step by step; null for a malformed answer.</summary>
    private static Dictionary<string, string>? Slow(byte[] body)
    {
        var fields = new Dictionary<string, string>(StringComparer.Ordinal);
        try
        {
            using var document = JsonDocument.Parse(body, new JsonDocumentOptions { MaxDepth = 2 });
            if (document.RootElement.ValueKind != JsonValueKind.Object)
            {
                return null;
            }
            foreach (var field in document.RootElement.EnumerateObject())
            {
                if (
                    field.Name is not ("session_id" or "action" or "token_code" or "message" or "hmac" or "number")
                    || field.Value.ValueKind != JsonValueKind.String
                    || !fields.TryAdd(field.Name, field.Value.GetString()!)
                )
                {
                    return null;
                }
            }
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            return null;
        }
        var lengths =
            fields.GetValueOrDefault("session_id")?.Length == 32
            && fields.GetValueOrDefault("message", "").Length <= 256
            && fields.GetValueOrDefault("token_code", "").Length <= 16
            && fields.GetValueOrDefault("number", "").Length <= 4;
        var signed = !fields.TryGetValue("hmac", out var hmac) || (hmac.Length == 64 && hmac.All(char.IsAsciiHexDigit));
        var whole = fields.GetValueOrDefault("action") switch
        {
            "validate" => fields.ContainsKey("token_code"),
            "alert" => fields.ContainsKey("message") && fields.ContainsKey("hmac") && !fields.ContainsKey("number"),
            _ => false,
        };
        return lengths && signed && whole ? fields : null;
    }

    private static Gen<T> Of<T>(params T[] values) => Gen.Int[0, values.Length - 1].Select(at => values[at]);
}
