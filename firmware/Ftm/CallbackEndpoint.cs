using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Text;
using Appliance.Firmware.Events;
using Appliance.Firmware.Http;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Appliance.Firmware.Ftm;

/// <summary>
/// Receives the answers of phones. Both methods are called on many threads concurrently; their arguments are valid until the call
/// completes.
/// </summary>
public interface IPushAnswers
{
    /// <summary>
    /// Handles a <c>validate</c> answer, with the number that was entered on the phone (empty if none was). True if it decided the login.
    /// </summary>
    ValueTask<bool> ApproveAsync(PushSessionId session, ReadOnlySpan<char> code, ReadOnlySpan<char> number);

    /// <summary>Handles an <c>alert</c> answer with its signature. True if it decided the login.</summary>
    ValueTask<bool> AlertAsync(PushSessionId session, string message, byte[] hmac);
}

/// <summary>
/// The endpoint that phones call back: <c>POST /api/v1/pushauthresp/</c> (docs/reference/push-dialect.md). 200 means accepted, 401 refused;
/// nothing else about sessions is disclosed. A malformed request gets 400, 404, 405, 413 or 415, with no body.
/// </summary>
/// <remarks>An answer that needs to wait neither for its body nor for the disk allocates nothing: docs/develop/performance.md.</remarks>
/// <param name="push">Receives the answers.</param>
/// <param name="callers">The addresses that may call; any other caller gets 403. Null allows every caller.</param>
/// <param name="debug">Receives the outcome of each answer.</param>
public sealed class CallbackEndpoint(IPushAnswers push, TrustedCallers? callers, DebugTap debug) : IHttpService
{
    /// <summary>The path. The final slash is optional in requests.</summary>
    public const string Path = "/api/v1/pushauthresp/";

    private const int CodeMax = 16;

    /// <inheritdoc/>
    public Task ServeAsync(IFeatureCollection request)
    {
        var asked = request.GetRequiredFeature<IHttpRequestFeature>();
        if (Refusal(request, asked) is { } status)
        {
            Answer(request, status);
            return Task.CompletedTask;
        }
        var reader = request.GetRequiredFeature<IRequestBodyPipeFeature>().Reader;
        var reading = RequestBody.ReadInPlaceAsync(reader, asked.Headers.ContentLength);
        return reading.IsCompletedSuccessfully ? ServeReadAsync(request, reader, reading.Result) : ServeAsync(request, reader, reading);
    }

    private async Task ServeAsync(
        IFeatureCollection request,
        PipeReader reader,
        ValueTask<(ReadOnlySequence<byte>? Body, int Status)> reading
    ) => await ServeReadAsync(request, reader, await reading.ConfigureAwait(false)).ConfigureAwait(false);

    private Task ServeReadAsync(IFeatureCollection request, PipeReader reader, (ReadOnlySequence<byte>? Body, int Bad) read)
    {
        if (read.Body is not { } body)
        {
            Answer(request, read.Bad);
            return Task.CompletedTask;
        }
        var (action, deciding) = Decide(reader, body);
        if (!deciding.IsCompletedSuccessfully)
        {
            return AnswerAsync(request, action, deciding);
        }
        Answer(request, Tell(request, action, deciding.Result));
        return Task.CompletedTask;
    }

    private async Task AnswerAsync(IFeatureCollection request, PhoneAction action, ValueTask<bool> deciding) =>
        Answer(request, Tell(request, action, await deciding.ConfigureAwait(false)));

    private static void Answer(IFeatureCollection request, int status)
    {
        var response = request.GetRequiredFeature<IHttpResponseFeature>();
        response.StatusCode = status;
        response.Headers.ContentLength = 0;
    }

    private static IPAddress Source(IFeatureCollection request) =>
        request.GetRequiredFeature<IHttpConnectionFeature>().RemoteIpAddress!.MapToIPv4();

    /// <summary>Returns the status for a request that is refused unread; null if its body is to be read.</summary>
    private int? Refusal(IFeatureCollection features, IHttpRequestFeature request)
    {
        // The raw target is compared: an encoded spelling of the path is not the path.
        if (request.RawTarget is not (Path or "/api/v1/pushauthresp"))
        {
            return StatusCodes.Status404NotFound;
        }
        if (callers is not null && Source(features) is var from && !callers.Allows(from))
        {
            debug.Write(DebugArea.FtmPush, $"ftm_push_answer-from {from}: refused, outside the trusted hosts of every administrator");
            return StatusCodes.Status403Forbidden;
        }
        if (request.Method != HttpMethods.Post)
        {
            features.GetRequiredFeature<IHttpResponseFeature>().Headers.Allow = HttpMethods.Post;
            return StatusCodes.Status405MethodNotAllowed;
        }
        return request.Headers.ContentType is [{ } type] && MediaType.Is(type, "application/json")
            ? null
            : StatusCodes.Status415UnsupportedMediaType;
    }

    /// <summary>Parses a body and starts the decision. Releases the body before anything is awaited.</summary>
    private (PhoneAction Action, ValueTask<bool> Accepted) Decide(PipeReader reader, ReadOnlySequence<byte> body)
    {
        var answer = CallbackRequest.Parse(body.IsSingleSegment ? body.FirstSpan : body.ToArray());
        var action = answer.Action;
        var deciding = (answer.Action, answer.Session) switch
        {
            (PhoneAction.Validate, { } session) => Approve(session, answer),
            (PhoneAction.Alert, { } session) => push.AlertAsync(
                session,
                Encoding.UTF8.GetString(answer.Message),
                Convert.FromHexString(Encoding.UTF8.GetString(answer.Hmac))
            ),
            _ => new ValueTask<bool>(false),
        };
        reader.AdvanceTo(body.End);
        return (action, deciding);
    }

    private ValueTask<bool> Approve(PushSessionId session, CallbackRequest answer)
    {
        Span<char> text = stackalloc char[CodeMax * 2];
        var code = text[..Encoding.UTF8.GetChars(answer.Code, text)];
        var rest = text[code.Length..];
        return push.ApproveAsync(session, code, rest[..Encoding.UTF8.GetChars(answer.Number, rest)]);
    }

    private int Tell(IFeatureCollection request, PhoneAction action, bool accepted)
    {
        if (debug.IsWatched(DebugArea.FtmPush))
        {
            debug.Write(
                DebugArea.FtmPush,
                $"ftm_push_answer-from {Source(request)}: {(action switch { PhoneAction.Validate => "validate", PhoneAction.Alert => "alert", _ => "not well formed" })}, {(action == PhoneAction.None ? "not understood" : accepted ? "accepted" : "refused")}"
            );
        }
        return action == PhoneAction.None ? StatusCodes.Status400BadRequest
            : accepted ? StatusCodes.Status200OK
            : StatusCodes.Status401Unauthorized;
    }
}
