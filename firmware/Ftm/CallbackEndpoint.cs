using System.Text.Json;
using Appliance.Firmware.Http;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Appliance.Firmware.Ftm;

/// <summary>What a phone's answer is brought to.</summary>
public interface IPushAnswers
{
    /// <summary>The phone answered <c>validate</c>. True when this decided the login.</summary>
    Task<bool> ApproveAsync(string sessionId, string code);
    /// <summary>The phone answered <c>alert</c> with a signature. True when this decided the login.</summary>
    Task<bool> AlertAsync(string sessionId, string message, byte[] hmac);
}

/// <summary>
/// Where phones call back: <c>POST /api/v1/pushauthresp/</c> (docs/push-dialect.md). 200 means accepted, 401 refused; nothing else is told
/// about sessions. What is not a well-formed answer gets 400, 404, 405, 413 or 415, with no body.
/// </summary>
public sealed class CallbackEndpoint(IPushAnswers push)
{
    /// <summary>The path, with and without its last slash.</summary>
    public const string Path = "/api/v1/pushauthresp/";

    /// <summary>Serves one request.</summary>
    public async Task ServeAsync(HttpContext context)
    {
        context.Response.StatusCode = await AnswerAsync(context).ConfigureAwait(false);
        context.Response.ContentLength = 0;
    }

    private async Task<int> AnswerAsync(HttpContext context)
    {
        var request = context.Request;
        // The raw target: an encoded spelling of the path is not the path.
        var target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        if (target is not (Path or "/api/v1/pushauthresp"))
        {
            return StatusCodes.Status404NotFound;
        }
        if (request.Method != HttpMethods.Post)
        {
            context.Response.Headers.Allow = HttpMethods.Post;
            return StatusCodes.Status405MethodNotAllowed;
        }
        if (request.ContentType is not { } type || !type.StartsWith("application/json", StringComparison.OrdinalIgnoreCase))
        {
            return StatusCodes.Status415UnsupportedMediaType;
        }
        var (body, status) = await RequestBody.ReadAsync(context).ConfigureAwait(false);
        if (body is null)
        {
            return status;
        }
        var answer = PhoneAnswer.Parse(body);
        var accepted = answer switch
        {
            null => (bool?)null,
            { Action: "validate", TokenCode: { } code } => await push.ApproveAsync(answer.SessionId, code).ConfigureAwait(false),
            { Action: "alert", Message: { } message, Hmac: { } hmac } => await push.AlertAsync(answer.SessionId, message, hmac).ConfigureAwait(false),
            _ => null,
        };
        return accepted switch
        {
            true => StatusCodes.Status200OK,
            false => StatusCodes.Status401Unauthorized,
            null => StatusCodes.Status400BadRequest,
        };
    }
}

/// <summary>What a phone answers, as it stands on the wire.</summary>
internal sealed record PhoneAnswer(string SessionId, string Action, string? TokenCode, string? Message, byte[]? Hmac)
{
    private const int MessageMax = 256;

    /// <summary>Reads an answer; null for anything but one JSON object with each field once and of the right form.</summary>
    internal static PhoneAnswer? Parse(ReadOnlySpan<byte> body)
    {
        string? session = null, action = null, code = null, message = null, hmac = null;
        try
        {
            var reader = new Utf8JsonReader(body, new JsonReaderOptions { MaxDepth = 2 });
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            {
                return null;
            }
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var name = reader.GetString();
                if (!reader.Read() || reader.TokenType != JsonTokenType.String)
                {
                    return null;
                }
                var value = reader.GetString()!;
                var known = name switch
                {
                    "session_id" => Set(ref session, value),
                    "action" => Set(ref action, value),
                    "token_code" => Set(ref code, value),
                    "message" => Set(ref message, value),
                    "hmac" => Set(ref hmac, value),
                    _ => false,
                };
                if (!known)
                {
                    return null;
                }
            }
            if (reader.TokenType != JsonTokenType.EndObject || reader.Read())
            {
                return null;
            }
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: a string that is not UTF-8, or half a surrogate pair.
            return null;
        }
        if (session is not { Length: 32 } || action is null || message is { Length: > MessageMax } || code is { Length: > 16 })
        {
            return null;
        }
        byte[]? signature = null;
        if (hmac is not null)
        {
            if (hmac.Length != 64 || !hmac.All(char.IsAsciiHexDigit))
            {
                return null;
            }
            signature = Convert.FromHexString(hmac);
        }
        return new PhoneAnswer(session, action, code, message, signature);
    }

    private static bool Set(ref string? field, string value)
    {
        if (field is not null)
        {
            return false;
        }
        field = value;
        return true;
    }
}
