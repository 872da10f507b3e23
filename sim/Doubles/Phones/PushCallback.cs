using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Text.Json.Serialization;
using Appliance.Doubles.Faults;
using Appliance.Doubles.Wire;
using Appliance.Firmware;
using Appliance.Firmware.Certificates;
using Appliance.Firmware.Enrolment;
using Appliance.Firmware.Events;
using Appliance.Firmware.Ftm;
using Microsoft.Extensions.Logging;

namespace Appliance.Doubles.Phones;

/// <summary>Connects a phone over a simulated interface; a phone without this delegate uses real sockets.</summary>
public delegate ValueTask<Stream> PhoneConnect(IPEndPoint remote, CancellationToken cancellationToken);

/// <summary>The phone's side of the push dialect: one HTTPS request that carries the answer.</summary>
public sealed class PushCallback(
    IReadOnlyList<X509Certificate2> authorities,
    TimeProvider time,
    ILogger log,
    PhoneConnect? connect = null,
    LabFaults? faults = null
)
{
    private const string DenyMessage = "denied on the phone";
    private static readonly Uri AnswerPath = new("/api/v1/pushauthresp/", UriKind.Relative);
    private static readonly TimeSpan NetworkTimeout = TimeSpan.FromSeconds(10);

    /// <summary>The wire capture that records each call; null for none.</summary>
    internal LabWire? Wire { get; init; }

    internal async Task<PhoneReply> SendAsync(
        PushMessage push,
        TokenActivation activation,
        bool approve,
        string code,
        string? number,
        CancellationToken cancellationToken
    )
    {
        var fault = faults?.Callback(push, approve)?.Fault;
        var session = fault?.Word == FaultWord.CallbackWrongSession ? new string([.. push.SessionId.Reverse()]) : push.SessionId;
        if (fault?.Word == FaultWord.PhoneSkew)
        {
            code = PhoneCode.At(activation, time.GetUtcNow() + fault.Skew!.Value);
        }
        var hmac = AlertSignature.Compute(activation.Seed, session, fault?.Word == FaultWord.CallbackBadHmac ? "another message" : DenyMessage);
        var body = approve
            ? JsonSerializer.SerializeToUtf8Bytes(
                new ValidateAnswer(session, "validate", code, number),
                CallbackJson.Default.ValidateAnswer
            )
            : JsonSerializer.SerializeToUtf8Bytes(new AlertAnswer(session, "alert", DenyMessage, hmac), CallbackJson.Default.AlertAnswer);
        var (status, outcome, detail) = await PostAsync(push, approve, body, fault, cancellationToken);
        var answer = new PhoneReply(push.SessionId, approve, status, outcome, detail, time.GetUtcNow());
        log.LogInformation(
            "phone {Serial} {Action} -> {Outcome} {Detail}",
            activation.Serial,
            approve ? "approves" : "denies",
            answer.OutcomeText,
            detail
        );
        return answer;
    }

    /// <summary>Sends the request as a fault alters it.</summary>
    private async Task<(int? Status, AnswerOutcome Outcome, string Detail)> PostAsync(
        PushMessage push,
        bool approve,
        byte[] body,
        Fault? fault,
        CancellationToken cancellationToken
    )
    {
        if (fault?.Word == FaultWord.CallbackNever)
        {
            return (null, AnswerOutcome.Unreachable, $"never sent: {fault.Word}");
        }
        if (fault?.Word == FaultWord.NatBlackhole)
        {
            await WorkTracker.DelayAsync(NetworkTimeout, time, cancellationToken);
            return (null, AnswerOutcome.Unreachable, "no answer in time");
        }
        if (fault?.Word == FaultWord.CallbackLate)
        {
            await WorkTracker.DelayAsync(fault.Delay!.Value, time, cancellationToken);
        }
        else if (fault?.Word == FaultWord.CallbackTwice)
        {
            var first = await PostOnceAsync(push, approve, body, fault, cancellationToken);
            var second = await PostOnceAsync(push, approve, body, fault, cancellationToken);
            return first with { Detail = $"{first.Detail}, then {second.Detail}" };
        }
        return await PostOnceAsync(push, approve, body, fault, cancellationToken);
    }

    private async Task<(int? Status, AnswerOutcome Outcome, string Detail)> PostOnceAsync(
        PushMessage push,
        bool approve,
        byte[] body,
        Fault? fault,
        CancellationToken cancellationToken
    )
    {
        var url = new Uri(new UriBuilder(Uri.UriSchemeHttps, push.CallbackHost, push.CallbackPort).Uri, AnswerPath);
        var pusher = Wire?.PusherAt(push.CallbackHost) ?? "";
        Wire?.Push(push.SessionId, push.User, Party.Phone, pusher, WireText.Callback(url, approve, body));
        var (status, outcome, detail) = await CallAsync(push, url, body, fault, cancellationToken);
        Wire?.Push(push.SessionId, push.User, pusher, Party.Phone, WireText.Answer(status, detail));
        return (status, outcome, detail);
    }

    private async Task<(int? Status, AnswerOutcome Outcome, string Detail)> CallAsync(
        PushMessage push,
        Uri url,
        byte[] body,
        Fault? fault,
        CancellationToken cancellationToken
    )
    {
        string? refusal = null;
        using var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            ConnectTimeout = NetworkTimeout,
        };
        handler.SslOptions.CertificateChainPolicy = TrustedPeer.NoPublicAuthorities();
        handler.SslOptions.RemoteCertificateValidationCallback = (_, certificate, chain, _) =>
            (refusal = Refusal(certificate as X509Certificate2, chain, push.CallbackHost, fault)) is null;
        if (connect is not null)
        {
            handler.ConnectCallback = async (context, cancel) => await connect(await ResolveAsync(context.DnsEndPoint, cancel), cancel);
        }
        using var client = new HttpClient(handler) { Timeout = NetworkTimeout };
        using HttpContent content = fault?.Word == FaultWord.CallbackSlow ? new SlowContent(body, time) : new ByteArrayContent(body);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        try
        {
            using var response = await client.PostAsync(url, content, cancellationToken);
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

    /// <summary>
    /// Returns the reason to reject the server's certificate; null if it is the appliance's. A fault makes the phone evaluate it as a wrong
    /// one.
    /// </summary>
    private string? Refusal(X509Certificate2? certificate, X509Chain? presented, string host, Fault? fault) =>
        TrustedPeer.Refusal(
            fault?.Word == FaultWord.CallbackCertMissing ? null : certificate,
            presented,
            authorities,
            fault?.Word == FaultWord.CallbackCertWrongName ? "another." + host : host,
            fault?.Word == FaultWord.CallbackCertExpired && certificate is not null
                ? new DateTimeOffset(certificate.NotAfter.ToUniversalTime()) + TimeSpan.FromDays(1)
                : time.GetUtcNow()
        );

    private static async ValueTask<IPEndPoint> ResolveAsync(DnsEndPoint name, CancellationToken cancellationToken) =>
        new(
            IPAddress.TryParse(name.Host, out var address) ? address : (await Dns.GetHostAddressesAsync(name.Host, cancellationToken))[0],
            name.Port
        );
}

/// <summary>A request body that is sent at one byte a second (<c>callback.slow</c>).</summary>
internal sealed class SlowContent(byte[] body, TimeProvider time) : HttpContent
{
    private static readonly TimeSpan Between = TimeSpan.FromSeconds(1);

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        for (var at = 0; at < body.Length; at++)
        {
            if (at > 0)
            {
                await WorkTracker.DelayAsync(Between, time, cancellationToken);
            }
            await stream.WriteAsync(body.AsMemory(at, 1), cancellationToken);
            await stream.FlushAsync(cancellationToken);
        }
    }

    protected override bool TryComputeLength(out long length)
    {
        length = body.Length;
        return true;
    }
}

internal sealed record ValidateAnswer(string SessionId, string Action, string TokenCode, string? Number);

internal sealed record AlertAnswer(string SessionId, string Action, string Message, string Hmac);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull
)]
[JsonSerializable(typeof(ValidateAnswer))]
[JsonSerializable(typeof(AlertAnswer))]
internal sealed partial class CallbackJson : JsonSerializerContext;
