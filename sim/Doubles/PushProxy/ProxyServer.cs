using System.Net;
using System.Net.Security;
using System.Text.Json;
using Appliance.Doubles.Providers;
using Appliance.Doubles.Wire;
using Appliance.Firmware.Ftm;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Appliance.Doubles.PushProxy;

/// <summary>The push proxy: accepts pushes from units over TLS (docs/reference/push-dialect.md) and sends them to the providers.</summary>
internal sealed class ProxyServer : IAsyncDisposable
{
    private const int MessageMax = 4096;

    private readonly ProxyCore _core;
    private readonly CancellationTokenSource _stopping = new();
    private TlsServer _server = null!;

    private readonly LabWire? _wire;

    private ProxyServer(ProxyCore core, LabWire? wire) => (_core, _wire) = (core, wire);

    /// <summary>The endpoint of the listener.</summary>
    public IPEndPoint EndPoint => _server.EndPoint;

    /// <summary>Starts the server; port 0 chooses a free one.</summary>
    /// <exception cref="IOException">The port is in use.</exception>
    public static async Task<ProxyServer> StartAsync(
        int port,
        SslStreamCertificateContext certificate,
        ProxyCore core,
        LabWire? wire = null
    )
    {
        var made = new ProxyServer(core, wire);
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
            result = PushResult.Failed(
                PushOutcome.Refused,
                body.Length > MessageMax ? $"the message has {body.Length} bytes (limit {MessageMax})" : "the message is not well-formed"
            );
            await AnswerAsync(context, StatusCodes.Status400BadRequest, result, null);
            return;
        }
        _wire?.Push(push.Session, push.User, Pusher(push), Party.Proxy, WireText.Proxied(context.Request, body));
        try
        {
            result = await _core.SendAsync(push, _stopping.Token);
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            context.Abort();
            return;
        }
        await AnswerAsync(
            context,
            result.Outcome switch
            {
                PushOutcome.Sent => StatusCodes.Status200OK,
                PushOutcome.Unavailable => StatusCodes.Status503ServiceUnavailable,
                PushOutcome.RegistrationGone => StatusCodes.Status410Gone,
                _ => StatusCodes.Status502BadGateway,
            },
            result,
            push
        );
    }

    private Task AnswerAsync(HttpContext context, int status, PushResult result, PushProxyRequest? push)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        var answer = PushProxyAnswer.Of(result);
        var body = JsonSerializer.SerializeToUtf8Bytes(answer, PushProxyJson.Default.PushProxyAnswer);
        if (push is not null)
        {
            _wire?.Push(push.Session, push.User, Party.Proxy, Pusher(push), WireText.Proxied(status, answer.Status, body));
        }
        return context.Response.Body.WriteAsync(body, context.RequestAborted).AsTask();
    }

    private static string Pusher(PushProxyRequest push) => push.Device == Party.AuthenticatorSerial ? Party.Authenticator : Party.Appliance;

    /// <summary>Reads a message; null if it is not one of the dialect.</summary>
    internal static PushProxyRequest? Read(ReadOnlySpan<byte> body)
    {
        if (body.Length > MessageMax)
        {
            return null;
        }
        try
        {
            return
                JsonSerializer.Deserialize(body, PushProxyJson.Default.PushProxyRequest) is { } push
                && push.Session.Length == 32
                && push.Session.All(char.IsAsciiHexDigitLower)
                && push.Recipient.Length > 0
                && push.Platform is "ios" or "android"
                && push.CallbackPort is > 0 and <= 65535
                && push.Expires is > 0 and < 253402300800
                && IPAddress.TryParse(push.ClientIp, out _)
                ? push
                : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
