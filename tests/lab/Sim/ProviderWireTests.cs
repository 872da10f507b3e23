using System.Collections.Concurrent;
using System.Net;
using System.Text;
using System.Text.Json;
using Appliance.Doubles.Providers;
using Appliance.Doubles.PushProxy;
using Appliance.Firmware.Ftm;
using Appliance.Tests.EndToEnd;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Xunit;

namespace Appliance.Tests.Sim;

/// <summary>The proxy's requests to APNs and FCM on the wire, and what it does with each of their answers.</summary>
public sealed class ProviderWireTests(ProviderWireTests.Keys keys) : IAsyncLifetime, IClassFixture<ProviderWireTests.Keys>
{
    private const string Phone = "phone-token";
    private static readonly DateTimeOffset Start = new(2033, 2, 3, 4, 5, 0, TimeSpan.Zero);
    private readonly WatchedTime _time = new(Start);
    private readonly ProviderKeys _keys = keys.Of;
    private readonly DirectoryInfo _folder = keys.Folder;
    private readonly ConcurrentQueue<Received> _received = new();
    private readonly ConcurrentQueue<(int Status, string Body)> _answers = new();
    private readonly ConcurrentQueue<(int Status, string Body)> _tokens = new();
    private int _issued;
    private TlsServer _server = null!;

    public async ValueTask InitializeAsync() =>
        _server = await TlsServer.StartAsync(0, _keys.For("provider", "localhost"), HttpProtocols.Http1AndHttp2, ServeAsync);

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task An_access_token_is_renewed_one_minute_before_it_expires()
    {
        _tokens.Enqueue((200, """{"access_token":"first","expires_in":600}"""));
        using var client = Fcm();
        Assert.Equal(PushResult.Sent, await client.SendAsync(Push(60), Phone, default));
        _time.Advance(TimeSpan.FromSeconds(540) - TimeSpan.FromTicks(1));
        Assert.Equal(PushResult.Sent, await client.SendAsync(Push(60), Phone, default));
        Assert.Single(_received, each => each.Path == "/token");
        _time.Advance(TimeSpan.FromTicks(1));
        Assert.Equal(PushResult.Sent, await client.SendAsync(Push(60), Phone, default));
        Assert.Equal(["Bearer first", "Bearer first", "Bearer token-1"], Messages.Select(each => each.Header("Authorization")));
    }

    [Fact]
    public async Task An_assertion_names_the_account_and_lives_for_an_hour()
    {
        using var client = Fcm();
        await client.SendAsync(Push(60), Phone, default);
        var request = Assert.Single(_received, each => each.Path == "/token");
        var form = request.Body.Split('&').ToDictionary(pair => pair.Split('=')[0], pair => WebUtility.UrlDecode(pair.Split('=')[1]));
        Assert.Equal(("POST", OAuthRules.GrantType), (request.Method, form["grant_type"]));
        var assertion = Jwt.Parse(form["assertion"])!;
        Assert.Equal(
            ("RS256", "lab-key-1", "lab-push@lab-appliance.iam.gserviceaccount.com", OAuthRules.Scope),
            (assertion.Algorithm, assertion.KeyId, assertion.TextClaim("iss"), assertion.TextClaim("scope"))
        );
        Assert.Equal(new Uri(Address, "/token").AbsoluteUri, assertion.TextClaim("aud"));
        Assert.Equal((Start, Start.AddHours(1)), (assertion.TimeClaim("iat"), assertion.TimeClaim("exp")));
    }

    [Fact]
    public async Task A_message_to_FCM_is_urgent_and_lives_as_long_as_the_push()
    {
        using var client = Fcm();
        _time.Advance(TimeSpan.FromSeconds(5));
        await client.SendAsync(Push(60) with { Expires = Start.AddSeconds(65).ToUnixTimeSeconds(), NumberMatch = true }, Phone, default);
        var request = Assert.Single(Messages);
        Assert.Equal(
            ("POST", "/v1/projects/lab-appliance/messages:send", "application/json"),
            (request.Method, request.Path, request.Header("Content-Type"))
        );
        using var body = JsonDocument.Parse(request.Body);
        var message = body.RootElement.GetProperty("message");
        Assert.Equal(Phone, message.GetProperty("token").GetString());
        Assert.Equal("""{"priority":"HIGH","ttl":"60s"}""", message.GetProperty("android").GetRawText());
        Assert.Equal(
            "00112233445566778899aabbccddeeff 127.0.0.1 4433 FTKMOB0000000001 ann 10.0.0.1 1991016305 1991016365 1",
            string.Join(' ', message.GetProperty("data").EnumerateObject().Select(field => field.Value.GetString()))
        );
    }

    [Fact]
    public async Task A_quota_refusal_without_a_time_is_repeated_after_a_minute()
    {
        _answers.Enqueue((429, """{"error":{"status":"RESOURCE_EXHAUSTED"}}"""));
        using var client = Fcm();
        var sending = client.SendAsync(Push(61), Phone, default);
        await Until.TrueAsync(() => _time.Waits.Contains(TimeSpan.FromSeconds(60)), "the wait of a minute");
        _time.Advance(TimeSpan.FromSeconds(60) - TimeSpan.FromTicks(1));
        Assert.False(sending.IsCompleted);
        _time.Advance(TimeSpan.FromTicks(1));
        Assert.Equal(PushResult.Sent, await sending);
        Assert.Equal(2, Messages.Count());
        _answers.Enqueue((429, """{"error":{"status":"RESOURCE_EXHAUSTED"}}"""));
        Assert.Equal(
            PushResult.Failed(PushOutcome.Unavailable, "fcm: 429 RESOURCE_EXHAUSTED"),
            await client.SendAsync(Push(60), Phone, default)
        );
    }

    [Fact]
    public async Task A_revoked_access_token_is_replaced_once()
    {
        using var client = Fcm();
        _answers.Enqueue((401, """{"error":{"status":"UNAUTHENTICATED"}}"""));
        var sending = client.SendAsync(Push(60), Phone, default);
        await Until.TrueAsync(() => sending.IsCompleted || Advance(1), "the second attempt");
        Assert.Equal(PushResult.Sent, await sending);
        Assert.Equal(["Bearer token-1", "Bearer token-2"], Messages.Select(each => each.Header("Authorization")));
        _answers.Enqueue((401, """{"error":{"status":"UNAUTHENTICATED"}}"""));
        _answers.Enqueue((401, """{"error":{"status":"UNAUTHENTICATED"}}"""));
        sending = client.SendAsync(Push(60), Phone, default);
        await Until.TrueAsync(() => sending.IsCompleted || Advance(1), "the end");
        Assert.Equal(PushResult.Failed(PushOutcome.CredentialBad, "fcm: 401 UNAUTHENTICATED"), await sending);
        Assert.Equal(4, Messages.Count());
    }

    [Theory]
    [InlineData(404, """{"error":{"details":[{},{"errorCode":"UNREGISTERED"}]}}""", PushOutcome.RegistrationGone, "fcm: 404 UNREGISTERED")]
    [InlineData(404, """{"error":{"status":"NOT_FOUND"}}""", PushOutcome.Refused, "fcm: 404 NOT_FOUND")]
    [InlineData(
        401,
        """{"error":{"details":[{"errorCode":"THIRD_PARTY_AUTH_ERROR"}]}}""",
        PushOutcome.Refused,
        "fcm: 401 THIRD_PARTY_AUTH_ERROR"
    )]
    [InlineData(302, "", PushOutcome.Refused, "fcm: 302 without a reason")]
    [InlineData(400, "[]", PushOutcome.Refused, "fcm: 400 without a reason")]
    [InlineData(400, """{"error":{"status":7}}""", PushOutcome.Refused, "fcm: 400 without a reason")]
    public async Task An_answer_of_FCM_that_is_final_ends_the_push(int status, string body, PushOutcome outcome, string cause)
    {
        _answers.Enqueue((status, body));
        using var client = Fcm();
        Assert.Equal(PushResult.Failed(outcome, cause), await client.SendAsync(Push(60), Phone, default));
        Assert.Single(Messages);
    }

    [Theory]
    [InlineData(400, """{"error":"invalid_grant","error_description":"no"}""", "fcm token: 400 invalid_grant no")]
    [InlineData(400, """{"error":"invalid_grant"}""", "fcm token: 400 invalid_grant")]
    [InlineData(200, "{}", "fcm token: 200")]
    [InlineData(200, """{"access_token":"t"}""", "fcm token: 200")]
    [InlineData(200, """{"access_token":"t","expires_in":0}""", "fcm token: 200")]
    [InlineData(201, """{"access_token":"t","expires_in":60}""", "fcm token: 201")]
    [InlineData(200, "no JSON", "fcm token: 200")]
    public async Task Without_an_access_token_nothing_is_sent(int status, string body, string cause)
    {
        _tokens.Enqueue((status, body));
        using var client = Fcm();
        Assert.Equal(PushResult.Failed(PushOutcome.CredentialBad, cause), await client.SendAsync(Push(60), Phone, default));
        Assert.Empty(Messages);
    }

    [Theory]
    [InlineData(429)]
    [InlineData(500)]
    [InlineData(503)]
    public async Task A_token_endpoint_that_fails_is_asked_again(int status)
    {
        _tokens.Enqueue((status, ""));
        using var client = Fcm();
        var sending = client.SendAsync(Push(60), Phone, default);
        await Until.TrueAsync(() => sending.IsCompleted || Advance(100), "the second attempt");
        Assert.Equal(PushResult.Sent, await sending);
        for (var attempt = 0; attempt < RetryTimes.TriesMax; attempt++)
        {
            _tokens.Enqueue((status, ""));
        }
        using var other = Fcm();
        sending = other.SendAsync(Push(3600), Phone, default);
        await Until.TrueAsync(() => sending.IsCompleted || Advance(100), "the end of all attempts");
        Assert.Equal(PushResult.Failed(PushOutcome.Unavailable, $"fcm token: {status}"), await sending);
        Assert.Empty(_tokens);
    }

    [Fact]
    public async Task A_request_to_APNs_has_the_headers_of_an_alert()
    {
        using var client = Apns();
        var push = Push(60);
        Assert.Equal(PushResult.Sent, await client.SendAsync(push, Phone, default));
        var request = Assert.Single(_received);
        Assert.Equal(("HTTP/2", "POST", "/3/device/phone-token"), (request.Protocol, request.Method, request.Path));
        Assert.Equal(
            ["lab.appliance.ftm", "alert", "10", "1991016360", push.Session],
            new[] { "apns-topic", "apns-push-type", "apns-priority", "apns-expiration", "apns-collapse-id" }.Select(request.Header)
        );
        Assert.StartsWith("bearer ", request.Header("authorization"), StringComparison.Ordinal);
        using var body = JsonDocument.Parse(request.Body);
        Assert.Equal(
            """{"alert":{"title":"Login request","body":"ann from 10.0.0.1"},"sound":"default","category":"LOGIN"}""",
            body.RootElement.GetProperty("aps").GetRawText()
        );
        Assert.Equal("0", body.RootElement.GetProperty("ftm").GetProperty("number_match").GetString());
    }

    [Theory]
    [InlineData(1200, true)]
    [InlineData(1100, false)]
    public async Task An_expired_provider_token_is_replaced_only_after_twenty_minutes(int age, bool replaced)
    {
        using var client = Apns();
        await client.SendAsync(Push(60), Phone, default);
        _time.Advance(TimeSpan.FromSeconds(age));
        _answers.Enqueue((403, """{"reason":"ExpiredProviderToken"}"""));
        var sending = client.SendAsync(Push(60), Phone, default);
        await Until.TrueAsync(() => sending.IsCompleted || Advance(1), "the end");
        Assert.Equal(
            replaced ? PushResult.Sent : PushResult.Failed(PushOutcome.CredentialBad, "apns: 403 ExpiredProviderToken"),
            await sending
        );
        Assert.Equal(replaced ? 3 : 2, _received.Count);
        Assert.Equal(replaced ? 2 : 1, _received.Select(each => each.Header("authorization")).Distinct().Count());
    }

    [Fact]
    public async Task A_connection_that_was_idle_is_replaced_immediately()
    {
        _answers.Enqueue((400, """{"reason":"IdleTimeout"}"""));
        using var client = Apns();
        var sending = client.SendAsync(Push(60), Phone, default);
        await Until.TrueAsync(() => sending.IsCompleted || Advance(1), "the second attempt");
        Assert.Equal(PushResult.Sent, await sending);
        Assert.Equal(2, _received.Count);
    }

    [Theory]
    [InlineData(410, """{"reason":"Unregistered","timestamp":1000}""", PushOutcome.RegistrationGone, "apns: 410 Unregistered", 1000L)]
    [InlineData(410, """{"reason":"Unregistered","timestamp":0}""", PushOutcome.RegistrationGone, "apns: 410 Unregistered", 0L)]
    [InlineData(410, """{"reason":"Unregistered","timestamp":-1}""", PushOutcome.RegistrationGone, "apns: 410 Unregistered", null)]
    [InlineData(410, """{"reason":"A","timestamp":253402300799999}""", PushOutcome.RegistrationGone, "apns: 410 A", 253402300799999L)]
    [InlineData(410, """{"reason":"A","timestamp":253402300800000}""", PushOutcome.RegistrationGone, "apns: 410 A", null)]
    [InlineData(410, "", PushOutcome.RegistrationGone, "apns: 410 without a reason", null)]
    [InlineData(403, """{"reason":"InvalidProviderToken"}""", PushOutcome.CredentialBad, "apns: 403 InvalidProviderToken", null)]
    [InlineData(400, """{"reason":"BadDeviceToken"}""", PushOutcome.Refused, "apns: 400 BadDeviceToken", null)]
    [InlineData(400, """{"other":1}""", PushOutcome.Refused, "apns: 400 without a reason", null)]
    [InlineData(302, "", PushOutcome.Refused, "apns: 302 without a reason", null)]
    public async Task An_answer_of_APNs_that_is_final_ends_the_push(int status, string body, PushOutcome outcome, string cause, long? since)
    {
        _answers.Enqueue((status, body));
        using var client = Apns();
        Assert.Equal(
            new PushResult(outcome, cause, since is { } time ? DateTimeOffset.FromUnixTimeMilliseconds(time) : null),
            await client.SendAsync(Push(60), Phone, default)
        );
        Assert.Single(_received);
    }

    [Fact]
    public async Task A_payload_for_APNs_has_4096_bytes_at_most()
    {
        using var client = Apns();
        var push = Push(60) with { User = "" };
        var room = 4096 - PushPayload.Apns(push).Length;
        // The user is named twice: in the alert and in the fields.
        var most = push with
        {
            User = new string('u', room / 2),
            Token = push.Token + new string('0', room % 2),
        };
        Assert.Equal(4096, PushPayload.Apns(most).Length);
        Assert.Equal(PushResult.Sent, await client.SendAsync(most, Phone, default));
        Assert.Equal(
            PushResult.Failed(PushOutcome.Refused, "apns: the payload has 4097 bytes (limit 4096)"),
            await client.SendAsync(most with { Token = most.Token + "0" }, Phone, default)
        );
        Assert.Single(_received);
    }

    [Theory]
    [InlineData(65_536, true)]
    [InlineData(65_537, false)]
    public async Task An_answer_has_64_KiB_at_most(int length, bool read)
    {
        using var http = new ProviderHttp(Address, _keys.AuthorityFile, _time, null);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/");
        _answers.Enqueue((200, new string('x', length)));
        var reply = await http.TryAsync("GET", request, Push(60), default);
        Assert.Equal(read ? length : 0, reply.Body.Length);
        Assert.Equal(read ? HttpStatusCode.OK : null, reply.Status);
    }

    [Theory]
    [InlineData(WayFault.Dns, "apns: 127.0.0.1: the name cannot be resolved")]
    [InlineData(WayFault.Tls, "apns: 127.0.0.1: the TLS handshake failed")]
    public async Task A_fault_of_the_way_is_a_failed_attempt_without_a_request(WayFault fault, string cause)
    {
        using var client = new ApnsClient(ApnsSettings(), _time, 1, _ => fault);
        var sending = client.SendAsync(Push(60), Phone, default);
        await Until.TrueAsync(() => sending.IsCompleted || Advance(100), "the end of all attempts");
        Assert.Equal(PushResult.Failed(PushOutcome.Unavailable, cause), await sending);
        Assert.Empty(_received);
    }

    [Fact]
    public void A_file_without_its_key_or_certificate_is_named()
    {
        var file = Path.Combine(_folder.FullName, "nothing.pem");
        File.WriteAllText(file, "nothing");
        Assert.Equal(
            "nothing.pem is not an APNs key",
            Assert.Throws<FormatException>(() => new ApnsClient(ApnsSettings() with { Key = file }, _time, 1)).Message
        );
        Assert.Equal(
            "nothing.pem contains no certificate",
            Assert.Throws<FormatException>(() => new ApnsClient(ApnsSettings() with { Ca = file }, _time, 1)).Message
        );
        Assert.Equal(
            "nothing.pem is not the key file of a service account",
            Assert.Throws<FormatException>(() => new FcmClient(new FcmSettings(Address, file), _time, 1)).Message
        );
    }

    private IEnumerable<Received> Messages => _received.Where(each => each.Path != "/token");

    private bool Advance(int milliseconds)
    {
        _time.Advance(TimeSpan.FromMilliseconds(milliseconds));
        return false;
    }

    private Uri Address => new UriBuilder(Uri.UriSchemeHttps, "127.0.0.1", _server.EndPoint.Port).Uri;

    private ApnsSettings ApnsSettings() =>
        new(Address, ProviderKeys.TeamId, ProviderKeys.ApnsKeyId, _keys.ApnsFile, ProviderKeys.Topic, _keys.AuthorityFile);

    private ApnsClient Apns() => new(ApnsSettings(), _time, 1);

    private FcmClient Fcm() =>
        new(new FcmSettings(Address, _keys.WriteAccountFile(_folder.FullName, new Uri(Address, "/token")), _keys.AuthorityFile), _time, 1);

    private PushProxyRequest Push(int seconds) =>
        new(
            "FGVMLAB000000000",
            "phone",
            "ios",
            "00112233445566778899aabbccddeeff",
            "127.0.0.1",
            4433,
            "FTKMOB0000000001",
            "ann",
            "10.0.0.1",
            _time.GetUtcNow().ToUnixTimeSeconds(),
            _time.GetUtcNow().ToUnixTimeSeconds() + seconds
        );

    private async Task ServeAsync(HttpContext context)
    {
        var body = Encoding.UTF8.GetString(await TlsServer.BodyAsync(context));
        var path = context.Request.Path.Value!;
        _received.Enqueue(
            new(context.Request.Protocol, context.Request.Method, path, HeadersOf(context.Request), body)
        );
        var (status, answer) =
            path == "/token"
                ? _tokens.TryDequeue(out var token)
                    ? token
                    : (200, $$"""{"access_token":"token-{{Interlocked.Increment(ref _issued)}}","expires_in":3600}""")
            : _answers.TryDequeue(out var scripted) ? scripted
            : (200, "{}");
        context.Response.StatusCode = status;
        context.Response.Headers.Location = "/elsewhere";
        await context.Response.WriteAsync(answer, context.RequestAborted);
    }

    private static Dictionary<string, string> HeadersOf(HttpRequest request) =>
        request.Headers.ToDictionary(header => header.Key, header => header.Value.ToString(), StringComparer.OrdinalIgnoreCase);

    /// <summary>Keys that all tests of the class use: an RSA key takes a second to create.</summary>
    public sealed class Keys : IDisposable
    {
        public Keys() => Of = ProviderKeys.Open(Folder.FullName, new WatchedTime(Start));

        public void Dispose()
        {
            Of.Dispose();
            Folder.Delete(recursive: true);
        }

        internal DirectoryInfo Folder { get; } = Directory.CreateTempSubdirectory("appliance-wire-");

        internal ProviderKeys Of { get; }
    }

    private sealed record Received(string Protocol, string Method, string Path, IReadOnlyDictionary<string, string> Headers, string Body)
    {
        public string Header(string name) => Headers.GetValueOrDefault(name, "");
    }
}
