using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Appliance.Doubles.Providers;
using Appliance.Doubles.Wire;
using Appliance.Firmware.Certificates;
using Appliance.Firmware.Ftm;

namespace Appliance.Doubles.PushProxy;

/// <summary>A fault of the path between proxy and provider.</summary>
public enum WayFault
{
    /// <summary>The provider's name cannot be resolved.</summary>
    Dns,

    /// <summary>The TLS handshake fails.</summary>
    Tls,
}

/// <summary>A provider's answer to one attempt; <see cref="Status"/> is null if there was none.</summary>
internal sealed record ProviderReply(HttpStatusCode? Status, byte[] Body, TimeSpan? RetryAfter, string Failure);

/// <summary>An HTTPS client of a provider: one trusted CA, the lab's time, a timeout for each attempt.</summary>
internal sealed class ProviderHttp : IDisposable
{
    private const int AnswerMax = 64 * 1024;

    /// <summary>Half of what a provider's double serves: an idle connection may still count there while a new one is opened.</summary>
    private const int ConnectionsMax = TlsServer.ConnectionsMax / 2;
    private static readonly TimeSpan TryMax = TimeSpan.FromSeconds(10);

    private readonly HttpClient _http;
    private readonly X509Certificate2? _authority;
    private readonly TimeProvider _time;
    private readonly Func<PushProxyRequest, WayFault?>? _fault;
    private readonly LabWire? _wire;

    /// <param name="url">The base address.</param>
    /// <param name="caFile">A PEM file with the only trusted CA; null trusts the system's CAs.</param>
    /// <param name="time">The clock of all timeouts.</param>
    /// <param name="fault">Queried before each attempt; null for no faults.</param>
    /// <param name="wire">The wire capture that records each attempt and its answer; null for none.</param>
    /// <exception cref="FormatException">The CA file contains no certificate.</exception>
    public ProviderHttp(Uri url, string? caFile, TimeProvider time, Func<PushProxyRequest, WayFault?>? fault, LabWire? wire = null)
    {
        _time = time;
        _fault = fault;
        _wire = wire;
        var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            ConnectTimeout = Timeout.InfiniteTimeSpan,
            MaxConnectionsPerServer = ConnectionsMax,
        };
        if (caFile is not null)
        {
            try
            {
                _authority = X509CertificateLoader.LoadCertificateFromFile(caFile);
            }
            catch (CryptographicException wrong)
            {
                throw new FormatException($"{Path.GetFileName(caFile)} contains no certificate", wrong);
            }
            handler.SslOptions.CertificateChainPolicy = TrustedPeer.NoPublicAuthorities();
            handler.SslOptions.RemoteCertificateValidationCallback = (_, certificate, chain, _) =>
                TrustedPeer.Refusal(certificate as X509Certificate2, chain, [_authority], url.Host, time.GetUtcNow()) is null;
        }
        _http = new HttpClient(handler)
        {
            BaseAddress = url,
            Timeout = Timeout.InfiniteTimeSpan,
            MaxResponseContentBufferSize = AnswerMax,
        };
    }

    /// <summary>Makes one attempt. A failed connection and a timeout of the provider are replies without a status.</summary>
    /// <param name="name">The name of the request, in two or three words.</param>
    /// <param name="request">The request.</param>
    /// <param name="push">The push that the request is for.</param>
    /// <param name="cancellationToken">Cancels the attempt.</param>
    public async Task<ProviderReply> TryAsync(
        string name,
        HttpRequestMessage request,
        PushProxyRequest push,
        CancellationToken cancellationToken
    )
    {
        if (_wire is not null)
        {
            var url = request.RequestUri is { } path ? new Uri(_http.BaseAddress!, path) : _http.BaseAddress!;
            _wire.Push(push.Session, push.User, Party.Proxy, Party.Provider, await WireText.RequestAsync(name, request, url));
        }
        var reply = await TryOnceAsync(request, push, cancellationToken);
        if (reply.Status is null)
        {
            Told(push, WireText.Answer(null, reply.Failure));
        }
        return reply;
    }

    public void Dispose()
    {
        _http.Dispose();
        _authority?.Dispose();
    }

    private void Told(PushProxyRequest push, MessageText text) => _wire?.Push(push.Session, push.User, Party.Provider, Party.Proxy, text);

    private async Task<ProviderReply> TryOnceAsync(HttpRequestMessage request, PushProxyRequest push, CancellationToken cancellationToken)
    {
        switch (_fault?.Invoke(push))
        {
            case WayFault.Dns:
                return new ProviderReply(null, [], null, $"{_http.BaseAddress!.Host}: the name cannot be resolved");
            case WayFault.Tls:
                return new ProviderReply(null, [], null, $"{_http.BaseAddress!.Host}: the TLS handshake failed");
        }
        using var late = new CancellationTokenSource(TryMax, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        try
        {
            using var response = await _http.SendAsync(request, either.Token);
            var body = await response.Content.ReadAsByteArrayAsync(either.Token);
            Told(push, WireText.Response(response, body));
            return new ProviderReply(response.StatusCode, body, RetryTimes.Asked(response.Headers, _time.GetUtcNow()), "");
        }
        catch (HttpRequestException failure)
        {
            return new ProviderReply(null, [], null, $"{_http.BaseAddress!.Host}: {failure.InnerException?.Message ?? failure.Message}");
        }
        catch (OperationCanceledException) when (late.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            return new ProviderReply(null, [], null, $"{_http.BaseAddress!.Host}: no answer within {(int)TryMax.TotalSeconds} s");
        }
    }
}
