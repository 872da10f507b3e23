using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;
using Appliance.Sim.Clock;
using Appliance.Sim.Lab;
using Microsoft.Extensions.Logging.Abstractions;

namespace Appliance.Sim.Verbs;

/// <summary>How long a session lives on after its user was disabled, from the command's <c>next</c> until its cookie is refused over the wire.</summary>
internal sealed record SessionFigures(string Bench, int Runs, double EndedMillisecondsMedian, double EndedMillisecondsMax);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(SessionFigures))]
internal sealed partial class SessionBenchJson : JsonSerializerContext;

/// <summary><c>bench sessions</c>: includes the durable save of the configuration and one request over TLS.</summary>
internal static class SessionBench
{
    private const int Runs = 20;

    public static async Task<string> RunAsync(bool json, CancellationToken cancellationToken)
    {
        var figures = await MeasureAsync(cancellationToken);
        return json
            ? JsonSerializer.Serialize(figures, SessionBenchJson.Default.SessionFigures)
            : $"sessions: a session ended {figures.EndedMillisecondsMedian} ms after its user was disabled (median of {figures.Runs}; {figures.EndedMillisecondsMax} ms at most)";
    }

    private static async Task<SessionFigures> MeasureAsync(CancellationToken cancellationToken)
    {
        var state = Directory.CreateTempSubdirectory("appliance-bench-");
        try
        {
            await using var lab = await Laboratory.StartAsync(
                new LabOptions(Path.Combine(state.FullName, "state"), null, LabBoard.File("desktop"), ClockRate.Frozen, 0), NullLoggerFactory.Instance, cancellationToken);
            var vpn = lab.Unit.Services.First(service => service.Service == "sslvpn").EndPoint;
            using var handler = new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false };
            var shown = lab.Unit.ServiceCertificate("sslvpn")!.RawData;
            handler.SslOptions.RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null && certificate.GetRawCertData().AsSpan().SequenceEqual(shown);
            using var client = new HttpClient(handler) { BaseAddress = new Uri($"https://{vpn}/") };
            var milliseconds = new List<double>();
            for (var run = 0; run < Runs; run++)
            {
                var cookie = await LoginAsync(client, cancellationToken);
                await ExpectAsync(client, cookie, HttpStatusCode.OK, cancellationToken);
                var began = LabClock.Wall.GetTimestamp();
                lab.Unit.Transcript("config user local\nedit bob\nset status disable\nnext\nend\n");
                await ExpectAsync(client, cookie, HttpStatusCode.Forbidden, cancellationToken);
                milliseconds.Add(LabClock.Wall.GetElapsedTime(began).TotalMilliseconds);
                lab.Unit.Transcript("config user local\nedit bob\nset status enable\nnext\nend\n");
            }
            milliseconds.Sort();
            return new SessionFigures("sessions", Runs, Math.Round(milliseconds[Runs / 2], 2), Math.Round(milliseconds[^1], 2));
        }
        finally
        {
            state.Delete(recursive: true);
        }
    }

    private static async Task<string> LoginAsync(HttpClient client, CancellationToken cancellationToken)
    {
        using var form = new StringContent("username=bob&credential=bob-password&realm=&ajax=1", System.Text.Encoding.UTF8, "application/x-www-form-urlencoded");
        using var answer = await client.PostAsync("remote/logincheck", form, cancellationToken);
        return answer.Headers.TryGetValues("Set-Cookie", out var cookies) ? cookies.First().Split(';')[0] : throw new LabFailure(ExitCode.AssertionFailed, "bench sessions: bob was not let in");
    }

    private static async Task ExpectAsync(HttpClient client, string cookie, HttpStatusCode status, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "remote/fortisslvpn_xml") { Headers = { { "Cookie", cookie } } };
        using var answer = await client.SendAsync(request, cancellationToken);
        if (answer.StatusCode != status)
        {
            throw new LabFailure(ExitCode.AssertionFailed, $"bench sessions: expected {(int)status}, got {(int)answer.StatusCode}");
        }
    }
}
