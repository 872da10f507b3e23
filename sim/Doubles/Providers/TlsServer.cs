using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Appliance.Doubles.Nics;
using Appliance.Firmware;
using Appliance.Firmware.Http;
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

namespace Appliance.Doubles.Providers;

/// <summary>An HTTPS server of the lab on loopback: the push proxy, the APNs test double or the FCM test double.</summary>
internal sealed class TlsServer : IAsyncDisposable
{
    /// <summary>The longest body, in bytes: more than any provider accepts. Below it, the rules refuse with their own reason.</summary>
    private const int BodyMax = 64 * 1024;

    /// <summary>
    /// The number of connections of one server. A further one closes the least recently useful one. The proxy opens at most half of it to a
    /// provider.
    /// </summary>
    internal const int ConnectionsMax = 256;

    private readonly WebApplication _app;

    private TlsServer(WebApplication app) => _app = app;

    /// <summary>The endpoint of the listener.</summary>
    public IPEndPoint EndPoint { get; private set; } = null!;

    /// <summary>Starts the server; port 0 chooses a free one.</summary>
    /// <param name="port">The port on 127.0.0.1.</param>
    /// <param name="certificate">The server's certificate.</param>
    /// <param name="protocols">The HTTP versions to serve.</param>
    /// <param name="serve">Serves one request.</param>
    /// <param name="clientCertificates">
    /// True accepts any client certificate in the handshake; <paramref name="serve"/> has to evaluate it.
    /// </param>
    /// <exception cref="IOException">The port is in use.</exception>
    public static async Task<TlsServer> StartAsync(
        int port,
        SslStreamCertificateContext certificate,
        HttpProtocols protocols,
        RequestDelegate serve,
        bool clientCertificates = false
    )
    {
        void Configure(KestrelServerOptions kestrel) =>
            kestrel.Listen(
                IPAddress.Loopback,
                port,
                listen =>
                {
                    listen.Protocols = protocols;
                    listen.UseHttps(https =>
                    {
                        https.ServerCertificate = certificate.TargetCertificate;
                        https.ServerCertificateChain = [.. certificate.IntermediateCertificates];
                        if (clientCertificates)
                        {
                            https.ClientCertificateMode = ClientCertificateMode.AllowCertificate;
                            https.ClientCertificateValidation = (_, _, _) => true;
                        }
                    });
                }
            );
        var listeners = new LabListeners(new ConnectionLimit(ConnectionsMax, ConnectionsMax));
        var app = EmbeddedServer.Prepare(listeners, BodyMax, Configure).Build();
        app.Run(serve);
        await app.StartAsync();
        var address = new Uri(
            app.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.First()
        );
        return new TlsServer(app) { EndPoint = new IPEndPoint(IPAddress.Loopback, address.Port) };
    }

    /// <summary>Reads the whole body, up to <see cref="BodyMax"/>.</summary>
    public static async Task<byte[]> BodyAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        return body.ToArray();
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
