using System.Net;
using System.Text;
using Appliance.Doubles.Failures;
using Appliance.Lab;

namespace Appliance.Bench;

/// <summary>
/// <c>bench sessions</c>: the time until a session ends after its user was disabled, with the durable save of the configuration and one
/// request over TLS.
/// </summary>
internal sealed class SessionBench : IEndedRun
{
    private readonly HttpClient _client;

    private SessionBench(Laboratory lab)
    {
        var shown = lab.Unit.ServiceCertificate("sslvpn")!.RawData;
        var handler = new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false };
        handler.SslOptions.RemoteCertificateValidationCallback = (_, certificate, _, _) =>
            certificate is not null && certificate.GetRawCertData().AsSpan().SequenceEqual(shown);
        _client = new HttpClient(handler)
        {
            BaseAddress = new Uri($"https://{lab.Unit.Services.First(service => service.Service == "sslvpn").EndPoint}/"),
        };
    }

    public string EndCommand => "config user local\nedit bob\nset status disable\nnext\nend\n";

    public string RestoreCommand => "config user local\nedit bob\nset status enable\nnext\nend\n";

    public static Task<string> RunAsync(bool json, CancellationToken cancellationToken) =>
        EndedBench.RunAsync(
            "sessions",
            "a session ended after its user was disabled by",
            json,
            lab => new SessionBench(lab),
            cancellationToken
        );

    public async Task<Func<Task>> BeginAsync(CancellationToken cancellationToken)
    {
        using var form = new StringContent(
            "username=bob&credential=bob-password&realm=&ajax=1",
            Encoding.UTF8,
            "application/x-www-form-urlencoded"
        );
        using var answer = await _client.PostAsync("remote/logincheck", form, cancellationToken);
        var cookie = answer.Headers.TryGetValues("Set-Cookie", out var cookies)
            ? cookies.First().Split(';')[0]
            : throw new LabFailure(FailureKind.AssertionFailed, "bench sessions: bob was not authenticated");
        await ExpectAsync(cookie, HttpStatusCode.OK, cancellationToken);
        return () => ExpectAsync(cookie, HttpStatusCode.Forbidden, cancellationToken);
    }

    public void Dispose() => _client.Dispose();

    private async Task ExpectAsync(string cookie, HttpStatusCode status, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "remote/fortisslvpn_xml") { Headers = { { "Cookie", cookie } } };
        using var answer = await _client.SendAsync(request, cancellationToken);
        if (answer.StatusCode != status)
        {
            throw new LabFailure(FailureKind.AssertionFailed, $"bench sessions: expected {(int)status}, got {(int)answer.StatusCode}");
        }
    }
}
