using System.Globalization;
using System.Text.Json;

namespace Appliance.Doubles.Providers;

/// <summary>A violation of the message's form: the field, by its path and index, and the service's text.</summary>
internal sealed record FcmFault(string Field, string Message);

/// <summary>
/// The form of a message of FCM's HTTP v1 API (REST resource <c>projects.messages</c>): the fields of each part, their types, and the names
/// that keys of data must not have. The texts are those of Google's JSON front end.
/// </summary>
internal static class FcmMessage
{
    private const string Package = "type.googleapis.com/google.firebase.fcm.v1.";

    private static readonly Dictionary<string, Field[]> Parts = new(StringComparer.Ordinal)
    {
        ["SendMessageRequest"] = [new("message", Kind.Part, "Message"), new("validate_only", Kind.Flag)],
        ["Message"] =
        [
            new("name", Kind.Text),
            new("data", Kind.Data),
            new("notification", Kind.Part, "Notification"),
            new("android", Kind.Part, "AndroidConfig"),
            new("webpush", Kind.Part, "WebpushConfig"),
            new("apns", Kind.Part, "ApnsConfig"),
            new("fcm_options", Kind.Part, "FcmOptions"),
            new("token", Kind.Text),
            new("topic", Kind.Text),
            new("condition", Kind.Text),
        ],
        ["Notification"] = [.. Of(Kind.Text, "title", "body", "image")],
        ["AndroidConfig"] =
        [
            new("collapse_key", Kind.Text),
            new("priority", Kind.Choice, "AndroidMessagePriority", "NORMAL", "HIGH"),
            new("ttl", Kind.Duration),
            new("restricted_package_name", Kind.Text),
            new("data", Kind.Data),
            new("notification", Kind.Part, "AndroidNotification"),
            new("fcm_options", Kind.Part, "AndroidFcmOptions"),
            .. Of(Kind.Flag, "direct_boot_ok", "bandwidth_constrained_ok", "restricted_satellite_ok"),
        ],
        ["AndroidNotification"] =
        [
            .. Of(
                Kind.Text,
                "title",
                "body",
                "icon",
                "color",
                "sound",
                "tag",
                "click_action",
                "body_loc_key",
                "title_loc_key",
                "channel_id",
                "ticker",
                "image"
            ),
            .. Of(Kind.Texts, "body_loc_args", "title_loc_args"),
            .. Of(
                Kind.Flag,
                "sticky",
                "local_only",
                "default_sound",
                "default_vibrate_timings",
                "default_light_settings",
                "bypass_proxy_notification"
            ),
            new("event_time", Kind.Time),
            new(
                "notification_priority",
                Kind.Choice,
                "AndroidNotification.NotificationPriority",
                "PRIORITY_UNSPECIFIED",
                "PRIORITY_MIN",
                "PRIORITY_LOW",
                "PRIORITY_DEFAULT",
                "PRIORITY_HIGH",
                "PRIORITY_MAX"
            ),
            new("vibrate_timings", Kind.Durations),
            new("visibility", Kind.Choice, "AndroidNotification.Visibility", "VISIBILITY_UNSPECIFIED", "PRIVATE", "PUBLIC", "SECRET"),
            new("notification_count", Kind.Integer),
            new("light_settings", Kind.Part, "LightSettings"),
            new("proxy", Kind.Choice, "AndroidNotification.Proxy", "PROXY_UNSPECIFIED", "ALLOW", "DENY", "IF_PRIORITY_LOWERED"),
        ],
        ["LightSettings"] = [new("color", Kind.Part, "Color"), .. Of(Kind.Duration, "light_on_duration", "light_off_duration")],
        ["Color"] = [.. Of(Kind.Number, "red", "green", "blue", "alpha")],
        ["AndroidFcmOptions"] = [.. Of(Kind.Text, "analytics_label")],
        ["WebpushConfig"] =
        [
            new("headers", Kind.Map),
            new("data", Kind.Data),
            new("notification", Kind.Struct),
            new("fcm_options", Kind.Part, "WebpushFcmOptions"),
        ],
        ["WebpushFcmOptions"] = [.. Of(Kind.Text, "link", "analytics_label")],
        ["ApnsConfig"] =
        [
            new("headers", Kind.Map),
            new("payload", Kind.Payload),
            new("fcm_options", Kind.Part, "ApnsFcmOptions"),
            new("live_activity_token", Kind.Text),
        ],
        ["ApnsFcmOptions"] = [.. Of(Kind.Text, "analytics_label", "image")],
        ["FcmOptions"] = [.. Of(Kind.Text, "analytics_label")],
    };

    /// <summary>Returns the first violation in a request's body, in the order of its text; null if there is none.</summary>
    public static FcmFault? Check(JsonElement root) =>
        root.ValueKind == JsonValueKind.Object
            ? Check(root, "SendMessageRequest", "")
            : new("message", "Invalid JSON payload received. Expected an object.");

    /// <summary>
    /// Finds a field by its name in either spelling of protocol buffers' JSON (<c>collapse_key</c>, <c>collapseKey</c>); null if it is
    /// missing or null.
    /// </summary>
    public static JsonElement? Find(JsonElement? element, string name) =>
        element is { ValueKind: JsonValueKind.Object } parent
        && (parent.TryGetProperty(name, out var value) || parent.TryGetProperty(Camel(name), out value))
        && value.ValueKind != JsonValueKind.Null
            ? value
            : null;

    /// <summary>Parses a duration in the form of protocol buffers ("3.5s") and returns seconds; null for an invalid value.</summary>
    public static double? Duration(JsonElement value) =>
        value.ValueKind == JsonValueKind.String
        && value.GetString() is [>= '0' and <= '9', .., 's'] text
        && double.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds)
            ? seconds
            : null;

    private static IEnumerable<Field> Of(Kind kind, params string[] names) => names.Select(name => new Field(name, kind));

    private static FcmFault? Check(JsonElement part, string type, string path)
    {
        var fields = Parts[type];
        foreach (var property in part.EnumerateObject())
        {
            var field = fields.FirstOrDefault(field => field.Name == property.Name || Camel(field.Name) == property.Name);
            var at = path.Length == 0 ? property.Name : $"{path}.{property.Name}";
            if (field is null)
            {
                return new(
                    at,
                    $"Invalid JSON payload received. Unknown name \"{property.Name}\"{(path.Length == 0 ? "" : $" at '{path}'")}: Cannot find field."
                );
            }
            // A null value is an unset field.
            if (property.Value.ValueKind != JsonValueKind.Null && Check(property.Value, field, at) is { } fault)
            {
                return fault;
            }
        }
        return null;
    }

    private static FcmFault? Check(JsonElement value, Field field, string at) =>
        field.Kind switch
        {
            Kind.Part => value.ValueKind == JsonValueKind.Object ? Check(value, field.Of, at) : Invalid(at, Package + field.Of, value),
            Kind.Data => Map(value, at, isData: true),
            Kind.Map => Map(value, at, isData: false),
            Kind.Struct => value.ValueKind == JsonValueKind.Object
                ? null
                : Invalid(at, "type.googleapis.com/google.protobuf.Struct", value),
            Kind.Payload => Payload(value, at),
            Kind.Texts => List(value, at, new Field(field.Name, Kind.Text)),
            Kind.Durations => List(value, at, new Field(field.Name, Kind.Duration)),
            _ => IsScalar(value, field) ? null : Invalid(at, TypeOf(field), value),
        };

    private static bool IsScalar(JsonElement value, Field field) =>
        field.Kind switch
        {
            Kind.Text => value.ValueKind == JsonValueKind.String,
            Kind.Flag => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
            Kind.Integer => value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out _),
            Kind.Number => value.ValueKind == JsonValueKind.Number,
            Kind.Duration => Duration(value) is not null,
            Kind.Time => value.ValueKind == JsonValueKind.String
                && DateTimeOffset.TryParse(value.GetString(), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out _),
            // The service accepts an enumeration's name in any case (*assumed*; its samples have both).
            _ => value.ValueKind == JsonValueKind.String && field.Choices.Contains(value.GetString()!, StringComparer.OrdinalIgnoreCase),
        };

    private static FcmFault? Map(JsonElement map, string at, bool isData)
    {
        if (map.ValueKind != JsonValueKind.Object)
        {
            return Invalid(at, "Map", map);
        }
        foreach (var (index, property) in map.EnumerateObject().Index())
        {
            if (property.Value.ValueKind != JsonValueKind.String)
            {
                return Invalid($"{at}[{index}].value", "TYPE_STRING", property.Value);
            }
            if (isData && IsReserved(property.Name))
            {
                return new($"{at}[{index}].key", $"Invalid data payload key: {property.Name}");
            }
        }
        return null;
    }

    /// <summary>
    /// Checks the payload for APNs: <c>aps</c> is an object, and the other keys are data (*assumed* that the same names are reserved).
    /// </summary>
    private static FcmFault? Payload(JsonElement payload, string at)
    {
        if (payload.ValueKind != JsonValueKind.Object)
        {
            return Invalid(at, "type.googleapis.com/google.protobuf.Struct", payload);
        }
        foreach (var (index, property) in payload.EnumerateObject().Index())
        {
            if (property.Name == "aps" && property.Value.ValueKind != JsonValueKind.Object)
            {
                return Invalid($"{at}[{index}].value", "Map", property.Value);
            }
            if (IsReserved(property.Name))
            {
                return new($"{at}[{index}].key", $"Invalid data payload key: {property.Name}");
            }
        }
        return null;
    }

    private static FcmFault? List(JsonElement list, string at, Field of)
    {
        if (list.ValueKind != JsonValueKind.Array)
        {
            return Invalid(at, "List", list);
        }
        foreach (var (index, value) in list.EnumerateArray().Index())
        {
            if (Check(value, of, $"{at}[{index}]") is { } fault)
            {
                return fault;
            }
        }
        return null;
    }

    private static bool IsReserved(string key) =>
        key is "from" or "message_type" or "gcm"
        || key.StartsWith("google", StringComparison.Ordinal)
        || key.StartsWith("gcm.", StringComparison.Ordinal);

    private static string TypeOf(Field field) =>
        field.Kind switch
        {
            Kind.Text => "TYPE_STRING",
            Kind.Flag => "TYPE_BOOL",
            Kind.Integer => "TYPE_INT32",
            Kind.Number => "TYPE_FLOAT",
            Kind.Duration => "type.googleapis.com/google.protobuf.Duration",
            Kind.Time => "type.googleapis.com/google.protobuf.Timestamp",
            _ => Package + field.Of,
        };

    private static FcmFault Invalid(string at, string type, JsonElement value)
    {
        const int Most = 100;
        var shown = value.ValueKind switch
        {
            JsonValueKind.Object => "",
            JsonValueKind.Array => "",
            _ => ", " + value.GetRawText(),
        };
        return new(at, $"Invalid value at '{at}' ({type}){(shown.Length <= Most ? shown : shown[..Most])}");
    }

    private static string Camel(string name) =>
        string.Concat(
            name.Split('_').Select((part, index) => index == 0 || part.Length == 0 ? part : char.ToUpperInvariant(part[0]) + part[1..])
        );

    private enum Kind
    {
        Text,
        Flag,
        Integer,
        Number,
        Duration,
        Time,
        Choice,
        Texts,
        Durations,
        Map,
        Data,
        Struct,
        Payload,
        Part,
    }

    private sealed record Field(string Name, Kind Kind, string Of = "", params string[] Choices);
}
