using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Appliance.Firmware.Enrolment;
using Xunit;

namespace Appliance.Tests.EndToEnd;

/// <summary>The life cycle of tokens, with the whole lab around them: mail by SMTP, phones by TLS, logins by real clients.</summary>
[Trait("Peer", "openfortivpn")]
public sealed partial class TokenLifeCycleTests
{
    private const string Trial = "execute fortitoken-mobile import 0000-0000-0000-0000-0000";

    [Fact]
    public async Task FromTheShelfToAPushLogin()
    {
        await using var lab = await TestLab.StartAsync();
        var serial = await ImportAsync(lab);
        Assert.Equal("new", await StatusAsync(lab, serial));
        var code = await AssignAsync(lab, "bob", serial);
        Assert.Equal("provisioning", await StatusAsync(lab, serial));
        var shown = await lab.CliAsync($"get user fortitoken {serial}");
        Assert.Matches(@"activation-code +: \* \n", shown);
        Assert.Matches($"activation-expire +: {lab.Clock.GetUtcNow().AddHours(72).ToUnixTimeSeconds()} \n", shown);
        Assert.DoesNotContain(code, shown, StringComparison.Ordinal);
        // No login succeeds with a token that no phone has.
        Assert.False((await lab.OpenfortivpnAsync("bob", "bob-password")).Authenticated);

        var phone = await EnrolAsync(lab, code, "android");
        Assert.Equal(
            (serial, "bob", "android"),
            (phone["serial"]!.GetValue<string>(), phone["user"]!.GetValue<string>(), phone["platform"]!.GetValue<string>())
        );
        Assert.Equal("provisioned", await StatusAsync(lab, serial));
        shown = await lab.CliAsync($"get user fortitoken {serial}");
        Assert.Matches(@"reg-id +: lab-[0-9a-f]{32} \n", shown);
        Assert.Matches(@"os-ver +: Android 15 \n", shown);
        Assert.Matches(@"activation-expire +: 0 \n", shown);

        await lab.AdvanceAsync(61);
        await lab.PhoneModeAsync(new { mode = "approve" }, serial);
        var run = await lab.OpenfortivpnAsync("bob", "bob-password");
        Assert.True(run.Authenticated, run.ToString());
        Assert.Equal(
            ["0100032155", "0100032156"],
            lab.Unit.EventsAfter(0, 10_000)
                .Where(entry => entry.Entry.Fields.Contains(("serialno", serial)))
                .Select(entry => entry.Entry.LogId)
        );
        Assert.DoesNotContain(lab.EventLines(), line => line.Contains(code, StringComparison.Ordinal));
    }

    [Fact]
    public async Task TheMailCarriesTheCodeAsTextAndPicture()
    {
        await using var lab = await TestLab.StartAsync();
        var serial = await ImportAsync(lab);
        var code = await AssignAsync(lab, "bob", serial);
        var letter = Assert.Single(await InboxAsync(lab))!;
        Assert.Equal(("mail", "bob@example.test"), (letter["kind"]!.GetValue<string>(), letter["to"]!.GetValue<string>()));
        Assert.Contains($"Token: {serial}\nActivation code: {code}\n", letter["text"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Equal(ActivationQr.Png(code), Convert.FromBase64String(letter["png"]!.GetValue<string>()));
        using var cleared = await lab.Api.DeleteAsync("/lab/inbox");
        Assert.Equal(HttpStatusCode.NoContent, cleared.StatusCode);
        Assert.Empty(await InboxAsync(lab));
    }

    [Fact]
    public async Task AnActivationBySms()
    {
        await using var lab = await TestLab.StartAsync();
        var serial = await ImportAsync(lab);
        await lab.CliTextAsync(
            $"config user local\nedit bob\nset sms-phone +15550100\nset sms-server custom\nset sms-custom-server lab-sms\nset two-factor fortitoken\nset fortitoken {serial}\nnext\nend\n"
        );
        var message = await LetterAsync(lab, 1);
        Assert.Equal(("sms", "15550100"), (message["kind"]!.GetValue<string>(), message["to"]!.GetValue<string>()));
        Assert.Equal("bob", (await EnrolAsync(lab, message["code"]!.GetValue<string>()))["user"]!.GetValue<string>());
        // The vendor's own service is not available, and this is reported.
        await lab.CliTextAsync("config user local\nedit bob\nset sms-server fortiguard\nnext\nend\n");
        await lab.CliAsync($"execute fortitoken-mobile provision {serial}");
        await Until.TrueAsync(
            () =>
                lab.EventLines()
                    .Any(line =>
                        line.Contains("logid=\"0102038412\"", StringComparison.Ordinal)
                        && line.Contains("not licensed", StringComparison.Ordinal)
                    ),
            "the event of the message that was not sent"
        );
    }

    [Fact]
    public async Task TheAdministratorSeesTheCodeOnceWhenHeProvisions()
    {
        await using var lab = await TestLab.StartAsync();
        var serial = await ImportAsync(lab);
        var old = await AssignAsync(lab, "bob", serial);
        var shown = await lab.CliAsync($"execute fortitoken-mobile provision {serial}");
        var code = ActivationCode().Match(shown).Groups[1].Value;
        Assert.NotEqual(old, code);
        Assert.Contains(ActivationQr.Text(code), shown, StringComparison.Ordinal);
        Assert.Equal((HttpStatusCode.Forbidden, 40), await RefusedAsync(lab, old));
        await EnrolAsync(lab, code);
        Assert.Equal("provisioned", await StatusAsync(lab, serial));
    }

    [Fact]
    public async Task ACodeActivatesOnePhoneForEver()
    {
        await using var lab = await TestLab.StartAsync();
        var serial = await ImportAsync(lab);
        var code = await AssignAsync(lab, "bob", serial);
        await EnrolAsync(lab, code);
        await lab.RestartAsync();
        Assert.Equal("provisioned", await StatusAsync(lab, serial));
        Assert.Equal((HttpStatusCode.Forbidden, 40), await RefusedAsync(lab, code));
        Assert.Equal("token already activated, and seed won't be returned", await StatusAsync(lab, serial));
        await lab.RestartAsync();
        Assert.Equal("token already activated, and seed won't be returned", await StatusAsync(lab, serial));
        Assert.Contains(
            lab.EventLines(),
            line =>
                line.Contains("logid=\"0100032159\"", StringComparison.Ordinal)
                && line.Contains($"serialno=\"{serial}\"", StringComparison.Ordinal)
        );
        Assert.Matches(ActivationCode(), await lab.CliAsync($"execute fortitoken-mobile renew {serial}"));
        Assert.Equal("provisioning", await StatusAsync(lab, serial));
    }

    [Fact]
    public async Task AnUnusedCodeRunsOut()
    {
        await using var lab = await TestLab.StartAsync("config system global\nset two-factor-ftm-expiry 1\nend\n");
        var serial = await ImportAsync(lab);
        var code = await AssignAsync(lab, "bob", serial);
        await lab.AdvanceAsync(3600);
        Assert.Equal("provision timeout", await StatusAsync(lab, serial));
        Assert.Equal((HttpStatusCode.Forbidden, 40), await RefusedAsync(lab, code));
        Assert.Equal((HttpStatusCode.Forbidden, 40), await RefusedAsync(lab, "AAAAAAAAAAAAAAAA"));
        await lab.CliAsync($"execute fortitoken-mobile provision {serial}");
        Assert.Equal("provisioning", await StatusAsync(lab, serial));
    }

    /// <summary>
    /// The token of a user that loses the second factor is available again, never locked. A waiting client is notified immediately, and a
    /// late answer is refused.
    /// </summary>
    [Theory]
    [InlineData("config user local\nedit ann\nset two-factor disable\nnext\nend\n")]
    [InlineData("config user local\nedit ann\nset two-factor disable\nunset fortitoken\nnext\nend\n")]
    [InlineData("config user local\nedit ann\nset two-factor fortitoken\nset fortitoken SPARE\nnext\nend\n")]
    [InlineData("config user group\nedit vpn-users\nset member bob cat\nnext\nend\nconfig user local\ndelete ann\nend\n")]
    public async Task ATokenThatIsTakenAwayIsNewAndItsPushIsVoid(string change)
    {
        await using var lab = await TestLab.StartAsync();
        var spare = await ImportAsync(lab);
        var running = lab.OpenfortivpnAsync("ann", "ann-password");
        await lab.PushPendingAsync();
        Assert.DoesNotContain(
            "Command fail",
            await lab.CliTextAsync(change.Replace("SPARE", spare, StringComparison.Ordinal)),
            StringComparison.Ordinal
        );
        var run = await running;
        Assert.False(run.Authenticated || run.TimedOut, run.ToString());
        Assert.Equal("new", await StatusAsync(lab, TestLab.AnnSerial));
        Assert.Equal(401, await lab.AnswerStatusAsync("approve"));
        Assert.Equal("new", await StatusAsync(lab, TestLab.AnnSerial));
        // Another user can have it immediately.
        Assert.DoesNotContain(
            "Command fail",
            await lab.CliTextAsync(
                $"config user local\nedit bob\nset two-factor fortitoken\nset fortitoken {TestLab.AnnSerial}\nnext\nend\n"
            ),
            StringComparison.Ordinal
        );
        Assert.Equal("provisioned", await StatusAsync(lab, TestLab.AnnSerial));
    }

    [Fact]
    public async Task TheNextOwnerSharesNothingWithTheLastOne()
    {
        await using var lab = await TestLab.StartAsync();
        var serial = await ImportAsync(lab);
        await EnrolAsync(lab, await AssignAsync(lab, "bob", serial));
        var before = (await lab.PhoneAsync(serial))["code"]!.GetValue<string>();
        await lab.CliTextAsync("config user local\nedit bob\nset two-factor disable\nunset fortitoken\nnext\nend\n");
        Assert.Equal("new", await StatusAsync(lab, serial));
        var shown = await lab.CliAsync($"show user fortitoken {serial}");
        Assert.DoesNotContain("seed", shown, StringComparison.Ordinal);
        Assert.DoesNotContain("reg-id", shown, StringComparison.Ordinal);
        await AssignAsync(lab, "cat", serial);
        Assert.Equal("provisioning", await StatusAsync(lab, serial));
        Assert.False((await lab.OpenfortivpnAsync("cat", "cat-password", "-o", before)).Authenticated);
    }

    [Fact]
    public async Task TwoTrialTokensOnceAndOnAFreshUnitByThemselves()
    {
        await using var lab = await TestLab.StartAsync();
        Assert.Equal(2, ImportedToken().Count(await lab.CliAsync(Trial)));
        Assert.Contains("already", await lab.CliAsync(Trial), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"activation":"AAAA","colour":"red"}""", HttpStatusCode.BadRequest)]
    [InlineData("""{"platform":"ios"}""", HttpStatusCode.BadRequest)]
    [InlineData("""{"activation":7}""", HttpStatusCode.BadRequest)]
    [InlineData("""{"activation":"AAAA","platform":"brick"}""", HttpStatusCode.BadRequest)]
    [InlineData("""{"activation":""}""", HttpStatusCode.Forbidden)]
    [InlineData("""{"activation":"AAAA\u0000"}""", HttpStatusCode.Forbidden)]
    public async Task ABadEnrolmentChangesNothing(string body, HttpStatusCode status)
    {
        await using var lab = await TestLab.StartAsync();
        var before = await lab.CliAsync("show user fortitoken");
        using var answer = await lab.Api.PostAsync("/lab/phones", new StringContent(body, System.Text.Encoding.UTF8, "application/json"));
        Assert.Equal(status, answer.StatusCode);
        Assert.Equal(Enc().Replace(before, ""), Enc().Replace(await lab.CliAsync("show user fortitoken"), ""));
    }

    [Theory]
    [InlineData("email", "set email-to eve@example.test", "mail", "eve@example.test")]
    [InlineData("sms", "set sms-phone +15550100\nset sms-server custom\nset sms-custom-server lab-sms", "sms", "15550100")]
    public async Task ACodeByMailOrSmsLetsInOnce(string factor, string address, string kind, string to)
    {
        await using var lab = await TestLab.StartAsync();
        await lab.CliTextAsync($"config user local\nedit bob\n{address}\nset two-factor {factor}\nnext\nend\n");
        using var web = new Web(lab);
        var challenge = await StartAsync(web, lab);
        var letter = await LetterAsync(lab, 1);
        Assert.Equal((kind, to), (letter["kind"]!.GetValue<string>(), letter["to"]!.GetValue<string>()));
        var code = letter["code"]!.GetValue<string>();
        Assert.Matches("^[0-9]{6}$", code);
        Assert.DoesNotContain(
            "ret=1",
            await CodeAsync(web, lab, challenge, code == "000000" ? "111111" : "000000"),
            StringComparison.Ordinal
        );
        Assert.Contains("ret=1", await CodeAsync(web, lab, challenge, code), StringComparison.Ordinal);
        Assert.DoesNotContain("ret=1", await CodeAsync(web, lab, challenge, code), StringComparison.Ordinal);
        await Until.TrueAsync(
            () => lab.EventLines().Any(line => line.Contains("logid=\"0102038411\"", StringComparison.Ordinal)),
            "the event of the code that was sent"
        );
        Assert.DoesNotContain(lab.EventLines(), line => line.Contains(code, StringComparison.Ordinal));
        // Another login has another code, and the previous code is not valid for it.
        challenge = await StartAsync(web, lab);
        Assert.NotEqual(code, (await LetterAsync(lab, 2))["code"]!.GetValue<string>());
        Assert.DoesNotContain("ret=1", await CodeAsync(web, lab, challenge, code), StringComparison.Ordinal);
    }

    [Fact]
    public async Task MailThatCannotBeSentIsAnEventAndHoldsUpNothing()
    {
        await using var lab = await TestLab.StartAsync();
        await lab.CliTextAsync(
            $"config system email-server\nset server {lab.Network}.99\nend\nconfig user local\nedit bob\nset email-to eve@example.test\nset two-factor email\nnext\nend\n"
        );
        using var web = new Web(lab);
        Assert.StartsWith("ret=2,", await StartTextAsync(web, lab), StringComparison.Ordinal);
        await Until.TrueAsync(
            () => lab.EventLines().Any(line => line.Contains("logid=\"0102038412\"", StringComparison.Ordinal)),
            "the event of the code that was not sent"
        );
        Assert.Empty(await InboxAsync(lab));
    }

    [Fact]
    public async Task TheVendorsCloudIsNotLicensed()
    {
        await using var lab = await TestLab.StartAsync();
        await lab.CliTextAsync("config user local\nedit bob\nset two-factor fortitoken-cloud\nnext\nend\n");
        Assert.False((await lab.OpenfortivpnAsync("bob", "bob-password")).Authenticated);
        Assert.Contains(
            lab.EventLines(),
            line =>
                line.Contains("logid=\"0102053050\"", StringComparison.Ordinal) && line.Contains("not licensed", StringComparison.Ordinal)
        );
        Assert.Contains(
            "FortiToken Cloud is not licensed on this unit.",
            await lab.CliAsync("execute fortitoken-cloud show"),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task SeedsFromTheUsbFolder()
    {
        await using var lab = await TestLab.StartAsync();
        Directory.CreateDirectory(Path.Combine(lab.State, "usb"));
        var seed = Convert.ToHexString("12345678901234567890"u8);
        await File.WriteAllTextAsync(Path.Combine(lab.State, "usb", "seeds.csv"), $"FTK2001234567890,{seed}\n");
        await File.WriteAllTextAsync(Path.Combine(lab.State, "secret.csv"), $"FTK2001234567891,{seed}\n");
        File.CreateSymbolicLink(Path.Combine(lab.State, "usb", "link.csv"), Path.Combine(lab.State, "secret.csv"));
        foreach (var name in (string[])["../secret.csv", "..", ".hidden", "link.csv", "/etc/passwd", "usb/seeds.csv", "none.csv", "a\\b"])
        {
            Assert.Contains(
                "Command fail. Return code -1",
                await lab.CliAsync($"execute fortitoken import usb \"{name.Replace("\\", "\\\\", StringComparison.Ordinal)}\""),
                StringComparison.Ordinal
            );
        }
        Assert.Contains("1 FortiTokens imported.", await lab.CliAsync("execute fortitoken import usb seeds.csv"), StringComparison.Ordinal);
        await lab.CliTextAsync("config user local\nedit bob\nset two-factor fortitoken\nset fortitoken FTK2001234567890\nnext\nend\n");
        Assert.Equal("active", await StatusAsync(lab, "FTK2001234567890"));
        Assert.True((await lab.OpenfortivpnAsync("bob", "bob-password", "-o", lab.Code(seed))).Authenticated);
    }

    [Fact]
    public async Task SynchronizedByTwoCodes()
    {
        await using var lab = await TestLab.StartAsync();
        var (code, next) = (lab.Code(TestLab.CatSeed, 600), lab.Code(TestLab.CatSeed, 660));
        Assert.Contains(
            "not consecutive",
            await lab.CliAsync($"execute fortitoken sync FTKMOB0000000002 {next} {code}"),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "is synchronized",
            await lab.CliAsync($"execute fortitoken sync FTKMOB0000000002 {code} {next}"),
            StringComparison.Ordinal
        );
        Assert.Matches("FTKMOB0000000002 +1[01] +provisioned", await lab.CliAsync("diagnose fortitoken info"));
        await lab.RestartAsync();
        Assert.Matches("FTKMOB0000000002 +1[01] +provisioned", await lab.CliAsync("diagnose fortitoken info"));
        Assert.Contains(lab.EventLines(), line => line.Contains("logid=\"0100032157\"", StringComparison.Ordinal));
        Assert.Contains(lab.EventLines(), line => line.Contains("logid=\"0100032158\"", StringComparison.Ordinal));
    }

    private static async Task<string> ImportAsync(TestLab lab) => ImportedToken().Match(await lab.CliAsync(Trial)).Groups[1].Value;

    /// <summary>Assigns a token to a user with an e-mail address and returns the activation code from the e-mail.</summary>
    private static async Task<string> AssignAsync(TestLab lab, string user, string serial)
    {
        var letters = (await InboxAsync(lab)).Count;
        Assert.DoesNotContain(
            "Command fail",
            await lab.CliTextAsync(
                $"config user local\nedit {user}\nset email-to {user}@example.test\nset two-factor fortitoken\nset fortitoken {serial}\nnext\nend\n"
            ),
            StringComparison.Ordinal
        );
        return (await LetterAsync(lab, letters + 1))["code"]!.GetValue<string>();
    }

    private static async Task<JsonNode> EnrolAsync(TestLab lab, string activation, string platform = "ios")
    {
        using var answer = await lab.Api.PostAsJsonAsync("/lab/phones", new { activation, platform });
        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        return (await answer.Content.ReadFromJsonAsync<JsonObject>())!;
    }

    private static async Task<(HttpStatusCode, int)> RefusedAsync(TestLab lab, string activation)
    {
        using var answer = await lab.Api.PostAsJsonAsync("/lab/phones", new { activation });
        return (answer.StatusCode, (await answer.Content.ReadFromJsonAsync<JsonObject>())!["error_code"]!.GetValue<int>());
    }

    private static async Task<JsonArray> InboxAsync(TestLab lab) => (await lab.Api.GetFromJsonAsync<JsonArray>("/lab/inbox"))!;

    private static async Task<JsonNode> LetterAsync(TestLab lab, int count)
    {
        await Until.TrueAsync(async () => (await InboxAsync(lab)).Count >= count, "a letter");
        return (await InboxAsync(lab))[^1]!;
    }

    private static async Task<string> StatusAsync(TestLab lab, string serial) =>
        Regex.Match(await lab.CliAsync("diagnose fortitoken info"), $"{serial} +-?[0-9]+ +(.*)\n").Groups[1].Value;

    private static async Task<Dictionary<string, string>> StartAsync(Web web, TestLab lab) =>
        (await StartTextAsync(web, lab)).Split(',').Select(pair => pair.Split('=', 2)).ToDictionary(pair => pair[0], pair => pair[1]);

    private static async Task<string> StartTextAsync(Web web, TestLab lab)
    {
        using var answer = await web.FormAsync(
            $"https://{lab.Vpn}/remote/logincheck",
            "username=bob&credential=bob-password&realm=&ajax=1&just_logged_in=1"
        );
        return await answer.Content.ReadAsStringAsync();
    }

    private static async Task<string> CodeAsync(Web web, TestLab lab, Dictionary<string, string> challenge, string code)
    {
        using var answer = await web.FormAsync(
            $"https://{lab.Vpn}/remote/logincheck",
            $"username=bob&code={code}&realm=&reqid={challenge["reqid"]}&polid={challenge["polid"]}&grp=&portal=&magic={challenge["magic"]}"
        );
        return await answer.Content.ReadAsStringAsync();
    }

    [GeneratedRegex("(FTKMOB[0-9A-F]{10}) is imported")]
    private static partial Regex ImportedToken();

    [GeneratedRegex("Activation code: ([A-Z2-7]{16})\n")]
    private static partial Regex ActivationCode();

    [GeneratedRegex("ENC [^ \n]+")]
    private static partial Regex Enc();
}
