using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Appliance.Doubles.Providers;
using Xunit;

namespace Appliance.Tests.Sim;

/// <summary>FCM's documented error table and the token endpoint's, row by row.</summary>
public sealed class FcmRulesTests
{
    private const string Audience = "https://127.0.0.1/token";
    private const string Path = "/v1/projects/lab/messages:send";
    private static readonly DateTimeOffset Now = new(2033, 2, 3, 4, 5, 6, TimeSpan.Zero);
    private static readonly string Token = "good:" + new string('a', 100);
    private static readonly RSA Key = RSA.Create(2048);
    private static readonly RSA Other = RSA.Create(2048);
    private readonly Devices _devices = Devices.Open();
    private readonly OAuthRules _oauth;
    private readonly FcmRules _rules;

    public FcmRulesTests()
    {
        _oauth = new OAuthRules(new ServiceAccount("push@lab", "key-1", Key), Audience);
        _rules = new FcmRules(new FcmProject("lab", "42"), _oauth, _devices);
        _devices.Put(new Device("gone:" + new string('a', 100), GoneSince: Now.AddDays(-1)));
        _devices.Put(new Device("other:" + new string('a', 100), App: "43"));
        _devices.Put(new Device("ios:" + new string('a', 100), ForApns: true));
        Assert.Null(Assertion(new()).Error);
    }

    /// <summary>
    /// The code, the field that it names, and the path in the message with the JSON to set there; null removes the field.
    /// </summary>
    public static TheoryData<string, string?, string, string?> Rows =>
        new()
        {
            { "INVALID_ARGUMENT", "message", "message", null },
            { "INVALID_ARGUMENT", "stray", "stray", "1" },
            { "INVALID_ARGUMENT", "message.stray", "message.stray", "1" },
            { "INVALID_ARGUMENT", "message", "message.token", null },
            { "INVALID_ARGUMENT", "message", "message.topic", "\"news\"" },
            { "INVALID_ARGUMENT", "message.token", "message.token", "\"short\"" },
            { "INVALID_ARGUMENT", "message.token", "message.token", "7" },
            { "INVALID_ARGUMENT", "message.data", "message.data", "[]" },
            { "INVALID_ARGUMENT", "message.data[1].value", "message.data.n", "1" },
            { "INVALID_ARGUMENT", "message.data[1].key", "message.data.from", "\"x\"" },
            { "INVALID_ARGUMENT", "message.data[1].key", "message.data.gcm", "\"x\"" },
            { "INVALID_ARGUMENT", "message.data[1].key", "message.data.google.x", "\"x\"" },
            { "INVALID_ARGUMENT", "message.data", "message.data.big", "size 4097" },
            { "INVALID_ARGUMENT", "message.android", "message.android", "1" },
            { "INVALID_ARGUMENT", "message.android.stray", "message.android.stray", "1" },
            { "INVALID_ARGUMENT", "message.android.priority", "message.android.priority", "\"urgent\"" },
            { "INVALID_ARGUMENT", "message.android.ttl", "message.android.ttl", "\"60\"" },
            { "INVALID_ARGUMENT", "message.android.ttl", "message.android.ttl", "\"2419201s\"" },
            { "INVALID_ARGUMENT", "message.android.ttl", "message.android.ttl", "60" },
            { "INVALID_ARGUMENT", "message.android.collapse_key", "message.android.collapse_key", "5" },
            { "UNREGISTERED", null, "message.token", "\"gone:\"" },
            { "SENDER_ID_MISMATCH", null, "message.token", "\"other:\"" },
            { "THIRD_PARTY_AUTH_ERROR", null, "message.token", "\"ios:\"" },
            { "QUOTA_EXCEEDED", null, "burst", "240" },
            { "QUOTA_EXCEEDED", null, "collapsible", "20" },
            { "UNAVAILABLE", null, "", null },
            { "INTERNAL", null, "", null },
        };

    public static TheoryData<string, string, string?> OAuthRows =>
        new()
        {
            { "invalid_request", "grant_type", null },
            { "unsupported_grant_type", "grant_type", "password" },
            { "invalid_request", "assertion", null },
            { "invalid_grant", "assertion", "a.b.c" },
            { "invalid_grant", "alg", "ES256" },
            { "invalid_grant", "iss", "stranger@lab" },
            { "invalid_grant", "kid", "key-2" },
            { "invalid_grant", "wrongkey", "1" },
            { "invalid_grant", "aud", "https://elsewhere/token" },
            { "invalid_grant", "iat", "1" },
            { "invalid_grant", "exp", "0" },
            { "invalid_grant", "exp", "3601" },
            { "invalid_scope", "scope", "https://www.googleapis.com/auth/drive" },
        };

    [Fact]
    public void Every_documented_error_has_a_row() =>
        Assert.Equal(FcmRules.Errors.Keys.Order(), Rows.Select(row => row.Data.Item1).Distinct().Order());

    [Theory]
    [MemberData(nameof(Rows))]
    public void A_breach_earns_its_code(string code, string? field, string where, string? json)
    {
        var message = Message();
        FcmReply reply;
        switch (where)
        {
            case "":
                reply = FcmRules.Refuse(code, "by fault alone");
                break;
            case "burst":
            case "collapsible":
                if (where == "collapsible")
                {
                    message["message"]!["android"]!["collapse_key"] = "k";
                }
                for (var sent = 0; sent < int.Parse(json!, null); sent++)
                {
                    Assert.Equal(200, Send(message).Http);
                }
                reply = Send(message);
                Assert.Equal(where == "burst" ? TimeSpan.FromMinutes(1) : TimeSpan.FromMinutes(3), reply.RetryAfter);
                break;
            default:
                Put(message, where, json);
                reply = Send(message);
                Assert.Equal(200, Send(Message()).Http);
                break;
        }
        Assert.Equal(
            (code, FcmRules.Errors[code].Http, FcmRules.Errors[code].Status, field),
            (reply.ErrorCode, reply.Http, reply.Status, reply.Field)
        );
    }

    [Theory]
    [MemberData(nameof(OAuthRows))]
    public void A_bad_request_for_a_token_earns_its_word(string error, string name, string? value)
    {
        var reply = Assertion(new() { [name] = value });
        Assert.Equal((error, 400, null), (reply.Error, reply.Http, reply.AccessToken));
        Assert.NotEmpty(reply.Description!);
    }

    [Fact]
    public void An_access_token_lives_its_hour_and_no_other_is_taken()
    {
        Assert.Equal(200, Send(Message()).Http);
        Assert.Equal(200, Send(Message(), "Bearer fresh", Now.AddSeconds(3598)).Http);
        Assert.Equal(401, Send(Message(), "Bearer fresh", Now.AddSeconds(3599)).Http);
        Assert.Equal(401, Send(Message(), "Bearer stale").Http);
        Assert.Equal(401, Send(Message(), null).Http);
        Assert.Equal(403, Send(Message(), path: "/v1/projects/other/messages:send").Http);
        Assert.Equal(404, Send(Message(), path: "/v1/projects/lab/messages").Http);
        Assert.Equal("INVALID_ARGUMENT", _rules.Decide(new FcmRequest("POST", Path, "Bearer fresh", "{"u8.ToArray()), Now).Reply.ErrorCode);
    }

    [Fact]
    public void What_is_good_reaches_the_phone_for_its_time_and_a_trial_run_does_not()
    {
        var (reply, notification) = _rules.Decide(
            new FcmRequest("POST", Path, "Bearer fresh", Encoding.UTF8.GetBytes(Message().ToJsonString())),
            Now
        );
        Assert.StartsWith("projects/lab/messages/", reply.Message, StringComparison.Ordinal);
        Assert.Equal((Token, Now.AddSeconds(60), null), (notification!.DeviceToken, notification.Expires, notification.CollapseId));
        Assert.Equal("""{"session":"s"}""", Encoding.UTF8.GetString(notification.Payload.Span));
        var trial = Message();
        trial["validate_only"] = true;
        Assert.Null(
            _rules.Decide(new FcmRequest("POST", Path, "Bearer fresh", Encoding.UTF8.GetBytes(trial.ToJsonString())), Now).Notification
        );
    }

    /// <summary>A part of the message that is put beside its token, the field that is refused, and the text.</summary>
    public static TheoryData<string, string, string> Faults =>
        new()
        {
            { """{"data":{"a":"1","b":5}}""", "message.data[1].value", "Invalid value at 'message.data[1].value' (TYPE_STRING), 5" },
            {
                """{"android":{"data":{"a":"1","b":true}}}""",
                "message.android.data[1].value",
                "Invalid value at 'message.android.data[1].value' (TYPE_STRING), true"
            },
            { """{"android":{"data":{"gcm.x":"1"}}}""", "message.android.data[0].key", "Invalid data payload key: gcm.x" },
            { """{"webpush":{"data":{"from":"1"}}}""", "message.webpush.data[0].key", "Invalid data payload key: from" },
            {
                """{"webpush":{"headers":{"TTL":60}}}""",
                "message.webpush.headers[0].value",
                "Invalid value at 'message.webpush.headers[0].value' (TYPE_STRING), 60"
            },
            {
                """{"webpush":{"notification":"x"}}""",
                "message.webpush.notification",
                "Invalid value at 'message.webpush.notification' (type.googleapis.com/google.protobuf.Struct), \"x\""
            },
            {
                """{"webpush":{"fcmOptions":{"link":1}}}""",
                "message.webpush.fcmOptions.link",
                "Invalid value at 'message.webpush.fcmOptions.link' (TYPE_STRING), 1"
            },
            {
                """{"apns":{"headers":{"apns-priority":10}}}""",
                "message.apns.headers[0].value",
                "Invalid value at 'message.apns.headers[0].value' (TYPE_STRING), 10"
            },
            {
                """{"apns":{"payload":[]}}""",
                "message.apns.payload",
                "Invalid value at 'message.apns.payload' (type.googleapis.com/google.protobuf.Struct)"
            },
            {
                """{"apns":{"payload":{"x":1,"aps":"y"}}}""",
                "message.apns.payload[1].value",
                "Invalid value at 'message.apns.payload[1].value' (Map), \"y\""
            },
            {
                """{"apns":{"payload":{"aps":{},"google.c.a.e":"1"}}}""",
                "message.apns.payload[1].key",
                "Invalid data payload key: google.c.a.e"
            },
            {
                """{"apns":{"stray":1}}""",
                "message.apns.stray",
                "Invalid JSON payload received. Unknown name \"stray\" at 'message.apns': Cannot find field."
            },
            {
                """{"notification":"x"}""",
                "message.notification",
                "Invalid value at 'message.notification' (type.googleapis.com/google.firebase.fcm.v1.Notification), \"x\""
            },
            {
                """{"notification":{"title":1}}""",
                "message.notification.title",
                "Invalid value at 'message.notification.title' (TYPE_STRING), 1"
            },
            {
                """{"notification":{"sound":"x"}}""",
                "message.notification.sound",
                "Invalid JSON payload received. Unknown name \"sound\" at 'message.notification': Cannot find field."
            },
            {
                """{"android":{"directBootOk":"yes"}}""",
                "message.android.directBootOk",
                "Invalid value at 'message.android.directBootOk' (TYPE_BOOL), \"yes\""
            },
            {
                """{"android":{"notification":{"title_loc_args":["a",2]}}}""",
                "message.android.notification.title_loc_args[1]",
                "Invalid value at 'message.android.notification.title_loc_args[1]' (TYPE_STRING), 2"
            },
            {
                """{"android":{"notification":{"notification_count":1.5}}}""",
                "message.android.notification.notification_count",
                "Invalid value at 'message.android.notification.notification_count' (TYPE_INT32), 1.5"
            },
            {
                """{"android":{"notification":{"light_settings":{"color":{"red":"1"}}}}}""",
                "message.android.notification.light_settings.color.red",
                "Invalid value at 'message.android.notification.light_settings.color.red' (TYPE_FLOAT), \"1\""
            },
            {
                """{"android":{"priority":"urgent"}}""",
                "message.android.priority",
                "Invalid value at 'message.android.priority' (type.googleapis.com/google.firebase.fcm.v1.AndroidMessagePriority), \"urgent\""
            },
            {
                """{"fcm_options":{"analytics_label":true}}""",
                "message.fcm_options.analytics_label",
                "Invalid value at 'message.fcm_options.analytics_label' (TYPE_STRING), true"
            },
            { """{"name":7}""", "message.name", "Invalid value at 'message.name' (TYPE_STRING), 7" },
        };

    [Theory]
    [MemberData(nameof(Faults))]
    public void Types_and_reserved_names_are_checked_over_the_whole_message(string part, string field, string text)
    {
        var reply = Send(WithPart(part));
        Assert.Equal(("INVALID_ARGUMENT", field, text), (reply.ErrorCode, reply.Field, reply.Message));
    }

    [Fact]
    public void A_message_with_every_part_is_taken_and_the_data_of_the_platform_comes_first()
    {
        var message = WithPart(
            """
            {"name":"n","notification":{"title":"t","body":"b","image":"i"},"fcmOptions":{"analyticsLabel":"l"},"topic":null,
             "android":{"collapseKey":"k","priority":"normal","ttl":"3.5s","restrictedPackageName":"p","data":{"own":"1"},"directBootOk":true,
               "notification":{"title":"t","titleLocArgs":["a"],"sticky":false,"eventTime":"2033-02-03T04:05:06Z","notificationPriority":"PRIORITY_HIGH","vibrateTimings":["1s","0.5s"],"notificationCount":3,
                 "lightSettings":{"color":{"red":0.5,"alpha":1},"lightOnDuration":"1s"},"visibility":"PUBLIC","proxy":"ALLOW"}},
             "webpush":{"headers":{"TTL":"60"},"data":{"a":"b"},"notification":{"title":"x","actions":[1]},"fcm_options":{"link":"https://example.com"}},
             "apns":{"headers":{"apns-priority":"10"},"payload":{"aps":{"alert":"x"},"session":"s","n":7},"fcm_options":{"image":"i"}}}
            """
        );
        var (reply, notification) = _rules.Decide(
            new FcmRequest("POST", Path, "Bearer fresh", Encoding.UTF8.GetBytes(message.ToJsonString())),
            Now
        );
        Assert.Equal((200, null), (reply.Http, reply.Field));
        Assert.Equal("""{"own":"1"}""", Encoding.UTF8.GetString(notification!.Payload.Span));
    }

    /// <summary>
    /// Documented: a burst of 20 collapsible messages to one device, then one in three minutes. A pause restores no more than the burst.
    /// </summary>
    [Theory]
    [InlineData(0, 0)]
    [InlineData(2 * 60 + 59, 0)]
    [InlineData(3 * 60, 1)]
    [InlineData(6 * 60 - 1, 1)]
    [InlineData(19 * 3 * 60, 19)]
    [InlineData(20 * 3 * 60, 20)]
    [InlineData(21 * 3 * 60, 20)]
    [InlineData(24 * 3600, 20)]
    public void A_pause_gives_back_one_collapsible_message_in_three_minutes_and_at_most_the_burst(int seconds, int taken)
    {
        var message = Message();
        message["message"]!["android"]!["collapse_key"] = "k";
        Assert.Equal(20, Taken(message, Now.AddSeconds(-seconds)));
        Assert.Equal(taken, Taken(message, Now));
    }

    [Theory]
    [InlineData(59.999, 0)]
    [InlineData(60, 240)]
    [InlineData(3600, 240)]
    public void A_minute_gives_back_the_burst_of_a_device_and_no_more(double seconds, int taken)
    {
        Assert.Equal(240, Taken(Message(), Now.AddSeconds(-seconds)));
        Assert.Equal(taken, Taken(Message(), Now));
    }

    private static JsonObject WithPart(string part)
    {
        var message = (JsonObject)JsonNode.Parse(part)!;
        message["token"] = Token;
        return new JsonObject { ["message"] = message };
    }

    /// <summary>The number of 300 messages at one moment that are accepted before the first refusal.</summary>
    private int Taken(JsonObject message, DateTimeOffset at) =>
        Enumerable.Range(0, 300).TakeWhile(_ => Send(message, now: at).Http == 200).Count();

    private static JsonObject Message() =>
        (JsonObject)
            JsonNode.Parse($$"""{"message":{"token":"{{Token}}","data":{"session":"s"},"android":{"priority":"HIGH","ttl":"60s"} } }""")!;

    private static void Put(JsonObject message, string where, string? json)
    {
        var parts = where.Split('.', where.StartsWith("message.data", StringComparison.Ordinal) ? 3 : 10);
        var parent = message;
        foreach (var part in parts[..^1])
        {
            parent = (JsonObject)parent[part]!;
        }
        if (json is null)
        {
            parent.Remove(parts[^1]);
            return;
        }
        // At most 4,096 bytes, keys and values counted: the existing session=s has eight, the new key three.
        parent[parts[^1]] =
            json.StartsWith("size ", StringComparison.Ordinal) ? new string('x', int.Parse(json[5..], null) - 8 - 3)
            : json.EndsWith(":\"", StringComparison.Ordinal) ? json.Trim('"') + new string('a', 100)
            : JsonNode.Parse(json);
    }

    private FcmReply Send(JsonObject message, string? authorization = "Bearer fresh", DateTimeOffset? now = null, string path = Path) =>
        _rules.Decide(new FcmRequest("POST", path, authorization, Encoding.UTF8.GetBytes(message.ToJsonString())), now ?? Now).Reply;

    private OAuthReply Assertion(Dictionary<string, string?> change)
    {
        string? Of(string name, string otherwise) => change.TryGetValue(name, out var given) ? given : otherwise;
        var key = change.ContainsKey("wrongkey") ? Other : Key;
        var claims = new JsonObject
        {
            ["iss"] = Of("iss", "push@lab"),
            ["aud"] = Of("aud", Audience),
            ["scope"] = Of("scope", OAuthRules.Scope),
            ["iat"] = Now.ToUnixTimeSeconds() + int.Parse(Of("iat", "0")!, null),
            ["exp"] = Now.ToUnixTimeSeconds() + int.Parse(Of("exp", "3600")!, null),
        };
        var assertion = Jwt.Make(
            $$"""{"alg":"{{Of("alg", "RS256")}}","kid":"{{Of("kid", "key-1")}}"}""",
            claims.ToJsonString(),
            data => key.SignData(data, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
        );
        var form = new Dictionary<string, string?>
        {
            ["grant_type"] = Of("grant_type", OAuthRules.GrantType),
            ["assertion"] = Of("assertion", assertion),
        };
        return _oauth.Decide(
            form.Where(field => field.Value is not null).ToDictionary(field => field.Key, field => field.Value!),
            "fresh",
            Now
        );
    }
}
