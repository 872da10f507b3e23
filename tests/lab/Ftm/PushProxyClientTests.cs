using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Appliance.Doubles.Providers;
using Appliance.Firmware.Ftm;
using Appliance.Hal;
using Appliance.Hal.Linux;
using Appliance.Tests.EndToEnd;
using Appliance.Tests.Sim;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Xunit;

namespace Appliance.Tests.Ftm;

/// <summary>The unit's side of the proxy's wire, against a proxy that the test controls.</summary>
public sealed class PushProxyClientTests : IAsyncLifetime
{
    private static readonly DateTimeOffset Start = new(2033, 2, 3, 4, 5, 0, TimeSpan.Zero);
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("appliance-proxy-");
    private readonly WatchedTime _time = new(Start);
    private readonly SocketNic _nic = new("port1", IPAddress.Loopback);
    private readonly ConcurrentQueue<(string Host, string Body)> _received = new();
    private ProviderKeys _keys = null!;
    private TlsServer _server = null!;
    private Func<HttpContext, Task> _answer = context => context.Response.WriteAsync("""{"status":"sent"}""");

    public async ValueTask InitializeAsync()
    {
        _keys = ProviderKeys.Open(_folder.FullName, _time);
        _server = await TlsServer.StartAsync(
            0,
            _keys.For("proxy", PushProxyOptions.DeviceName),
            HttpProtocols.Http1,
            async context =>
            {
                var body = Encoding.UTF8.GetString(await TlsServer.BodyAsync(context));
                _received.Enqueue((context.Request.Host.Value!, $"{context.Request.Method} {context.Request.Path} {body}"));
                await _answer(context);
            }
        );
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _keys.Dispose();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task A_message_leaves_in_the_published_form()
    {
        using var client = Client();
        Assert.Equal(PushResult.Sent, await client.SendAsync(Message(), default));
        var (host, request) = Assert.Single(_received);
        Assert.Equal("push.fortinet.com", host);
        Assert.Equal(
            """POST /api/v1/push {"device":"FGVMLAB1","recipient":"reg-1","platform":"android","session":"00112233445566778899aabbccddeeff","callback_ip":"127.0.1.1","callback_port":4433,"token":"FTKMOB0000000001","user":"ann","client_ip":"10.0.0.9","time":1991016300,"expires":1991016360}""",
            request
        );
    }

    [Theory]
    [InlineData(200, """{"status":"sent","credential_expires":1990930000}""", PushOutcome.Sent, "")]
    [InlineData(
        503,
        """{"status":"unavailable","cause":"apns: 503 ServiceUnavailable"}""",
        PushOutcome.Unavailable,
        "apns: 503 ServiceUnavailable"
    )]
    [InlineData(502, """{"status":"refused","cause":"a\u0007b"}""", PushOutcome.Refused, "a b")]
    [InlineData(
        410,
        """{"status":"gone","cause":"apns: 410 Unregistered","gone_since":1990929000123}""",
        PushOutcome.RegistrationGone,
        "apns: 410 Unregistered"
    )]
    [InlineData(502, """{"status":"credential","cause":"apns: the key expired"}""", PushOutcome.CredentialBad, "apns: the key expired")]
    [InlineData(200, """{"status":"maybe"}""", PushOutcome.Unavailable, "the push proxy's answer was not understood (HTTP 200)")]
    [InlineData(
        200,
        """{"status":"sent","gone_since":9223372036854775807}""",
        PushOutcome.Unavailable,
        "the push proxy's answer was not understood (HTTP 200)"
    )]
    [InlineData(200, "null", PushOutcome.Unavailable, "the push proxy's answer was not understood (HTTP 200)")]
    [InlineData(404, "", PushOutcome.Unavailable, "the push proxy's answer was not understood (HTTP 404)")]
    public async Task An_answer_means_what_the_dialect_says(int status, string body, PushOutcome outcome, string cause)
    {
        _answer = context =>
        {
            context.Response.StatusCode = status;
            return context.Response.WriteAsync(body);
        };
        using var client = Client();
        var result = await client.SendAsync(Message(), default);
        Assert.Equal((outcome, cause), (result.Outcome, result.Cause));
        Assert.Equal(
            outcome == PushOutcome.RegistrationGone ? DateTimeOffset.FromUnixTimeMilliseconds(1990929000123) : null,
            result.GoneSince
        );
        Assert.Equal(outcome == PushOutcome.Sent ? DateTimeOffset.FromUnixTimeSeconds(1990930000) : null, result.CredentialExpires);
        Assert.Single(_received);
    }

    [Fact]
    public async Task The_next_address_is_tried_while_nothing_was_sent()
    {
        using var strangers = ProviderKeys.Open(_folder.CreateSubdirectory("strangers").FullName, _time);
        await using var stranger = await TlsServer.StartAsync(
            0,
            strangers.For("proxy", PushProxyOptions.DeviceName),
            HttpProtocols.Http1,
            _ => throw new InvalidOperationException("a stranger got a push")
        );
        using var client = Client(ClosedPort(), stranger.EndPoint, _server.EndPoint);
        Assert.Equal(PushResult.Sent, await client.SendAsync(Message(), default));
        using var lost = Client(ClosedPort(), stranger.EndPoint);
        var result = await lost.SendAsync(Message(), default);
        Assert.Equal(PushOutcome.Unavailable, result.Outcome);
        Assert.Contains("push.fortinet.com cannot be reached", result.Cause, StringComparison.Ordinal);
        Assert.Contains("its certificate is not from the trusted CA", result.Cause, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_certificate_for_another_name_is_refused()
    {
        using var client = new PushProxyClient(
            new PushProxyOptions([_server.EndPoint], _keys.Authority, "proxy.example"),
            [_nic],
            "FGVMLAB1",
            _time
        );
        Assert.Contains("not for proxy.example", (await client.SendAsync(Message(), default)).Cause, StringComparison.Ordinal);
        Assert.Empty(_received);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_was_sent_is_never_sent_again(bool cleanEnd)
    {
        // A second request over a connection that ends without an answer: there the framework tries again by itself.
        using var listener = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var requests = new ConcurrentQueue<string>();
        using var end = new CancellationTokenSource();
        var serving = ServeRawAsync(listener, requests, cleanEnd, end.Token);
        using var client = Client((IPEndPoint)listener.LocalEndpoint);
        Assert.Equal(PushResult.Sent, await client.SendAsync(Message(), default));
        Assert.Equal(PushOutcome.Unavailable, (await client.SendAsync(Message(), default)).Outcome);
        await end.CancelAsync();
        await serving;
        Assert.Equal(2, requests.Count);
    }

    [Fact]
    public async Task A_proxy_that_hangs_costs_the_life_of_the_push_by_the_units_clock()
    {
        using var end = new CancellationTokenSource();
        _answer = _ => Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, end.Token);
        using var client = Client();
        var sending = client.SendAsync(Message(), default).AsTask();
        await Until.TrueAsync(() => _received.Count == 1, "the push at the proxy");
        _time.Advance(TimeSpan.FromSeconds(59.999));
        Assert.False(sending.IsCompleted);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal("the push proxy did not answer in time", (await sending).Cause);
        await end.CancelAsync();
    }

    [Fact]
    public async Task Too_large_too_late_too_many_and_no_link_are_told_at_once()
    {
        using var client = Client();
        Assert.Contains(
            "(limit 4096)",
            (await client.SendAsync(Message() with { User = new string('u', 4096) }, default)).Cause,
            StringComparison.Ordinal
        );
        Assert.Equal("expired before it was sent", (await client.SendAsync(Message() with { Expires = Start }, default)).Cause);
        _nic.SetLink(false);
        Assert.Equal("no interface is up", (await client.SendAsync(Message(), default)).Cause);
        _nic.SetLink(true);
        Assert.Empty(_received);

        using var end = new CancellationTokenSource();
        _answer = _ => Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, end.Token);
        var waiting = Enumerable.Range(0, 1000).Select(_ => client.SendAsync(Message(), end.Token).AsTask()).ToArray();
        Assert.Equal("too many pushes are in delivery", (await client.SendAsync(Message(), default)).Cause);
        await end.CancelAsync();
        await Task.WhenAll(waiting.Select(task => task.ContinueWith(_ => { }, TaskScheduler.Default)));
        _answer = context => context.Response.WriteAsync("""{"status":"sent"}""");
        Assert.Equal(PushResult.Sent, await client.SendAsync(Message(), default));
    }

    /// <summary>Answers the first request of each connection and hangs up on the second.</summary>
    private async Task ServeRawAsync(
        System.Net.Sockets.TcpListener listener,
        ConcurrentQueue<string> requests,
        bool cleanEnd,
        CancellationToken end
    )
    {
        try
        {
            while (true)
            {
                using var caller = await listener.AcceptSocketAsync(end);
                await using var tls = new System.Net.Security.SslStream(new System.Net.Sockets.NetworkStream(caller));
                await tls.AuthenticateAsServerAsync(
                    new System.Net.Security.SslServerAuthenticationOptions
                    {
                        ServerCertificateContext = _keys.For("proxy", PushProxyOptions.DeviceName),
                    },
                    end
                );
                for (var request = 0; request < 2; request++)
                {
                    var text = "";
                    var buffer = new byte[4096];
                    while (!text.EndsWith('}') && await tls.ReadAsync(buffer, end) is > 0 and var length)
                    {
                        text += Encoding.UTF8.GetString(buffer, 0, length);
                    }
                    if (text.Length == 0)
                    {
                        break; // The caller has no second request.
                    }
                    requests.Enqueue(text);
                    if (request == 0)
                    {
                        await tls.WriteAsync("HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\n{\"status\":\"sent\"}"u8.ToArray(), end);
                    }
                    else if (cleanEnd)
                    {
                        await tls.ShutdownAsync();
                    }
                }
            }
        }
        catch (OperationCanceledException) when (end.IsCancellationRequested)
        {
            // The test has ended.
        }
    }

    private PushProxyClient Client(params IPEndPoint[] addresses) =>
        new(new PushProxyOptions(addresses.Length == 0 ? [_server.EndPoint] : addresses, _keys.Authority), [_nic], "FGVMLAB1", _time);

    private static IPEndPoint ClosedPort()
    {
        using var listener = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return (IPEndPoint)listener.LocalEndpoint;
    }

    private static PushMessage Message() =>
        new(
            "reg-1",
            "FTKMOB0000000001",
            "00112233445566778899aabbccddeeff",
            "127.0.1.1",
            4433,
            "ann",
            IPAddress.Parse("10.0.0.9"),
            Start,
            Start.AddSeconds(60),
            "Android 14"
        );
}
