using System.Net;
using System.Text.RegularExpressions;
using Xunit;

namespace Appliance.Tests.EndToEnd;

/// <summary>The pages as a browser without script uses them, and the wire of the replies to the letter.</summary>
[Trait("Peer", "openfortivpn")]
public sealed class BrowserTests
{
    [Fact]
    public async Task APersonLogsInWithThePhoneAndOut()
    {
        await using var lab = await TestLab.StartAsync();
        using var web = new Web(lab);
        var at = $"https://{lab.Vpn}";
        using var root = await web.GetAsync(at + "/");
        Assert.Equal((HttpStatusCode.Found, "/remote/login?lang=en"), (root.StatusCode, root.Headers.Location!.OriginalString));
        using var page = await web.GetAsync(at + "/remote/login?lang=en");
        Assert.Contains("name=\"credential\"", await page.Content.ReadAsStringAsync(), StringComparison.Ordinal);

        using var asked = await web.FormAsync(at + "/remote/logincheck", "username=ann&credential=ann-password&realm=");
        Assert.Equal(HttpStatusCode.Unauthorized, asked.StatusCode);
        var form = await asked.Content.ReadAsStringAsync();
        Assert.Contains("Please enter your token code or approve the login on your phone", form, StringComparison.Ordinal);
        var waiting = web.FormAsync(
            at + "/remote/logincheck",
            $"username=ann&magic={Hidden(form, "magic")}&reqid={Hidden(form, "reqid")}&ftmpush=1"
        );
        await lab.PushPendingAsync();
        await lab.AnswerAsync("approve");
        using var done = await waiting;
        var cookie = Assert.Single(done.Headers.GetValues("Set-Cookie"));
        Assert.Matches("^SVPNCOOKIE=[0-9a-f]{64}; path=/; secure; httponly$", cookie);

        using var index = await AskAsync(web, at + "/remote/index", cookie);
        Assert.Contains("Logged in as ann", await index.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        using var out1 = await AskAsync(web, at + "/remote/logout", cookie);
        Assert.Equal(HttpStatusCode.OK, out1.StatusCode);
        using var gone = await AskAsync(web, at + "/remote/index", cookie);
        Assert.Equal(HttpStatusCode.Found, gone.StatusCode);

        using var again = await web.FormAsync(at + "/remote/logincheck", "username=ann&credential=ann-password&realm=");
        Assert.Contains("Please wait 60 seconds to login again", await again.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task AChallengeIsAsRealUnitsSendIt()
    {
        await using var lab = await TestLab.StartAsync();
        using var web = new Web(lab);
        using var reply = await web.FormAsync(
            $"https://{lab.Vpn}/remote/logincheck",
            "username=ann&credential=ann-password&realm=&ajax=1&just_logged_in=1"
        );
        Assert.Equal((HttpStatusCode.OK, "text/plain"), (reply.StatusCode, reply.Content.Headers.ContentType!.ToString()));
        var body = await reply.Content.ReadAsStringAsync();
        var match = Regex.Match(
            body,
            "^ret=2,reqid=([0-9]+),polid=1-(1-[0-9a-f]+),grp=vpn-users,portal=full-access,magic=(1-[0-9a-f]+),tokeninfo=ftm_push,chal_msg=([^,]+)$"
        );
        Assert.True(match.Success, body);
        Assert.Equal(match.Groups[2].Value, match.Groups[3].Value);
        // openfortivpn discards values of more than 31 characters.
        Assert.InRange(match.Groups[1].Length, 1, 31);
        Assert.InRange(match.Groups[2].Length + 2, 1, 31);
        Assert.Equal(
            [
                "SVPNCOOKIE=; path=/; expires=Sun, 11 Mar 1984 12:00:00 GMT; secure; httponly;",
                "SVPNNETWORKCOOKIE=; path=/remote/network; expires=Sun, 11 Mar 1984 12:00:00 GMT; secure; httponly",
            ],
            reply.Headers.GetValues("Set-Cookie")
        );
        Assert.Equal("xxxxxxxx-xxxxx", Assert.Single(reply.Headers.GetValues("Server")));
        Assert.True(
            reply.Headers.Contains("X-Frame-Options")
                && reply.Headers.Contains("Content-Security-Policy")
                && reply.Headers.Contains("Strict-Transport-Security")
        );
    }

    [Fact]
    public async Task TheTunnelXmlNeedsASession()
    {
        await using var lab = await TestLab.StartAsync();
        using var web = new Web(lab);
        var at = $"https://{lab.Vpn}";
        using var login = await web.FormAsync(at + "/remote/logincheck", "username=bob&credential=bob-password&realm=&ajax=1");
        var cookie = Assert.Single(login.Headers.GetValues("Set-Cookie"));
        using var xml = await AskAsync(web, at + "/remote/fortisslvpn_xml", cookie);
        var text = await xml.Content.ReadAsStringAsync();
        var root = System.Xml.Linq.XDocument.Parse(text).Root!;
        Assert.Equal("sslvpn-tunnel", root.Name.LocalName);
        Assert.Equal(
            ("300", "28800", "1", null),
            (
                Of(root, "idle-timeout", "val"),
                Of(root, "auth-timeout", "val"),
                Of(root, "auth-ses", "check-src-ip"),
                root.Element("ipv4")!.Element("dns")
            )
        );
        // No value contains a "/", because openfortivpn reads it as the end of a tag.
        Assert.DoesNotMatch("='[^']*/", text);
        await lab.CliTextAsync(
            "config vpn ssl settings\nset idle-timeout 600\nset auth-timeout 3600\nset dns-server1 192.0.2.53\nset auth-session-check-source-ip disable\nend\n"
        );
        using var changed = await AskAsync(web, at + "/remote/fortisslvpn_xml", cookie);
        root = System.Xml.Linq.XDocument.Parse(await changed.Content.ReadAsStringAsync()).Root!;
        Assert.Equal(
            ("600", "3600", "0", "192.0.2.53"),
            (
                Of(root, "idle-timeout", "val"),
                Of(root, "auth-timeout", "val"),
                Of(root, "auth-ses", "check-src-ip"),
                (string?)root.Element("ipv4")!.Element("dns")!.Attribute("ip")
            )
        );
        await lab.CliTextAsync("config vpn ssl web portal\nedit full-access\nset tunnel-mode disable\nnext\nend\n");
        using var tunnel = await AskAsync(web, at + "/remote/sslvpn-tunnel", cookie);
        Assert.Equal(HttpStatusCode.Forbidden, tunnel.StatusCode);

        static string? Of(System.Xml.Linq.XElement root, string element, string attribute) =>
            (string?)root.Element(element)!.Attribute(attribute);
    }

    [Fact]
    public async Task ASessionOutlivesARestartAndEndsByItsTimersAndWithItsUser()
    {
        await using var lab = await TestLab.StartAsync();
        var at = $"https://{lab.Vpn}/remote/index";
        using var web = new Web(lab);
        using var login = await web.FormAsync($"https://{lab.Vpn}/remote/logincheck", "username=bob&credential=bob-password&realm=&ajax=1");
        var cookie = Assert.Single(login.Headers.GetValues("Set-Cookie"));
        await lab.RestartAsync();
        using var web2 = new Web(lab);
        using (var alive = await AskAsync(web2, at, cookie))
        {
            Assert.Equal(HttpStatusCode.OK, alive.StatusCode);
        }
        await lab.AdvanceAsync(301); // idle-timeout 300
        using (var idle = await AskAsync(web2, at, cookie))
        {
            Assert.Equal(HttpStatusCode.Found, idle.StatusCode);
        }
        using var second = await web2.FormAsync(
            $"https://{lab.Vpn}/remote/logincheck",
            "username=bob&credential=bob-password&realm=&ajax=1"
        );
        var other = Assert.Single(second.Headers.GetValues("Set-Cookie"));
        await lab.CliAsync("config user local", "edit bob", "set status disable", "next", "end");
        using var ended = await AskAsync(web2, at, other);
        Assert.Equal(HttpStatusCode.Found, ended.StatusCode);
        Assert.Contains(lab.EventLines(), line => line.Contains("reason=\"user_changed\"", StringComparison.Ordinal));
        Assert.DoesNotContain(cookie[11..40], string.Join('\n', lab.EventLines()), StringComparison.Ordinal);
    }

    [Fact]
    public async Task NoSecretIsInAnyEventOrTranscript()
    {
        await using var lab = await TestLab.StartAsync();
        await lab.PhoneModeAsync(new { mode = "approve" });
        Assert.True((await lab.OpenfortivpnAsync("ann", "ann-password")).Authenticated);
        await lab.OpenfortivpnAsync("bob", "a-wrong-secret");
        var code = lab.Code(TestLab.AnnSeed);
        var everything =
            string.Join('\n', lab.EventLines())
            + await lab.CliAsync(
                "show",
                "get user local ann",
                "get user fortitoken FTKMOB0000000001",
                "show full-configuration user local"
            );
        foreach (var secret in new[] { "ann-password", "a-wrong-secret", "lab-seed", "NRQWELLTMVSW", code })
        {
            Assert.DoesNotContain(secret, everything, StringComparison.Ordinal);
        }
    }

    private static Task<HttpResponseMessage> AskAsync(Web web, string url, string cookie) =>
        web.SendAsync(new HttpRequestMessage(HttpMethod.Get, url) { Headers = { { "Cookie", cookie.Split(';')[0] } } });

    private static string Hidden(string form, string name) => Regex.Match(form, $"name=\"{name}\" value=\"([^\"]+)\"").Groups[1].Value;
}
