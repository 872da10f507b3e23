using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using Appliance.Hal;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Appliance.Doubles.Providers;

/// <summary>The FCM test double: the HTTP v1 API and the token endpoint of its service accounts, over TLS around their rules.</summary>
internal sealed class FcmDouble : IAsyncDisposable
{
    private const string TokenPath = "/token";

    private readonly Lock _lock = new();
    private readonly ILastHop _lastHop;
    private readonly TimeProvider _time;
    private readonly ProviderFaults? _faults;
    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private OAuthRules _oauth = null!;
    private FcmRules _rules = null!;
    private TlsServer _server = null!;

    private FcmDouble(ILastHop lastHop, TimeProvider time, ProviderFaults? faults)
    {
        _lastHop = lastHop;
        _time = time;
        _faults = faults;
    }

    /// <summary>The base address.</summary>
    public Uri Address => new UriBuilder(Uri.UriSchemeHttps, "127.0.0.1", _server.EndPoint.Port).Uri;

    /// <summary>The token endpoint, which exchanges assertions for access tokens.</summary>
    public Uri TokenAddress => new(Address, TokenPath);

    /// <summary>Starts the server; port 0 chooses a free one.</summary>
    /// <exception cref="IOException">The port is in use.</exception>
    public static async Task<FcmDouble> StartAsync(
        int port,
        ProviderKeys keys,
        Devices devices,
        ILastHop lastHop,
        TimeProvider time,
        ProviderFaults? faults = null
    )
    {
        var made = new FcmDouble(lastHop, time, faults);
        made._server = await TlsServer.StartAsync(
            port,
            keys.For("fcm", "fcm.googleapis.com"),
            HttpProtocols.Http1AndHttp2,
            made.ServeAsync
        );
        made._oauth = new OAuthRules(keys.Account(), made.TokenAddress.AbsoluteUri);
        made._rules = new FcmRules(new FcmProject(ProviderKeys.ProjectId, ProviderKeys.SenderId), made._oauth, devices);
        made._ready.SetResult();
        return made;
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _server.DisposeAsync();
        _stopping.Dispose();
    }

    private async Task ServeAsync(HttpContext context)
    {
        await _ready.Task; // The rules contain the port, which is known only after listening.
        var target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        if (target == TokenPath)
        {
            await TokenAsync(context);
            return;
        }
        var body = await TlsServer.BodyAsync(context);
        FcmReply reply;
        Notification? notification = null;
        if (_faults?.Invoke("fcm", DeviceOf(body), body) is { } fault)
        {
            if (fault.Status == 0)
            {
                using var end = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, _stopping.Token);
                await Task.Delay(Timeout.InfiniteTimeSpan, _time, end.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                context.Abort();
                return;
            }
            reply = ReplyOf(fault);
        }
        else
        {
            lock (_lock)
            {
                (reply, notification) = _rules.Decide(
                    new FcmRequest(context.Request.Method, target, context.Request.Headers.Authorization, body),
                    _time.GetUtcNow()
                );
            }
        }
        if (notification is not null && !await _lastHop.DeliverAsync(notification))
        {
            reply = FcmRules.Refuse("UNAVAILABLE", "The path to the phones is closed.");
        }
        if (reply.RetryAfter is { } wait)
        {
            context.Response.Headers.RetryAfter = Math.Ceiling(wait.TotalSeconds).ToString(CultureInfo.InvariantCulture);
        }
        await WriteAsync(context, reply.Http, reply.Status is null ? new JsonObject { ["name"] = reply.Message } : ErrorOf(reply));
    }

    private async Task TokenAsync(HttpContext context)
    {
        if (context.Request.Method != HttpMethods.Post || !context.Request.HasFormContentType)
        {
            await WriteAsync(
                context,
                StatusCodes.Status400BadRequest,
                new JsonObject { ["error"] = "invalid_request", ["error_description"] = "POST a form" }
            );
            return;
        }
        var form = await context.Request.ReadFormAsync(context.RequestAborted);
        OAuthReply reply;
        lock (_lock)
        {
            reply = _oauth.Decide(
                form.ToDictionary(field => field.Key, field => field.Value.ToString()),
                "lab." + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(24)),
                _time.GetUtcNow()
            );
        }
        context.Response.Headers.CacheControl = "no-store";
        await WriteAsync(
            context,
            reply.Http,
            reply.Error is null
                ? new JsonObject
                {
                    ["access_token"] = reply.AccessToken,
                    ["expires_in"] = reply.ExpiresIn,
                    ["token_type"] = "Bearer",
                }
                : new JsonObject { ["error"] = reply.Error, ["error_description"] = reply.Description }
        );
    }

    private static JsonObject ErrorOf(FcmReply reply)
    {
        var details = new JsonArray();
        if (reply.ErrorCode is { } code)
        {
            details.Add(new JsonObject { ["@type"] = "type.googleapis.com/google.firebase.fcm.v1.FcmError", ["errorCode"] = code });
        }
        if (reply.Field is { } field)
        {
            details.Add(
                new JsonObject
                {
                    ["@type"] = "type.googleapis.com/google.rpc.BadRequest",
                    ["fieldViolations"] = new JsonArray(new JsonObject { ["field"] = field, ["description"] = reply.Message }),
                }
            );
        }
        return new JsonObject
        {
            ["error"] = new JsonObject
            {
                ["code"] = reply.Http,
                ["message"] = reply.Message,
                ["status"] = reply.Status,
                ["details"] = details,
            },
        };
    }

    /// <summary>Returns the error for a fault that has only a status.</summary>
    private static FcmReply ReplyOf(ProviderFault fault) =>
        fault.Status switch
        {
            400 or 413 => FcmRules.Refuse("INVALID_ARGUMENT", "a fault of the lab"),
            401 => new FcmReply(401, "UNAUTHENTICATED", null, "a fault of the lab"),
            403 => FcmRules.Refuse("SENDER_ID_MISMATCH", "a fault of the lab"),
            404 or 410 => FcmRules.Refuse("UNREGISTERED", "a fault of the lab"),
            429 => FcmRules.Refuse("QUOTA_EXCEEDED", "a fault of the lab", retryAfter: fault.RetryAfter),
            503 => FcmRules.Refuse("UNAVAILABLE", "a fault of the lab", retryAfter: fault.RetryAfter),
            _ => FcmRules.Refuse("INTERNAL", "a fault of the lab"),
        };

    /// <summary>Returns the device token that a request is for; "" if it names none.</summary>
    internal static string DeviceOf(ReadOnlyMemory<byte> body)
    {
        try
        {
            return
                OutsideJson.Parse(body) is { ValueKind: JsonValueKind.Object } root
                && root.TryGetProperty("message", out var message)
                && message.ValueKind == JsonValueKind.Object
                && message.TryGetProperty("token", out var token)
                && token.ValueKind == JsonValueKind.String
                ? token.GetString()!
                : "";
        }
        catch (JsonException)
        {
            return "";
        }
    }

    private static async Task WriteAsync(HttpContext context, int status, JsonObject body)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json; charset=UTF-8";
        await context.Response.WriteAsync(body.ToJsonString(), context.RequestAborted);
    }
}
