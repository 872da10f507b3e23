using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Appliance.Firmware;
using Appliance.Sim.Lab;
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
using Microsoft.Extensions.Hosting;

namespace Appliance.Sim.Providers;

/// <summary>An HTTPS server of the lab on loopback: the push proxy, APNs' double, FCM's double.</summary>
internal sealed class TlsServer : IAsyncDisposable
{
    /// <summary>More than any provider takes; the rules refuse what is in between by their own reason.</summary>
    private const int BodyMax = 64 * 1024;

    private readonly WebApplication _app;

    private TlsServer(WebApplication app) => _app = app;

    /// <summary>Where it listens.</summary>
    public IPEndPoint EndPoint { get; private set; } = null!;

    /// <summary>Listens; port 0 takes a free one.</summary>
    /// <param name="port">The port on 127.0.0.1.</param>
    /// <param name="certificate">What it shows.</param>
    /// <param name="protocols">Which HTTP.</param>
    /// <param name="serve">Serves one request.</param>
    /// <param name="clientCertificates">Takes any certificate that a client shows; to judge it is <paramref name="serve"/>'s business.</param>
    /// <exception cref="IOException">The port is taken.</exception>
    public static async Task<TlsServer> StartAsync(int port, SslStreamCertificateContext certificate, HttpProtocols protocols, RequestDelegate serve, bool clientCertificates = false)
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.Services.AddSingleton<IHostLifetime, HostedElsewhere>();
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration();
        builder.Services.AddSingleton<IConnectionListenerFactory>(new LabListeners());
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = BodyMax;
            kestrel.Listen(IPAddress.Loopback, port, listen =>
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
            });
        });
        var app = builder.Build();
        app.Run(serve);
        await app.StartAsync();
        var address = new Uri(app.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.First());
        return new TlsServer(app) { EndPoint = new IPEndPoint(IPAddress.Loopback, address.Port) };
    }

    /// <summary>The whole body, up to <see cref="BodyMax"/>.</summary>
    public static async Task<byte[]> BodyAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        return body.ToArray();
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
