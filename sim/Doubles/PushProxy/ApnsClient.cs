using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using Appliance.Doubles.Providers;
using Appliance.Doubles.Wire;
using Appliance.Firmware.Ftm;

namespace Appliance.Doubles.PushProxy;

/// <summary>APNs over HTTP/2 with provider tokens.</summary>
internal sealed class ApnsClient : IProvider, IDisposable
{
    private readonly ApnsSettings _settings;
    private readonly TimeProvider _time;
    private readonly RetryTimes _retry;
    private readonly ProviderHttp _http;
    private readonly ECDsa _key = ECDsa.Create();
    private readonly ApnsProviderToken _token;
    private readonly Lock _lock = new();

    /// <exception cref="FormatException">A file that the settings name is invalid.</exception>
    /// <exception cref="IOException">A file cannot be read.</exception>
    public ApnsClient(
        ApnsSettings settings,
        TimeProvider time,
        int seed,
        Func<PushProxyRequest, WayFault?>? fault = null,
        LabWire? wire = null
    )
    {
        _settings = settings;
        _time = time;
        _retry = new RetryTimes(seed);
        try
        {
            _key.ImportFromPem(File.ReadAllText(settings.Key));
        }
        catch (Exception wrong) when (wrong is ArgumentException or CryptographicException)
        {
            throw new FormatException($"{Path.GetFileName(settings.Key)} is not an APNs key", wrong);
        }
        _token = new ApnsProviderToken(_key, settings.TeamId, settings.KeyId);
        _http = new ProviderHttp(settings.Url, settings.Ca, time, fault, wire);
    }

    public DateTimeOffset? CredentialExpires => _settings.KeyExpires;

    public async Task<PushResult> SendAsync(PushProxyRequest push, string deviceToken, CancellationToken cancellationToken)
    {
        var body = PushPayload.Apns(push);
        if (body.Length > ApnsRules.PayloadMax)
        {
            return PushResult.Failed(PushOutcome.Refused, $"apns: the payload has {body.Length} bytes (limit {ApnsRules.PayloadMax})");
        }
        var expires = DateTimeOffset.FromUnixTimeSeconds(push.Expires);
        for (var tries = 1; ; tries++)
        {
            var (result, wait) = await TryAsync(push, deviceToken, body, tries, expires, cancellationToken);
            if (wait is not { } pause)
            {
                return result;
            }
            await Task.Delay(pause, _time, cancellationToken);
        }
    }

    public void Dispose()
    {
        _http.Dispose();
        _key.Dispose();
    }

    private async Task<(PushResult Result, TimeSpan? Wait)> TryAsync(
        PushProxyRequest push,
        string deviceToken,
        byte[] body,
        int tries,
        DateTimeOffset expires,
        CancellationToken cancellationToken
    )
    {
        var now = _time.GetUtcNow();
        if (_settings.KeyExpires <= now)
        {
            return (PushResult.Failed(PushOutcome.CredentialBad, $"apns: the key expired at {_settings.KeyExpires:u}"), null);
        }
        using var request = Request(push, deviceToken, body, now);
        var reply = await _http.TryAsync("POST to APNs", request, push, cancellationToken);
        now = _time.GetUtcNow();
        if (reply.Status == HttpStatusCode.OK)
        {
            return (PushResult.Sent, null);
        }
        var (reason, timestamp) = reply.Status is null ? (reply.Failure, null) : ReadError(reply.Body);
        var cause = reply.Status is null ? $"apns: {reason}" : $"apns: {(int)reply.Status} {reason}";
        switch (reply.Status, reason)
        {
            case (HttpStatusCode.Gone, _):
                return (new PushResult(PushOutcome.RegistrationGone, cause, timestamp), null);
            case (HttpStatusCode.Forbidden, "ExpiredProviderToken"):
                bool renewed;
                lock (_lock)
                {
                    renewed = _token.Renew(now);
                }
                return (
                    PushResult.Failed(PushOutcome.CredentialBad, cause),
                    renewed ? _retry.Next(tries, TimeSpan.Zero, now, expires) : null
                );
            case (HttpStatusCode.Forbidden, _):
                return (PushResult.Failed(PushOutcome.CredentialBad, cause), null);
            case (HttpStatusCode.BadRequest, "IdleTimeout"):
                return (PushResult.Failed(PushOutcome.Unavailable, cause), _retry.Next(tries, TimeSpan.Zero, now, expires));
            case (null or HttpStatusCode.TooManyRequests or >= HttpStatusCode.InternalServerError, _):
                return (PushResult.Failed(PushOutcome.Unavailable, cause), _retry.Next(tries, reply.RetryAfter, now, expires));
            default:
                return (PushResult.Failed(PushOutcome.Refused, cause), null);
        }
    }

    private HttpRequestMessage Request(PushProxyRequest push, string deviceToken, byte[] body, DateTimeOffset now)
    {
        string token;
        lock (_lock)
        {
            token = _token.At(now);
        }
        var request = new HttpRequestMessage(HttpMethod.Post, $"/3/device/{Uri.EscapeDataString(deviceToken)}")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(body),
        };
        request.Headers.TryAddWithoutValidation("authorization", "bearer " + token);
        request.Headers.Add("apns-topic", _settings.Topic);
        request.Headers.Add("apns-push-type", "alert");
        request.Headers.Add("apns-priority", "10");
        request.Headers.Add("apns-expiration", push.Expires.ToString(CultureInfo.InvariantCulture));
        // A retry of the same push replaces the first one on the phone.
        request.Headers.Add("apns-collapse-id", push.Session);
        return request;
    }

    /// <summary>
    /// Reads the reason of a refusal, and the time since which a token is gone. A body that is not an APNs error has no reason.
    /// </summary>
    internal static (string Reason, DateTimeOffset? Timestamp) ReadError(ReadOnlySpan<byte> body)
    {
        try
        {
            return JsonSerializer.Deserialize(body, ApnsJson.Default.ApnsError) is { Reason: { } reason } error
                ? (
                    reason,
                    error.Timestamp is { } milliseconds and >= 0 and < 253402300800000
                        ? DateTimeOffset.FromUnixTimeMilliseconds(milliseconds)
                        : null
                )
                : ("without a reason", null);
        }
        catch (JsonException)
        {
            return ("without a reason", null);
        }
    }
}
