using System.Net;
using System.Net.Security;
using System.Text.Json;
using Appliance.Firmware.Ftm;
using Appliance.Sim.Providers;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Appliance.Sim.PushProxy;

/// <summary>The push proxy: takes pushes from units over TLS (docs/push-dialect.md) and hands them to the providers.</summary>
internal sealed class ProxyServer : IAsyncDisposable
{
    private const int MessageMax = 4096;

    private readonly ProxyCore _core;
    private readonly CancellationTokenSource _stopping = new();
    private TlsServer _server = null!;

    private ProxyServer(ProxyCore core) => _core = core;

    /// <summary>Where it listens.</summary>
    public IPEndPoint EndPoint => _server.EndPoint;

    /// <summary>Listens; port 0 takes a free one.</summary>
    /// <exception cref="IOException">The port is taken.</exception>
    public static async Task<ProxyServer> StartAsync(int port, SslStreamCertificateContext certificate, ProxyCore core)
    {
        var made = new ProxyServer(core);
        made._server = await TlsServer.StartAsync(port, certificate, HttpProtocols.Http1, made.ServeAsync);
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
        if (context.Request.Path != PushProxyRequest.Path)
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }
        if (context.Request.Method != HttpMethods.Post)
        {
            context.Response.StatusCode = StatusCodes.Status405MethodNotAllowed;
            return;
        }
        var body = await TlsServer.BodyAsync(context);
        PushResult result;
        if (Read(body) is not { } push)
        {
            result = PushResult.Failed(PushOutcome.Refused, body.Length > MessageMax ? $"the message has {body.Length} bytes, {MessageMax} are taken" : "the message is not well-formed");
            await AnswerAsync(context, StatusCodes.Status400BadRequest, result);
            return;
        }
        try
        {
            result = await _core.SendAsync(push, _stopping.Token);
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            context.Abort();
            return;
        }
        await AnswerAsync(context, result.Outcome switch
        {
            PushOutcome.Sent => StatusCodes.Status200OK,
            PushOutcome.Unavailable => StatusCodes.Status503ServiceUnavailable,
            PushOutcome.RegistrationGone => StatusCodes.Status410Gone,
            _ => StatusCodes.Status502BadGateway,
        }, result);
    }

    private static Task AnswerAsync(HttpContext context, int status, PushResult result)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        return context.Response.Body.WriteAsync(JsonSerializer.SerializeToUtf8Bytes(PushProxyAnswer.Of(result), PushProxyJson.Default.PushProxyAnswer), context.RequestAborted).AsTask();
    }

    /// <summary>Null for what is no message of the dialect.</summary>
    internal static PushProxyRequest? Read(ReadOnlySpan<byte> body)
    {
        if (body.Length > MessageMax)
        {
            return null;
        }
        try
        {
            return JsonSerializer.Deserialize(body, PushProxyJson.Default.PushProxyRequest) is { } push
                && push.Session.Length == 32 && push.Session.All(char.IsAsciiHexDigitLower) && push.Recipient.Length > 0 && push.Platform is "ios" or "android"
                && push.CallbackPort is > 0 and <= 65535 && push.Expires is > 0 and < 253402300800 && IPAddress.TryParse(push.ClientIp, out _) ? push : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
