using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Text.Json.Serialization;
using Appliance.Firmware;
using Appliance.Firmware.Ftm;
using Microsoft.Extensions.Logging;

namespace Appliance.Sim.Phones;

/// <summary>How a phone reaches the network: over real sockets when null, over a simulated interface otherwise.</summary>
public delegate ValueTask<Stream> PhoneConnect(IPEndPoint remote, CancellationToken cancellationToken);

/// <summary>The phone's side of the push dialect: one HTTPS call that carries the answer.</summary>
public sealed class PushCallback(IReadOnlyList<X509Certificate2> authorities, TimeProvider time, ILogger log, PhoneConnect? connect = null)
{
    private const string DenyMessage = "denied on the phone";
    private static readonly Uri AnswerPath = new("/api/v1/pushauthresp/", UriKind.Relative);
    private static readonly TimeSpan NetworkTimeout = TimeSpan.FromSeconds(10);

    internal async Task<PhoneAnswer> SendAsync(PushMessage push, TokenActivation activation, bool approve, string code, CancellationToken cancellationToken)
    {
        var body = approve
            ? JsonSerializer.SerializeToUtf8Bytes(new ValidateAnswer(push.SessionId, "validate", code), CallbackJson.Default.ValidateAnswer)
            : JsonSerializer.SerializeToUtf8Bytes(
                new AlertAnswer(push.SessionId, "alert", DenyMessage, AlertSignature.Compute(activation.Seed, push.SessionId, DenyMessage)), CallbackJson.Default.AlertAnswer);
        var (status, outcome, detail) = await PostAsync(push, body, cancellationToken);
        var answer = new PhoneAnswer(push.SessionId, approve, status, outcome, detail, time.GetUtcNow());
        log.LogInformation("phone {Serial} {Action} -> {Outcome} {Detail}", activation.Serial, approve ? "approves" : "denies", answer.OutcomeText, detail);
        return answer;
    }

    private async Task<(int? Status, AnswerOutcome Outcome, string Detail)> PostAsync(PushMessage push, byte[] body, CancellationToken cancellationToken)
    {
        string? refusal = null;
        using var handler = new SocketsHttpHandler { UseProxy = false, UseCookies = false, AllowAutoRedirect = false, ConnectTimeout = NetworkTimeout };
        handler.SslOptions.RemoteCertificateValidationCallback = (_, certificate, chain, _) =>
            (refusal = Refusal(certificate as X509Certificate2, chain, push.CallbackHost)) is null;
        if (connect is not null)
        {
            handler.ConnectCallback = async (context, cancel) => await connect(await ResolveAsync(context.DnsEndPoint, cancel), cancel);
        }
        using var client = new HttpClient(handler) { Timeout = NetworkTimeout };
        client.BaseAddress = new UriBuilder(Uri.UriSchemeHttps, push.CallbackHost, push.CallbackPort).Uri;
        using var content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
        try
        {
            using var response = await client.PostAsync(AnswerPath, content, cancellationToken);
            var status = (int)response.StatusCode;
            return (status, status == 200 ? AnswerOutcome.Accepted : AnswerOutcome.Refused, $"HTTP {status}");
        }
        catch (HttpRequestException failure)
        {
            return refusal is null
                ? (null, AnswerOutcome.Unreachable, failure.InnerException?.Message ?? failure.Message)
                : (null, AnswerOutcome.CertificateRefused, refusal);
        }
        catch (TaskCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return (null, AnswerOutcome.Unreachable, "no answer in time");
        }
    }

    /// <summary>Null when the certificate is the appliance's; else why not. The time that counts is the lab's.</summary>
    private string? Refusal(X509Certificate2? certificate, X509Chain? presented, string host)
    {
        if (certificate is null)
        {
            return "no certificate";
        }
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(authorities.ToArray());
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.VerificationTime = time.GetUtcNow().UtcDateTime;
        chain.ChainPolicy.ApplicationPolicy.Add(new Oid("1.3.6.1.5.5.7.3.1")); // serverAuth, RFC 5280 s.4.2.1.12
        if (presented is not null)
        {
            chain.ChainPolicy.ExtraStore.AddRange(presented.ChainPolicy.ExtraStore);
        }
        if (!chain.Build(certificate))
        {
            return "not from this appliance's CA: " + string.Join(", ", chain.ChainStatus.Select(status => status.Status));
        }
        return certificate.MatchesHostname(host, allowWildcards: false, allowCommonName: false) ? null : $"not for {host}";
    }

    private static async ValueTask<IPEndPoint> ResolveAsync(DnsEndPoint name, CancellationToken cancellationToken) =>
        new(IPAddress.TryParse(name.Host, out var address) ? address : (await Dns.GetHostAddressesAsync(name.Host, cancellationToken))[0], name.Port);
}

internal sealed record ValidateAnswer(string SessionId, string Action, string TokenCode);

internal sealed record AlertAnswer(string SessionId, string Action, string Message, string Hmac);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ValidateAnswer))]
[JsonSerializable(typeof(AlertAnswer))]
internal sealed partial class CallbackJson : JsonSerializerContext;
