using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using Appliance.Doubles.Clock;
using Appliance.Lab.Composition;
using Xunit;

namespace Appliance.Tests.EndToEnd;

/// <summary>
/// Faults in a whole lab with real sockets, on the whole path of a push. Each has its effect, is reported as an event and in its login, and
/// ends when it should. For the direct path to the phones every fault has a scenario (tests/lab/Scenarios).
/// </summary>
[Trait("Peer", "openfortivpn")]
public sealed class FaultTests
{
    [Fact]
    public async Task BadFaultsAreNamedAndChangeNothing()
    {
        await using var lab = await TestLab.StartAsync();
        await PutAsync(lab, """{"fault":"push.drop","times":1}""");
        foreach (
            var (body, named) in new[]
            {
                ("""{"faults":[{"fault":"push.lose"}]}""", "push.lose"),
                ("""{"faults":[{"fault":"nic.down","nic":"port9"}]}""", "port9"),
                ("""{"faults":[{"fault":"radius.drop"}]}""", "FortiAuthenticator"),
                ("""{"faulty":[]}""", "'faulty'"),
                ("{", "not JSON"),
            }
        )
        {
            using var refused = await lab.Api.PutAsync("/lab/faults", new StringContent(body, Encoding.UTF8, "application/json"));
            Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
            Assert.Contains(
                named,
                (await refused.Content.ReadFromJsonAsync<JsonObject>())!["detail"]!.GetValue<string>(),
                StringComparison.Ordinal
            );
        }
        Assert.Equal(
            """{"faults":[{"fault":"push.drop","times":1,"p":1,"after":0,"seed":0,"fired":0,"left":1}]}""",
            await lab.Api.GetStringAsync("/lab/faults")
        );
    }

    [Fact]
    public async Task ADroppedPushExpiresAndTheNextOneArrives()
    {
        await using var way = await FullWay.StartAsync("""{"fault":"push.drop","times":1,"match":{"user":"ann"}}""");
        var lost = await way.BeginAsync();
        Assert.Contains("number=\"1\" user=\"ann\"", await way.FiredAsync("push.drop"), StringComparison.Ordinal);
        await way.Lab.EventAsync("0100032160");
        await way.Lab.AdvanceAsync(60);
        Assert.DoesNotContain("ret=1", await lost, StringComparison.Ordinal);
        await ApprovedAsync(way, await way.BeginAsync());
    }

    [Theory]
    [InlineData("provider.503", "503 ServiceUnavailable")]
    [InlineData("provider.401", "403 InvalidProviderToken")]
    [InlineData("provider.413", "413 PayloadTooLarge")]
    [InlineData("provider.429", "429 TooManyRequests")]
    [InlineData("provider.tls", "TLS handshake failed")]
    [InlineData("provider.dns", "cannot be resolved")]
    [InlineData("provider.hang", "did not answer in time")]
    public async Task AProviderThatFailsIsToldAndACodeStillWorks(string word, string cause)
    {
        await using var way = await FullWay.StartAsync($$"""{"fault":"{{word}}"}""");
        var waiting = await way.BeginAsync();
        // The proxy retries for as long as the push would be valid; a user that types a code does not wait for that.
        await Until.TrueAsync(
            () =>
            {
                way.Lab.Clock.Advance(TimeSpan.FromMilliseconds(500));
                return waiting.IsCompleted;
            },
            "the end of the push"
        );
        Assert.DoesNotContain("ret=1", await waiting, StringComparison.Ordinal);
        Assert.Contains(cause, await way.Lab.EventAsync("0100032161"), StringComparison.Ordinal);
        await way.FiredAsync(word);
        var run = await way.Lab.OpenfortivpnAsync("ann", "ann-password", "--no-ftm-push", "-o", way.Lab.Code(TestLab.AnnSeed));
        Assert.True(run.Authenticated, run.ToString());
    }

    [Fact]
    public async Task AProviderThatHangsDoesNotHoldUpACode()
    {
        await using var way = await FullWay.StartAsync("""{"fault":"provider.hang"}""");
        // The clock is stopped: if any part waited for the provider, this would never end.
        var run = await way.Lab.OpenfortivpnAsync("ann", "ann-password", "-o", way.Lab.Code(TestLab.AnnSeed));
        Assert.True(run.Authenticated, run.ToString());
    }

    [Theory]
    [InlineData("phone.reinstalled")]
    [InlineData("provider.410")]
    public async Task APhoneThatIsGoneLosesItsRegistrationOnce(string word)
    {
        await using var way = await FullWay.StartAsync($$"""{"fault":"{{word}}","times":1}""");
        var waiting = await way.BeginAsync();
        Assert.Contains($"serialno=\"{TestLab.AnnSerial}\"", await way.Lab.EventAsync("0100099162"), StringComparison.Ordinal);
        await way.FiredAsync(word);
        Assert.DoesNotContain("ret=1", await waiting, StringComparison.Ordinal);
        Assert.DoesNotContain("reg-id", await way.Lab.CliAsync("show user fortitoken"), StringComparison.Ordinal);
        Assert.Contains(
            $"{TestLab.AnnSerial}      0      provisioning",
            await way.Lab.CliAsync("diagnose fortitoken info"),
            StringComparison.Ordinal
        );
        // From now on only a code works: no push is offered, and nothing is removed twice.
        using var challenge = await way.Web.FormAsync(
            $"https://{way.Lab.Vpn}/remote/logincheck",
            "username=ann&credential=ann-password&realm=&ajax=1&just_logged_in=1"
        );
        Assert.DoesNotContain("ftm_push", await challenge.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Single(way.Lab.EventLines(), line => line.Contains("0100099162", StringComparison.Ordinal));
    }

    [Fact]
    public async Task ASecondPhoneThatIsGoneStopsNobody()
    {
        await using var way = await FullWay.StartAsync("""{"fault":"phone.two-devices"}""");
        await ApprovedAsync(way, await way.BeginAsync());
        await way.FiredAsync("phone.two-devices");
        await way.Lab.EventAsync("0100032160");
        Assert.DoesNotContain(
            way.Lab.EventLines(),
            line => line.Contains("0100099162", StringComparison.Ordinal) || line.Contains("0100032161", StringComparison.Ordinal)
        );
    }

    [Fact]
    public async Task APhoneThatWasOffGetsThePushWhenItIsBack()
    {
        await using var way = await FullWay.StartAsync("""{"fault":"phone.offline","times":1,"delayMs":20000}""");
        var waiting = await way.BeginAsync();
        await way.FiredAsync("phone.offline");
        // The fault is reported before it takes effect.
        await Until.TrueAsync(async () => !(await way.Lab.PhoneAsync())["online"]!.GetValue<bool>(), "the phone is off");
        Assert.Empty((await way.Lab.PhoneAsync())["pending"]!.AsArray());
        await way.Lab.AdvanceAsync(20);
        await ApprovedAsync(way, waiting);
    }

    [Fact]
    public async Task ASlowAnswerIsServedOrCutAndNeverHoldsUpAnother()
    {
        await using var way = await FullWay.StartAsync("""{"fault":"callback.slow","times":1}""");
        _ = await way.BeginAsync();
        await way.Lab.PushPendingAsync();
        // The clock is stopped, so the body never ends: the appliance must end the request itself.
        var slow = way.Lab.AnswerStatusAsync("approve");
        using var other = await way.Web.CallbackAsync(
            way.Lab.Port1,
            4433,
            """{"session_id":"00000000000000000000000000000000","action":"validate","token_code":"123456"}"""
        );
        Assert.Equal(HttpStatusCode.Unauthorized, other.StatusCode);
        Assert.NotEqual(200, await slow);
        await way.FiredAsync("callback.slow");
    }

    [Fact]
    public async Task AFlappingInterfaceAndAFrozenClock()
    {
        await using var lab = await TestLab.StartAsync();
        lab.Clock.SetRate(ClockRate.Real);
        await PutAsync(lab, """{"fault":"nic.flap","nic":"port3","times":2,"delayMs":20}""", """{"fault":"clock.freeze","after":0.2}""");
        await Until.TrueAsync(
            () => lab.EventLines().Count(line => line.Contains("fault=\"nic.flap\"", StringComparison.Ordinal)) == 2,
            "two flaps"
        );
        await Until.TrueAsync(() => lab.Clock.Rate.Mode == ClockMode.Frozen, "the clock to stand still");
    }

    [Fact]
    public async Task ACredentialThatExpiresWhileNobodyPushesIsAnAlarmAtThatMoment()
    {
        await using var doubles = await TestLab.StartAsync(push: new PushOptions());
        var providers = Path.Combine(doubles.State, "providers");
        var expires = doubles.Clock.GetUtcNow().AddHours(3);
        // A file of settings as an operator with real keys would write it; it leads to the doubles of another lab.
        var file = Path.Combine(providers, "providers.json");
        await File.WriteAllTextAsync(
            file,
            $$"""{"apns":{"url":"{{doubles.Push!.ApnsAddress}}","teamId":"LABTEAM001","keyId":"LABKEY0001","key":"apns.p8","topic":"lab.appliance.ftm","ca":"authority.pem","keyExpires":"{{expires:O}}"} }"""
        );
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

    private static async Task ApprovedAsync(FullWay way, Task<string> waiting)
    {
        await way.Lab.PushPendingAsync();
        Assert.Equal(200, await way.Lab.AnswerStatusAsync("approve"));
        Assert.Contains("ret=1", await waiting, StringComparison.Ordinal);
    }

    private static async Task PutAsync(TestLab lab, params string[] faults)
    {
        using var answer = await lab.Api.PutAsync(
            "/lab/faults",
            new StringContent($$"""{"faults":[{{string.Join(',', faults)}}]}""", Encoding.UTF8, "application/json")
        );
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
    }

    /// <summary>A lab with push proxy and providers, a client, and faults from the start.</summary>
    private sealed class FullWay(TestLab lab) : IAsyncDisposable
    {
        public TestLab Lab => lab;

        public Web Web { get; } = new(lab);

        public static async Task<FullWay> StartAsync(params string[] faults)
        {
            var way = new FullWay(await TestLab.StartAsync(push: new PushOptions()));
            await PutAsync(way.Lab, faults);
            return way;
        }

        /// <summary>Logs ann in. The inner task completes with the reply to the second request.</summary>
        public Task<Task<string>> BeginAsync() => PushLogin.BeginAsync(lab, Web);

        /// <summary>Waits until a fault fires and returns its event. The first login reports it, too.</summary>
        public async Task<string> FiredAsync(string word)
        {
            var line = await lab.EventAsync("0199000001");
            Assert.Contains($"fault=\"{word}\"", line, StringComparison.Ordinal);
            var steps = (await lab.Api.GetFromJsonAsync<JsonObject>("/lab/logins/1"))!["steps"]!.AsArray();
            Assert.Contains(
                steps,
                step => step!["check"]!.GetValue<string>() == "lab fault" && step["result"]!.GetValue<string>() == $"{word} fired (1)"
            );
            return line;
        }

        public async ValueTask DisposeAsync()
        {
            Web.Dispose();
            await lab.DisposeAsync();
        }
    }
}
