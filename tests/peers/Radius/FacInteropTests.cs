using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Appliance.Tests.EndToEnd;
using Xunit;

namespace Appliance.Tests.Radius;

/// <summary>The FortiAuthenticator emulator verified by radclient (FreeRADIUS) and pyrad, with the lab's phones.</summary>
[Trait("Peer", "radclient")]
[Trait("Peer", "pyrad")]
public sealed class FacInteropTests
{
    [Theory]
    [InlineData("User-Password=\"bob-password\"", true)]
    [InlineData("User-Password=\"wrong\"", false)]
    [InlineData("CHAP-Password=\"bob-password\"", true)]
    [InlineData("CHAP-Password=\"wrong\"", false)]
    [InlineData("MS-CHAP-Password=\"bob-password\"", true)]
    [InlineData("MS-CHAP-Password=\"wrong\"", false)]
    public async Task RadclientWithoutSecondFactor(string credential, bool accepted)
    {
        await using var lab = await TestLab.StartAsync(fac: "code-or-empty");
        var run = await RadclientAsync(lab, $"User-Name=\"bob\",{credential}");
        Assert.Contains(accepted ? "Received Access-Accept" : "Received Access-Reject", run.Output, StringComparison.Ordinal);
        Assert.Equal(accepted ? 1 : 0, run.Output.Split("vpn-users").Length - 1);
        Assert.Contains(
            "Message-Authenticator = 0x",
            run.Output[run.Output.IndexOf("Received", StringComparison.Ordinal)..],
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task RadclientGetsTheProductsChallengeAndAnswersWithACode()
    {
        await using var lab = await TestLab.StartAsync(fac: "code-or-empty");
        var first = await RadclientAsync(lab, "User-Name=\"cat\",User-Password=\"cat-password\"");
        Assert.Contains("Received Access-Challenge", first.Output, StringComparison.Ordinal);
        var state = System.Text.RegularExpressions.Regex.Match(first.Output, "State = 0x((3[0-9]){10})\\s").Groups[1].Value;
        Assert.NotEmpty(state);
        var second = await RadclientAsync(
            lab,
            $"User-Name=\"cat\",User-Password=\"{lab.Code(TestLab.CatSeed)}\",State=0x{state}"
        );
        Assert.Contains("Received Access-Accept", second.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("approve", "accept Fortinet-Group-Name=vpn-users")]
    [InlineData("deny", "reject")]
    public async Task PyradWaitsForThePhone(string decision, string result)
    {
        await using var lab = await TestLab.StartAsync(fac: "type-push");
        var running = PyradAsync(lab, "dan", "dan-password", "push");
        await lab.PushPendingAsync(TestLab.DanSerial);
        // Its repeated requests get no reply and cause no second push.
        await Until.TrueAsync(() => lab.Fac.Counters().Dropped.GetValueOrDefault("duplicate_undecided") > 0, "a repeated request");
        Assert.Equal(200, await lab.AnswerStatusAsync(decision, TestLab.DanSerial));
        var run = await running;
        Assert.Equal(
            [
                "challenge Reply-Message=+Enter your Token or type 'push' to receive a push notification Fortinet-FAC-Challenge-Code=001",
                result,
            ],
            run.Output.TrimEnd().Split('\n')
        );
        Assert.Single(lab.Fac.Events.After(0), record => record.Line.Contains("0100032160", StringComparison.Ordinal));
        Assert.Single(
            lab.Fac.Events.After(0),
            record => record.Line.Contains($"push_{(decision == "deny" ? "denied" : "approved")}", StringComparison.Ordinal)
        );
    }

    /// <summary>
    /// radclient sends <c>User-Password=""</c> as no attribute. With a State it is the empty code that makes the emulator push.
    /// </summary>
    [Fact]
    public async Task Radclient_answers_a_challenge_with_nothing_and_waits_for_the_phone()
    {
        await using var lab = await TestLab.StartAsync(fac: "code-or-empty");
        var first = await RadclientAsync(lab, "User-Name=\"dan\",User-Password=\"dan-password\"");
        var state = System.Text.RegularExpressions.Regex.Match(first.Output, "State = 0x((3[0-9]){10})\\s").Groups[1].Value;
        var running = RadclientAsync(lab, $"User-Name=\"dan\",User-Password=\"\",State=0x{state}");
        await lab.PushPendingAsync(TestLab.DanSerial);
        Assert.Equal(200, await lab.AnswerStatusAsync("approve", TestLab.DanSerial));
        Assert.Contains("Received Access-Accept", (await running).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RadclientIsPushedToWithoutAChallenge()
    {
        await using var lab = await TestLab.StartAsync(fac: "push-without-challenge");
        var running = RadclientAsync(lab, "User-Name=\"ann\",User-Password=\"ann-password\"");
        await lab.PushPendingAsync();
        await lab.AnswerAsync("approve");
        Assert.Contains("Received Access-Accept", (await running).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RadclientAccounts()
    {
        await using var lab = await TestLab.StartAsync(fac: "code-or-empty");
        var run = await Peer.RunAsync(
            "radclient",
            ["-x", "-r", "1", "-t", "10", lab.Fac.Accounting.ToString(), "acct", FacFixture.SecretText],
            "User-Name=\"ann\",Acct-Status-Type=Start,Acct-Session-Id=\"A1\"\n"
        );
        Assert.Contains("Received Accounting-Response", run.Output, StringComparison.Ordinal);
        Assert.Contains(lab.Fac.Events.After(0), record => record.Line.Contains("action=\"accounting-start\"", StringComparison.Ordinal));
    }

    [Fact]
    public async Task AWrongSecretGetsNoAnswer()
    {
        await using var lab = await TestLab.StartAsync(fac: "code-or-empty");
        var run = await RadclientAsync(lab, "User-Name=\"bob\",User-Password=\"bob-password\"", "not-the-secret", seconds: 1);
        Assert.Contains("No reply", run.Output, StringComparison.Ordinal);
        Assert.Equal(1, lab.Fac.Counters().Dropped["bad_message_authenticator"]);
    }

    [Fact]
    public async Task StatusServerIsAnswered()
    {
        await using var lab = await TestLab.StartAsync(fac: "code-or-empty");
        var run = await Peer.RunAsync(
            "radclient",
            ["-x", "-r", "1", "-t", "10", lab.Fac.Authentication.ToString(), "status", FacFixture.SecretText],
            "Message-Authenticator=0x00\n"
        );
        Assert.Contains("Received Access-Accept", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RestCalls()
    {
        await using var lab = await TestLab.StartAsync(fac: "code-or-empty");
        using var api = Rest(lab);
        Assert.Equal(HttpStatusCode.OK, await PostAsync(api, "auth", new { username = "bob", password = "bob-password" }));
        Assert.Equal(HttpStatusCode.Unauthorized, await PostAsync(api, "auth", new { username = "bob", password = "wrong" }));
        var code = lab.Code(TestLab.CatSeed);
        Assert.Equal(HttpStatusCode.OK, await PostAsync(api, "auth", new { username = "cat", token_code = code }));
        Assert.Equal(HttpStatusCode.Unauthorized, await PostAsync(api, "auth", new { username = "cat", token_code = code }));
        Assert.Equal(HttpStatusCode.NotFound, await PostAsync(api, "pushauth", new { username = "cat" }));
        Assert.Equal(HttpStatusCode.NotFound, await PostAsync(api, "pushauth", new { username = "nobody" }));
        Assert.Equal(HttpStatusCode.BadRequest, await PostAsync(api, "auth", new { username = "cat" }));
        var waiting = PostAsync(api, "pushauth", new { username = "dan", user_ip = "192.0.2.7" });
        await lab.PushPendingAsync(TestLab.DanSerial);
        Assert.Contains(
            "192.0.2.7",
            (await lab.PhoneAsync(TestLab.DanSerial))["pending"]![0]!["message"]!.GetValue<string>(),
            StringComparison.Ordinal
        );
        Assert.Equal(200, await lab.AnswerStatusAsync("approve", TestLab.DanSerial));
        Assert.Equal(HttpStatusCode.OK, await waiting);
        api.DefaultRequestHeaders.Authorization = null;
        Assert.Equal(HttpStatusCode.Unauthorized, await PostAsync(api, "auth", new { username = "bob", password = "bob-password" }));
    }

    /// <summary>
    /// A client that was pending at the stop is pending again after the restart, and gets its answer; no second push goes out.
    /// </summary>
    [Fact]
    public async Task ARestartWhileAPhoneIsAsked()
    {
        await using var lab = await TestLab.StartAsync(fac: "push-without-challenge");
        await lab.PhoneModeAsync(new { mode = "ignore" }, TestLab.DanSerial);
        Assert.Equal(0, lab.Fac.Counters().Waiting);
        var running = PyradAsync(lab, "dan", "dan-password");
        await Until.TrueAsync(() => lab.Fac.Counters().Waiting == 1, "a request that waits");
        await lab.RestartAsync();
        Assert.Equal(1, lab.Fac.Counters().Waiting);
        await lab.AdvanceAsync(61);
        Assert.Single(lab.Fac.Events.After(0), record => record.Line.Contains("push_expired", StringComparison.Ordinal));
        Assert.Single(lab.Fac.Events.After(0), record => record.Line.Contains("0100032160", StringComparison.Ordinal));
        Assert.Equal("reject\n", (await running).Output);
    }

    private static async Task<HttpStatusCode> PostAsync(HttpClient api, string call, object body)
    {
        using var answer = await api.PostAsJsonAsync($"/api/v1/{call}/", body);
        return answer.StatusCode;
    }

    private static HttpClient Rest(TestLab lab)
    {
        var handler = new SocketsHttpHandler();
        handler.SslOptions.CertificateChainPolicy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            CustomTrustStore = { lab.Fac.Authority },
            RevocationMode = X509RevocationMode.NoCheck,
            VerificationTime = lab.Clock.GetUtcNow().UtcDateTime,
        };
        return new HttpClient(handler)
        {
            BaseAddress = new Uri($"https://{lab.Fac.Authentication.Address}:{lab.Fac.HttpsPort}"),
            DefaultRequestHeaders =
            {
                Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes("admin:testing123"))),
            },
        };
    }

    private static Task<PeerRun> RadclientAsync(TestLab lab, string attributes, string secret = FacFixture.SecretText, int seconds = 20) =>
        Peer.RunAsync(
            "radclient",
            ["-x", "-r", "1", "-t", $"{seconds}", lab.Fac.Authentication.ToString(), "auth", secret],
            attributes + ",NAS-Identifier=\"radclient\",Message-Authenticator=0x00\n"
        );

    private static Task<PeerRun> PyradAsync(TestLab lab, params string[] login) =>
        Peer.PythonAsync(
            "pyrad",
            [
                Repository.PathOf("tests/peers/Radius/radius_client.py"),
                lab.Fac.Authentication.Address.ToString(),
                $"{lab.Fac.Authentication.Port}",
                FacFixture.SecretText,
                .. login,
            ]
        );
}
