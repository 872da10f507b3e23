using System.Text;
using System.Text.Json;
using Appliance.Hal;

namespace Appliance.Doubles.Providers;

/// <summary>The configuration of a project at FCM.</summary>
public sealed record FcmProject(string ProjectId, string SenderId);

/// <summary>One request to <c>messages:send</c> as received.</summary>
public sealed record FcmRequest(string Method, string Path, string? Authorization, ReadOnlyMemory<byte> Body);

/// <summary>The answer. <paramref name="Status"/> is Google's, <paramref name="ErrorCode"/> is FCM's; both null on success.</summary>
public sealed record FcmReply(
    int Http,
    string? Status,
    string? ErrorCode,
    string Message,
    string? Field = null,
    TimeSpan? RetryAfter = null
);

/// <summary>
/// The documented rules of FCM's HTTP v1 API, as a core: a request and the time in, the answer out. Synchronous; the caller serializes.
/// </summary>
public sealed class FcmRules(FcmProject project, OAuthRules oauth, Devices devices)
{
    /// <summary>Every documented FCM error code with its HTTP status and Google's status word.</summary>
    public static readonly IReadOnlyDictionary<string, (int Http, string Status)> Errors = new Dictionary<string, (int, string)>
    {
        ["INVALID_ARGUMENT"] = (400, "INVALID_ARGUMENT"),
        ["UNREGISTERED"] = (404, "NOT_FOUND"),
        ["SENDER_ID_MISMATCH"] = (403, "PERMISSION_DENIED"),
        ["QUOTA_EXCEEDED"] = (429, "RESOURCE_EXHAUSTED"),
        ["UNAVAILABLE"] = (503, "UNAVAILABLE"),
        ["INTERNAL"] = (500, "INTERNAL"),
        ["THIRD_PARTY_AUTH_ERROR"] = (401, "UNAUTHENTICATED"),
    };

    internal const int PayloadMax = 4096;
    private const double TtlMax = 2_419_200; // Four weeks.
    private const int PerMinuteMax = 240;
    private const int CollapsibleBurst = 20;
    private static readonly TimeSpan CollapsibleRefill = TimeSpan.FromMinutes(3);
    private static readonly string[] TargetFields = ["token", "topic", "condition"];

    private readonly Dictionary<string, Queue<DateTimeOffset>> _recent = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (double Left, DateTimeOffset At)> _collapsible = new(StringComparer.Ordinal);
    private long _sent;

    /// <summary>Returns the answer with an error code of the table.</summary>
    public static FcmReply Refuse(string code, string message, string? field = null, TimeSpan? retryAfter = null) =>
        new(Errors[code].Http, Errors[code].Status, code, message, field, retryAfter);

    /// <summary>Decides a request. The notification is what the phone gets; null if the request was refused or only validated.</summary>
    public (FcmReply Reply, Notification? Notification) Decide(FcmRequest request, DateTimeOffset now)
    {
        if (request.Path.Split('/') is not ["", "v1", "projects", var named, "messages:send"])
        {
            return (new(404, "NOT_FOUND", null, "The requested URL was not found on this server."), null);
        }
        if (request.Method != "POST")
        {
            return (new(405, "METHOD_NOT_ALLOWED", null, "The request method is not supported."), null);
        }
        if (!oauth.IsValid(request.Authorization, now))
        {
            return (
                new(401, "UNAUTHENTICATED", null, "Request had invalid authentication credentials. Expected OAuth 2 access token."),
                null
            );
        }
        if (named != project.ProjectId)
        {
            return (new(403, "PERMISSION_DENIED", null, $"Permission 'cloudmessaging.messages.create' denied on project {named}."), null);
        }
        JsonElement root;
        try
        {
            root = OutsideJson.Parse(request.Body);
        }
        catch (JsonException)
        {
            return (Refuse("INVALID_ARGUMENT", "Invalid JSON payload received."), null);
        }
        if (OfMessage(root) is { } wrong)
        {
            return (wrong, null);
        }
        var message = FcmMessage.Find(root, "message")!.Value;
        if (OfDevice(message, now) is { } refused)
        {
            return (refused, null);
        }
        var accepted = new FcmReply(
            200,
            null,
            null,
            $"projects/{project.ProjectId}/messages/0:{now.ToUnixTimeMilliseconds()}%{++_sent:x16}"
        );
        if (root.TryGetProperty("validate_only", out var validate) && validate.ValueKind == JsonValueKind.True)
        {
            return (accepted, null);
        }
        var android = FcmMessage.Find(message, "android");
        var ttl = Ttl(android) is { } seconds ? TimeSpan.FromSeconds(seconds) : TimeSpan.FromSeconds(TtlMax);
        // The data of the platform replaces that of the message (documented).
        var data = (FcmMessage.Find(android, "data") ?? FcmMessage.Find(message, "data")) is { } fields
            ? Encoding.UTF8.GetBytes(fields.GetRawText())
            : "{}"u8.ToArray();
        return (
            accepted,
            new Notification(
                "fcm",
                message.GetProperty("token").GetString()!,
                data,
                ttl == TimeSpan.Zero ? null : now + ttl,
                FcmMessage.Find(android, "collapse_key")?.GetString()
            )
        );
    }

    private static FcmReply? OfMessage(JsonElement root)
    {
        if (FcmMessage.Check(root) is { } fault)
        {
            return Invalid(fault.Field, fault.Message);
        }
        if (FcmMessage.Find(root, "message") is not { } message)
        {
            return Invalid("message", "The message is not set.");
        }
        var targets = TargetFields.Count(name => FcmMessage.Find(message, name) is not null);
        if (targets != 1)
        {
            return Invalid(
                "message",
                targets == 0 ? "Recipient of the message is not set." : "Exactly one of token, topic and condition may be set."
            );
        }
        if (FcmMessage.Find(message, "token") is not { } token || !IsToken(token.GetString()!))
        {
            return Invalid("message.token", "The registration token is not a valid FCM registration token");
        }
        var android = FcmMessage.Find(message, "android");
        if (FcmMessage.Find(android, "ttl") is not null && Ttl(android) is null)
        {
            return Invalid("message.android.ttl", "Illegal TTL; must be from 0 to 2419200 seconds");
        }
        return SizeOf(FcmMessage.Find(message, "data")) > PayloadMax ? Invalid("message.data", "Android message is too big")
            : SizeOf(FcmMessage.Find(android, "data")) > PayloadMax ? Invalid("message.android.data", "Android message is too big")
            : null;
    }

    /// <summary>Returns the size of data: its keys and values in UTF-8, in bytes.</summary>
    private static int SizeOf(JsonElement? data) =>
        data is { } map
            ? map.EnumerateObject()
                .Sum(property => Encoding.UTF8.GetByteCount(property.Name) + Encoding.UTF8.GetByteCount(property.Value.GetString()!))
            : 0;

    private FcmReply? OfDevice(JsonElement message, DateTimeOffset now)
    {
        var token = message.GetProperty("token").GetString()!;
        if (devices.Find(token) is not { GoneSince: null } device)
        {
            return Refuse("UNREGISTERED", "Requested entity was not found.");
        }
        if (device.App is { } sender && sender != project.SenderId)
        {
            return Refuse("SENDER_ID_MISMATCH", "SenderId mismatch");
        }
        if (device.ForApns)
        {
            return Refuse("THIRD_PARTY_AUTH_ERROR", "Auth error from APNS or Web Push Service");
        }
        if (!_recent.TryGetValue(token, out var recent))
        {
            _recent.Add(token, recent = new());
        }
        while (recent.TryPeek(out var oldest) && now - oldest >= TimeSpan.FromMinutes(1))
        {
            recent.Dequeue();
        }
        if (recent.Count >= PerMinuteMax)
        {
            return Refuse("QUOTA_EXCEEDED", "Quota exceeded for one device.", retryAfter: recent.Peek() + TimeSpan.FromMinutes(1) - now);
        }
        if (FcmMessage.Find(FcmMessage.Find(message, "android"), "collapse_key") is not null && !TakeCollapsible(token, now))
        {
            return Refuse("QUOTA_EXCEEDED", "Too many collapsible messages to one device.", retryAfter: CollapsibleRefill);
        }
        recent.Enqueue(now);
        return null;
    }

    /// <summary>Takes from the quota of a device: a burst of 20 collapsible messages, then one in three minutes (documented).</summary>
    private bool TakeCollapsible(string token, DateTimeOffset now)
    {
        var (left, at) = _collapsible.TryGetValue(token, out var known) ? known : (CollapsibleBurst, now);
        left = Math.Min(CollapsibleBurst, left + ((now - at) / CollapsibleRefill));
        var taken = left >= 1;
        _collapsible[token] = (taken ? left - 1 : left, now);
        return taken;
    }

    private static FcmReply Invalid(string field, string message) => Refuse("INVALID_ARGUMENT", message, field);

    private static bool IsToken(string text) =>
        text.Length is >= 64 and <= 4096 && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or ':');

    /// <summary>Returns the time to live in seconds; null if there is none, or it is out of range.</summary>
    private static double? Ttl(JsonElement? android) =>
        FcmMessage.Find(android, "ttl") is { } value && FcmMessage.Duration(value) is { } seconds and <= TtlMax ? seconds : null;
}
