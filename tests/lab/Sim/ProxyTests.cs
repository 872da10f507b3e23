using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using Appliance.Doubles.Providers;
using Appliance.Doubles.PushProxy;
using Appliance.Firmware.Ftm;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Appliance.Tests.Sim;

/// <summary>The decisions of the push proxy, and its handling of invalid messages.</summary>
public sealed class ProxyTests
{
    private static readonly DateTimeOffset Start = new(2033, 2, 3, 4, 5, 0, TimeSpan.Zero);
    private static readonly PushProxyRequest Push = new(
        "FGT",
        "reg",
        "ios",
        "00112233445566778899aabbccddeeff",
        "127.0.0.1",
        4433,
        "FTKMOB0000000001",
        "ann",
        "10.0.0.1",
        Start.ToUnixTimeSeconds(),
        Start.AddSeconds(60).ToUnixTimeSeconds()
    );

    private readonly FakeTimeProvider _time = new(Start);
    private readonly Script _apns = new();
    private readonly Script _fcm = new() { CredentialExpires = Start.AddDays(1) };

    [Fact]
    public async Task ASessionIsPassedOnOnceAndASecondCallerIsToldTheSame()
    {
        var core = Core();
        _apns.Answer = _ => new PushResult(PushOutcome.Refused, "no");
        Assert.Equal(new PushResult(PushOutcome.Refused, "no", CredentialExpires: Start.AddDays(1)), await core.SendAsync(Push, default));
        _apns.Answer = _ => PushResult.Sent;
        Assert.Equal("no", (await core.SendAsync(Push, default)).Cause);
        Assert.Single(_apns.Asked);
        Assert.Equal(
            "expired before it was sent",
            (await core.SendAsync(Push with { Session = "aa", Expires = Push.Time }, default)).Cause
        );
    }

    [Fact]
    public async Task OnePhoneOfARegistrationIsEnoughAndAStaleOneIsNotAskedAgain()
    {
        var core = Core(new Registration("ios", "old"), new Registration("android", "new"));
        _apns.Answer = _ => new PushResult(PushOutcome.RegistrationGone, "apns: 410", Start.AddDays(-1));
        Assert.Equal(PushOutcome.Sent, (await core.SendAsync(Push, default)).Outcome);
        Assert.Equal(PushOutcome.Sent, (await core.SendAsync(Push with { Session = "bb" }, default)).Outcome);
        Assert.Equal(["old"], _apns.Asked);
        Assert.Equal(["new", "new"], _fcm.Asked);
        // When all phones are gone, so is the registration. Later all are tried again, because one may have returned.
        _fcm.Answer = _ => new PushResult(PushOutcome.RegistrationGone, "fcm: 404");
        Assert.Equal((PushOutcome.RegistrationGone, "fcm: 404"), Of(await core.SendAsync(Push with { Session = "cc" }, default)));
        Assert.Equal(
            (PushOutcome.RegistrationGone, Start.AddDays(-1)),
            ((await core.SendAsync(Push with { Session = "dd" }, default)) is var both ? (both.Outcome, both.GoneSince) : default)
        );
        _apns.Answer = _ => PushResult.Sent;
        Assert.Equal(PushOutcome.Sent, (await core.SendAsync(Push with { Session = "ee" }, default)).Outcome);
        static (PushOutcome, string) Of(PushResult result) => (result.Outcome, result.Cause);
    }

    [Fact]
    public async Task AFailureOfTheWayIsNoReasonToCallARegistrationGone()
    {
        var core = Core(new Registration("ios", "old"), new Registration("android", "new"));
        _apns.Answer = _ => new PushResult(PushOutcome.RegistrationGone, "apns: 410", Start);
        _fcm.Answer = _ => new PushResult(PushOutcome.Unavailable, "fcm: 503");
        Assert.Equal(
            (PushOutcome.Unavailable, "fcm: 503"),
            (await core.SendAsync(Push, default)) is var result ? (result.Outcome, result.Cause) : default
        );
    }

    [Fact]
    public async Task APlatformWithoutAProviderIsTold() =>
        Assert.Equal(
            "no provider is set up for android",
            (await new ProxyCore(new ProviderSettings(), _apns, null, _time).SendAsync(Push with { Platform = "android" }, default)).Cause
        );

    [Fact]
    public async Task WhatIsNoMessageIsRefusedAndPassedOnToNobody()
    {
        var folder = Directory.CreateTempSubdirectory("appliance-proxy-");
        try
        {
            using var keys = ProviderKeys.Open(folder.FullName, _time);
            await using var server = await ProxyServer.StartAsync(0, keys.For("proxy", "localhost"), Core());
            using var http = new HttpClient(
                new SocketsHttpHandler
                {
                    SslOptions = new SslClientAuthenticationOptions
                    {
                        CertificateChainPolicy = new X509ChainPolicy
                        {
                            TrustMode = X509ChainTrustMode.CustomRootTrust,
                            CustomTrustStore = { keys.Authority },
                            RevocationMode = X509RevocationMode.NoCheck,
                            VerificationTime = Start.UtcDateTime,
                        },
                    },
                }
            )
            {
                BaseAddress = new Uri($"https://127.0.0.1:{server.EndPoint.Port}"),
            };
            var good = JsonSerializer.Serialize(Push, PushProxyJson.Default.PushProxyRequest);
            foreach (
                var bad in new[]
                {
                    "",
                    "{",
                    "null",
                    "[]",
                    good.Replace("\"user\":\"ann\",", "", StringComparison.Ordinal),
                    good.Replace("{", "{\"colour\":1,", StringComparison.Ordinal),
                    good.Replace("\"ios\"", "\"palm\"", StringComparison.Ordinal),
                    good.Replace("00112233", "0011223", StringComparison.Ordinal),
                    good.Replace("4433", "0", StringComparison.Ordinal),
                    good.Replace("10.0.0.1", "nowhere", StringComparison.Ordinal),
                    good.Replace("\"ann\"", "null", StringComparison.Ordinal),
                }
            )
            {
                using var refused = await http.PostAsync("/api/v1/push", new StringContent(bad, Encoding.UTF8, "application/json"));
                Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
                Assert.Contains("not well-formed", await refused.Content.ReadAsStringAsync(), StringComparison.Ordinal);
            }
            using var large = await http.PostAsync(
                "/api/v1/push",
                new StringContent(good.Replace("\"ann\"", $"\"{new string('a', 4096)}\"", StringComparison.Ordinal))
            );
            Assert.Contains("(limit 4096)", await large.Content.ReadAsStringAsync(), StringComparison.Ordinal);
            using var elsewhere = await http.PostAsync("/api/v2/push", new StringContent(good));
            Assert.Equal(HttpStatusCode.NotFound, elsewhere.StatusCode);
            using var read = await http.GetAsync("/api/v1/push");
            Assert.Equal(HttpStatusCode.MethodNotAllowed, read.StatusCode);
            Assert.Empty(_apns.Asked);
            using var taken = await http.PostAsync("/api/v1/push", new StringContent(good));
            Assert.Equal(HttpStatusCode.OK, taken.StatusCode);
            Assert.Single(_apns.Asked);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private ProxyCore Core(params Registration[] phones) =>
        new(
            phones.Length == 0
                ? new ProviderSettings()
                : new ProviderSettings(Registrations: new Dictionary<string, IReadOnlyList<Registration>> { ["reg"] = phones }),
            _apns,
            _fcm,
            _time
        );

    /// <summary>A provider with scripted answers.</summary>
    private sealed class Script : IProvider
    {
        public List<string> Asked { get; } = [];

        public Func<string, PushResult> Answer { get; set; } = _ => PushResult.Sent;

        public DateTimeOffset? CredentialExpires { get; init; }

        public Task<PushResult> SendAsync(PushProxyRequest push, string deviceToken, CancellationToken cancellationToken)
        {
            lock (Asked)
            {
                Asked.Add(deviceToken);
            }
            return Task.FromResult(Answer(deviceToken));
        }
    }
}
