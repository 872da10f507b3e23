using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Appliance.Doubles.Providers;
using Appliance.Doubles.PushProxy;
using Appliance.Firmware.Ftm;
using Appliance.Tests.EndToEnd;
using CsCheck;
using Xunit;

namespace Appliance.Tests.Sim;

/// <summary>The proxy's clients against the doubles, over real TLS and HTTP; time is the test's.</summary>
public sealed class ProviderClientTests : IAsyncLifetime, ILastHop
{
    private static readonly DateTimeOffset Start = new(2033, 2, 3, 4, 5, 0, TimeSpan.Zero);
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("appliance-providers-");
    private readonly WatchedTime _time = new(Start);
    private readonly Devices _devices = Devices.Open();
    private readonly ConcurrentQueue<Notification> _delivered = new();
    private readonly ConcurrentQueue<ProviderFault> _faults = new();
    private int _asked;
    private ProviderKeys _keys = null!;
    private ApnsDouble _apns = null!;
    private FcmDouble _fcm = null!;

    public async ValueTask InitializeAsync()
    {
        _keys = ProviderKeys.Open(_folder.FullName, _time);
        _apns = await ApnsDouble.StartAsync(0, _keys, _devices, this, _time, NextFault);
        _fcm = await FcmDouble.StartAsync(0, _keys, _devices, this, _time, NextFault);
    }

    public async ValueTask DisposeAsync()
    {
        await _apns.DisposeAsync();
        await _fcm.DisposeAsync();
        _keys.Dispose();
        _folder.Delete(recursive: true);
    }

    ValueTask<bool> ILastHop.DeliverAsync(Notification notification)
    {
        _delivered.Enqueue(notification);
        return ValueTask.FromResult(true);
    }

    [Theory]
    [InlineData("ios")]
    [InlineData("android")]
    public async Task A_push_reaches_the_phone_with_all_that_it_needs(string platform)
    {
        using var client = Client(platform);
        var push = Push(platform);
        Assert.Equal(PushResult.Sent, await Provider(client).SendAsync(push, TokenOf(platform), default));
        var notification = Assert.Single(_delivered);
        Assert.Equal((TokenOf(platform), Start.AddSeconds(60)), (notification.DeviceToken, notification.Expires));
        var message = PushPayload.Read(notification.Payload)!;
        Assert.Equal(
            (push.Session, push.CallbackIp, push.CallbackPort, push.Token, push.User, push.ClientIp, push.Time, push.Expires),
            (
                message.SessionId,
                message.CallbackHost,
                message.CallbackPort,
                message.TokenSerial,
                message.User,
                message.ClientAddress.ToString(),
                message.Time.ToUnixTimeSeconds(),
                message.Expires.ToUnixTimeSeconds()
            )
        );
    }

    [Theory]
    [InlineData("ios")]
    [InlineData("android")]
    public async Task A_phone_that_is_gone_is_told_as_gone(string platform)
    {
        _devices.Put(new Device(TokenOf(platform), GoneSince: Start.AddDays(-3)));
        using var client = Client(platform);
        var result = await Provider(client).SendAsync(Push(platform), TokenOf(platform), default);
        // FCM does not report since when.
        Assert.Equal((PushOutcome.RegistrationGone, platform == "ios" ? Start.AddDays(-3) : null), (result.Outcome, result.GoneSince));
        Assert.Equal(platform == "ios" ? "apns: 410 Unregistered" : "fcm: 404 UNREGISTERED", result.Cause);
        Assert.Equal(1, _asked);
    }

    [Theory]
    [InlineData("ios", 429)]
    [InlineData("ios", 503)]
    [InlineData("android", 429)]
    [InlineData("android", 503)]
    public async Task Retry_after_is_honoured_to_the_millisecond(string platform, int status)
    {
        _faults.Enqueue(new ProviderFault(status, TimeSpan.FromSeconds(7)));
        using var client = Client(platform);
        var sending = Provider(client).SendAsync(Push(platform), TokenOf(platform), default);
        await Until.TrueAsync(() => _time.Waits.Contains(TimeSpan.FromSeconds(7)), "the wait that was asked for");
        _time.Advance(TimeSpan.FromMilliseconds(6999));
        Assert.Equal((1, false), (_asked, sending.IsCompleted));
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(PushResult.Sent, await sending);
        Assert.Equal(2, _asked);
    }

    [Theory]
    [InlineData("ios", 500, PushOutcome.Unavailable, "apns: 500 InternalServerError")]
    [InlineData("ios", 403, PushOutcome.CredentialBad, "apns: 403 InvalidProviderToken")]
    [InlineData("ios", 413, PushOutcome.Refused, "apns: 413 PayloadTooLarge")]
    [InlineData("android", 500, PushOutcome.Unavailable, "fcm: 500 INTERNAL")]
    [InlineData("android", 400, PushOutcome.Refused, "fcm: 400 INVALID_ARGUMENT")]
    [InlineData("android", 403, PushOutcome.Refused, "fcm: 403 SENDER_ID_MISMATCH")]
    [InlineData("android", 401, PushOutcome.CredentialBad, "fcm: 401 UNAUTHENTICATED")]
    public async Task A_failure_that_stays_ends_with_its_cause(string platform, int status, PushOutcome outcome, string cause)
    {
        for (var fault = 0; fault < 10; fault++)
        {
            _faults.Enqueue(new ProviderFault(status));
        }
        using var client = Client(platform);
        var sending = Provider(client).SendAsync(Push(platform), TokenOf(platform), default);
        await Until.TrueAsync(
            () =>
            {
                _time.Advance(TimeSpan.FromMilliseconds(100));
                return sending.IsCompleted;
            },
            "the end of all tries"
        );
        var result = await sending;
        Assert.Equal((outcome, cause), (result.Outcome, result.Cause));
        Assert.Equal(
            outcome == PushOutcome.Unavailable ? RetryTimes.TriesMax
                : outcome == PushOutcome.CredentialBad && platform == "android" ? 2
                : 1,
            _asked
        );
    }

    [Theory]
    [InlineData("ios")]
    [InlineData("android")]
    public async Task A_provider_that_hangs_costs_ten_seconds_and_then_another_try(string platform)
    {
        _faults.Enqueue(new ProviderFault(0));
        using var client = Client(platform);
        var sending = Provider(client).SendAsync(Push(platform), TokenOf(platform), default);
        await Until.TrueAsync(() => _asked == 1, "the first try");
        _time.Advance(TimeSpan.FromSeconds(10));
        await Until.TrueAsync(() => sending.IsCompleted || Advance(100), "the second try");
        Assert.Equal(PushResult.Sent, await sending);
    }

    [Fact]
    public async Task An_expired_key_is_never_shown()
    {
        using var apns = new ApnsClient(ApnsSettings() with { KeyExpires = Start }, _time, 1);
        using var fcm = new FcmClient(FcmSettings() with { KeyExpires = Start }, _time, 1);
        Assert.Equal(PushOutcome.CredentialBad, (await apns.SendAsync(Push("ios"), TokenOf("ios"), default)).Outcome);
        Assert.Equal(PushOutcome.CredentialBad, (await fcm.SendAsync(Push("android"), TokenOf("android"), default)).Outcome);
        Assert.Equal(0, _asked);
    }

    [Fact]
    public async Task Two_days_of_pushes_break_no_rule_over_the_wire()
    {
        using var apns = Client("ios");
        using var fcm = Client("android");
        for (var push = 0; push < 96; push++)
        {
            Assert.Equal(PushResult.Sent, await Provider(apns).SendAsync(Push("ios"), TokenOf("ios"), default));
            Assert.Equal(PushResult.Sent, await Provider(fcm).SendAsync(Push("android"), TokenOf("android"), default));
            _time.Advance(TimeSpan.FromMinutes(30));
        }
    }

    /// <summary>The token core against the rules' core, a day at a time, with pushes at random times.</summary>
    [Fact]
    public void Provider_tokens_are_renewed_between_20_and_60_minutes_however_pushes_fall()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        Gen.Int[1, 4_000_000]
            .Array[50, 400]
            .Sample(
                gaps =>
                {
                    var token = new ApnsProviderToken(key, "TEAM000001", "KEY0000001");
                    var rules = new ApnsRules(
                        new ApnsService("TEAM000001", [new ApnsKey("KEY0000001", key)], ["com.example.app"]),
                        Devices.Open()
                    );
                    var now = Start;
                    foreach (var gap in gaps)
                    {
                        now += TimeSpan.FromMilliseconds(gap);
                        (string, string)[] headers = [("authorization", "bearer " + token.At(now)), ("apns-topic", "com.example.app")];
                        var device = Convert.ToHexStringLower(SHA256.HashData(BitConverter.GetBytes(now.Ticks)));
                        var (reply, _) = rules.Decide(
                            new ApnsRequest("POST", "/3/device/" + device, headers, """{"aps":{}}"""u8.ToArray()),
                            new ApnsConnection(),
                            "",
                            now
                        );
                        Assert.Null(reply.Reason);
                    }
                },
                iter: 50
            );
    }

    [Fact]
    public void A_day_at_a_push_a_second_breaks_no_rule_and_takes_29_tokens()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var token = new ApnsProviderToken(key, "TEAM000001", "KEY0000001");
        var rules = new ApnsRules(new ApnsService("TEAM000001", [new ApnsKey("KEY0000001", key)], ["com.example.app"]), Devices.Open());
        var connection = new ApnsConnection();
        var shown = new HashSet<string>();
        for (var second = 0; second < 24 * 3600; second++)
        {
            var now = Start.AddSeconds(second);
            shown.Add(token.At(now));
            (string, string)[] headers = [("authorization", "bearer " + token.At(now)), ("apns-topic", "com.example.app")];
            var device = Convert.ToHexStringLower(SHA256.HashData(BitConverter.GetBytes(second % 1000)));
            Assert.Null(
                rules
                    .Decide(new ApnsRequest("POST", "/3/device/" + device, headers, """{"aps":{}}"""u8.ToArray()), connection, "", now)
                    .Reply.Reason
            );
        }
        Assert.Equal(29, shown.Count);
    }

    [Fact]
    public void Waits_double_with_jitter_and_never_outlive_the_push()
    {
        var retry = new RetryTimes(7);
        var same = new RetryTimes(7);
        for (var tries = 1; tries < RetryTimes.TriesMax; tries++)
        {
            var wait = retry.Next(tries, null, Start, Start.AddHours(1))!.Value;
            Assert.InRange(wait.TotalSeconds, Math.Pow(2, tries - 1) * 0.5, Math.Pow(2, tries - 1) * 1.5);
            Assert.Equal(wait, same.Next(tries, null, Start, Start.AddHours(1)));
        }
        Assert.Null(retry.Next(RetryTimes.TriesMax, null, Start, Start.AddHours(1)));
        Assert.Null(retry.Next(1, TimeSpan.FromSeconds(60), Start, Start.AddSeconds(60)));
        Assert.Equal(TimeSpan.FromMilliseconds(59_999), retry.Next(1, TimeSpan.FromMilliseconds(59_999), Start, Start.AddSeconds(60)));
    }

    private bool Advance(int milliseconds)
    {
        _time.Advance(TimeSpan.FromMilliseconds(milliseconds));
        return false;
    }

    private ProviderFault? NextFault(string provider, string token, ReadOnlyMemory<byte> body)
    {
        Interlocked.Increment(ref _asked);
        return _faults.TryDequeue(out var fault) ? fault : null;
    }

    private static IProvider Provider(IDisposable client) => (IProvider)client;

    private IDisposable Client(string platform) =>
        platform == "ios" ? new ApnsClient(ApnsSettings(), _time, 1) : new FcmClient(FcmSettings(), _time, 1);

    private ApnsSettings ApnsSettings() =>
        new(_apns.Address, ProviderKeys.TeamId, ProviderKeys.ApnsKeyId, _keys.ApnsFile, ProviderKeys.Topic, _keys.AuthorityFile);

    private FcmSettings FcmSettings() =>
        new(_fcm.Address, _keys.WriteAccountFile(_folder.FullName, _fcm.TokenAddress), _keys.AuthorityFile);

    private static string TokenOf(string platform) => DeviceTokens.Of(platform, "phone");

    private PushProxyRequest Push(string platform) =>
        new(
            "FGVMLAB000000000",
            "phone",
            platform,
            Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)),
            "127.0.0.1",
            4433,
            "FTKMOB0000000001",
            "ann",
            "10.0.0.1",
            _time.GetUtcNow().ToUnixTimeSeconds(),
            _time.GetUtcNow().AddSeconds(60).ToUnixTimeSeconds()
        );
}
