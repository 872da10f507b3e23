using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Xunit;

namespace Appliance.Tests.EndToEnd;

/// <summary>
/// The rules of logins over the wire: drifted clocks, codes by e-mail, realms, the block list, the lab's policy, explained logins; with
/// real clients where possible.
/// </summary>
[Trait("Peer", "openfortivpn")]
[Trait("Peer", "openconnect")]
public sealed partial class LoginRulesTests
{
    private static readonly string[] AnnByMail =
    [
        "config user local",
        "edit ann",
        "set email-to ann@example.com",
        "set two-factor email",
        "unset fortitoken",
        "next",
        "end",
    ];

    [Fact]
    public async Task OpenconnectIsAskedForTheNextCodeOfADriftedToken()
    {
        await using var lab = await TestLab.StartAsync();
        var (first, second) = (lab.Code(TestLab.CatSeed, 600), lab.Code(TestLab.CatSeed, 660));
        var run = await AskedAsync(lab, "cat", $"{first}\n{second}\n");
        Assert.True(run.HasCookie, run.ToString());
        Assert.Contains(
            $"FortiToken clock drift detected (code: {first}). Please input the next code and continue",
            run.Output,
            StringComparison.Ordinal
        );
        Assert.Contains("FTKMOB0000000002      11 ", await lab.CliAsync("diagnose fortitoken info"), StringComparison.Ordinal);
        // Learned permanently: the phone is still eleven steps ahead a minute and a restart later.
        await lab.AdvanceAsync(60);
        await lab.RestartAsync();
        Assert.True((await lab.OpenconnectAsync("cat", "cat-password", lab.Code(TestLab.CatSeed, 660))).HasCookie);
    }

    [Fact]
    public async Task OpenconnectWithTheSameCodeTwiceIsRefused()
    {
        await using var lab = await TestLab.StartAsync();
        var code = lab.Code(TestLab.CatSeed, 600);
        var run = await AskedAsync(lab, "cat", $"{code}\n{code}\n");
        Assert.False(run.HasCookie || run.TimedOut, run.ToString());
        Assert.Contains("      0 ", await lab.CliAsync("diagnose fortitoken info"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task OpenfortivpnShowsThePromptForTheNextCode()
    {
        await using var lab = await TestLab.StartAsync();
        var first = lab.Code(TestLab.CatSeed, 600);
        using var web = new Web(lab);
        var challenge = await BodyAsync(web.FormAsync(LoginUrl(lab), "username=cat&credential=cat-password&realm=&ajax=1"));
        // The form that openfortivpn sends for a typed code, with its field for the next one.
        var next = await BodyAsync(web.FormAsync(LoginUrl(lab), Echo(challenge, "cat") + $"&code={first}&code2="));
        Assert.Contains("tokeninfo=,chal_msg=FortiToken clock drift detected", next, StringComparison.Ordinal);
        Assert.StartsWith(
            "ret=1,",
            await BodyAsync(web.FormAsync(LoginUrl(lab), Echo(next, "cat") + $"&code={lab.Code(TestLab.CatSeed, 660)}&code2=")),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task TheNextCodeMayComeAlongInCode2()
    {
        await using var lab = await TestLab.StartAsync();
        using var web = new Web(lab);
        var challenge = await BodyAsync(web.FormAsync(LoginUrl(lab), "username=cat&credential=cat-password&realm=&ajax=1"));
        var body =
            Echo(challenge, "cat")
            + $"&code={lab.Code(TestLab.CatSeed, -600)}&code2={lab.Code(TestLab.CatSeed, -540)}";
        Assert.StartsWith("ret=1,", await BodyAsync(web.FormAsync(LoginUrl(lab), body)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task OpenconnectWithACodeByMail()
    {
        await using var lab = await TestLab.StartAsync();
        await lab.CliAsync(AnnByMail);
        var run = await AskedLaterAsync(
            "openconnect",
            [.. OpenconnectArguments(lab, "ann"), $"https://{lab.Vpn}"],
            () => MailedCodeAsync(lab)
        );
        Assert.True(run.HasCookie, run.ToString());
        Assert.Contains("Please enter the code that was sent to you by e-mail", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task OpenfortivpnWithACodeByMail()
    {
        await using var lab = await TestLab.StartAsync();
        await lab.CliAsync(AnnByMail);
        var run = await AskedLaterAsync(
            "openfortivpn",
            [
                lab.Vpn,
                "-u",
                "ann",
                "-p",
                "ann-password",
                "--trusted-cert",
                Convert.ToHexStringLower(SHA256.HashData(lab.Unit.ServiceCertificate("sslvpn")!.RawData)),
                "-v",
            ],
            () => MailedCodeAsync(lab)
        );
        Assert.True(run.Authenticated, run.ToString());
    }

    [Fact]
    public async Task ARealmIsAPathAndHasItsRules()
    {
        await using var lab = await TestLab.StartAsync();
        await lab.CliAsync(
            "config vpn ssl settings",
            "config authentication-rule",
            "edit 2",
            "set groups vpn-users",
            "set portal full-access",
            "set realm sales",
            "next",
            "end",
            "end"
        );
        using var web = new Web(lab);
        using var redirect = await web.GetAsync($"https://{lab.Vpn}/sales");
        Assert.Equal(
            (HttpStatusCode.Redirect, "/remote/login?realm=sales&lang=en"),
            (redirect.StatusCode, redirect.Headers.Location!.ToString())
        );
        Assert.Contains(
            "name=\"realm\" value=\"sales\"",
            await BodyAsync(web.GetAsync($"https://{lab.Vpn}/remote/login?realm=sales&lang=en")),
            StringComparison.Ordinal
        );
        using var unknown = await web.GetAsync($"https://{lab.Vpn}/marketing");
        Assert.Equal(HttpStatusCode.NotFound, unknown.StatusCode);
        Assert.StartsWith(
            "ret=1,",
            await BodyAsync(web.FormAsync(LoginUrl(lab), "username=bob&credential=bob-password&realm=sales&ajax=1")),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "sslvpn_login_no_matching_policy",
            await BodyAsync(web.FormAsync(LoginUrl(lab), "username=bob&credential=bob-password&realm=marketing&ajax=1")),
            StringComparison.Ordinal
        );
        var openconnect = await Peer.RunAsync("openconnect", [.. OpenconnectArguments(lab, "bob"), $"https://{lab.Vpn}/sales"], "");
        Assert.True(openconnect.HasCookie, openconnect.ToString());
    }

    [Fact]
    public async Task TheBlockListIsShownAndForgiven()
    {
        await using var lab = await TestLab.StartAsync();
        using var web = new Web(lab);
        Assert.Equal("0", (await lab.CliAsync("diagnose vpn ssl blocklist count")).Split('\n')[1].Trim());
        for (var again = 0; again < 2; again++)
        {
            await BodyAsync(web.FormAsync(LoginUrl(lab), "username=bob&credential=wrong&realm=&ajax=1"));
        }
        Assert.Contains(
            "rowid=1,host=127.0.0.1,status=locked,expires=60,fails=2,",
            await lab.CliAsync("diagnose vpn ssl blocklist list"),
            StringComparison.Ordinal
        );
        await lab.RestartAsync();
        using var afterwards = new Web(lab);
        Assert.Equal(
            HttpStatusCode.Unauthorized,
            (await afterwards.FormAsync(LoginUrl(lab), "username=bob&credential=bob-password&realm=&ajax=1")).StatusCode
        );
        Assert.Contains(
            "command parse error before 'nonsense'",
            await lab.CliAsync("diagnose vpn ssl blocklist del nonsense"),
            StringComparison.Ordinal
        );
        Assert.Contains("-3", await lab.CliAsync("diagnose vpn ssl blocklist del 192.0.2.1"), StringComparison.Ordinal);
        await lab.CliAsync("diagnose vpn ssl blocklist del 127.0.0.1");
        Assert.StartsWith(
            "ret=1,",
            await BodyAsync(afterwards.FormAsync(LoginUrl(lab), "username=bob&credential=bob-password&realm=&ajax=1")),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task ParallelConnectionsShareOneLimit()
    {
        await using var lab = await TestLab.StartAsync();
        using var web = new Web(lab);
        var statuses = await Task.WhenAll(
            Enumerable
                .Range(0, 20)
                .Select(async _ =>
                {
                    using var answer = await web.FormAsync(LoginUrl(lab), "username=bob&credential=wrong&realm=&ajax=1");
                    return answer.StatusCode;
                })
        );
        Assert.Equal(
            (2, 18),
            (statuses.Count(status => status == HttpStatusCode.OK), statuses.Count(status => status == HttpStatusCode.Unauthorized))
        );
    }

    [Fact]
    public async Task OneCodeLetsInOneOfManyAtOnce()
    {
        await using var lab = await TestLab.StartAsync();
        await lab.CliAsync("config vpn ssl settings", "set login-attempt-limit 0", "end");
        using var web = new Web(lab);
        var challenges = await Task.WhenAll(
            Enumerable
                .Range(0, 20)
                .Select(_ => BodyAsync(web.FormAsync(LoginUrl(lab), "username=cat&credential=cat-password&realm=&ajax=1")))
        );
        var code = lab.Code(TestLab.CatSeed);
        var answers = await Task.WhenAll(
            challenges.Select(challenge => BodyAsync(web.FormAsync(LoginUrl(lab), Echo(challenge, "cat") + $"&code={code}&code2=")))
        );
        Assert.Single(answers, answer => answer.StartsWith("ret=1,", StringComparison.Ordinal));
        Assert.Equal(19, answers.Count(answer => answer.Contains("Please wait 60 seconds to login again", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task TheLabsPolicyIsKeptAndObeyed()
    {
        await using var lab = await TestLab.StartAsync();
        using (var put = await lab.Api.PutAsJsonAsync("/lab/policy", new { numberMatch = true, pushLimit = 2 }))
        {
            Assert.Equal(HttpStatusCode.OK, put.StatusCode);
        }
        await lab.RestartAsync();
        var policy = (await lab.Api.GetFromJsonAsync<JsonObject>("/lab/policy"))!;
        Assert.Equal(
            """{"pushLimit":2,"pushWindowSeconds":300,"numberMatch":true,"pushLifeSeconds":60,"nameSpellingBug":false}""",
            policy.ToJsonString()
        );
        using var web = new Web(lab);
        var challenge = await BodyAsync(web.FormAsync(LoginUrl(lab), "username=ann&credential=ann-password&realm=&ajax=1"));
        var number = NumberShown().Match(challenge).Groups[1].Value;
        Assert.NotEqual("", number);
        await lab.PushPendingAsync();
        var waiting = web.FormAsync(LoginUrl(lab), Echo(challenge, "ann") + "&ftmpush=1");
        using (var approved = await lab.Api.PostAsJsonAsync($"/lab/phones/{TestLab.AnnSerial}/approve", new { number = int.Parse(number) }))
        {
            Assert.Equal(200, (await approved.Content.ReadFromJsonAsync<JsonObject>())!["answered"]!.GetValue<int>());
        }
        Assert.StartsWith("ret=1,", await BodyAsync(waiting), StringComparison.Ordinal);
        Assert.DoesNotContain(lab.EventLines(), line => line.Contains($" {number} ", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("{\"pushLimit\":101}", "pushLimit")]
    [InlineData("{\"pushLimit\":1.5}", "pushLimit")]
    [InlineData("{\"pushLifeSeconds\":4}", "pushLifeSeconds")]
    [InlineData("{\"numberMatch\":1}", "numberMatch")]
    [InlineData("{\"windowSteps\":1}", "windowSteps")]
    [InlineData("{}", "empty")]
    public async Task ABadPolicyChangesNothing(string body, string named)
    {
        await using var lab = await TestLab.StartAsync();
        using var put = await lab.Api.PutAsync("/lab/policy", new StringContent(body));
        Assert.Equal(HttpStatusCode.BadRequest, put.StatusCode);
        Assert.Contains(named, await put.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal(0, (await lab.Api.GetFromJsonAsync<JsonObject>("/lab/policy"))!["pushLimit"]!.GetValue<int>());
    }

    [Fact]
    public async Task ALoginIsExplained()
    {
        await using var lab = await TestLab.StartAsync();
        using var web = new Web(lab);
        await BodyAsync(web.FormAsync(LoginUrl(lab), "username=bob&credential=canary-password&realm=&ajax=1"));
        var challenge = await BodyAsync(web.FormAsync(LoginUrl(lab), "username=ann&credential=ann-password&realm=&ajax=1"));
        await lab.PushPendingAsync();
        await lab.AdvanceAsync(60);
        var logins = (await lab.Api.GetFromJsonAsync<JsonArray>("/lab/logins"))!;
        Assert.Equal(
            ["ann refused deadline", "bob refused password"],
            logins.Select(login => $"{login!["user"]} {login["outcome"]} {login["decidedBy"]!["check"]}")
        );
        var ann = await lab.Api.GetStringAsync($"/lab/logins/{logins[0]!["id"]}");
        Assert.Contains("\"change\":\"PUT /lab/policy pushLifeSeconds\"", ann, StringComparison.Ordinal);
        Assert.Contains("\"change\":\"config vpn ssl settings / config authentication-rule\"", ann, StringComparison.Ordinal);
        Assert.Contains("\"decides\":true", ann, StringComparison.Ordinal);
        var told = ann + await lab.Api.GetStringAsync($"/lab/logins/{logins[1]!["id"]}") + string.Join('\n', lab.EventLines());
        var echoed = challenge
            .Split(',')
            .Where(field => field.StartsWith("magic=", StringComparison.Ordinal) || field.StartsWith("reqid=", StringComparison.Ordinal))
            .Select(field => field.Split('=')[1]);
        Assert.All([.. echoed, "canary-password", "ann-password"], secret => Assert.DoesNotContain(secret, told, StringComparison.Ordinal));
        Assert.Equal(HttpStatusCode.NotFound, (await lab.Api.GetAsync("/lab/logins/9999")).StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, (await lab.Api.GetAsync("/lab/logins?limit=1001")).StatusCode);
    }

    [GeneratedRegex("type the number ([0-9]{2}) on your phone")]
    private static partial Regex NumberShown();

    private static string LoginUrl(TestLab lab) => $"https://{lab.Vpn}/remote/logincheck";

    private static async Task<string> BodyAsync(Task<HttpResponseMessage> request)
    {
        using var response = await request;
        return await response.Content.ReadAsStringAsync();
    }

    private static async Task<JsonArray> InboxAsync(TestLab lab) => (await lab.Api.GetFromJsonAsync<JsonArray>("/lab/inbox"))!;

    /// <summary>The part of a challenge line that openfortivpn echoes.</summary>
    private static string Echo(string challenge, string user)
    {
        var fields = challenge
            .Split(',')
            .Select(field => field.Split('=', 2))
            .Where(pair => pair.Length == 2)
            .ToDictionary(pair => pair[0], pair => pair[1]);
        return $"username={user}&realm=&reqid={fields["reqid"]}&polid={fields["polid"]}&grp={fields["grp"]}&portal={fields["portal"]}&peer=&magic={fields["magic"]}";
    }

    private static string[] OpenconnectArguments(TestLab lab, string user) =>
        [
            "--protocol=fortinet",
            "--authenticate",
            $"--form-entry=_login:username={user}",
            $"--form-entry=_login:credential={user}-password",
            "--servercert",
            "pin-sha256:"
                + Convert.ToBase64String(SHA256.HashData(lab.Unit.ServiceCertificate("sslvpn")!.PublicKey.ExportSubjectPublicKeyInfo())),
        ];

    /// <summary>openconnect that prompts for its codes as for a user, and reads them line by line.</summary>
    private static Task<PeerRun> AskedAsync(TestLab lab, string user, string lines) =>
        Peer.RunAsync("openconnect", [.. OpenconnectArguments(lab, user), $"https://{lab.Vpn}"], lines);

    /// <summary>Waits for the only e-mail and returns its code.</summary>
    private static async Task<string> MailedCodeAsync(TestLab lab)
    {
        await Until.TrueAsync(async () => (await InboxAsync(lab)).Count == 1, "the mail");
        return (await InboxAsync(lab))[0]!["code"]!.GetValue<string>();
    }

    /// <summary>A client that prompts, and gets an answer that is known only after the prompt.</summary>
    private static async Task<PeerRun> AskedLaterAsync(string program, string[] arguments, Func<Task<string>> answer)
    {
        var folder = Directory.CreateTempSubdirectory("appliance-answer-");
        try
        {
            var file = Path.Combine(folder.FullName, "answer");
            // Skips by name when the program is not there: the shell would hide it.
            await Peer.RunAsync(program, ["--version"]);
            await Peer.RunAsync("mkfifo", [file]);
            var running = Peer.RunAsync("sh", ["-c", """cat "$0" | "$@" """, file, program, .. arguments]);
            await File.WriteAllTextAsync(file, await answer() + "\n");
            return await running;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
