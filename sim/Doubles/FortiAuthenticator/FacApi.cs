using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Appliance.Doubles.Failures;
using Appliance.Firmware;
using Appliance.Firmware.Certificates;
using Appliance.Firmware.Events;
using Appliance.Firmware.Ftm;
using Appliance.Firmware.Http;
using Appliance.Firmware.Network;
using Appliance.Hal;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Appliance.Doubles.FortiAuthenticator;

/// <summary>
/// The HTTPS side of the FortiAuthenticator emulator: the phones' callbacks, and the two REST calls that authenticate a user
/// (docs/reference/radius.md).
/// </summary>
internal sealed class FacApi : IAsyncDisposable
{
    private const string Service = "https";
    private const int UserMax = 50;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly FacServer _server;
    private readonly byte[] _credentials;
    private readonly CallbackEndpoint _callback;
    private WebApplication _host = null!;

    private FacApi(FacServer server, FacSettings settings)
    {
        _server = server;
        _credentials = SHA256.HashData(Encoding.UTF8.GetBytes("admin:" + settings.ApiKey));
        _callback = new CallbackEndpoint(server, callers: null, new DebugTap());
    }

    public async ValueTask DisposeAsync()
    {
        RadSec?.Dispose();
        await _host.DisposeAsync();
    }

    internal int Port { get; private set; }

    /// <summary>The TCP port of RADIUS over TLS; null if it is not served.</summary>
    internal int? RadSecPort { get; private set; }

    internal FacRadSec? RadSec { get; private init; }

    internal static async Task<FacApi> StartAsync(
        FacServer server,
        FacSettings settings,
        DeviceCertificates certificates,
        FacOptions options,
        CancellationToken cancellationToken
    )
    {
        var api = new FacApi(server, settings)
        {
            RadSec = settings.RadSecPort is null ? null : new FacRadSec(server, settings.LoadRadSecAuthorities(), options.Time),
        };
        api._host = EmbeddedServer
            .Prepare(new Listening(options.Nic), RequestBody.SizeMax, kestrel => api.Configure(kestrel, settings, certificates))
            .Build();
        api._host.Run(context => api.HandleAsync(context, options.Log));
        try
        {
            await api._host.StartAsync(cancellationToken);
        }
        catch (IOException busy)
        {
            await api.DisposeAsync();
            throw new LabFailure(FailureKind.Busy, busy.Message, busy);
        }
        var ports = api
            ._host.Services.GetRequiredService<IServer>()
            .Features.GetRequiredFeature<IServerAddressesFeature>()
            .Addresses.Select(address => new Uri(address).Port)
            .ToArray();
        api.Port = ports[0];
        api.RadSecPort = api.RadSec is null ? null : ports[1];
        return api;
    }

    private void Configure(KestrelServerOptions kestrel, FacSettings settings, DeviceCertificates certificates)
    {
        var names = new CertificateNames(["lab-authenticator"], [settings.Address]);
        kestrel.Limits.RequestHeadersTimeout = Patience;
        kestrel.Listen(
            settings.Address,
            settings.HttpsPort,
            listen =>
            {
                listen.Protocols = HttpProtocols.Http1;
                listen.UseHttps(
                    new TlsHandshakeCallbackOptions
                    {
                        HandshakeTimeout = Patience,
                        OnConnection = _ =>
                            ValueTask.FromResult(
                                new SslServerAuthenticationOptions
                                {
                                    ServerCertificateContext = certificates.For(Service, names),
                                    EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
                                }
                            ),
                    }
                );
            }
        );
        if (RadSec is { } radSec)
        {
            kestrel.Listen(
                settings.Address,
                settings.RadSecPort!.Value,
                listen =>
                {
                    listen.UseHttps(
                        new TlsHandshakeCallbackOptions
                        {
                            HandshakeTimeout = Patience,
                            OnConnection = _ => ValueTask.FromResult(radSec.Tls(certificates.For("radsec", names))),
                        }
                    );
                    ConnectionBuilderExtensions.Run(listen, radSec.ServeAsync);
                }
            );
        }
    }

    private async Task HandleAsync(HttpContext context, ILogger log)
    {
        if (MediaType.RefusalOf(context.Request.Headers) is { } coded)
        {
            context.Response.StatusCode = coded;
            return;
        }
        try
        {
            await ServeAsync(context);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The caller disconnected while the push was pending.
        }
        catch (IOException error)
        {
            log.LogError(error, "authenticator: a decision could not be saved");
            context.Response.StatusCode = StatusCodes.Status500InternalServerError;
        }
    }

    private async Task ServeAsync(HttpContext context)
    {
        var path = context.Request.Path.Value?.TrimEnd('/');
        if (path is not ("/api/v1/pushauth" or "/api/v1/auth"))
        {
            await _callback.ServeAsync(context.Features);
            return;
        }
        context.Response.StatusCode =
            !IsCaller(context.Request) ? StatusCodes.Status401Unauthorized
            : context.Request.Method != HttpMethods.Post ? StatusCodes.Status405MethodNotAllowed
            : await CallAsync(context, push: path == "/api/v1/pushauth");
        context.Response.ContentLength = 0;
    }

    private async Task<int> CallAsync(HttpContext context, bool push)
    {
        var (body, status) = await RequestBody.ReadAsync(context);
        if (body is null)
        {
            return status;
        }
        var call = FacCall.Read(body);
        if (call?.Username is not { Length: > 0 and <= UserMax } user || (!push && call.Password is null && call.TokenCode is null))
        {
            return StatusCodes.Status400BadRequest;
        }
        var source = context.Connection.RemoteIpAddress!.MapToIPv4();
        var asker = new FacAsker(source, FacPolicy.CodeOrEmpty, IPAddress.TryParse(call.UserIp, out var caller) ? caller : source);
        var verdict = push
            ? await _server.PushAsync(user, asker, context.RequestAborted)
            : await _server.CheckAsync(user, call.Password, call.TokenCode, asker);
        return verdict switch
        {
            FacVerdict.Accept => StatusCodes.Status200OK,
            FacVerdict.Reject { Reason: "unknown_user" or "no_push_token" } when push => StatusCodes.Status404NotFound,
            FacVerdict.Reject { Reason: "push_failed" } => StatusCodes.Status500InternalServerError,
            _ => StatusCodes.Status401Unauthorized,
        };
    }

    private bool IsCaller(HttpRequest request)
    {
        if (
            !AuthenticationHeaderValue.TryParse(request.Headers.Authorization, out var header)
            || header is not { Scheme: "Basic", Parameter: { } text }
        )
        {
            return false;
        }
        Span<byte> given = new byte[text.Length];
        return Convert.TryFromBase64String(text, given, out var length)
            && CryptographicOperations.FixedTimeEquals(SHA256.HashData(given[..length]), _credentials);
    }

    /// <summary>A transport that listens on the ports of the emulator's interface.</summary>
    private sealed class Listening(INic nic) : IConnectionListenerFactory
    {
        public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) =>
            new(nic.Listen(((IPEndPoint)endpoint).Port));
    }
}

/// <summary>The body of both calls; fields that the emulator does not use are ignored.</summary>
internal sealed record FacCall(string? Username, string? Password, string? TokenCode, string? UserIp)
{
    /// <summary>Reads the body; null if it is not a JSON object of these fields.</summary>
    internal static FacCall? Read(ReadOnlySpan<byte> body)
    {
        try
        {
            return JsonSerializer.Deserialize(body, FacCallJson.Default.FacCall);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(FacCall))]
internal sealed partial class FacCallJson : JsonSerializerContext;
