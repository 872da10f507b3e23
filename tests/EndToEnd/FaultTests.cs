using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using Appliance.Sim.Lab;
using Xunit;

namespace Appliance.Tests.EndToEnd;

/// <summary>Each fault word in a whole lab: that it does what it says, is told as an event, and is over when it is.</summary>
public sealed class FaultTests
{
    [Fact]
    public async Task BadFaultsAreNamedAndChangeNothing()
    {
        await using var lab = await TestLab.StartAsync();
        await PutAsync(lab, """{"fault":"push.drop","times":1}""");
        foreach (var (body, named) in new[]
        {
            ("""{"faults":[{"fault":"push.lose"}]}""", "push.lose"), ("""{"faults":[{"fault":"phone.two-devices"}]}""", "--push full"),
            ("""{"faults":[{"fault":"nic.down","nic":"port9"}]}""", "port9"), ("""{"faults":[{"fault":"radius.drop"}]}""", "FortiAuthenticator"), ("""{"faulty":[]}""", "'faulty'"), ("{", "not JSON"),
        })
        {
            using var refused = await lab.Api.PutAsync("/lab/faults", new StringContent(body, Encoding.UTF8, "application/json"));
            Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
            Assert.Contains(named, (await refused.Content.ReadFromJsonAsync<JsonObject>())!["detail"]!.GetValue<string>(), StringComparison.Ordinal);
        }
        Assert.Equal("""{"faults":[{"fault":"push.drop","times":1,"p":1,"after":0,"seed":0,"fired":0,"left":1}]}""", await lab.Api.GetStringAsync("/lab/faults"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ADroppedPushExpiresAndTheNextOneArrives(bool full)
    {
        await using var lab = await TestLab.StartAsync(push: full ? new PushOptions() : null);
        await PutAsync(lab, """{"fault":"push.drop","times":1,"match":{"user":"ann"}}""");
        using var web = new Web(lab);
        var lost = await PushLogin.BeginAsync(lab, web);
        Assert.Contains("fault=\"push.drop\" number=\"1\" user=\"ann\"", await lab.EventAsync("0199000001"), StringComparison.Ordinal);
        await lab.EventAsync("0100032160");
        await lab.AdvanceAsync(60);
        Assert.DoesNotContain("ret=1", await lost, StringComparison.Ordinal);
        var next = await PushLogin.BeginAsync(lab, web);
        await lab.PushPendingAsync();
        Assert.Equal(200, await lab.AnswerStatusAsync("approve"));
        Assert.Contains("ret=1", await next, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ADelayedPushComesAtItsTime()
    {
        await using var lab = await TestLab.StartAsync();
        await PutAsync(lab, """{"fault":"push.delay","times":1,"delayMs":10000}""");
        using var web = new Web(lab);
        _ = await PushLogin.BeginAsync(lab, web);
        await lab.EventAsync("0100032160");
        await lab.AdvanceAsync(9);
        Assert.Empty((await lab.PhoneAsync())["pending"]!.AsArray());
        await lab.AdvanceAsync(1);
        Assert.Single((await lab.PhoneAsync())["pending"]!.AsArray());
    }

    [Fact]
    public async Task ADuplicatedPushIsShownOnceAndReorderedOnesChangePlaces()
    {
        await using var lab = await TestLab.StartAsync();
        await PutAsync(lab, """{"fault":"push.reorder","times":1}""", """{"fault":"push.duplicate"}""");
        using var web = new Web(lab);
        _ = await PushLogin.BeginAsync(lab, web);
        await lab.EventAsync("0100032160");
        await lab.AdvanceAsync(1);
        _ = await PushLogin.BeginAsync(lab, web);
        await Until.TrueAsync(async () => (await lab.PhoneAsync())["pending"]!.AsArray().Count == 2, "both pushes");
        var expiries = (await lab.PhoneAsync())["pending"]!.AsArray().Select(push => push!["expires"]!.GetValue<DateTimeOffset>()).ToArray();
        Assert.True(expiries[0] > expiries[1]);
    }

    [Theory]
    [InlineData("provider.503", "32161", "503 ServiceUnavailable")]
    [InlineData("provider.401", "32161", "403 InvalidProviderToken")]
    [InlineData("provider.413", "32161", "413 PayloadTooLarge")]
    [InlineData("provider.429", "32161", "429 TooManyRequests")]
    [InlineData("provider.tls", "32161", "TLS handshake failed")]
    [InlineData("provider.dns", "32161", "cannot be resolved")]
    [InlineData("provider.hang", "32161", "did not answer in time")]
    public async Task AProviderThatFailsIsToldAndACodeStillWorks(string word, string id, string cause)
    {
        await using var lab = await TestLab.StartAsync(push: new PushOptions());
        await PutAsync(lab, $$"""{"fault":"{{word}}"}""");
        using var web = new Web(lab);
        var waiting = await PushLogin.BeginAsync(lab, web);
        // The proxy tries again for as long as the push would be good; nobody who types a code waits for that.
        await Until.TrueAsync(() =>
        {
            lab.Clock.Advance(TimeSpan.FromMilliseconds(100));
            return waiting.IsCompleted;
        }, "the end of the push");
        Assert.DoesNotContain("ret=1", await waiting, StringComparison.Ordinal);
        Assert.Contains(cause, await lab.EventAsync("01000" + id), StringComparison.Ordinal);
        var run = await lab.OpenfortivpnAsync("ann", "ann-password", "--no-ftm-push", "-o", await lab.CodeAsync(TestLab.AnnSeed));
        Assert.True(run.Authenticated, run.ToString());
    }

    [Fact]
    public async Task AProviderThatHangsDoesNotHoldUpACode()
    {
        await using var lab = await TestLab.StartAsync(push: new PushOptions());
        await PutAsync(lab, """{"fault":"provider.hang"}""");
        // The clock stands still: if anything waited for the provider, this would never end.
        var run = await lab.OpenfortivpnAsync("ann", "ann-password", "-o", await lab.CodeAsync(TestLab.AnnSeed));
        Assert.True(run.Authenticated, run.ToString());
    }

    [Theory]
    [InlineData("phone.reinstalled", true)]
    [InlineData("phone.reinstalled", false)]
    [InlineData("provider.410", true)]
    public async Task APhoneThatIsGoneLosesItsRegistrationOnce(string word, bool full)
    {
        await using var lab = await TestLab.StartAsync(push: full ? new PushOptions() : null);
        await PutAsync(lab, $$"""{"fault":"{{word}}","times":1}""");
        using var web = new Web(lab);
        var waiting = await PushLogin.BeginAsync(lab, web);
        Assert.Contains($"serialno=\"{TestLab.AnnSerial}\"", await lab.EventAsync("0100099162"), StringComparison.Ordinal);
        Assert.DoesNotContain("ret=1", await waiting, StringComparison.Ordinal);
        var shown = await lab.CliAsync("show user fortitoken");
        Assert.DoesNotContain("reg-id", shown, StringComparison.Ordinal);
        Assert.Contains($"{TestLab.AnnSerial}      0      provisioning", await lab.CliAsync("diagnose fortitoken info"), StringComparison.Ordinal);
        // Code only from now on: no push is offered, and nothing is removed twice.
        using var challenge = await web.FormAsync($"https://{lab.Vpn}/remote/logincheck", "username=ann&credential=ann-password&realm=&ajax=1&just_logged_in=1");
        Assert.DoesNotContain("ftm_push", await challenge.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Single(lab.EventLines(), line => line.Contains("0100099162", StringComparison.Ordinal));
    }

    [Fact]
    public async Task ASecondPhoneThatIsGoneStopsNobody()
    {
        await using var lab = await TestLab.StartAsync(push: new PushOptions());
        await PutAsync(lab, """{"fault":"phone.two-devices"}""");
        using var web = new Web(lab);
        var waiting = await PushLogin.BeginAsync(lab, web);
        await lab.PushPendingAsync();
        Assert.Equal(200, await lab.AnswerStatusAsync("approve"));
        Assert.Contains("ret=1", await waiting, StringComparison.Ordinal);
        await lab.EventAsync("0100032160");
        Assert.DoesNotContain(lab.EventLines(), line => line.Contains("0100099162", StringComparison.Ordinal) || line.Contains("0100032161", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("callback.wrong-session", "approve", 401, false)]
    [InlineData("callback.bad-hmac", "deny", 401, false)]
    [InlineData("callback.twice", "approve", 200, true)]
    [InlineData("callback.never", "approve", null, false)]
    [InlineData("callback.cert-missing", "approve", null, false)]
    [InlineData("callback.cert-expired", "approve", null, false)]
    [InlineData("callback.cert-wrong-name", "approve", null, false)]
    [InlineData("phone.skew", "approve", 401, false)]
    public async Task ACallbackThatIsWrongDecidesNothing(string word, string decision, int? status, bool decides)
    {
        await using var lab = await TestLab.StartAsync();
        await PutAsync(lab, word == "phone.skew" ? """{"fault":"phone.skew","skewSeconds":7200,"times":1}""" : $$"""{"fault":"{{word}}","times":1}""");
        using var web = new Web(lab);
        var waiting = await PushLogin.BeginAsync(lab, web);
        await lab.PushPendingAsync();
        Assert.Equal(status, await lab.AnswerStatusAsync(decision));
        Assert.Contains($"fault=\"{word}\"", await lab.EventAsync("0199000001"), StringComparison.Ordinal);
        var last = (await lab.PhoneAsync())["lastAnswer"]!;
        Assert.Equal(word.StartsWith("callback.cert", StringComparison.Ordinal), last["outcome"]!.GetValue<string>() == "certificate refused");
        if (decides)
        {
            Assert.Contains("ret=1", await waiting, StringComparison.Ordinal);
            Assert.Equal("HTTP 200, then HTTP 401", last["detail"]!.GetValue<string>());
        }
        else
        {
            await lab.AdvanceAsync(60);
            Assert.DoesNotContain("ret=1", await waiting, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(59, 200)]
    [InlineData(60, 401)]
    public async Task ALateCallbackCountsUntilThePushIsVoid(int seconds, int status)
    {
        await using var lab = await TestLab.StartAsync();
        await PutAsync(lab, """{"fault":"callback.late","delayMs":30000}""");
        using var web = new Web(lab);
        var waiting = await PushLogin.BeginAsync(lab, web);
        await lab.PushPendingAsync();
        await lab.AdvanceAsync(seconds - 30);
        var answering = lab.AnswerStatusAsync("approve");
        await lab.EventAsync("0199000001");
        await Until.TrueAsync(async () =>
        {
            await lab.AdvanceAsync(answering.IsCompleted || lab.Clock.GetUtcNow().ToUnixTimeSeconds() % 60 == seconds % 60 ? 0 : 1);
            return answering.IsCompleted;
        }, "the late answer");
        Assert.Equal(status, await answering);
        _ = waiting;
    }

    [Fact]
    public async Task AnInterfaceGoesDownAndComesBackAndTheClockSteps()
    {
        await using var lab = await TestLab.StartAsync();
        await PutAsync(lab, """{"fault":"nic.down","nic":"port1","after":5,"delayMs":3000}""", """{"fault":"clock.step","stepSeconds":3600,"after":600}""");
        bool Serves() => lab.Unit.Services.Any(service => service is { Service: "sslvpn", Nic: "port1" });
        Assert.True(Serves());
        await lab.AdvanceAsync(5);
        await Until.TrueAsync(() => !Serves(), "port1 down");
        Assert.True(await Web.IsRefusedAsync(lab.Port1, 10443));
        await Until.TrueAsync(async () =>
        {
            await lab.AdvanceAsync(1);
            return Serves();
        }, "port1 up");
        Assert.False(await Web.IsRefusedAsync(lab.Port1, 10443));
        var before = lab.Clock.GetUtcNow();
        await lab.AdvanceAsync(600);
        await Until.TrueAsync(() => lab.Clock.GetUtcNow() >= before.AddSeconds(4200), "the step");
        Assert.Contains("interface=\"port1\"", await lab.EventAsync("0199000001"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task FiveFailuresInARowAreAnAlarmAndTheNextPushEndsIt()
    {
        await using var lab = await TestLab.StartAsync();
        await PutAsync(lab, """{"fault":"provider.500","times":5}""");
        using var web = new Web(lab);
        for (var failure = 1; failure <= 5; failure++)
        {
            Assert.DoesNotContain("ret=1", await await PushLogin.BeginAsync(lab, web), StringComparison.Ordinal);
            await lab.AdvanceAsync(120);
        }
        Assert.Contains("the last 5 pushes failed: the provider answers 500", await lab.EventAsync("0100099160"), StringComparison.Ordinal);
        _ = await PushLogin.BeginAsync(lab, web);
        await lab.EventAsync("0100099161");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task APhoneThatWasOffGetsThePushWhenItIsBack(bool full)
    {
        await using var lab = await TestLab.StartAsync(push: full ? new PushOptions() : null);
        await PutAsync(lab, """{"fault":"phone.offline","times":1,"delayMs":20000}""");
        using var web = new Web(lab);
        var waiting = await PushLogin.BeginAsync(lab, web);
        await lab.EventAsync("0199000001");
        Assert.False((await lab.PhoneAsync())["online"]!.GetValue<bool>());
        Assert.Empty((await lab.PhoneAsync())["pending"]!.AsArray());
        await lab.AdvanceAsync(20);
        await lab.PushPendingAsync();
        Assert.Equal(200, await lab.AnswerStatusAsync("approve"));
        Assert.Contains("ret=1", await waiting, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ABlackholeTakesTheAnswerAndTheOwnerMayTryAgain()
    {
        await using var lab = await TestLab.StartAsync();
        await PutAsync(lab, """{"fault":"nat.blackhole","times":1}""");
        using var web = new Web(lab);
        var waiting = await PushLogin.BeginAsync(lab, web);
        await lab.PushPendingAsync();
        var lost = lab.AnswerStatusAsync("approve");
        await lab.EventAsync("0199000001");
        await Until.TrueAsync(() =>
        {
            lab.Clock.Advance(TimeSpan.FromSeconds(1));
            return lost.IsCompleted;
        }, "the phone to give up");
        Assert.Null(await lost);
        Assert.Equal(200, await lab.AnswerStatusAsync("approve"));
        Assert.Contains("ret=1", await waiting, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ASlowAnswerIsServedOrCutAndNeverHoldsUpAnother()
    {
        await using var lab = await TestLab.StartAsync();
        await PutAsync(lab, """{"fault":"callback.slow","times":1}""");
        using var web = new Web(lab);
        var waiting = await PushLogin.BeginAsync(lab, web);
        await lab.PushPendingAsync();
        // The clock stands still, so the body never ends: the appliance has to cut it off by itself.
        var slow = lab.AnswerStatusAsync("approve");
        using var other = await web.CallbackAsync(lab.Port1, 4433, """{"session_id":"00000000000000000000000000000000","action":"validate","token_code":"123456"}""");
        Assert.Equal(HttpStatusCode.Unauthorized, other.StatusCode);
        Assert.NotEqual(200, await slow);
        _ = waiting;
    }

    [Fact]
    public async Task AFlappingInterfaceAndAFrozenClock()
    {
        await using var lab = await TestLab.StartAsync();
        lab.Clock.SetRate(Appliance.Sim.Clock.ClockRate.Real);
        await PutAsync(lab, """{"fault":"nic.flap","nic":"port3","times":2,"delayMs":20}""", """{"fault":"clock.freeze","after":0.2}""");
        await Until.TrueAsync(() => lab.EventLines().Count(line => line.Contains("fault=\"nic.flap\"", StringComparison.Ordinal)) == 2, "two flaps");
        await Until.TrueAsync(() => lab.Clock.Rate.Mode == Appliance.Sim.Clock.ClockMode.Frozen, "the clock to stand still");
    }

    [Fact]
    public async Task ACredentialThatExpiresWhileNobodyPushesIsAnAlarmAtThatMoment()
    {
        await using var doubles = await TestLab.StartAsync(push: new PushOptions());
        var providers = Path.Combine(doubles.State, "providers");
        var expires = doubles.Clock.GetUtcNow().AddHours(3);
        // A file of settings, as somebody with real keys would write it; it leads to the doubles of another lab.
        var file = Path.Combine(providers, "providers.json");
        await File.WriteAllTextAsync(file, $$"""{"apns":{"url":"{{doubles.Push!.ApnsAddress}}","teamId":"LABTEAM001","keyId":"LABKEY0001","key":"apns.p8","topic":"lab.appliance.ftm","ca":"authority.pem","keyExpires":"{{expires:O}}"} }""");
        await using var lab = await TestLab.StartAsync(push: new PushOptions(file));
        using var web = new Web(lab);
        _ = await PushLogin.BeginAsync(lab, web);
        await lab.EventAsync("0100032160");
        Assert.DoesNotContain(lab.EventLines(), line => line.Contains("0100099160", StringComparison.Ordinal));
        await lab.AdvanceAsync((3 * 3600) + 1);
        Assert.Contains("the push proxy's credential has expired", await lab.EventAsync("0100099160"), StringComparison.Ordinal);
        _ = await PushLogin.BeginAsync(lab, web);
        Assert.Contains("apns: the key expired", await lab.EventAsync("0100032161"), StringComparison.Ordinal);
    }

    private static async Task PutAsync(TestLab lab, params string[] faults)
    {
        using var answer = await lab.Api.PutAsync("/lab/faults", new StringContent($$"""{"faults":[{{string.Join(',', faults)}}]}""", Encoding.UTF8, "application/json"));
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
    }
}
