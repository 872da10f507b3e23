using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Xunit;

namespace Appliance.Tests.EndToEnd;

/// <summary>The order of events: steps of logins, and timers of the live lab whose clock is moved across several of them.</summary>
public sealed class TimelineTests
{
    [Fact]
    public async Task Timers_of_a_fault_fire_at_their_own_time_within_one_advance()
    {
        await using var lab = await TestLab.StartAsync();
        var start = lab.Clock.GetUtcNow();
        using var set = await lab.Api.PutAsync(
            "/lab/faults",
            new StringContent(
                """{"faults":[{"fault":"nic.down","nic":"port1","after":30,"delayMs":10000}]}""",
                System.Text.Encoding.UTF8,
                "application/json"
            )
        );
        Assert.True(set.IsSuccessStatusCode, await set.Content.ReadAsStringAsync());
        await lab.AdvanceAsync(61);
        var fired = Assert.Single(lab.Unit.EventsAfter(0, 10_000), record => record.Line.Contains("nic.down", StringComparison.Ordinal));
        Assert.Equal(start.AddSeconds(30), fired.Time);
        Assert.All(lab.Laboratory.Ready.Nics, nic => Assert.NotEmpty(nic.Name));
        // Its link is up again: the SSL VPN answers.
        using var web = new Web(lab);
        using var reply = await web.FormAsync(
            $"https://{lab.Vpn}/remote/logincheck",
            "username=bob&credential=bob-password&realm=&ajax=1&just_logged_in=1"
        );
        Assert.Contains("ret=1", await reply.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", true)]
    [InlineData("""{"fault":"provider.tls","times":1}""", false)]
    public async Task A_push_is_noted_as_sent_only_if_it_was(string fault, bool sent)
    {
        await using var lab = await TestLab.StartAsync();
        if (fault.Length > 0)
        {
            using var set = await lab.Api.PutAsync(
                "/lab/faults",
                new StringContent($"{{\"faults\":[{fault}]}}", System.Text.Encoding.UTF8, "application/json")
            );
            Assert.True(set.IsSuccessStatusCode, await set.Content.ReadAsStringAsync());
        }
        using var web = new Web(lab);
        using var reply = await web.FormAsync(
            $"https://{lab.Vpn}/remote/logincheck",
            "username=ann&credential=ann-password&realm=&ajax=1&just_logged_in=1"
        );
        await Until.TrueAsync(
            async () => (await StepsAsync(lab)).Any(step => step.StartsWith("push:", StringComparison.Ordinal)),
            "the push"
        );
        await lab.EventAsync(sent ? "0100032160" : "0100032161");
        Assert.Equal(sent, (await StepsAsync(lab)).Contains("push: sent"));
    }

    /// <summary>
    /// The emulator ignores requests that are signed with another secret, as servers do. An absent server is silent, too.
    /// </summary>
    [Theory]
    [InlineData("set secret not-the-secret", ".10:1812")]
    [InlineData("set server {network}.99", ".99:1812")]
    public async Task A_server_that_is_silent_is_named_with_cause_and_setting(string change, string server)
    {
        await using var lab = await TestLab.StartAsync("config system global\nset remoteauthtimeout 5\nend\n", fac: "code-or-empty");
        await lab.CliAsync(
            "config user radius",
            "edit fac",
            change.Replace("{network}", lab.Network, StringComparison.Ordinal),
            "next",
            "end"
        );
        using var web = new Web(lab);
        var asking = web.FormAsync(
            $"https://{lab.Vpn}/remote/logincheck",
            "username=dan&credential=dan-password&realm=&ajax=1&just_logged_in=1"
        );
        await Until.TrueAsync(async () => (await StepsAsync(lab)).Contains("remote server: request sent"), "the question");
        await lab.AdvanceAsync(5);
        using var reply = await asking;
        var login = (await lab.Api.GetFromJsonAsync<JsonArray>("/lab/logins"))![0]!;
        var verdict = (await lab.Api.GetFromJsonAsync<JsonObject>($"/lab/logins/{login["id"]}"))!["steps"]!
            .AsArray()
            .Single(step => step!["decides"]?.GetValue<bool>() == true)!;
        Assert.Contains($"server {lab.Network}{server}", verdict["result"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Contains("another secret", verdict["result"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Equal("config user radius / edit fac / set server", verdict["change"]!.GetValue<string>());
        Assert.DoesNotContain("remoteauthtimeout", verdict.ToJsonString(), StringComparison.Ordinal);
    }

    private static async Task<IReadOnlyList<string>> StepsAsync(TestLab lab)
    {
        var steps = new List<string>();
        foreach (var login in (await lab.Api.GetFromJsonAsync<JsonArray>("/lab/logins"))!)
        {
            var whole = await lab.Api.GetFromJsonAsync<JsonObject>($"/lab/logins/{login!["id"]}");
            steps.AddRange(whole!["steps"]!.AsArray().Select(step => $"{step!["check"]}: {step["result"]}"));
        }
        return steps;
    }
}
