using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Text.Json.Serialization;
using Appliance.Firmware.Certificates;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Appliance.Doubles.Providers;

/// <summary>The body of a refusal; the timestamp, only with 410, in milliseconds since 1970.</summary>
internal sealed record ApnsError(string Reason, long? Timestamp);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull
)]
[JsonSerializable(typeof(ApnsError))]
internal sealed partial class ApnsJson : JsonSerializerContext;

/// <summary>The APNs test double: HTTP/2 over TLS around <see cref="ApnsRules"/>; accepted notifications go to the last hop.</summary>
internal sealed class ApnsDouble : IAsyncDisposable
{
    // Apple's object identifiers for the environments of a push certificate.
    private const string DevelopmentOid = "1.2.840.113635.100.6.3.1";
    private const string ProductionOid = "1.2.840.113635.100.6.3.2";

    private readonly ApnsRules _rules;
    private readonly Lock _lock = new();
    private readonly ILastHop _lastHop;
    private readonly TimeProvider _time;
    private readonly X509Certificate2 _authority;
    private readonly ProviderFaults? _faults;
    private readonly CancellationTokenSource _stopping = new();
    private TlsServer _server = null!;

    private ApnsDouble(ApnsRules rules, ILastHop lastHop, TimeProvider time, X509Certificate2 authority, ProviderFaults? faults)
    {
        _rules = rules;
        _lastHop = lastHop;
        _time = time;
        _authority = authority;
        _faults = faults;
    }

    /// <summary>The base address.</summary>
    public Uri Address => new UriBuilder(Uri.UriSchemeHttps, "127.0.0.1", _server.EndPoint.Port).Uri;

    /// <summary>Starts the server; port 0 chooses a free one.</summary>
    /// <exception cref="IOException">The port is in use.</exception>
    public static async Task<ApnsDouble> StartAsync(
        int port,
        ProviderKeys keys,
        Devices devices,
        ILastHop lastHop,
        TimeProvider time,
        ProviderFaults? faults = null
    )
    {
        var service = new ApnsService(ProviderKeys.TeamId, [new ApnsKey(ProviderKeys.ApnsKeyId, keys.Apns)], [ProviderKeys.Topic]);
        var made = new ApnsDouble(new ApnsRules(service, devices), lastHop, time, keys.Authority, faults);
        made._server = await TlsServer.StartAsync(
            port,
            keys.For("apns", "api.push.apple.com"),
            HttpProtocols.Http2,
            made.ServeAsync,
            clientCertificates: true
        );
        return made;
    }

    public async ValueTask DisposeAsync()
    {
        lock (_lock)
        {
            _rules.ShuttingDown = true;
        }
        await _stopping.CancelAsync();
        await _server.DisposeAsync();
        _stopping.Dispose();
    }

    private async Task ServeAsync(HttpContext context)
    {
        var request = new ApnsRequest(
            context.Request.Method,
            context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget,
            [.. context.Request.Headers.SelectMany(header => header.Value.Select(value => (header.Key, value ?? "")))],
            await TlsServer.BodyAsync(context),
            CertificateOf(context.Connection.ClientCertificate)
        );
        var freshId = FreshId();
        ApnsReply reply;
        Notification? notification = null;
        TimeSpan? retryAfter = null;
        if (_faults?.Invoke("apns", request.Path.Split('/')[^1], request.Body) is { } fault)
        {
            if (fault.Status == 0)
            {
                await HangAsync(context);
                return;
            }
            (reply, retryAfter) = (
                ApnsRules.Refuse(ReasonOf(fault.Status), freshId, fault.Status == 410 ? _time.GetUtcNow() : null),
                fault.RetryAfter
            );
        }
        else
        {
            var connection = ConnectionOf(context);
            lock (_lock)
            {
                (reply, notification) = _rules.Decide(request, connection, freshId, _time.GetUtcNow());
            }
        }
        if (notification is not null && !await _lastHop.DeliverAsync(notification))
        {
            reply = ApnsRules.Refuse("ServiceUnavailable", reply.ApnsId);
        }
        context.Response.StatusCode = reply.Status;
        context.Response.Headers["apns-id"] = reply.ApnsId;
        if (retryAfter is { } wait)
        {
            context.Response.Headers.RetryAfter = Math.Ceiling(wait.TotalSeconds).ToString(CultureInfo.InvariantCulture);
        }
        if (reply.Reason is { } reason)
        {
            context.Response.ContentType = "application/json";
            await context.Response.Body.WriteAsync(
                JsonSerializer.SerializeToUtf8Bytes(
                    new ApnsError(reason, reply.Timestamp?.ToUnixTimeMilliseconds()),
                    ApnsJson.Default.ApnsError
                )
            );
        }
    }

    /// <summary>Returns the reason for a fault that has only a status.</summary>
    private static string ReasonOf(int status) =>
        status switch
        {
            400 => "BadDeviceToken",
            401 or 403 => "InvalidProviderToken",
            410 => "Unregistered",
            413 => "PayloadTooLarge",
            429 => "TooManyRequests",
            503 => "ServiceUnavailable",
            _ => "InternalServerError",
        };

    private async Task HangAsync(HttpContext context)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, _stopping.Token);
        await Task.Delay(Timeout.InfiniteTimeSpan, _time, end.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        context.Abort();
    }

    private static ApnsConnection ConnectionOf(HttpContext context)
    {
        var items = context.Features.GetRequiredFeature<IConnectionItemsFeature>().Items;
        lock (items)
        {
            if (items.TryGetValue(typeof(ApnsConnection), out var known))
            {
                return (ApnsConnection)known!;
            }
            var made = new ApnsConnection();
            items[typeof(ApnsConnection)] = made;
            return made;
        }
    }

    private ApnsCertificate? CertificateOf(X509Certificate2? certificate)
    {
        if (certificate is null)
        {
            return null;
        }
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(_authority);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.VerificationTime = _time.GetUtcNow().UtcDateTime;
        var (development, production) = (
            certificate.Extensions[DevelopmentOid] is not null,
            certificate.Extensions[ProductionOid] is not null
        );
        return new ApnsCertificate(
            chain.Build(certificate),
            development == production ? null
                : development ? "development"
                : "production",
            certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false)
        );
    }

    /// <summary>Generates a random UUID (RFC 9562, version 4) in its canonical form.</summary>
    private static string FreshId()
    {
        var bytes = RandomNumberGenerator.GetBytes(16);
        bytes[6] = (byte)((bytes[6] & 0x0f) | 0x40);
        bytes[8] = (byte)((bytes[8] & 0x3f) | 0x80);
        return new Guid(bytes, bigEndian: true).ToString("D");
    }
}
