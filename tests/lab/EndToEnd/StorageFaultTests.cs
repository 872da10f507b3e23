using System.IO.Pipelines;
using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using Appliance.Doubles.Clock;
using Appliance.Tests.Storage;
using Xunit;

namespace Appliance.Tests.EndToEnd;

/// <summary>
/// A disk that cannot be written while clients log in and sessions end: one outcome everywhere, one alarm, and no acknowledged write is
/// lost.
/// </summary>
public sealed class StorageFaultTests
{
    private const string DiskFault = "logid=\"0100099165\"";
    private const string DiskWorks = "logid=\"0100099166\"";

    [Theory]
    [InlineData("bob")]
    [InlineData("cat")]
    public async Task A_login_that_cannot_be_stored_is_refused_everywhere_for_the_reason_storage(string user)
    {
        await using var lab = await TestLab.StartAsync();
        using var web = new Web(lab);
        var challenge =
            user == "cat" ? await BodyAsync(web.FormAsync(Check(lab), "username=cat&credential=cat-password&realm=&ajax=1")) : "";
        using (new BrokenDisk(StateFile(lab)))
        {
            using var answer = await web.FormAsync(
                Check(lab),
                user == "cat"
                    ? Echo(challenge, "cat") + $"&code={lab.Code(TestLab.CatSeed)}"
                    : "username=bob&credential=bob-password&realm=&ajax=1"
            );
            Assert.NotEqual(HttpStatusCode.InternalServerError, answer.StatusCode);
            Assert.DoesNotContain("ret=1", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
            Assert.All(
                answer.Headers.TryGetValues("Set-Cookie", out var cookies) ? cookies : [],
                cookie => Assert.DoesNotMatch("SVPNCOOKIE=[0-9a-f]", cookie)
            );
            await AssertRefusedAsync(lab, user);
            Assert.Contains("total 0", await lab.CliAsync("diagnose vpn ssl list"), StringComparison.Ordinal);
            // The same while it lasts, and no second alarm.
            using var again = await web.FormAsync(Check(lab), "username=bob&credential=bob-password&realm=&ajax=1");
            Assert.StartsWith("ret=0", await again.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        }
        await AssertRestoredAsync(lab);
        Assert.StartsWith(
            "ret=1",
            await BodyAsync(web.FormAsync(Check(lab), "username=bob&credential=bob-password&realm=&ajax=1")),
            StringComparison.Ordinal
        );
        // Events of the meantime were written once there was space.
        var before = lab.EventLines();
        await lab.RestartAsync();
        Assert.Equal(before, lab.EventLines().Take(before.Count));
    }

    /// <summary>Regression: the client hung, and the events reported success.</summary>
    [Fact]
    public async Task A_client_that_waits_for_its_phone_is_answered_at_once_when_the_approval_cannot_be_stored()
    {
        await using var lab = await TestLab.StartAsync();
        using var web = new Web(lab);
        var challenge = await BodyAsync(web.FormAsync(Check(lab), "username=ann&credential=ann-password&realm=&ajax=1"));
        await lab.PushPendingAsync();
        var waiting = web.FormAsync(Check(lab), Echo(challenge, "ann") + "&ftmpush=1");
        await WaitsAsync(lab);
        using (new BrokenDisk(StateFile(lab)))
        {
            Assert.Equal(401, await lab.AnswerStatusAsync("approve"));
            using var answer = await waiting;
            Assert.Equal(HttpStatusCode.MethodNotAllowed, answer.StatusCode);
            await AssertRefusedAsync(lab, "ann");
            Assert.Matches("appliance_callback_answers_total\\{result=\"accepted\"\\} 0", await lab.Api.GetStringAsync("/lab/metrics"));
        }
        await AssertRestoredAsync(lab);
    }

    [Fact]
    public async Task The_alarm_names_the_disk_on_console_panel_and_metric()
    {
        await using var lab = await TestLab.StartAsync();
        using var web = new Web(lab);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30), LabClock.Wall);
        var (typed, shown) = (new Pipe(), new Pipe());
        var console = lab
            .Unit.Console.Get()
            .RunConsoleAsync(typed.Reader.AsStream(), shown.Writer.AsStream(), echo: false, login: false, patience.Token);
        using (new BrokenDisk(StateFile(lab)))
        {
            await BodyAsync(web.FormAsync(Check(lab), "username=bob&credential=bob-password&realm=&ajax=1"));
            await Until.TrueAsync(
                async () => (await lab.Api.GetStringAsync("/lab/panel")).Contains("Disk full", StringComparison.Ordinal),
                "the disk on the panel"
            );
            Assert.Contains("LED alarm: on", await lab.CliAsync("get hardware status"), StringComparison.Ordinal);
            Assert.Contains(
                "appliance_storage_failing{disk=\"state\"} 1",
                await lab.Api.GetStringAsync("/lab/metrics"),
                StringComparison.Ordinal
            );
            Assert.Contains(
                "*** The disk of the state folder cannot be written",
                await ShownAsync(shown.Reader, "***\n", patience.Token),
                StringComparison.Ordinal
            );
        }
        await AssertRestoredAsync(lab);
        Assert.Contains(
            "appliance_storage_failing{disk=\"state\"} 0",
            await lab.Api.GetStringAsync("/lab/metrics"),
            StringComparison.Ordinal
        );
        await Until.TrueAsync(
            async () => !(await lab.Api.GetStringAsync("/lab/panel")).Contains("Disk full", StringComparison.Ordinal),
            "a panel without alarm"
        );
        await typed.Writer.CompleteAsync();
        await console;
    }

    [Theory]
    [InlineData("logout")]
    [InlineData("del-web")]
    public async Task A_session_that_ends_while_the_disk_is_full_is_not_accepted_after_a_restart(string way)
    {
        await using var lab = await TestLab.StartAsync();
        using var web = new Web(lab);
        using var login = await web.FormAsync(Check(lab), "username=bob&credential=bob-password&realm=&ajax=1");
        var cookie = login.Headers.GetValues("Set-Cookie").First().Split(';')[0];
        using (new BrokenDisk(StateFile(lab)))
        {
            if (way == "logout")
            {
                Assert.Equal(HttpStatusCode.ServiceUnavailable, await GetAsync(web, lab, "/remote/logout", cookie));
            }
            else
            {
                var reply = await lab.CliAsync("execute vpn sslvpn del-web 0");
                Assert.Contains("stored when the disk can be written", reply, StringComparison.Ordinal);
            }
            Assert.Equal(HttpStatusCode.Redirect, await GetAsync(web, lab, "/remote/fortisslvpn_xml", cookie));
        }
        await lab.RestartAsync();
        using var afterwards = new Web(lab);
        Assert.Equal(HttpStatusCode.Redirect, await GetAsync(afterwards, lab, "/remote/fortisslvpn_xml", cookie));
    }

    /// <summary>Reads a console's output up to some text.</summary>
    private static async Task<string> ShownAsync(PipeReader reader, string last, CancellationToken cancellationToken)
    {
        var text = "";
        while (!text.Contains(last, StringComparison.Ordinal))
        {
            var read = await reader.ReadAsync(cancellationToken);
            text += Encoding.UTF8.GetString(read.Buffer);
            reader.AdvanceTo(read.Buffer.End);
        }
        return text;
    }

    private static string Check(TestLab lab) => $"https://{lab.Vpn}/remote/logincheck";

    private static string StateFile(TestLab lab) => Directory.GetFiles(lab.State, "state.db", SearchOption.AllDirectories).Single();

    /// <summary>Waits until the journal reports that the client's request is pending.</summary>
    private static Task WaitsAsync(TestLab lab) =>
        Until.TrueAsync(
            async () => (await lab.Api.GetStringAsync("/lab/logins/1")).Contains("waits for the phone", StringComparison.Ordinal),
            "a client that waits"
        );

    private static async Task AssertRefusedAsync(TestLab lab, string user)
    {
        await Until.TrueAsync(() => lab.EventLines().Any(line => line.Contains(DiskFault, StringComparison.Ordinal)), "the disk's event");
        var own = lab.EventLines()
            .Where(line =>
                line.Contains("logid=\"010204300", StringComparison.Ordinal) && line.Contains($"user=\"{user}\"", StringComparison.Ordinal)
            )
            .ToArray();
        Assert.Contains("reason=\"storage\"", Assert.Single(own), StringComparison.Ordinal);
        var logins = await lab.Api.GetStringAsync("/lab/logins");
        Assert.Contains("\"refused\"", logins, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("\"outcome\":\"in\"", logins, StringComparison.OrdinalIgnoreCase);
        Assert.Matches("appliance_logins_total\\{outcome=\"in\"\\} 0", await lab.Api.GetStringAsync("/lab/metrics"));
    }

    private static async Task AssertRestoredAsync(TestLab lab)
    {
        await Until.TrueAsync(
            () => lab.EventLines().Any(line => line.Contains(DiskWorks, StringComparison.Ordinal)),
            "the end of the fault"
        );
        Assert.Single(lab.EventLines(), line => line.Contains(DiskFault, StringComparison.Ordinal));
    }

    private static string Echo(string challenge, string user)
    {
        string Field(string name) => Regex.Match(challenge, $"[,]{name}=([^,]*)").Groups[1].Value;
        return $"username={user}&realm=&reqid={Field("reqid")}&polid={Field("polid")}&grp=&magic={Field("magic")}";
    }

    private static async Task<string> BodyAsync(Task<HttpResponseMessage> asking)
    {
        using var answer = await asking;
        return await answer.Content.ReadAsStringAsync();
    }

    private static async Task<HttpStatusCode> GetAsync(Web web, TestLab lab, string path, string cookie)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"https://{lab.Vpn}{path}") { Headers = { { "Cookie", cookie } } };
        using var answer = await web.SendAsync(request);
        return answer.StatusCode;
    }
}
