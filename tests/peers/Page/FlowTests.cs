using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Appliance.Lab.Composition;
using Appliance.Tests.EndToEnd;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Appliance.Tests.Page;

/// <summary>
/// The whole path of a login as the page draws it: each message is a separate arrow that can be copied, with asterisks for secrets.
/// </summary>
[Trait("Peer", "openfortivpn")]
[Trait("Peer", "chromium")]
[Collection(BrowserCollection.Name)]
public sealed class FlowTests(Browser browser)
{
    [Fact]
    public async Task Each_hop_of_a_push_is_an_arrow_with_its_message()
    {
        await using var lab = await TestLab.StartAsync(push: new PushOptions(), fac: "code-or-empty");
        await using var person = await browser.OpenAsync(lab);
        await person.ReadyAsync();
        var client = lab.OpenfortivpnAsync("ann", "ann-password");
        await person.AnswerByKeysAsync("Approve");
        Assert.True((await client).Authenticated, (await client).ToString());
        await person.OutcomeIsAsync("in");
        Assert.Equal(
            [
                "client appliance",
                "appliance client",
                "client appliance",
                "appliance client",
                "appliance proxy",
                "proxy provider",
                "provider proxy",
                "proxy appliance",
                "provider phone",
                "phone appliance",
                "appliance phone",
            ],
            Grouped(await WaysAsync(person, 11), "client", "proxy", "phone")
        );
        await Expect(person.Page.Locator("#flow .row.decides")).ToContainTextAsync("phone: approved");
        await person.PictureAsync("flow-full", keep: true);

        // Each message is there to be read and copied, as HTTP and as JSON.
        var apns = person.Page.Locator("#flow .row[data-way='proxy provider'] .row-message");
        await apns.Locator("summary").ClickAsync();
        await Expect(apns.Locator("pre")).ToContainTextAsync("Authorization: ********");
        await apns.GetByLabel("Copy POST to APNs as HTTP").ClickAsync();
        var http = await person.ClipboardAsync();
        Assert.Matches("\nPOST https://127\\.0\\.0\\.1:[0-9]+/3/device/[^ ]+ HTTP/2.0\n", http);
        Assert.Contains("\napns-push-type: alert\n", http, StringComparison.Ordinal);
        Assert.Contains("\"session\":\"********\"", http, StringComparison.Ordinal);
        await apns.GetByLabel("Copy POST to APNs as JSON").ClickAsync();
        var json = JsonNode.Parse(await person.ClipboardAsync())!;
        Assert.Equal(
            ("proxy", "provider", "ann"),
            (json["from"]!.GetValue<string>(), json["to"]!.GetValue<string>(), json["body"]!["ftm"]!["user"]!.GetValue<string>())
        );
        await person.Page.GetByLabel("Copy messages of the login as HTTP").ClickAsync();
        Assert.Equal(11, Regex.Count(await person.ClipboardAsync(), "^# ", RegexOptions.Multiline));
        await person.AssertAccessibleAsync("a message unfolded");
        await person.Page.GetByLabel("messages only").ClickAsync();
        await Expect(person.Page.Locator("#flow .row")).ToHaveCountAsync(12); // and the step that decided
        person.AssertQuiet();
    }

    [Fact]
    public async Task A_login_by_the_authenticator_shows_RADIUS_and_its_own_push()
    {
        await using var lab = await TestLab.StartAsync(push: new PushOptions(), fac: "code-or-empty");
        await using var person = await browser.OpenAsync(lab);
        await person.ReadyAsync();
        var client = lab.OpenfortivpnAsync("dan", "dan-password");
        await person.AnswerByKeysAsync("Approve");
        Assert.True((await client).Authenticated, (await client).ToString());
        await person.OutcomeIsAsync("in");
        Assert.Equal(
            [
                "client appliance",
                "appliance client",
                "client appliance",
                "appliance client",
                "appliance fac",
                "fac appliance",
                "appliance fac",
                "fac appliance",
                // The first push by FCM fetches an access token before.
                "fac proxy",
                "proxy provider",
                "provider proxy",
                "proxy provider",
                "provider proxy",
                "proxy fac",
                "provider phone",
                "phone fac",
                "fac phone",
            ],
            Grouped(await WaysAsync(person, 17), "client", "appliance fac", "proxy", "phone")
        );
        var radius = person.Page.Locator("#flow .row[data-way='appliance fac'], #flow .row[data-way='fac appliance']");
        Assert.Equal(
            ["Access-Request", "Access-Challenge", "Access-Request", "Access-Accept"],
            (await radius.Locator("summary").AllInnerTextsAsync()).Select(text => text.Split('\n')[^1])
        );
        await radius.First.Locator("summary").ClickAsync();
        await Expect(radius.First.Locator("pre")).ToContainTextAsync("User-Name: \"dan\"");
        await Expect(radius.First.Locator("pre")).ToContainTextAsync("User-Password: ********");
        await person.PictureAsync("flow-authenticator", keep: true);
        person.AssertQuiet();
    }

    [Fact]
    public async Task A_deadline_runs_out_as_a_bar_and_the_line_that_would_change_it_is_there()
    {
        await using var lab = await TestLab.StartAsync();
        await using var person = await browser.OpenAsync(lab);
        await person.ReadyAsync();
        var client = lab.OpenfortivpnAsync("ann", "ann-password");
        await person.Phone("ann").GetByText("wants to log in").WaitForAsync();
        var bars = person.Page.Locator("#flow .row .bar");
        await Expect(bars.First).ToContainTextAsync("60 s until");
        await lab.AdvanceAsync(45);
        await Expect(bars.First).ToContainTextAsync("15 s until");
        await Expect(person.Page.Locator("#flow .bar-left").First).ToHaveAttributeAsync("width", new Regex("^2[0-9]"));
        await lab.AdvanceAsync(16);
        Assert.False((await client).Authenticated);
        await person.OutcomeIsAsync("refused");
        await person.Page.GetByLabel("Copy line that would change it").First.ClickAsync();
        Assert.Contains("pushLifeSeconds", await person.ClipboardAsync(), StringComparison.Ordinal);
        // The last message to the client is marked as the refusal.
        await Expect(person.Page.Locator("#flow .row.bad[data-way='appliance client']")).ToHaveCountAsync(1);
        person.AssertQuiet();
    }

    /// <summary>From whom to whom, in the order of the diagram.</summary>
    private static async Task<IReadOnlyList<string>> WaysAsync(Person person, int count)
    {
        var arrows = person.Page.Locator("#flow .row[data-way]");
        await Expect(arrows).ToHaveCountAsync(count);
        var ways = new List<string>();
        foreach (var arrow in await arrows.AllAsync())
        {
            ways.Add((await arrow.GetAttributeAsync("data-way"))!);
        }
        return ways;
    }

    /// <summary>
    /// Groups the messages by path. Concurrent messages on different paths may be drawn in either order; each path keeps its own.
    /// </summary>
    private static string[] Grouped(IReadOnlyList<string> ways, params string[] groups) =>
        [.. groups.SelectMany(group => ways.Where(way => group.Split(' ').All(party => way.Split(' ').Contains(party))))];
}
