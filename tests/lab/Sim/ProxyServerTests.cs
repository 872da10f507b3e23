using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using Appliance.Doubles.Clock;
using Appliance.Doubles.Providers;
using Appliance.Doubles.PushProxy;
using Appliance.Firmware.Ftm;
using Xunit;

namespace Appliance.Tests.Sim;

/// <summary>The push proxy's answers on the wire.</summary>
public sealed class ProxyServerTests : IAsyncLifetime
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("appliance-proxy-");
    private readonly Script _provider = new();
    private ProviderKeys _keys = null!;
    private ProxyServer _server = null!;
    private HttpClient _http = null!;
    private bool _ended;

    public async ValueTask InitializeAsync()
    {
        _keys = ProviderKeys.Open(_folder.FullName, LabClock.Wall);
        _server = await ProxyServer.StartAsync(
            0,
            _keys.For("proxy", "localhost"),
            new ProxyCore(new ProviderSettings(), _provider, null, LabClock.Wall)
        );
        _http = new HttpClient(
            new SocketsHttpHandler
            {
                SslOptions = new SslClientAuthenticationOptions
                {
                    CertificateChainPolicy = new X509ChainPolicy
                    {
                        TrustMode = X509ChainTrustMode.CustomRootTrust,
                        CustomTrustStore = { _keys.Authority },
                        RevocationMode = X509RevocationMode.NoCheck,
                    },
                },
            }
        )
        {
            BaseAddress = new Uri($"https://127.0.0.1:{_server.EndPoint.Port}"),
        };
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await EndAsync();
        _keys.Dispose();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task Each_outcome_has_its_status_and_its_word()
    {
        var rows = new[]
        {
            (PushOutcome.Sent, HttpStatusCode.OK, """{"status":"sent","credential_expires":4000000000}"""),
            (
                PushOutcome.Unavailable,
                HttpStatusCode.ServiceUnavailable,
                """{"status":"unavailable","cause":"why","credential_expires":4000000000}"""
            ),
            (PushOutcome.RegistrationGone, HttpStatusCode.Gone, """{"status":"gone","cause":"why","credential_expires":4000000000}"""),
            (PushOutcome.Refused, HttpStatusCode.BadGateway, """{"status":"refused","cause":"why","credential_expires":4000000000}"""),
            (
                PushOutcome.CredentialBad,
                HttpStatusCode.BadGateway,
                """{"status":"credential","cause":"why","credential_expires":4000000000}"""
            ),
        };
        for (var row = 0; row < rows.Length; row++)
        {
            var (outcome, status, body) = rows[row];
            _provider.Answer = _ => Task.FromResult(new PushResult(outcome, outcome == PushOutcome.Sent ? "" : "why"));
            using var answer = await _http.PostAsync("/api/v1/push", Push(row));
            Assert.Equal((status, "application/json"), (answer.StatusCode, answer.Content.Headers.ContentType!.ToString()));
            Assert.Equal(body, await answer.Content.ReadAsStringAsync());
        }
    }

    [Fact]
    public async Task A_push_that_is_under_way_when_the_proxy_stops_gets_no_answer()
    {
        var asked = new TaskCompletionSource();
        _provider.Answer = async cancellationToken =>
        {
            asked.SetResult();
            await Task.Delay(Timeout.InfiniteTimeSpan, LabClock.Wall, cancellationToken);
            return PushResult.Sent;
        };
        var sending = _http.PostAsync("/api/v1/push", Push(1));
        await asked.Task;
        await EndAsync();
        await Assert.ThrowsAsync<HttpRequestException>(() => sending);
    }

    private async Task EndAsync()
    {
        if (!_ended)
        {
            _ended = true;
            await _server.DisposeAsync();
        }
    }

    private static StringContent Push(int number) =>
        new(
            JsonSerializer.Serialize(
                new PushProxyRequest(
                    "FGT",
                    "reg",
                    "ios",
                    $"{number:x32}",
                    "127.0.0.1",
                    4433,
                    "FTKMOB0000000001",
                    "ann",
                    "10.0.0.1",
                    0,
                    4_000_000_000
                ),
                PushProxyJson.Default.PushProxyRequest
            ),
            Encoding.UTF8,
            "application/json"
        );

    private sealed class Script : IProvider
    {
        public Func<CancellationToken, Task<PushResult>> Answer { get; set; } = _ => Task.FromResult(PushResult.Sent);

        public DateTimeOffset? CredentialExpires => DateTimeOffset.FromUnixTimeSeconds(4_000_000_000);

        public Task<PushResult> SendAsync(PushProxyRequest push, string deviceToken, CancellationToken cancellationToken) =>
            Answer(cancellationToken);
    }
}
