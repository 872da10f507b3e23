using System.Text.Json;
using Appliance.Firmware.Events;
using Appliance.Firmware.Http;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Appliance.Firmware.Ftm;

/// <summary>What a phone's answer is brought to.</summary>
public interface IPushAnswers
{
    /// <summary>The phone answered <c>validate</c>, with the number that was typed on it ("" when none was). True when this decided the login.</summary>
    Task<bool> ApproveAsync(string sessionId, string code, string number);

    /// <summary>The phone answered <c>alert</c> with a signature. True when this decided the login.</summary>
    Task<bool> AlertAsync(string sessionId, string message, byte[] hmac);
}

/// <summary>
/// Where phones call back: <c>POST /api/v1/pushauthresp/</c> (docs/push-dialect.md). 200 means accepted, 401 refused; nothing else is told
/// about sessions. What is not a well-formed answer gets 400, 404, 405, 413 or 415, with no body.
/// </summary>
/// <param name="push">Takes the answers.</param>
/// <param name="callers">Who may call at all; anybody else gets 403. Null: whoever can reach it.</param>
/// <param name="debug">Told what became of each answer.</param>
public sealed class CallbackEndpoint(IPushAnswers push, TrustedCallers? callers, DebugTap debug)
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
        var from = context.Connection.RemoteIpAddress!.MapToIPv4();
        if (callers?.Allows(from) == false)
        {
            debug.Write(DebugArea.FtmPush, $"ftm_push_answer-from {from}: refused, no trusted host of any administrator");
            return StatusCodes.Status403Forbidden;
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
            { Action: "validate", TokenCode: { } code } => await push.ApproveAsync(answer.SessionId, code, answer.Number ?? "").ConfigureAwait(false),
            { Action: "alert", Message: { } message, Hmac: { } hmac, Number: null } => await push.AlertAsync(answer.SessionId, message, hmac).ConfigureAwait(false),
            _ => null,
        };
        debug.Write(DebugArea.FtmPush, $"ftm_push_answer-from {from}: {(answer is null ? "not well formed" : answer.Action is "validate" or "alert" ? answer.Action : "unknown action")}, {(accepted switch { true => "accepted", false => "refused", null => "not understood" })}");
        return accepted switch
        {
            true => StatusCodes.Status200OK,
            false => StatusCodes.Status401Unauthorized,
            null => StatusCodes.Status400BadRequest,
        };
    }
}

/// <summary>What a phone answers, as it stands on the wire.</summary>
internal sealed record PhoneAnswer(string SessionId, string Action, string? TokenCode, string? Message, byte[]? Hmac, string? Number)
{
    private const int MessageMax = 256;

    /// <summary>Reads an answer; null for anything but one JSON object with each field once and of the right form.</summary>
    internal static PhoneAnswer? Parse(ReadOnlySpan<byte> body)
    {
        string? session = null, action = null, code = null, message = null, hmac = null, number = null;
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
                    "number" => Set(ref number, value),
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
        if (session is not { Length: 32 } || action is null || message is { Length: > MessageMax } || code is { Length: > 16 } || number is { Length: > 4 })
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
        return new PhoneAnswer(session, action, code, message, signature, number);
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
