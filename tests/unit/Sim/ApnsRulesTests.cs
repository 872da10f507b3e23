using System.Security.Cryptography;
using System.Text;
using Appliance.Doubles.Providers;
using Xunit;

namespace Appliance.Tests.Sim;

/// <summary>APNs' documented table, row by row: the change of a valid request that causes each reason.</summary>
public sealed class ApnsRulesTests : IDisposable
{
    private const string FreshId = "11111111-2222-4333-8444-555555555555";
    private static readonly DateTimeOffset Now = new(2033, 2, 3, 4, 5, 6, TimeSpan.Zero);
    private static readonly DateTimeOffset GoneSince = new(2033, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly string Token = new('a', 64);
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly ECDsa _other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly Devices _devices = new(token => token[0] == 'b' ? null : new Device(token));
    private readonly ApnsRules _rules;
    private readonly ApnsConnection _connection = new();
    private readonly Dictionary<string, string> _tokens = [];

    public ApnsRulesTests()
    {
        _rules = new ApnsRules(
            new ApnsService(
                "TEAM000001",
                [
                    new ApnsKey("KEY0000001", _key),
                    new ApnsKey("KEY0000002", _other),
                    new ApnsKey("key0000002", _other),
                    new ApnsKey("SANDBOX001", _other, "development"),
                    new ApnsKey("REVOKED001", _other, Revoked: true),
                ],
                ["com.example.app"]
            ),
            _devices
        );
        _devices.Put(new Device(new string('c', 64), GoneSince: GoneSince));
        _devices.Put(new Device(new string('d', 64), TokenExpired: true));
        _devices.Put(new Device(new string('e', 64), App: "com.example.other"));
    }

    public void Dispose()
    {
        _key.Dispose();
        _other.Dispose();
    }

    /// <summary>Every reason and its cause; an empty change leaves it to the lab's faults.</summary>
    public static TheoryData<string, string> Rows =>
        new()
        {
            { "BadCollapseId", "apns-collapse-id=" + new string('x', 65) },
            { "BadDeviceToken", "token=" + new string('b', 64) },
            { "BadDeviceToken", "token=xyz" },
            { "BadDeviceToken", "token=" + new string('a', 63) },
            { "BadExpirationDate", "apns-expiration=soon" },
            { "BadExpirationDate", "apns-expiration=-1" },
            { "BadMessageId", "apns-id=1234" },
            { "BadMessageId", "apns-id=AAAAAAAA-2222-4333-8444-555555555555" },
            { "BadPriority", "apns-priority=7" },
            { "BadPriority", "apns-push-type=background" },
            { "BadTopic", "apns-topic=no topic" },
            { "DeviceTokenNotForTopic", "token=" + new string('e', 64) },
            { "DuplicateHeaders", "again=apns-topic" },
            { "DuplicateHeaders", "again=apns-priority" },
            { "IdleTimeout", "idle=3600" },
            { "InvalidPushType", "apns-push-type=shout" },
            { "MissingDeviceToken", "path=/3/device/" },
            { "MissingTopic", "apns-topic=" },
            { "PayloadEmpty", "body=" },
            { "PayloadEmpty", "body={}" },
            { "TopicDisallowed", "apns-topic=com.example.stranger" },
            { "TopicDisallowed", "apns-push-type=voip" },
            { "BadCertificate", "certificate=untrusted" },
            { "BadCertificateEnvironment", "certificate=development" },
            { "ExpiredProviderToken", "issued=-3601" },
            { "Forbidden", "kid=REVOKED001" },
            { "InvalidProviderToken", "authorization=bearer abc" },
            { "InvalidProviderToken", "kid=UNKNOWN001" },
            { "InvalidProviderToken", "iss=TEAM000002" },
            { "InvalidProviderToken", "issued=1" },
            { "InvalidProviderToken", "alg=none" },
            { "InvalidProviderToken", "wrongkey=1" },
            { "MissingProviderToken", "authorization=" },
            { "UnrelatedKeyIdInToken", "secondkey=1" },
            { "BadEnvironmentKeyIdInToken", "kid=SANDBOX001" },
            { "BadPath", "path=/4/device/abc" },
            { "MethodNotAllowed", "method=GET" },
            { "ExpiredToken", "token=" + new string('d', 64) },
            { "Unregistered", "token=" + new string('c', 64) },
            { "PayloadTooLarge", "size=4097" },
            { "TooManyProviderTokenUpdates", "renewed=1199" },
            { "TooManyRequests", "burst=30" },
            { "InternalServerError", "" },
            { "ServiceUnavailable", "" },
            { "Shutdown", "stop=1" },
        };

    [Fact]
    public void Every_documented_reason_has_a_row() =>
        Assert.Equal(ApnsRules.Reasons.Keys.Order(), Rows.Select(row => row.Data.Item1).Distinct().Order());

    [Theory]
    [MemberData(nameof(Rows))]
    public void A_breach_earns_its_reason(string reason, string change)
    {
        var reply = change.Length == 0 ? ApnsRules.Refuse(reason, FreshId) : Breach(change.Split('=', 2)[0], change.Split('=', 2)[1]);
        Assert.Equal((reason, ApnsRules.Reasons[reason]), (reply.Reason, reply.Status));
        Assert.Equal(
            reason == "Unregistered" ? GoneSince
                : reason == "ExpiredToken" ? Now
                : null,
            reply.Timestamp
        );
        // The same request without the breach is taken: it was the breach that earned the reason.
        if (reason is not ("Shutdown" or "TooManyRequests" or "TooManyProviderTokenUpdates" or "UnrelatedKeyIdInToken"))
        {
            Assert.Equal(200, Send(new(), new ApnsConnection(), Now).Reply.Status);
        }
    }

    [Fact]
    public void What_is_good_is_taken_as_it_is()
    {
        var (reply, notification) = Send(new() { ["apns-id"] = FreshId }, _connection, Now);
        Assert.Equal((200, null, FreshId), (reply.Status, reply.Reason, reply.ApnsId));
        Assert.Equal(
            ("apns", Token, "session", Now.AddSeconds(60)),
            (notification!.Provider, notification.DeviceToken, notification.CollapseId, notification.Expires)
        );
        Assert.Equal(
            200,
            Send(
                new()
                {
                    ["apns-push-type"] = "voip",
                    ["apns-topic"] = "com.example.app.voip",
                    ["size"] = "5120",
                },
                _connection,
                Now
            ).Reply.Status
        );
        Assert.Equal(
            200,
            Send(
                new()
                {
                    ["certificate"] = "trusted",
                    ["authorization"] = "",
                    ["apns-topic"] = "",
                },
                _connection,
                Now
            ).Reply.Status
        );
        Assert.Equal(
            413,
            Send(
                new()
                {
                    ["apns-push-type"] = "voip",
                    ["apns-topic"] = "com.example.app.voip",
                    ["size"] = "5121",
                },
                _connection,
                Now
            ).Reply.Status
        );
        Assert.Equal(200, Send(new() { ["size"] = "4096" }, _connection, Now).Reply.Status);
    }

    /// <summary>A device's app accepts topics of its name and of names below it, which begin with the name and a dot.</summary>
    [Theory]
    [InlineData("com.example.app", "com.example.app", "alert", 200)]
    [InlineData("com.example.app", "com.example.app.voip", "voip", 200)]
    [InlineData("com.example.ap", "com.example.app", "alert", 400)]
    [InlineData("com.example", "com.example.app", "alert", 200)]
    [InlineData("com.example.app.voip", "com.example.app", "alert", 400)]
    public void A_topic_belongs_to_the_app_whose_name_and_a_dot_it_begins_with(string app, string topic, string type, int status)
    {
        var token = new string('f', 64);
        _devices.Put(new Device(token, App: app));
        var reply = Send(
            new()
            {
                ["token"] = token,
                ["apns-topic"] = topic,
                ["apns-push-type"] = type,
            },
            _connection,
            Now
        ).Reply;
        Assert.Equal((status, status == 200 ? null : "DeviceTokenNotForTopic"), (reply.Status, reply.Reason));
    }

    [Fact]
    public void A_provider_token_may_be_renewed_after_twenty_minutes_and_lives_for_sixty()
    {
        Assert.Equal(200, Send(new(), _connection, Now).Reply.Status);
        Assert.Equal(200, Send(new() { ["issued"] = "0" }, new ApnsConnection(), Now.AddMinutes(60)).Reply.Status);
        Assert.Equal("ExpiredProviderToken", Send(new(), new ApnsConnection(), Now.AddMinutes(60).AddSeconds(1), Now).Reply.Reason);
        Assert.Equal(200, Send(new(), new ApnsConnection(), Now.AddMinutes(80), Now.AddMinutes(80)).Reply.Status);
    }

    [Fact]
    public void A_signature_in_DER_is_taken_as_the_service_does()
    {
        Assert.Equal(200, Send(new() { ["der"] = "1" }, new ApnsConnection(), Now).Reply.Status);
        Assert.Equal(
            "InvalidProviderToken",
            Send(new() { ["der"] = "1", ["wrongkey"] = "1" }, new ApnsConnection(), Now.AddHours(1)).Reply.Reason
        );
    }

    [Fact]
    public void The_scheme_in_another_case_is_the_same_token()
    {
        var connection = new ApnsConnection();
        Assert.Equal(200, Send([], connection, Now).Reply.Status);
        foreach (var scheme in new[] { "Bearer ", "BEARER ", "bEaReR  " })
        {
            Assert.Equal(200, Send(new() { ["scheme"] = scheme }, connection, Now).Reply.Status);
        }
    }

    [Fact]
    public void Two_keys_whose_ids_differ_in_case_have_a_token_each()
    {
        Assert.Equal(200, Send(new() { ["kid"] = "KEY0000002" }, new ApnsConnection(), Now).Reply.Status);
        Assert.Equal(200, Send(new() { ["kid"] = "key0000002" }, new ApnsConnection(), Now).Reply.Status);
        Assert.Equal(200, Send(new() { ["kid"] = "KEY0000002" }, new ApnsConnection(), Now).Reply.Status);
    }

    private ApnsReply Breach(string name, string value)
    {
        switch (name)
        {
            case "idle":
                Send(new(), _connection, Now);
                return Send(new(), _connection, Now.AddSeconds(int.Parse(value, null)), Now).Reply;
            case "stop":
                _rules.ShuttingDown = true;
                return Send(new(), _connection, Now).Reply;
            case "secondkey":
                Send(new(), _connection, Now);
                return Send(new() { ["kid"] = "KEY0000002" }, _connection, Now).Reply;
            case "renewed":
                Send(new(), _connection, Now);
                return Send(new(), _connection, Now.AddSeconds(int.Parse(value, null)), Now.AddSeconds(int.Parse(value, null))).Reply;
            case "burst":
                for (var sent = 0; sent < int.Parse(value, null); sent++)
                {
                    Assert.Equal(200, Send(new(), _connection, Now).Reply.Status);
                }
                return Send(new(), _connection, Now).Reply;
            default:
                return Send(new() { [name] = value }, _connection, Now).Reply;
        }
    }

    private (ApnsReply Reply, Notification? Notification) Send(
        Dictionary<string, string> change,
        ApnsConnection connection,
        DateTimeOffset now,
        DateTimeOffset? issued = null
    )
    {
        string Of(string name, string otherwise) => change.GetValueOrDefault(name, otherwise);
        var kid = Of("kid", "KEY0000001");
        var key =
            change.ContainsKey("wrongkey") ? _other
            : kid == "KEY0000001" ? _key
            : _other;
        var iat = (issued ?? now).AddSeconds(int.Parse(Of("issued", "0"), null)).ToUnixTimeSeconds();
        var claims = $$"""{"iss":"{{Of("iss", "TEAM000001")}}","iat":{{iat}}}""";
        var header = $$"""{"alg":"{{Of("alg", "ES256")}}","kid":"{{kid}}"}""";
        // A signature of ECDSA is another one each time; a provider shows the same token again.
        if (!_tokens.TryGetValue(header + claims + change.ContainsKey("wrongkey"), out var token))
        {
            var form = change.ContainsKey("der")
                ? DSASignatureFormat.Rfc3279DerSequence
                : DSASignatureFormat.IeeeP1363FixedFieldConcatenation;
            _tokens.Add(
                header + claims + change.ContainsKey("wrongkey"),
                token = "bearer " + Jwt.Make(header, claims, data => key.SignData(data, HashAlgorithmName.SHA256, form))
            );
        }
        token = Of("scheme", "bearer ") + token["bearer ".Length..];
        var headers = new List<(string, string)>
        {
            ("authorization", Of("authorization", token)),
            ("apns-topic", Of("apns-topic", "com.example.app")),
            ("apns-priority", Of("apns-priority", "10")),
            ("apns-expiration", Of("apns-expiration", Now.AddSeconds(60).ToUnixTimeSeconds().ToString(null, null))),
            ("apns-collapse-id", Of("apns-collapse-id", "session")),
            ("apns-push-type", Of("apns-push-type", "alert")),
            ("apns-id", Of("apns-id", "")),
        };
        headers.RemoveAll(header => header.Item2.Length == 0);
        if (change.TryGetValue("again", out var again))
        {
            headers.Add((again, headers.First(header => header.Item1 == again).Item2));
        }
        var body = Of("body", """{"aps":{"alert":"x"}}""");
        if (change.TryGetValue("size", out var size))
        {
            body = "{\"aps\":{\"alert\":\"" + new string('x', int.Parse(size, null) - 20) + "\"}}";
            Assert.Equal(int.Parse(size, null), body.Length);
        }
        ApnsCertificate? certificate = change.TryGetValue("certificate", out var kind)
            ? new(kind != "untrusted", kind == "development" ? "development" : null, "com.example.app")
            : null;
        return _rules.Decide(
            new ApnsRequest(
                Of("method", "POST"),
                Of("path", "/3/device/" + Of("token", Token)),
                headers,
                Encoding.UTF8.GetBytes(body),
                certificate
            ),
            connection,
            FreshId,
            now
        );
    }
}
