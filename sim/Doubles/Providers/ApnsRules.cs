using System.Security.Cryptography;
using System.Text.Json;
using Appliance.Hal;

namespace Appliance.Doubles.Providers;

/// <summary>A signing key of provider tokens.</summary>
/// <param name="KeyId">The key's id, ten characters.</param>
/// <param name="PublicKey">The public key, on P-256.</param>
/// <param name="Environment">The only environment that the key is valid for; null for both.</param>
/// <param name="Revoked">True: the key is known, but every request with it is refused.</param>
public sealed record ApnsKey(string KeyId, ECDsa PublicKey, string? Environment = null, bool Revoked = false);

/// <summary>The evaluation of a client certificate.</summary>
/// <param name="Trusted">True if it was issued for this service and is in its validity period.</param>
/// <param name="Environment">The only environment that it is valid for; null for both.</param>
/// <param name="Topic">The topic of its app.</param>
public sealed record ApnsCertificate(bool Trusted, string? Environment, string Topic);

/// <summary>The configuration of a service at APNs.</summary>
public sealed record ApnsService(
    string TeamId,
    IReadOnlyList<ApnsKey> Keys,
    IReadOnlyList<string> Topics,
    string Environment = "production"
);

/// <summary>One request as received.</summary>
public sealed record ApnsRequest(
    string Method,
    string Path,
    IReadOnlyList<(string Name, string Value)> Headers,
    ReadOnlyMemory<byte> Body,
    ApnsCertificate? Certificate = null
);

/// <summary>The state that APNs keeps for one HTTP/2 connection.</summary>
public sealed class ApnsConnection
{
    internal string? FirstKeyId { get; set; }

    internal DateTimeOffset? LastUsed { get; set; }
}

/// <summary>The answer: 200 without a reason, or a status of the documented table with its reason.</summary>
public sealed record ApnsReply(int Status, string? Reason, string ApnsId, DateTimeOffset? Timestamp = null);

/// <summary>
/// The documented rules of APNs' HTTP/2 API, as a core: a request and the time in, the answer out. Synchronous; the caller serializes.
/// Where the documentation does not specify the behaviour, the choice is *assumed* (docs/use/providers.md).
/// </summary>
public sealed class ApnsRules(ApnsService service, Devices devices)
{
    /// <summary>Every documented reason with its status.</summary>
    public static readonly IReadOnlyDictionary<string, int> Reasons = new (int Status, string[] Reasons)[]
    {
        (
            400,
            [
                "BadCollapseId",
                "BadDeviceToken",
                "BadExpirationDate",
                "BadMessageId",
                "BadPriority",
                "BadTopic",
                "DeviceTokenNotForTopic",
                "DuplicateHeaders",
                "IdleTimeout",
                "InvalidPushType",
                "MissingDeviceToken",
                "MissingTopic",
                "PayloadEmpty",
                "TopicDisallowed",
            ]
        ),
        (
            403,
            [
                "BadCertificate",
                "BadCertificateEnvironment",
                "ExpiredProviderToken",
                "Forbidden",
                "InvalidProviderToken",
                "MissingProviderToken",
                "UnrelatedKeyIdInToken",
                "BadEnvironmentKeyIdInToken",
            ]
        ),
        (404, ["BadPath"]),
        (405, ["MethodNotAllowed"]),
        (410, ["ExpiredToken", "Unregistered"]),
        (413, ["PayloadTooLarge"]),
        (429, ["TooManyProviderTokenUpdates", "TooManyRequests"]),
        (500, ["InternalServerError"]),
        (503, ["ServiceUnavailable", "Shutdown"]),
    }
        .SelectMany(row => row.Reasons.Select(reason => (reason, row.Status)))
        .ToDictionary(row => row.reason, row => row.Status);

    internal const int PayloadMax = 4096;
    internal const int VoipPayloadMax = 5120;
    private const int CollapseIdMax = 64;
    private const int RequestsPerDeviceMax = 30; // Assumed: the limit is not published.
    private static readonly TimeSpan RequestsWindow = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan ProviderTokenMax = TimeSpan.FromMinutes(60);
    private static readonly TimeSpan ProviderTokenMin = TimeSpan.FromMinutes(20);
    private static readonly TimeSpan IdleMax = TimeSpan.FromHours(1); // Assumed: idle connections are closed; the time is not published.

    /// <summary>The push types, each with the required suffix of the topic.</summary>
    private static readonly Dictionary<string, string> TopicSuffixes = new()
    {
        ["alert"] = "",
        ["background"] = "",
        ["controls"] = ".push-type.controls",
        ["location"] = ".location-query",
        ["voip"] = ".voip",
        ["complication"] = ".complication",
        ["fileprovider"] = ".pushkit.fileprovider",
        ["mdm"] = "",
        ["liveactivity"] = ".push-type.liveactivity",
        ["pushtotalk"] = ".voip-ptt",
        ["widgets"] = ".push-type.widgets",
    };

    private static readonly string[] Known =
    [
        "authorization",
        "apns-id",
        "apns-expiration",
        "apns-priority",
        "apns-topic",
        "apns-collapse-id",
        "apns-push-type",
    ];

    private readonly Dictionary<string, (string Token, DateTimeOffset Since)> _providerTokens = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Queue<DateTimeOffset>> _requests = new(StringComparer.Ordinal);

    /// <summary>True once the service is stopping.</summary>
    public bool ShuttingDown { get; set; }

    /// <summary>
    /// Decides a request. <paramref name="freshId"/> is its id if the request has none. The notification is what the phone gets; null if
    /// refused.
    /// </summary>
    public (ApnsReply Reply, Notification? Notification) Decide(
        ApnsRequest request,
        ApnsConnection connection,
        string freshId,
        DateTimeOffset now
    )
    {
        var headers = request
            .Headers.GroupBy(header => header.Name, StringComparer.OrdinalIgnoreCase)
            .ToDictionary(group => group.Key, group => group.ToArray(), StringComparer.OrdinalIgnoreCase);
        string? Header(string name) => headers.TryGetValue(name, out var values) ? values[0].Value : null;
        var id = Header("apns-id") is { } given && IsId(given) ? given : freshId;
        var idle = connection.LastUsed is { } used && now - used >= IdleMax;
        connection.LastUsed = now;
        if (idle)
        {
            return (Refuse("IdleTimeout", id), null);
        }
        if (ShuttingDown)
        {
            return (Refuse("Shutdown", id), null);
        }
        if (Known.Any(name => headers.TryGetValue(name, out var values) && values.Length > 1))
        {
            return (Refuse("DuplicateHeaders", id), null);
        }
        if (
            (
                OfTarget(request)
                ?? OfCredential(request, Header("authorization"), connection, now)
                ?? OfHeaders(request, Header)
                ?? OfPayload(request, Header("apns-push-type"))
            ) is
            { } reason
        )
        {
            return (Refuse(reason, id), null);
        }
        var token = TokenOf(request.Path)!;
        var topic = Header("apns-topic") ?? request.Certificate!.Topic;
        if (OfDevice(token, topic, id, now) is { } refused)
        {
            return (refused, null);
        }
        var seconds = Header("apns-expiration") is { } expiration ? long.Parse(expiration, null) : 0;
        var expires = seconds == 0 ? (DateTimeOffset?)null : DateTimeOffset.FromUnixTimeSeconds(seconds);
        return (new ApnsReply(200, null, id), new Notification("apns", token, request.Body, expires, Header("apns-collapse-id")));
    }

    /// <summary>Returns the answer with a reason of the table.</summary>
    public static ApnsReply Refuse(string reason, string id, DateTimeOffset? timestamp = null) =>
        new(Reasons[reason], reason, id, timestamp);

    private static string? OfTarget(ApnsRequest request) =>
        request.Method != "POST" ? "MethodNotAllowed"
        : request.Path is "/3/device" or "/3/device/" ? "MissingDeviceToken"
        : TokenOf(request.Path) is not { } token ? "BadPath"
        : token.Length is >= 64 and <= 200 && token.Length % 2 == 0 && token.All(char.IsAsciiHexDigit) ? null
        : "BadDeviceToken";

    private static string? TokenOf(string path) => path.Split('/') is ["", "3", "device", { Length: > 0 } token] ? token : null;

    private string? OfCredential(ApnsRequest request, string? authorization, ApnsConnection connection, DateTimeOffset now)
    {
        if (request.Certificate is { } certificate)
        {
            return !certificate.Trusted ? "BadCertificate"
                : certificate.Environment is { } only && only != service.Environment ? "BadCertificateEnvironment"
                : null;
        }
        if (authorization is null)
        {
            return "MissingProviderToken";
        }
        const string Scheme = "bearer ";
        if (
            !authorization.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)
            || Jwt.Parse(authorization[Scheme.Length..].Trim()) is not { Algorithm: "ES256", KeyId: { } keyId } token
            || service.Keys.FirstOrDefault(key => key.KeyId == keyId) is not { } key
            || token.TextClaim("iss") != service.TeamId
            || token.TimeClaim("iat") is not { } issued
            || issued > now
        )
        {
            return "InvalidProviderToken";
        }
        var last = _providerTokens.TryGetValue(keyId, out var known) ? known : default;
        // The scheme is case-insensitive (RFC 9110, section 11.1) and not part of the token.
        var shown = authorization[Scheme.Length..].Trim();
        var isNew = last.Token != shown;
        if (isNew && !IsSigned(key.PublicKey, token))
        {
            return "InvalidProviderToken";
        }
        if (now - issued > ProviderTokenMax)
        {
            return "ExpiredProviderToken";
        }
        if (key.Environment is { } environment && environment != service.Environment)
        {
            return "BadEnvironmentKeyIdInToken";
        }
        if (connection.FirstKeyId is { } first && first != keyId)
        {
            return "UnrelatedKeyIdInToken";
        }
        if (key.Revoked)
        {
            return "Forbidden";
        }
        if (isNew)
        {
            if (last.Token is not null && now - last.Since < ProviderTokenMin)
            {
                return "TooManyProviderTokenUpdates";
            }
            _providerTokens[keyId] = (shown, now);
        }
        connection.FirstKeyId = keyId;
        return null;
    }

    /// <summary>
    /// Verifies a signature in the form of RFC 7518 (r and s, 32 bytes each), or DER-encoded as by OpenSSL: the service accepts both.
    /// </summary>
    private static bool IsSigned(ECDsa key, Jwt token) =>
        key.VerifyData(token.Signed, token.Signature, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation)
        || key.VerifyData(token.Signed, token.Signature, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);

    private string? OfHeaders(ApnsRequest request, Func<string, string?> header)
    {
        if (header("apns-id") is { } id && !IsId(id))
        {
            return "BadMessageId";
        }
        var type = header("apns-push-type") ?? "alert";
        if (!TopicSuffixes.TryGetValue(type, out var suffix))
        {
            return "InvalidPushType";
        }
        if (
            header("apns-expiration") is { } expiration
            && !(expiration.Length is > 0 and <= 11 && expiration.All(char.IsAsciiDigit) && long.Parse(expiration, null) < 253402300800)
        )
        {
            return "BadExpirationDate";
        }
        // "Using priority 10 is an error" for a background push.
        if (header("apns-priority") is { } priority && (priority is not ("10" or "5" or "1") || (type == "background" && priority == "10")))
        {
            return "BadPriority";
        }
        if (header("apns-collapse-id") is { } collapse && System.Text.Encoding.UTF8.GetByteCount(collapse) > CollapseIdMax)
        {
            return "BadCollapseId";
        }
        if (header("apns-topic") is not { } topic)
        {
            return request.Certificate is null ? "MissingTopic" : null;
        }
        if (
            topic.Length is 0 or > 255
            || !topic.Contains('.', StringComparison.Ordinal)
            || !topic.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-')
        )
        {
            return "BadTopic";
        }
        var app =
            suffix.Length > 0 && topic.EndsWith(suffix, StringComparison.Ordinal) ? topic[..^suffix.Length]
            : suffix.Length == 0 ? topic
            : null;
        return app is not null && (request.Certificate is { } certificate ? certificate.Topic == app : service.Topics.Contains(app))
            ? null
            : "TopicDisallowed";
    }

    private static string? OfPayload(ApnsRequest request, string? type)
    {
        if (request.Body.Length > (type == "voip" ? VoipPayloadMax : PayloadMax))
        {
            return "PayloadTooLarge";
        }
        try
        {
            return
                OutsideJson.Parse(request.Body, depth: 64) is { ValueKind: JsonValueKind.Object } root && root.TryGetProperty("aps", out _)
                ? null
                : "PayloadEmpty";
        }
        catch (JsonException)
        {
            return "PayloadEmpty"; // Documented for a missing payload; assumed for an invalid one.
        }
    }

    private ApnsReply? OfDevice(string token, string topic, string id, DateTimeOffset now)
    {
        if (devices.Find(token) is not { } device)
        {
            return Refuse("BadDeviceToken", id);
        }
        if (device.App is { } app && app != topic && !topic.StartsWith(app + ".", StringComparison.Ordinal))
        {
            return Refuse("DeviceTokenNotForTopic", id);
        }
        if (device.GoneSince is { } since)
        {
            return Refuse("Unregistered", id, since);
        }
        if (device.TokenExpired)
        {
            return Refuse("ExpiredToken", id, now);
        }
        if (!_requests.TryGetValue(token, out var recent))
        {
            _requests.Add(token, recent = new());
        }
        while (recent.TryPeek(out var oldest) && now - oldest >= RequestsWindow)
        {
            recent.Dequeue();
        }
        if (recent.Count >= RequestsPerDeviceMax)
        {
            return Refuse("TooManyRequests", id);
        }
        recent.Enqueue(now);
        return null;
    }

    /// <summary>Returns true for a UUID in canonical form: lower-case hex, 8-4-4-4-12.</summary>
    private static bool IsId(string text) => Guid.TryParseExact(text, "D", out _) && !text.Any(char.IsAsciiLetterUpper);
}
