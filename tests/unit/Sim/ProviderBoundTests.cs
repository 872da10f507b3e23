using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Appliance.Doubles.Providers;
using Xunit;

namespace Appliance.Tests.Sim;

/// <summary>The bounds of both providers' rules, on both of their sides.</summary>
public sealed class ProviderBoundTests
{
    private const string Topic = "com.example.app";
    private static readonly DateTimeOffset Now = new(2033, 2, 3, 4, 5, 6, TimeSpan.Zero);
    private static readonly RSA Key = RSA.Create(2048);
    private static readonly string ApnsToken = new('a', 64);
    private static readonly string FcmToken = "good:" + new string('a', 100);

    private readonly Devices _devices = Devices.Open();
    private readonly ApnsRules _apns;
    private readonly FcmRules _fcm;
    private readonly OAuthRules _oauth;

    public ProviderBoundTests()
    {
        _apns = new ApnsRules(new ApnsService("TEAM000001", [], [Topic]), _devices);
        _oauth = new OAuthRules(new ServiceAccount("push@lab", "key-1", Key), "aud");
        _fcm = new FcmRules(new FcmProject("lab", "42"), _oauth, _devices);
        Assert.Equal(200, Grant(_oauth, Now, 0, 3600).Http);
    }

    [Theory]
    [InlineData(62, "BadDeviceToken")]
    [InlineData(64, null)]
    [InlineData(65, "BadDeviceToken")]
    [InlineData(200, null)]
    [InlineData(202, "BadDeviceToken")]
    public void A_device_token_of_APNs_has_64_to_200_hex_digits_in_pairs(int length, string? reason) =>
        Assert.Equal(reason, Apns([], token: new string('a', length)).Reply.Reason);

    [Theory]
    [InlineData("apns-expiration", "99999999999", null)]
    [InlineData("apns-expiration", "253402300799", "BadExpirationDate")]
    [InlineData("apns-expiration", "", "BadExpirationDate")]
    [InlineData("apns-priority", "10", null)]
    [InlineData("apns-priority", "5", null)]
    [InlineData("apns-priority", "1", null)]
    [InlineData("apns-priority", "0", "BadPriority")]
    [InlineData("apns-topic", "", "BadTopic")]
    [InlineData("apns-topic", "nodot", "BadTopic")]
    [InlineData("apns-topic", "com.example_app", "BadTopic")]
    [InlineData("apns-topic", "com.example.other", "TopicDisallowed")]
    [InlineData("apns-topic", "com.example.app.voip", "TopicDisallowed")]
    [InlineData("apns-topic", "com.example.app-more", "TopicDisallowed")]
    [InlineData("apns-push-type", "mdm", null)]
    [InlineData("apns-push-type", "Alert", "InvalidPushType")]
    public void A_header_is_good_or_earns_its_reason(string name, string value, string? reason) =>
        Assert.Equal(reason, Apns([(name, value)]).Reply.Reason);

    [Theory]
    [InlineData(255, "TopicDisallowed")]
    [InlineData(256, "BadTopic")]
    public void A_topic_has_255_characters_at_most(int length, string reason) =>
        Assert.Equal(reason, Apns([("apns-topic", "a." + new string('x', length - 2))]).Reply.Reason);

    [Theory]
    [InlineData("controls", ".push-type.controls")]
    [InlineData("location", ".location-query")]
    [InlineData("voip", ".voip")]
    [InlineData("complication", ".complication")]
    [InlineData("fileprovider", ".pushkit.fileprovider")]
    [InlineData("liveactivity", ".push-type.liveactivity")]
    [InlineData("pushtotalk", ".voip-ptt")]
    [InlineData("widgets", ".push-type.widgets")]
    public void A_push_type_has_its_topic(string type, string suffix)
    {
        Assert.Null(Apns([("apns-push-type", type), ("apns-topic", Topic + suffix)]).Reply.Reason);
        Assert.Equal("TopicDisallowed", Apns([("apns-push-type", type), ("apns-topic", Topic)]).Reply.Reason);
        // As long as the suffix, but not it.
        Assert.Equal("TopicDisallowed", Apns([("apns-push-type", type), ("apns-topic", $"{Topic}{suffix[..^1]}-")]).Reply.Reason);
        Assert.Equal("TopicDisallowed", Apns([("apns-push-type", type), ("apns-topic", $"{Topic}-{suffix[1..]}")]).Reply.Reason);
    }

    [Theory]
    [InlineData('x', 64, null)]
    [InlineData('x', 65, "BadCollapseId")]
    [InlineData('ä', 32, null)]
    [InlineData('ä', 33, "BadCollapseId")]
    public void A_collapse_id_has_64_bytes_at_most(char letter, int length, string? reason) =>
        Assert.Equal(reason, Apns([("apns-collapse-id", new string(letter, length))]).Reply.Reason);

    [Fact]
    public void A_background_push_has_a_lower_priority_than_ten()
    {
        Assert.Equal("BadPriority", Apns([("apns-push-type", "background"), ("apns-priority", "10")]).Reply.Reason);
        Assert.Null(Apns([("apns-push-type", "background"), ("apns-priority", "5")]).Reply.Reason);
    }

    [Fact]
    public void A_message_is_kept_until_it_expires_and_with_zero_not_at_all()
    {
        Assert.Equal(
            Now.AddSeconds(60),
            Apns([("apns-expiration", Now.AddSeconds(60).ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture))]).Notification!.Expires
        );
        Assert.Null(Apns([("apns-expiration", "0")]).Notification!.Expires);
        Assert.Null(Apns([]).Notification!.Expires);
    }

    [Fact]
    public void An_idle_connection_is_ended_after_an_hour()
    {
        var connection = new ApnsConnection();
        Assert.Null(Apns([], connection: connection).Reply.Reason);
        Assert.Null(Apns([], now: Now.AddHours(1).AddTicks(-1), connection: connection).Reply.Reason);
        Assert.Equal("IdleTimeout", Apns([], now: Now.AddHours(2), connection: connection).Reply.Reason);
    }

    [Fact]
    public void A_device_gets_thirty_messages_in_ten_seconds()
    {
        for (var number = 0; number < 30; number++)
        {
            Assert.Null(Apns([]).Reply.Reason);
        }
        Assert.Equal("TooManyRequests", Apns([], now: Now.AddSeconds(10).AddTicks(-1)).Reply.Reason);
        Assert.Null(Apns([], now: Now.AddSeconds(10)).Reply.Reason);
        // Other devices have a separate count.
        Assert.Null(Apns([], token: new string('b', 64)).Reply.Reason);
    }

    [Theory]
    [InlineData("com.example.app", null)]
    [InlineData("com.example", null)]
    [InlineData("com.example.ap", "DeviceTokenNotForTopic")]
    [InlineData("com.example.application", "DeviceTokenNotForTopic")]
    public void A_device_token_is_good_for_its_own_app_and_what_is_below_it(string app, string? reason)
    {
        _devices.Put(new Device(ApnsToken, App: app));
        Assert.Equal(reason, Apns([]).Reply.Reason);
    }

    [Theory]
    [InlineData("""{"aps":{}}""", null)]
    [InlineData("""{"ap":{}}""", "PayloadEmpty")]
    [InlineData("""[{"aps":{}}]""", "PayloadEmpty")]
    [InlineData("x", "PayloadEmpty")]
    public void A_payload_is_an_object_with_aps(string body, string? reason) => Assert.Equal(reason, Apns([], body: body).Reply.Reason);

    [Theory]
    [InlineData(63, false)]
    [InlineData(64, true)]
    [InlineData(4096, true)]
    [InlineData(4097, false)]
    public void A_registration_token_of_FCM_has_64_to_4096_characters(int length, bool taken)
    {
        var message = Message();
        message["message"]!["token"] = new string('t', length);
        Assert.Equal(taken ? 200 : 400, Fcm(message).Reply.Http);
    }

    [Theory]
    [InlineData("from", false)]
    [InlineData("From", true)]
    [InlineData("message_type", false)]
    [InlineData("gcm", false)]
    [InlineData("gcm.x", false)]
    [InlineData("gcmx", true)]
    [InlineData("google", false)]
    [InlineData("googlex", false)]
    [InlineData("xgoogle", true)]
    public void Some_keys_of_data_are_the_services_own(string key, bool taken)
    {
        var message = Message();
        message["message"]!["data"]![key] = "x";
        Assert.Equal(taken ? 200 : 400, Fcm(message).Reply.Http);
    }

    [Theory]
    [InlineData(4096, true)]
    [InlineData(4097, false)]
    public void Data_has_4096_bytes_at_most_keys_and_values_together(int bytes, bool taken)
    {
        var message = Message();
        // session=s is eight, the new key two bytes in UTF-8.
        message["message"]!["data"]!["ä"] = new string('x', bytes - 8 - 2);
        Assert.Equal(taken ? 200 : 400, Fcm(message).Reply.Http);
    }

    [Theory]
    [InlineData("0s", 0.0)]
    [InlineData("3.5s", 3.5)]
    [InlineData("2419200s", 2_419_200.0)]
    [InlineData(null, 2_419_200.0)]
    [InlineData("2419200.5s", -1.0)]
    [InlineData("-1s", -1.0)]
    [InlineData("60", -1.0)]
    [InlineData("60m", -1.0)]
    [InlineData(".5s", -1.0)]
    public void A_message_lives_up_to_four_weeks(string? ttl, double seconds)
    {
        var message = Message();
        message["message"]!["android"] = new JsonObject { ["ttl"] = ttl };
        if (ttl is null)
        {
            ((JsonObject)message["message"]!).Remove("android");
        }
        var (reply, notification) = Fcm(message);
        Assert.Equal(seconds < 0 ? 400 : 200, reply.Http);
        Assert.Equal(seconds > 0 ? Now.AddSeconds(seconds) : null, notification?.Expires);
    }

    [Theory]
    [InlineData("collapse_key")]
    [InlineData("collapseKey")]
    public void A_name_may_be_written_in_either_way(string name)
    {
        var message = Message();
        message["message"]!["android"]![name] = "k";
        Assert.Equal("k", Fcm(message).Notification!.CollapseId);
    }

    [Fact]
    public void A_device_gets_240_messages_a_minute()
    {
        for (var number = 0; number < 240; number++)
        {
            Assert.Equal(200, Fcm(Message(), Now.AddSeconds(number < 10 ? 0 : 20)).Reply.Http);
        }
        Assert.Equal(
            ("QUOTA_EXCEEDED", TimeSpan.FromSeconds(40)),
            (Fcm(Message(), Now.AddSeconds(20)).Reply.ErrorCode, Fcm(Message(), Now.AddSeconds(20)).Reply.RetryAfter)
        );
        Assert.Equal(429, Fcm(Message(), Now.AddSeconds(60).AddTicks(-1)).Reply.Http);
        // The ten of the first moment are a minute old now.
        for (var number = 0; number < 10; number++)
        {
            Assert.Equal(200, Fcm(Message(), Now.AddSeconds(60)).Reply.Http);
        }
        Assert.Equal(429, Fcm(Message(), Now.AddSeconds(60)).Reply.Http);
    }

    [Fact]
    public void Collapsible_messages_come_back_one_in_three_minutes_and_never_more_than_twenty()
    {
        var message = Message();
        message["message"]!["android"]!["collapse_key"] = "k";
        int Taken(DateTimeOffset at)
        {
            var taken = 0;
            while (Fcm(message, at).Reply.Http == 200)
            {
                taken++;
            }
            return taken;
        }
        Assert.Equal(20, Taken(Now));
        Assert.Equal(0, Taken(Now.AddMinutes(3).AddSeconds(-1)));
        Assert.Equal(1, Taken(Now.AddMinutes(3)));
        Assert.Equal(2, Taken(Now.AddMinutes(9)));
        // However long the pause was.
        Assert.Equal(20, Taken(Now.AddDays(1)));
        // Messages without a key are not counted there.
        Assert.Equal(200, Fcm(Message(), Now.AddDays(1)).Reply.Http);
    }

    [Theory]
    [InlineData(0, 3600, 200)]
    [InlineData(0, 3601, 400)]
    [InlineData(1, 3600, 400)]
    [InlineData(-3599, 1, 200)]
    [InlineData(-3600, 0, 400)]
    public void An_assertion_lives_for_an_hour_at_most_and_lives_now(int issued, int expires, int http)
    {
        var rules = new OAuthRules(new ServiceAccount("push@lab", "key-1", Key), "aud");
        Assert.Equal(http, Grant(rules, Now, issued, expires).Http);
    }

    [Theory]
    [InlineData("Bearer fresh", true)]
    [InlineData("bearer fresh", true)]
    [InlineData("Bearer  fresh", false)]
    [InlineData("Basic fresh", false)]
    [InlineData("fresh", false)]
    [InlineData("Bearer Fresh", false)]
    [InlineData(null, false)]
    public void Only_a_bearer_token_that_was_given_out_is_taken(string? authorization, bool valid) =>
        Assert.Equal(valid, _oauth.IsValid(authorization, Now));

    private static OAuthReply Grant(OAuthRules rules, DateTimeOffset now, int issued, int expires)
    {
        var claims = new JsonObject
        {
            ["iss"] = "push@lab",
            ["aud"] = "aud",
            ["scope"] = $"other {OAuthRules.Scope}",
            ["iat"] = now.ToUnixTimeSeconds() + issued,
            ["exp"] = now.ToUnixTimeSeconds() + expires,
        };
        var assertion = Jwt.Make(
            """{"alg":"RS256","kid":"key-1"}""",
            claims.ToJsonString(),
            data => Key.SignData(data, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
        );
        return rules.Decide(
            new Dictionary<string, string> { ["grant_type"] = OAuthRules.GrantType, ["assertion"] = assertion },
            "fresh",
            now
        );
    }

    private (ApnsReply Reply, Notification? Notification) Apns(
        (string, string)[] headers,
        string? token = null,
        string body = """{"aps":{"alert":"x"}}""",
        DateTimeOffset? now = null,
        ApnsConnection? connection = null
    ) =>
        _apns.Decide(
            new ApnsRequest(
                "POST",
                "/3/device/" + (token ?? ApnsToken),
                headers,
                Encoding.UTF8.GetBytes(body),
                new ApnsCertificate(true, null, Topic)
            ),
            connection ?? new ApnsConnection(),
            "11111111-2222-4333-8444-555555555555",
            now ?? Now
        );

    private static JsonObject Message() =>
        (JsonObject)JsonNode.Parse($$"""{"message":{"token":"{{FcmToken}}","data":{"session":"s"},"android":{"priority":"normal"} } }""")!;

    private (FcmReply Reply, Notification? Notification) Fcm(JsonObject message, DateTimeOffset? now = null)
    {
        var at = now ?? Now;
        if (!_oauth.IsValid("Bearer fresh", at))
        {
            // An access token is valid for an hour; this test may take longer.
            Assert.Equal(200, Grant(_oauth, at, 0, 3600).Http);
        }
        return _fcm.Decide(
            new FcmRequest("POST", "/v1/projects/lab/messages:send", "Bearer fresh", Encoding.UTF8.GetBytes(message.ToJsonString())),
            at
        );
    }
}
