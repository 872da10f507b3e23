using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using Appliance.Doubles.Providers;
using Appliance.Doubles.Wire;
using Appliance.Firmware.Ftm;
using Appliance.Hal;

namespace Appliance.Doubles.PushProxy;

/// <summary>A client of FCM's HTTP v1 API, with access tokens in exchange for a service account's assertions.</summary>
internal sealed class FcmClient : IProvider, IDisposable
{
    /// <summary>The time before its expiry at which an access token is renewed.</summary>
    private static readonly TimeSpan RenewBefore = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan AssertionLife = TimeSpan.FromMinutes(60);

    private readonly FcmSettings _settings;
    private readonly ServiceAccountFile _account;
    private readonly TimeProvider _time;
    private readonly RetryTimes _retry;
    private readonly ProviderHttp _http;
    private readonly ProviderHttp _tokenHttp;
    private readonly RSA _key = RSA.Create();
    private readonly SemaphoreSlim _renewing = new(1);
    private (string Text, DateTimeOffset Expires)? _token;

    /// <exception cref="FormatException">A file that the settings name is invalid.</exception>
    /// <exception cref="IOException">A file cannot be read.</exception>
    public FcmClient(
        FcmSettings settings,
        TimeProvider time,
        int seed,
        Func<PushProxyRequest, WayFault?>? fault = null,
        LabWire? wire = null
    )
    {
        _settings = settings;
        _time = time;
        _retry = new RetryTimes(seed);
        var name = Path.GetFileName(settings.ServiceAccount);
        try
        {
            _account =
                ReadAccount(File.ReadAllBytes(settings.ServiceAccount))
                ?? throw new FormatException($"{name} is not the key file of a service account");
            _key.ImportFromPem(_account.PrivateKey);
        }
        catch (Exception wrong) when (wrong is ArgumentException or CryptographicException)
        {
            throw new FormatException($"{name} is not the key file of a service account", wrong);
        }
        _http = new ProviderHttp(settings.Url, settings.Ca, time, fault, wire);
        _tokenHttp = new ProviderHttp(new Uri(_account.TokenUri), settings.Ca, time, fault, wire);
    }

    public DateTimeOffset? CredentialExpires => _settings.KeyExpires;

    public async Task<PushResult> SendAsync(PushProxyRequest push, string deviceToken, CancellationToken cancellationToken)
    {
        var expires = DateTimeOffset.FromUnixTimeSeconds(push.Expires);
        for (var tries = 1; ; tries++)
        {
            var (result, wait) = await TryAsync(push, deviceToken, tries, expires, cancellationToken);
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
        _tokenHttp.Dispose();
        _renewing.Dispose();
        _key.Dispose();
    }

    private async Task<(PushResult Result, TimeSpan? Wait)> TryAsync(
        PushProxyRequest push,
        string deviceToken,
        int tries,
        DateTimeOffset expires,
        CancellationToken cancellationToken
    )
    {
        if (_settings.KeyExpires <= _time.GetUtcNow())
        {
            return (PushResult.Failed(PushOutcome.CredentialBad, $"fcm: the key expired at {_settings.KeyExpires:u}"), null);
        }
        var (token, noToken) = await TokenAsync(push, cancellationToken);
        if (token is null)
        {
            return (noToken!, noToken!.Outcome == PushOutcome.Unavailable ? _retry.Next(tries, null, _time.GetUtcNow(), expires) : null);
        }
        using var request = new HttpRequestMessage(
            HttpMethod.Post,
            $"/v1/projects/{Uri.EscapeDataString(_account.ProjectId)}/messages:send"
        )
        {
            Content = Json(Message(push, deviceToken, _time.GetUtcNow())),
        };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        var reply = await _http.TryAsync("POST to FCM", request, push, cancellationToken);
        var now = _time.GetUtcNow();
        if (reply.Status == HttpStatusCode.OK)
        {
            return (PushResult.Sent, null);
        }
        var code = reply.Status is null ? reply.Failure : CodeOf(reply.Body);
        var cause = reply.Status is null ? $"fcm: {code}" : $"fcm: {(int)reply.Status} {code}";
        switch (reply.Status)
        {
            case HttpStatusCode.NotFound when code == "UNREGISTERED":
                return (new PushResult(PushOutcome.RegistrationGone, cause), null);
            case HttpStatusCode.Unauthorized when code != "THIRD_PARTY_AUTH_ERROR":
                // The token was revoked: retry once with a new one.
                _token = null;
                return (
                    PushResult.Failed(PushOutcome.CredentialBad, cause),
                    tries == 1 ? _retry.Next(tries, TimeSpan.Zero, now, expires) : null
                );
            case HttpStatusCode.TooManyRequests:
                return (
                    PushResult.Failed(PushOutcome.Unavailable, cause),
                    _retry.Next(tries, reply.RetryAfter ?? RetryTimes.QuotaWait, now, expires)
                );
            case null or >= HttpStatusCode.InternalServerError:
                return (PushResult.Failed(PushOutcome.Unavailable, cause), _retry.Next(tries, reply.RetryAfter, now, expires));
            default:
                return (PushResult.Failed(PushOutcome.Refused, cause), null);
        }
    }

    /// <summary>
    /// Builds the message, without a collapse key: FCM allows 20 collapsible messages to a phone, then one in three minutes. A phone
    /// recognizes a repeated push by its session.
    /// </summary>
    private static JsonObject Message(PushProxyRequest push, string deviceToken, DateTimeOffset now) =>
        new()
        {
            ["message"] = new JsonObject
            {
                ["token"] = deviceToken,
                ["data"] = PushPayload.Fields(push),
                ["android"] = new JsonObject
                {
                    ["priority"] = "HIGH",
                    ["ttl"] = Math.Max(0, push.Expires - now.ToUnixTimeSeconds()).ToString(CultureInfo.InvariantCulture) + "s",
                },
            },
        };

    /// <summary>Returns the access token, from the cache while it is valid; or the failure to get one.</summary>
    private async Task<(string? Token, PushResult? Failure)> TokenAsync(PushProxyRequest push, CancellationToken cancellationToken)
    {
        await _renewing.WaitAsync(cancellationToken);
        try
        {
            var now = _time.GetUtcNow();
            if (_token is { } held && now < held.Expires - RenewBefore)
            {
                return (held.Text, null);
            }
            using var request = new HttpRequestMessage(HttpMethod.Post, (Uri?)null)
            {
                Content = new FormUrlEncodedContent([new("grant_type", OAuthRules.GrantType), new("assertion", Assertion(now))]),
            };
            var reply = await _tokenHttp.TryAsync("POST for FCM's access token", request, push, cancellationToken);
            if (reply.Status is null or HttpStatusCode.TooManyRequests or >= HttpStatusCode.InternalServerError)
            {
                return (
                    null,
                    PushResult.Failed(PushOutcome.Unavailable, $"fcm token: {(reply.Status is { } status ? (int)status : reply.Failure)}")
                );
            }
            var answer = ReadToken(reply.Body);
            if (reply.Status == HttpStatusCode.OK && answer is { Token: { } token, Life: { } life })
            {
                _token = (token, now + life);
                return (token, null);
            }
            return (null, PushResult.Failed(PushOutcome.CredentialBad, $"fcm token: {(int)reply.Status} {answer.Error}".TrimEnd()));
        }
        finally
        {
            _renewing.Release();
        }
    }

    private string Assertion(DateTimeOffset now) =>
        Jwt.Make(
            $$"""{"alg":"RS256","typ":"JWT","kid":"{{_account.PrivateKeyId}}"}""",
            new JsonObject
            {
                ["iss"] = _account.ClientEmail,
                ["scope"] = OAuthRules.Scope,
                ["aud"] = _account.TokenUri,
                ["iat"] = now.ToUnixTimeSeconds(),
                ["exp"] = (now + AssertionLife).ToUnixTimeSeconds(),
            }.ToJsonString(),
            data => _key.SignData(data, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
        );

    private static ByteArrayContent Json(JsonObject body) =>
        new(JsonSerializer.SerializeToUtf8Bytes(body)) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };

    /// <summary>Reads a service account's key file; null if it is not one.</summary>
    internal static ServiceAccountFile? ReadAccount(ReadOnlySpan<byte> file)
    {
        try
        {
            return
                JsonSerializer.Deserialize(file, ServiceAccountJson.Default.ServiceAccountFile)
                    is { PrivateKey: not null, ClientEmail: not null, ProjectId: not null, TokenUri: not null } account
                && Uri.TryCreate(account.TokenUri, UriKind.Absolute, out _)
                ? account
                : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>
    /// Reads the token endpoint's answer (RFC 6749, section 5): a token with its life, or error word and description ("" for none).
    /// </summary>
    internal static (string? Token, TimeSpan? Life, string Error) ReadToken(ReadOnlyMemory<byte> body)
    {
        var answer = Parse(body);
        return (
            Text(answer?["access_token"]),
            answer?["expires_in"] is JsonValue life && life.TryGetValue<int>(out var seconds) && seconds > 0
                ? TimeSpan.FromSeconds(seconds)
                : null,
            $"{Text(answer?["error"])} {Text(answer?["error_description"])}".Trim()
        );
    }

    /// <summary>Returns FCM's own error code, or Google's status word.</summary>
    internal static string CodeOf(ReadOnlyMemory<byte> body)
    {
        var error = Parse(body)?["error"] as JsonObject;
        return (error?["details"] as JsonArray)
                ?.Select(detail => Text((detail as JsonObject)?["errorCode"]))
                .FirstOrDefault(code => code is not null)
            ?? Text(error?["status"])
            ?? "without a reason";
    }

    private static JsonObject? Parse(ReadOnlyMemory<byte> body)
    {
        try
        {
            return OutsideJson.Parse(body) is { ValueKind: JsonValueKind.Object } root ? JsonObject.Create(root) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string? Text(JsonNode? node) => node is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;
}
