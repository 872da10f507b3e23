using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Appliance.Doubles.Providers;
using Appliance.Doubles.PushProxy;
using Appliance.Firmware.Ftm;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Appliance.Tests.Sim;

/// <summary>The limits of the push proxy: sizes, retention, and retry times.</summary>
public sealed class ProxyBoundTests
{
    private static readonly DateTimeOffset Now = new(2033, 2, 3, 4, 5, 6, TimeSpan.Zero);
    private static readonly PushProxyRequest Push = new(
        "FGT",
        "reg",
        "ios",
        "00112233445566778899aabbccddeeff",
        "10.0.0.1",
        4433,
        "FTKMOB0000000001",
        "ann",
        "198.51.100.7",
        Now.ToUnixTimeSeconds(),
        Now.ToUnixTimeSeconds() + 60
    );

    [Theory]
    [InlineData("4433", "1", true)]
    [InlineData("4433", "65535", true)]
    [InlineData("4433", "65536", false)]
    [InlineData("4433", "0", false)]
    [InlineData("\"reg\"", "\"\"", false)]
    [InlineData("ddeeff", "ddeef", false)]
    [InlineData("ddeeff", "ddeeff0", false)]
    [InlineData("ddeeff", "ddeeFF", false)]
    [InlineData("\"ios\"", "\"android\"", true)]
    [InlineData("\"ios\"", "\"iOS\"", false)]
    [InlineData("198.51.100.7", "2001:db8::1", true)]
    [InlineData("198.51.100.7", "nowhere", false)]
    [InlineData("EXPIRES", "1", true)]
    [InlineData("EXPIRES", "0", false)]
    [InlineData("EXPIRES", "253402300799", true)]
    [InlineData("EXPIRES", "253402300800", false)]
    public void A_message_is_taken_or_refused_as_a_whole(string what, string with, bool taken)
    {
        var json = JsonSerializer.Serialize(Push, PushProxyJson.Default.PushProxyRequest);
        Assert.NotNull(ProxyServer.Read(Encoding.UTF8.GetBytes(json)));
        var changed = json.Replace(what == "EXPIRES" ? $"{Push.Expires}" : what, with, StringComparison.Ordinal);
        Assert.NotEqual(json, changed);
        Assert.Equal(taken, ProxyServer.Read(Encoding.UTF8.GetBytes(changed)) is not null);
    }

    [Theory]
    [InlineData(4096, true)]
    [InlineData(4097, false)]
    public void A_message_has_4096_bytes_at_most(int length, bool taken)
    {
        var json = JsonSerializer.Serialize(Push, PushProxyJson.Default.PushProxyRequest);
        Assert.Equal(taken, ProxyServer.Read(Encoding.UTF8.GetBytes(json.PadRight(length))) is not null);
    }

    [Fact]
    public async Task A_push_that_is_void_is_not_passed_on()
    {
        var provider = new Counting();
        var time = new FakeTimeProvider(Now.AddSeconds(60).AddTicks(-1));
        var core = new ProxyCore(new ProviderSettings(), provider, null, time);
        Assert.Equal(PushOutcome.Sent, (await core.SendAsync(Push, default)).Outcome);
        time.Advance(TimeSpan.FromTicks(1));
        Assert.Equal(
            (PushOutcome.Refused, "expired before it was sent"),
            (await core.SendAsync(Push with { Session = new string('1', 32) }, default)) is var result
                ? (result.Outcome, result.Cause)
                : default
        );
        Assert.Equal(1, provider.Asked);
    }

    [Fact]
    public async Task Ten_thousand_sessions_are_remembered_and_those_that_are_void_make_room()
    {
        var provider = new Counting();
        var time = new FakeTimeProvider(Now);
        var core = new ProxyCore(new ProviderSettings(), provider, null, time);
        for (var number = 0; number < ProxyCore.SessionsMax; number++)
        {
            Assert.Equal(
                PushOutcome.Sent,
                (
                    await core.SendAsync(Push with { Session = $"{number:x32}", Expires = Push.Expires + (number == 7 ? 0 : 60) }, default)
                ).Outcome
            );
        }
        Assert.Equal(10_000, provider.Asked);
        var late = Push with { Session = new string('f', 32), Expires = Push.Expires + 120 };
        Assert.Equal(
            (PushOutcome.Unavailable, "the push proxy is busy"),
            (await core.SendAsync(late, default)) is var busy ? (busy.Outcome, busy.Cause) : default
        );
        time.Advance(TimeSpan.FromSeconds(60));
        Assert.Equal(PushOutcome.Sent, (await core.SendAsync(late, default)).Outcome);
        // Those that live are remembered all the same.
        await core.SendAsync(Push with { Session = $"{8:x32}", Expires = Push.Expires + 60 }, default);
        Assert.Equal(10_001, provider.Asked);
    }

    [Fact]
    public void A_provider_token_is_shown_for_fifty_minutes_and_not_given_up_before_twenty()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var tokens = new ApnsProviderToken(key, "TEAM000001", "KEY0000001");
        Assert.True(tokens.Renew(Now));
        var first = tokens.At(Now);
        Assert.Equal(first, tokens.At(Now.AddMinutes(50).AddTicks(-1)));
        Assert.False(tokens.Renew(Now.AddMinutes(20).AddTicks(-1)));
        Assert.Equal(first, tokens.At(Now.AddMinutes(30)));
        var second = tokens.At(Now.AddMinutes(50));
        Assert.NotEqual(first, second);
        Assert.True(tokens.Renew(Now.AddMinutes(70)));
        Assert.NotEqual(second, tokens.At(Now.AddMinutes(70)));
        // A date in the future is ignored.
        var third = tokens.At(Now.AddMinutes(70));
        Assert.NotEqual(third, tokens.At(Now.AddMinutes(70).AddTicks(-1)));
        Assert.Equal("TEAM000001", Jwt.Parse(third)!.TextClaim("iss"));
        Assert.Equal(
            ("ES256", "KEY0000001", Now.AddMinutes(70)),
            (Jwt.Parse(third)!.Algorithm, Jwt.Parse(third)!.KeyId, Jwt.Parse(third)!.TimeClaim("iat"))
        );
    }

    [Theory]
    [InlineData(1, 0.5, 1.5)]
    [InlineData(2, 1, 3)]
    [InlineData(3, 2, 6)]
    [InlineData(4, 4, 12)]
    public void A_wait_doubles_with_each_try(int tries, double least, double most)
    {
        var waits = Enumerable
            .Range(0, 200)
            .Select(seed => new RetryTimes(seed).Next(tries, null, Now, Now.AddHours(1))!.Value.TotalSeconds)
            .ToList();
        Assert.InRange(waits.Min(), least, least * 1.1);
        Assert.InRange(waits.Max(), most * 0.95, most);
    }

    [Fact]
    public void There_are_five_tries_and_none_that_would_come_too_late()
    {
        var times = new RetryTimes(1);
        Assert.NotNull(times.Next(4, null, Now, Now.AddHours(1)));
        Assert.Null(times.Next(5, null, Now, Now.AddHours(1)));
        Assert.Equal(TimeSpan.FromSeconds(7), times.Next(1, TimeSpan.FromSeconds(7), Now, Now.AddSeconds(7).AddTicks(1)));
        Assert.Null(times.Next(1, TimeSpan.FromSeconds(7), Now, Now.AddSeconds(7)));
    }

    [Theory]
    [InlineData("120", 120.0)]
    [InlineData("0.25", 0.25)]
    [InlineData("86399.5", 86399.5)]
    [InlineData("86400.5", null)]
    [InlineData("soon", null)]
    [InlineData("-1", null)]
    [InlineData("Thu, 03 Feb 2033 04:05:16 GMT", 10.0)]
    [InlineData("Thu, 03 Feb 2033 04:05:00 GMT", 0.0)]
    [InlineData(null, null)]
    public void Retry_after_is_seconds_or_a_date(string? value, double? seconds)
    {
        using var response = new HttpResponseMessage(HttpStatusCode.ServiceUnavailable);
        if (value is not null)
        {
            response.Headers.TryAddWithoutValidation("Retry-After", value);
        }
        Assert.Equal(seconds, RetryTimes.Asked(response.Headers, Now)?.TotalSeconds);
    }

    [Fact]
    public void Of_two_times_to_come_again_the_first_counts()
    {
        using var response = new HttpResponseMessage(HttpStatusCode.ServiceUnavailable);
        response.Headers.TryAddWithoutValidation("Retry-After", ["0.25", "5.5"]);
        Assert.Equal(0.25, RetryTimes.Asked(response.Headers, Now)?.TotalSeconds);
    }

    [Fact]
    public void A_registration_that_has_the_form_of_a_token_is_one()
    {
        var apns = new string('a', 64);
        Assert.Equal(apns, DeviceTokens.Of("ios", apns));
        Assert.Equal(new string('a', 200), DeviceTokens.Of("ios", new string('a', 200)));
        Assert.All(
            new[] { new string('a', 62), new string('a', 65), new string('a', 202), new string('g', 64) },
            text => Assert.Matches("^[0-9a-f]{64}$", DeviceTokens.Of("ios", text) is var token && token != text ? token : "")
        );
        var fcm = "x:" + new string('A', 98);
        Assert.Equal(fcm, DeviceTokens.Of("android", fcm));
        Assert.All(
            new[] { fcm[..99], new string('A', 100), fcm[..99] + "!" },
            text => Assert.StartsWith("lab:", DeviceTokens.Of("android", text), StringComparison.Ordinal)
        );
        Assert.NotEqual(DeviceTokens.Of("ios", "one"), DeviceTokens.Of("ios", "two"));
    }

    [Theory]
    [InlineData("""{"apns":{"url":"https://h","teamId":"t","keyId":"k","key":"f","topic":"a.b"}}""", null)]
    [InlineData("""{"fcm":{"url":"https://h","serviceAccount":"f"}}""", null)]
    [InlineData("{}", null)]
    [InlineData(
        """{"apns":{"url":"http://h","teamId":"t","keyId":"k","key":"f","topic":"a.b"}}""",
        "url must begin with https://, not 'http://h'"
    )]
    [InlineData("""{"fcm":{"url":"h","serviceAccount":"f"}}""", "url must begin with https://, not 'h'")]
    [InlineData("""{"registrations":{"r":[{"platform":"palm","token":"t"}]}}""", "platform must be ios or android, not 'palm'")]
    [InlineData("""{"registrations":{"r":[{"platform":"ios","token":"t"},{"platform":"android","token":"t"}]}}""", null)]
    public void A_providers_file_is_read_or_told_what_is_wrong(string json, string? wrong)
    {
        if (wrong is null)
        {
            var settings = ProviderSettings.Read(Encoding.UTF8.GetBytes(json), "/folder/p.json");
            Assert.All(
                new[] { settings.Apns?.Key, settings.Fcm?.ServiceAccount }.OfType<string>(),
                path => Assert.Equal("/folder/f", path)
            );
            return;
        }
        var error = Assert.Throws<FormatException>(() => ProviderSettings.Read(Encoding.UTF8.GetBytes(json), "/folder/p.json"));
        Assert.Contains(wrong, error.Message, StringComparison.Ordinal);
    }

    private sealed class Counting : IProvider
    {
        private int _asked;

        public int Asked => _asked;

        public DateTimeOffset? CredentialExpires => null;

        public Task<PushResult> SendAsync(PushProxyRequest push, string deviceToken, CancellationToken cancellationToken)
        {
            Interlocked.Increment(ref _asked);
            return Task.FromResult(PushResult.Sent);
        }
    }
}
