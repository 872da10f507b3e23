using System.Net.Http.Json;
using System.Text.RegularExpressions;
using Xunit;

namespace Appliance.Tests.EndToEnd;

/// <summary>The unit's log as a collector reads it.</summary>
public sealed partial class EventWordsTests
{
    /// <summary>Policies, faults, held-back pushes, deadlines, misspelled names and refused forms, all in one log.</summary>
    [Fact]
    public async Task No_event_has_words_of_the_lab()
    {
        await using var lab = await TestLab.StartAsync();
        using var web = new Web(lab);
        await PutAsync(
            lab,
            "/lab/policy",
            new
            {
                pushLimit = 1,
                nameSpellingBug = true,
                pushLifeSeconds = 5,
            }
        );
        await PutAsync(lab, "/lab/faults", new { faults = new[] { new { fault = "push.drop", times = 1 } } });
        Assert.StartsWith(
            "ret=2,",
            await LoginAsync(web, lab, "username=ann&credential=ann-password&realm=&ajax=1"),
            StringComparison.Ordinal
        );
        await lab.EventAsync("0199000001");
        Assert.StartsWith(
            "ret=2,",
            await LoginAsync(web, lab, "username=ann&credential=ann-password&realm=&ajax=1"),
            StringComparison.Ordinal
        );
        Assert.StartsWith(
            "ret=0,",
            await LoginAsync(web, lab, "username=ANN&credential=ann-password&realm=&ajax=1"),
            StringComparison.Ordinal
        );
        await lab.AdvanceAsync(400);
        await lab.EventAsync("0100044546");
        await Until.TrueAsync(() => lab.EventLines().Any(line => line.Contains("deadline_", StringComparison.Ordinal)), "a deadline");
        Assert.Contains(
            lab.EventLines(),
            line =>
                line.Contains(
                    """cfgpath="login.policy" cfgattr="push-limit[0->1]push-life[60->5]name-spelling-bug[0->1]" """,
                    StringComparison.Ordinal
                )
        );
        Assert.All(lab.EventLines(), line => Assert.DoesNotMatch(LabWord(), Device().Replace(line, "")));
    }

    [Fact]
    public async Task A_form_that_is_not_UTF8_is_a_refused_login_with_its_events()
    {
        await using var lab = await TestLab.StartAsync();
        await lab.CliAsync("config vpn ssl settings", "set login-attempt-limit 2", "end");
        using var web = new Web(lab);
        // The bytes of "bob" and the right password, and a realm that is not text.
        Assert.Equal(
            "ret=0,redir=/remote/login?&err=sslvpn_login_permission_denied&lang=en",
            await LoginAsync(web, lab, "username=bob&credential=bob-password&realm=%ff&ajax=1")
        );
        Assert.Equal(
            "ret=0,redir=/remote/login?&err=sslvpn_login_permission_denied&lang=en",
            await LoginAsync(web, lab, "username=caf%e9&credential=x&ajax=1")
        );
        Assert.Contains(
            lab.EventLines(),
            line =>
                line.Contains("logid=\"0102043009\"", StringComparison.Ordinal)
                && line.Contains("user=\"caf\ufffd\"", StringComparison.Ordinal)
                && line.Contains("the form is not UTF-8 text", StringComparison.Ordinal)
        );
        Assert.Contains(
            lab.EventLines(),
            line =>
                line.Contains("logid=\"0101039426\"", StringComparison.Ordinal)
                && line.Contains("user=\"caf\ufffd\"", StringComparison.Ordinal)
        );
        // Such logins count like any other failure.
        using var blocked = await web.FormAsync($"https://{lab.Vpn}/remote/logincheck", "username=bob&credential=bob-password&ajax=1");
        Assert.Equal(System.Net.HttpStatusCode.Unauthorized, blocked.StatusCode);
    }

    [Fact]
    public async Task A_name_cannot_turn_the_text_around_on_console_and_in_events()
    {
        await using var lab = await TestLab.StartAsync();
        using var web = new Web(lab);
        Assert.StartsWith(
            "ret=0,",
            await LoginAsync(web, lab, $"username={Uri.EscapeDataString("ann\u202etxt\u2028\u2066")}&credential=x&ajax=1"),
            StringComparison.Ordinal
        );
        Assert.Contains(lab.EventLines(), line => line.Contains("user=\"ann\\x202etxt\\x2028\\x2066\"", StringComparison.Ordinal));
        var shown = await lab.CliAsync("execute log display", "config user local", "edit \"ann\u202e\"", "end");
        Assert.Contains("ann\\x202etxt", shown, StringComparison.Ordinal);
        Assert.Contains("the line contains a control character", shown, StringComparison.Ordinal);
        Assert.DoesNotContain(shown, character => character is '\u202e' or '\u2028' or '\u2066');
    }

    private static async Task PutAsync(TestLab lab, string path, object body)
    {
        using var put = await lab.Api.PutAsJsonAsync(path, body);
        Assert.True(put.IsSuccessStatusCode, await put.Content.ReadAsStringAsync());
    }

    private static async Task<string> LoginAsync(Web web, TestLab lab, string form)
    {
        using var answer = await web.FormAsync($"https://{lab.Vpn}/remote/logincheck", form);
        return await answer.Content.ReadAsStringAsync();
    }

    [GeneratedRegex("""dev(name|id)="[^"]*" """)]
    private static partial Regex Device();

    [GeneratedRegex(@"\blab\b|\blab_|on purpose", RegexOptions.IgnoreCase)]
    private static partial Regex LabWord();
}
