using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Appliance.Firmware.Certificates;
using Appliance.Firmware.Events;
using Appliance.Hal;

namespace Appliance.Firmware.Ftm;

/// <summary>
/// Hands pushes to the push proxy over TLS (docs/reference/push-dialect.md), from the first interface whose link is up. The next address is
/// tried only while nothing has been sent; a message that was sent is never sent again. Thread-safe; holds no thread while it waits.
/// </summary>
public sealed class PushProxyClient : IPushSender, IDisposable
{
    /// <summary>Maximum size in bytes of a message that a provider accepts (APNs and FCM: 4,096 bytes); nothing larger is sent.</summary>
    internal const int MessageMax = 4096;

    /// <summary>Maximum number of concurrent pushes; any further one fails immediately.</summary>
    internal const int UnderWayMax = 1000;

    private const int AnswerMax = 4096;
    private const int ConnectionsMax = 16;
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(5);

    /// <summary>Shorter than a proxy's timeout for idle connections, so that no push uses a connection that is being closed.</summary>
    private static readonly TimeSpan IdleMax = TimeSpan.FromSeconds(30);

    private readonly PushProxyOptions _proxy;
    private readonly IReadOnlyList<INic> _nics;
    private readonly string _device;
    private readonly TimeProvider _time;
    private readonly HttpClient _http;
    private int _first;
    private int _underWay;

    /// <param name="proxy">The proxy's addresses and identity.</param>
    /// <param name="nics">The interfaces, in order of preference.</param>
    /// <param name="device">The unit's serial number.</param>
    /// <param name="time">The clock of every timeout.</param>
    public PushProxyClient(PushProxyOptions proxy, IReadOnlyList<INic> nics, string device, TimeProvider time)
    {
        _proxy = proxy;
        _nics = nics;
        _device = device;
        _time = time;
        // The scheme is plain HTTP because ConnectCallback adds TLS: a failed handshake must also lead to the next address.
        _http = new HttpClient(
            new SocketsHttpHandler
            {
                UseProxy = false,
                UseCookies = false,
                AllowAutoRedirect = false,
                ConnectTimeout = Timeout.InfiniteTimeSpan,
                PooledConnectionIdleTimeout = IdleMax,
                MaxConnectionsPerServer = ConnectionsMax,
                ConnectCallback = (_, cancellationToken) => ConnectAsync(cancellationToken),
            }
        )
        {
            BaseAddress = new UriBuilder(Uri.UriSchemeHttp, proxy.Name, PushProxyOptions.DevicePort).Uri,
            Timeout = Timeout.InfiniteTimeSpan,
            MaxResponseContentBufferSize = AnswerMax,
        };
    }

    /// <inheritdoc/>
    public async ValueTask<PushResult> SendAsync(PushMessage message, CancellationToken cancellationToken)
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(PushProxyRequest.Of(message, _device), PushProxyJson.Default.PushProxyRequest);
        if (body.Length > MessageMax)
        {
            return PushResult.Failed(PushOutcome.Refused, $"the message has {body.Length} bytes (limit {MessageMax})");
        }
        var life = message.Expires - _time.GetUtcNow();
        if (life <= TimeSpan.Zero)
        {
            return PushResult.Failed(PushOutcome.Refused, "expired before it was sent");
        }
        if (Interlocked.Increment(ref _underWay) > UnderWayMax)
        {
            Interlocked.Decrement(ref _underWay);
            return PushResult.Failed(PushOutcome.Unavailable, "too many pushes are in delivery");
        }
        using var late = new CancellationTokenSource(life, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        try
        {
            return await WorkTracker.ElsewhereAsync(_time, () => ExchangeAsync(body, either.Token)).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (late.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            return PushResult.Failed(PushOutcome.Unavailable, "the push proxy did not answer in time");
        }
        catch (HttpRequestException failure)
        {
            return PushResult.Failed(PushOutcome.Unavailable, failure.InnerException?.Message ?? failure.Message);
        }
        finally
        {
            Interlocked.Decrement(ref _underWay);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private async Task<PushResult> ExchangeAsync(byte[] body, CancellationToken cancellationToken)
    {
        // The framework retries on its own only while none of the body has been sent (verified by a test).
        using var content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
        using var request = new HttpRequestMessage(HttpMethod.Post, PushProxyRequest.Path) { Content = content };
        request.Headers.Host = _proxy.Name;
        using var response = await _http.SendAsync(request, cancellationToken).ConfigureAwait(false);
        return PushProxyAnswer.Read(await response.Content.ReadAsByteArrayAsync(cancellationToken).ConfigureAwait(false))
            ?? PushResult.Failed(PushOutcome.Unavailable, $"the push proxy's answer was not understood (HTTP {(int)response.StatusCode})");
    }

    /// <summary>Connects with TLS to the first address that accepts, starting with the one that last did.</summary>
    /// <exception cref="IOException">No address accepted; the message lists the error of each address.</exception>
    private async ValueTask<Stream> ConnectAsync(CancellationToken cancellationToken)
    {
        var nic = _nics.FirstOrDefault(nic => nic.CanServe) ?? throw new IOException("no interface is up");
        var failures = new List<string>();
        var first = Volatile.Read(ref _first);
        for (var offset = 0; offset < _proxy.Addresses.Count; offset++)
        {
            var index = (first + offset) % _proxy.Addresses.Count;
            var address = _proxy.Addresses[index];
            using var late = new CancellationTokenSource(ConnectTimeout, _time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
            try
            {
                var stream = await ConnectAsync(nic, address, either.Token).ConfigureAwait(false);
                Volatile.Write(ref _first, index);
                return stream;
            }
            catch (Exception failure) when (failure is IOException or AuthenticationException)
            {
                failures.Add($"{address}: {failure.Message}");
            }
            catch (OperationCanceledException) when (late.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
            {
                failures.Add($"{address}: no connection within {(int)ConnectTimeout.TotalSeconds} s");
            }
        }
        throw new IOException($"the push proxy {_proxy.Name} cannot be reached: {string.Join("; ", failures)}");
    }

    private async Task<Stream> ConnectAsync(INic nic, IPEndPoint address, CancellationToken cancellationToken)
    {
        var options = new SslClientAuthenticationOptions
        {
            TargetHost = _proxy.Name,
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
        };
        var connection = new ConnectionStream(await nic.ConnectAsync(address, cancellationToken).ConfigureAwait(false));
        return await TlsClient
            .ConnectAsync(connection, options, [_proxy.TrustedCa], _proxy.Name, _time.GetUtcNow(), cancellationToken)
            .ConfigureAwait(false);
    }
}
