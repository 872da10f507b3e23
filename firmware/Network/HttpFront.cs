using System.Collections.Concurrent;
using System.Net.Security;
using System.Security.Authentication;
using Appliance.Firmware.Certificates;
using Appliance.Firmware.Http;
using Appliance.Hal;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Abstractions;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Appliance.Firmware.Network;

/// <summary>
/// The HTTP front end: one Kestrel for every HTTPS service of the unit. It binds services, and the transport decides where they listen.
/// HTTP/1.1 over TLS 1.2 and 1.3 only. Head and body are at most 8 KiB. A connection is closed if a handshake, a head or a body takes
/// longer than 5 s.
/// </summary>
public sealed class HttpFront : IAsyncDisposable
{
    private const int HeadMax = 8192;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>
    /// The accepted cipher suites: authenticated encryption with forward secrecy, for an ECDSA certificate. They are checked after the
    /// handshake: if they are set before it, the platform keeps no context and therefore resumes no session. It prefers these suites by
    /// default.
    /// </summary>
    private static readonly TlsCipherSuite[] Ciphers =
    [
        TlsCipherSuite.TLS_AES_128_GCM_SHA256,
        TlsCipherSuite.TLS_AES_256_GCM_SHA384,
        TlsCipherSuite.TLS_CHACHA20_POLY1305_SHA256,
        TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    ];

    private readonly WebApplication _host;
    private readonly ConcurrentDictionary<string, (SslStreamCertificateContext Certificate, SslServerAuthenticationOptions Options)> _tls =
        new(StringComparer.Ordinal);

    private HttpFront(WebApplication host) => _host = host;

    /// <summary>Starts the front end; returns when every service may be placed.</summary>
    /// <param name="transport">The source of connections.</param>
    /// <param name="services">The handler of each service's requests.</param>
    /// <param name="certificate">Returns the certificate that a service presents now; null for no TLS at all, which is for benchmarks
    /// only.</param>
    /// <param name="logs">Receives the framework's own diagnostics.</param>
    /// <param name="cancellationToken">Cancels the start.</param>
    public static async Task<HttpFront> StartAsync(
        NicTransport transport,
        IReadOnlyDictionary<string, IHttpService> services,
        Func<string, SslStreamCertificateContext>? certificate,
        ILoggerFactory logs,
        CancellationToken cancellationToken
    )
    {
        HttpFront? front = null;
        void Configure(KestrelServerOptions kestrel)
        {
            Limit(kestrel);
            foreach (var service in services.Keys)
            {
                kestrel.Listen(
                    new ServiceEndPoint(service),
                    listen =>
                    {
                        listen.Protocols = HttpProtocols.Http1;
                        if (certificate is null)
                        {
                            return;
                        }
                        listen.UseHttps(
                            new TlsHandshakeCallbackOptions
                            {
                                HandshakeTimeout = Patience,
                                OnConnection = _ => ValueTask.FromResult(front!.TlsFor(service, certificate(service))),
                            }
                        );
                        listen.Use(next => connection => IsWellEncrypted(connection) ? next(connection) : RefuseAsync(connection));
                    }
                );
            }
        }
        var builder = EmbeddedServer.Prepare(transport, RequestBody.SizeMax, Configure);
        builder.Services.AddSingleton(logs);
        var host = builder.Build();
        front = new HttpFront(host);
        // The server without the framework's pipeline, which is not used here and costs as much as a callback does.
        await host.Services.GetRequiredService<IServer>().StartAsync(new Dispatch(services), cancellationToken).ConfigureAwait(false);
        return front;
    }

    /// <summary>Stops the front end. Connections that are still open are aborted.</summary>
    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource();
        await now.CancelAsync().ConfigureAwait(false);
        try
        {
            await _host.Services.GetRequiredService<IServer>().StopAsync(now.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // Expected: the stop was requested without waiting.
        }
        await _host.DisposeAsync().ConfigureAwait(false);
    }

    private static void Limit(KestrelServerOptions kestrel)
    {
        kestrel.Limits.MaxRequestHeadersTotalSize = HeadMax;
        kestrel.Limits.MaxRequestHeaderCount = 32;
        kestrel.Limits.MaxRequestLineSize = HeadMax / 2;
        kestrel.Limits.RequestHeadersTimeout = Patience;
        // A body of any length must arrive within that time, so a request with its head takes at most twice as long.
        kestrel.Limits.MinRequestBodyDataRate = new MinDataRate(RequestBody.SizeMax / Patience.TotalSeconds, Patience);
    }

    private static bool IsWellEncrypted(ConnectionContext connection) =>
        connection.Features.GetRequiredFeature<ITlsHandshakeFeature>().NegotiatedCipherSuite is { } suite
        && Array.IndexOf(Ciphers, suite) >= 0;

    private static Task RefuseAsync(ConnectionContext connection)
    {
        connection.Abort(new ConnectionAbortedException("no authenticated encryption"));
        return Task.CompletedTask;
    }

    /// <summary>
    /// Returns the TLS options. The object stays the same as long as the certificate does, because session tickets depend on it.
    /// </summary>
    private SslServerAuthenticationOptions TlsFor(string service, SslStreamCertificateContext certificate)
    {
        if (_tls.TryGetValue(service, out var held) && ReferenceEquals(held.Certificate, certificate))
        {
            return held.Options;
        }
        var options = new SslServerAuthenticationOptions
        {
            ServerCertificateContext = certificate,
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            ApplicationProtocols = [SslApplicationProtocol.Http11],
        };
        _tls[service] = (certificate, options);
        return options;
    }

    /// <summary>Passes each request to the service of its connection.</summary>
    private sealed class Dispatch(IReadOnlyDictionary<string, IHttpService> services) : IHttpApplication<Dispatch.Caller>
    {
        public Caller CreateContext(IFeatureCollection contextFeatures)
        {
            if (contextFeatures is IHostContextContainer<Caller> { HostContext: { } known })
            {
                return known;
            }
            var nic = contextFeatures.GetRequiredFeature<INicFeature>();
            var caller = new Caller(contextFeatures, nic, services[nic.Service]);
            if (contextFeatures is IHostContextContainer<Caller> connection)
            {
                connection.HostContext = caller;
            }
            return caller;
        }

        public void DisposeContext(Caller context, Exception? exception) { }

        public Task ProcessRequestAsync(Caller context)
        {
            if (MediaType.RefusalOf(context.Features.GetRequiredFeature<IHttpRequestFeature>().Headers) is { } status)
            {
                var response = context.Features.GetRequiredFeature<IHttpResponseFeature>();
                response.StatusCode = status;
                response.Headers.ContentLength = 0;
                response.Headers.Connection = "close";
                return Task.CompletedTask;
            }
            var serving = context.Service.ServeAsync(context.Features);
            if (!serving.IsCompletedSuccessfully)
            {
                return ServeAsync(serving, context.Features, context.Nic);
            }
            context.Nic.Served();
            return serving;
        }

        private static async Task ServeAsync(Task serving, IFeatureCollection context, INicFeature nic)
        {
            try
            {
                await serving.ConfigureAwait(false);
                nic.Served();
            }
            catch (OperationCanceledException)
                when (context.Get<IHttpRequestLifetimeFeature>()?.RequestAborted.IsCancellationRequested == true)
            {
                // The client disconnected while its request was pending, so there is no response.
            }
        }

        /// <summary>The state that all requests of a connection share. The server stores it with the connection.</summary>
        internal sealed record Caller(IFeatureCollection Features, INicFeature Nic, IHttpService Service);
    }
}
