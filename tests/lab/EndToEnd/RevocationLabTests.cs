using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using Xunit;

namespace Appliance.Tests.EndToEnd;

/// <summary>
/// A change of the configuration while a push is pending or a session is open has one outcome everywhere. A refused commit has none.
/// </summary>
public sealed class RevocationLabTests
{
    private const string NewPassword = "config user local\nedit ann\nset passwd another-password\nnext\nend\n";

    /// <summary>Observed: the phone received 200, journal and events reported success, and the client got ret=0.</summary>
    [Theory]
    [InlineData(NewPassword, "user_changed")]
    [InlineData("config user group\nedit vpn-users\nset member bob cat\nnext\nend\n", "sslvpn_login_no_matching_policy")]
    [InlineData("config vpn ssl settings\nconfig authentication-rule\ndelete 1\nend\nend\n", "sslvpn_login_no_matching_policy")]
    [InlineData(
        "config vpn ssl web portal\nedit full-access\nset web-mode disable\nset tunnel-mode disable\nnext\nend\n",
        "sslvpn_login_no_matching_policy"
    )]
    [InlineData("config user local\nrename ann to anna\nend\n", "user_changed")]
    public async Task A_login_whose_push_is_out_ends_at_once_with_one_outcome_everywhere(string change, string reason)
    {
        await using var lab = await TestLab.StartAsync();
        using var web = new Web(lab);
        var challenge = await BodyAsync(web.FormAsync(Check(lab), "username=ann&credential=ann-password&realm=&ajax=1"));
        await lab.PushPendingAsync();
        var waiting = web.FormAsync(Check(lab), Echo(challenge) + "&ftmpush=1");
        await Until.TrueAsync(
            async () => (await lab.Api.GetStringAsync("/lab/logins/1")).Contains("waits for the phone", StringComparison.Ordinal),
            "a client that waits"
        );
        Assert.DoesNotContain("Command fail", await lab.CliTextAsync(change), StringComparison.Ordinal);
        using var answer = await waiting;
        Assert.Equal(HttpStatusCode.MethodNotAllowed, answer.StatusCode);
        Assert.Equal(401, await lab.AnswerStatusAsync("approve"));
        var line = Assert.Single(lab.EventLines(), line => line.Contains("logid=\"010204300", StringComparison.Ordinal));
        Assert.Contains($"reason=\"{reason}\"", line, StringComparison.Ordinal);
        var metrics = await lab.Api.GetStringAsync("/lab/metrics");
        Assert.Matches("appliance_logins_total\\{outcome=\"in\"\\} 0", metrics);
        Assert.Matches("appliance_logins_total\\{outcome=\"refused\"\\} 1", metrics);
        Assert.Matches("appliance_callback_answers_total\\{result=\"accepted\"\\} 0", metrics);
        Assert.Contains("\"refused\"", await lab.Api.GetStringAsync("/lab/logins/1"), StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("a port in use")]
    [InlineData("a disk that is full")]
    public async Task A_commit_that_is_refused_changes_nothing_observable(string cause)
    {
        await using var lab = await TestLab.StartAsync();
        using var web = new Web(lab);
        using var login = await web.FormAsync(Check(lab), "username=bob&credential=bob-password&realm=&ajax=1");
        var cookie = login.Headers.GetValues("Set-Cookie").First().Split(';')[0];
        var challenge = await BodyAsync(web.FormAsync(Check(lab), "username=ann&credential=ann-password&realm=&ajax=1"));
        await lab.PushPendingAsync();
        var waiting = web.FormAsync(Check(lab), Echo(challenge) + "&ftmpush=1");
        var before = lab.EventLines().Count;
        var port = "5000";
        using var taken = new TcpListener(IPAddress.Parse(lab.Port1), 0);
        if (cause == "a port in use")
        {
            taken.Start();
            port = $"{((IPEndPoint)taken.LocalEndpoint).Port}";
        }
        else
        {
            // A folder with the name of the new file refuses the write, as a full disk does.
            Directory.CreateDirectory(Path.Combine(StateFolder(lab), "system.conf.new", "in the way"));
        }
        var shown = await lab.CliTextAsync(
            $"""
            execute config-transaction start
            config user local
            edit bob
            set passwd another-password
            next
            edit ann
            set status disable
            next
            end
            config system ftm-push
            set server-port {port}
            end
            config system interface
            edit port2
            set allowaccess ping
            next
            end
            execute config-transaction commit

            """
        );
        Assert.Contains("Command fail", shown, StringComparison.Ordinal);
        using (var session = await UseAsync(web, lab, cookie))
        {
            Assert.Equal(HttpStatusCode.OK, session.StatusCode);
        }
        Assert.DoesNotContain(
            lab.EventLines().Skip(before),
            line =>
                line.Contains("tunnel-down", StringComparison.Ordinal) || line.Contains("Authentication failed", StringComparison.Ordinal)
        );
        Assert.False(waiting.IsCompleted);
        Assert.Equal(200, await lab.AnswerStatusAsync("approve"));
        Assert.StartsWith("ret=1", await BodyAsync(waiting), StringComparison.Ordinal);
    }

    /// <summary>docs/reference/login.md, "Renaming a user": sessions end, the token stays.</summary>
    [Fact]
    public async Task A_renamed_user_loses_its_sessions_and_keeps_its_token()
    {
        await using var lab = await TestLab.StartAsync();
        using var web = new Web(lab);
        using var login = await web.FormAsync(Check(lab), "username=bob&credential=bob-password&realm=&ajax=1");
        var cookie = login.Headers.GetValues("Set-Cookie").First().Split(';')[0];
        var cat = await LoginAsync(web, lab, "cat");
        Assert.DoesNotContain(
            "Command fail",
            await lab.CliTextAsync("config user local\nrename cat to kat\nrename bob to rob\nend\n"),
            StringComparison.Ordinal
        );
        foreach (var old in new[] { cookie, cat })
        {
            using var ended = await UseAsync(web, lab, old);
            Assert.Equal(HttpStatusCode.Redirect, ended.StatusCode);
        }
        await lab.AdvanceAsync(60);
        using var session = await UseAsync(web, lab, await LoginAsync(web, lab, "kat", "cat-password"));
        Assert.Equal(HttpStatusCode.OK, session.StatusCode);
        Assert.Contains("kat", await lab.CliAsync("diagnose vpn ssl list"), StringComparison.Ordinal);
    }

    private static async Task<string> LoginAsync(Web web, TestLab lab, string user, string? password = null)
    {
        var challenge = await BodyAsync(
            web.FormAsync(Check(lab), $"username={user}&credential={password ?? user + "-password"}&realm=&ajax=1")
        );
        using var second = await web.FormAsync(Check(lab), Echo(challenge, user) + $"&code={lab.Code(TestLab.CatSeed)}");
        return second.Headers.GetValues("Set-Cookie").First().Split(';')[0];
    }

    private static string Check(TestLab lab) => $"https://{lab.Vpn}/remote/logincheck";

    private static string StateFolder(TestLab lab) =>
        Path.GetDirectoryName(Directory.GetFiles(lab.State, "system.conf", SearchOption.AllDirectories).Single())!;

    private static string Echo(string challenge, string user = "ann")
    {
        string Field(string name) => Regex.Match(challenge, $"[,]{name}=([^,]*)").Groups[1].Value;
        return $"username={user}&realm=&reqid={Field("reqid")}&polid={Field("polid")}&grp=&magic={Field("magic")}";
    }

    private static async Task<string> BodyAsync(Task<HttpResponseMessage> asking)
    {
        using var answer = await asking;
        return await answer.Content.ReadAsStringAsync();
    }

    private static Task<HttpResponseMessage> UseAsync(Web web, TestLab lab, string cookie) =>
        web.SendAsync(
            new HttpRequestMessage(HttpMethod.Get, $"https://{lab.Vpn}/remote/fortisslvpn_xml") { Headers = { { "Cookie", cookie } } }
        );
}
