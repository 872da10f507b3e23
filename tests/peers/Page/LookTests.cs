using Appliance.Tests.EndToEnd;
using Microsoft.Playwright;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Appliance.Tests.Page;

/// <summary>Accessibility and layout: both themes by axe-core, a narrow screen, a phone alone and on the network.</summary>
[Trait("Peer", "openfortivpn")]
[Trait("Peer", "chromium")]
[Collection(BrowserCollection.Name)]
public sealed class LookTests(Browser browser)
{
    [Theory]
    [InlineData(ColorScheme.Light)]
    [InlineData(ColorScheme.Dark)]
    public async Task No_view_has_a_violation(ColorScheme scheme)
    {
        await using var lab = await TestLab.StartAsync(lan: true);
        await using var person = await browser.OpenAsync(lab, scheme: scheme);
        await person.ReadyAsync();
        await lab.OpenfortivpnAsync("bob", "bob-password");
        await person.OutcomeIsAsync("in");
        await person.AssertAccessibleAsync("at rest");

        var client = lab.OpenfortivpnAsync("ann", "ann-password");
        await person.Phone("ann").GetByText("wants to log in").WaitForAsync();
        await lab.Api.PutAsync("/lab/nics/port3", new StringContent("{\"link\":false}"));
        await lab.Api.PutAsync("/lab/faults", new StringContent("{\"faults\":[{\"fault\":\"push.drop\",\"p\":0.5}]}"));
        foreach (var details in await person.Page.Locator("details").AllAsync())
        {
            await details.EvaluateAsync("element => element.open = true");
        }
        await person.Page.Locator(".event").First.ClickAsync();
        await person.Phone("cat").GetByLabel("offline").ClickAsync();
        await Expect(person.Phone("cat")).ToContainTextAsync("no connection");
        await person.AssertAccessibleAsync("with a push, a pulled cable, a fault, and everything unfolded");
        await person.PictureAsync($"everything-{scheme}");

        await lab.AnswerAsync("deny");
        await client;
        await person.OutcomeIsAsync("refused");
        await person.AssertAccessibleAsync("refused");

        await person.LeaveConsoleAsync();
        await person.Page.Keyboard.PressAsync("?");
        await Expect(person.Page.Locator("dialog")).ToContainTextAsync("Not affiliated with Fortinet");
        await person.AssertAccessibleAsync("help");
        await person.PictureAsync($"help-{scheme}");
        await person.Page.Keyboard.PressAsync("Escape");
        await person.Page.GetByText("New phone").ClickAsync();
        await person.Page.Locator("#provision").ClickAsync();
        await Expect(person.Page.Locator("dialog .qr")).ToBeVisibleAsync();
        await person.AssertAccessibleAsync("a new phone");
        await person.Page.Keyboard.PressAsync("Escape");
        await person.Phone("ann").GetByText("Alone, or on a real phone").ClickAsync();
        await person.AssertAccessibleAsync("a phone's address");
        await person.Page.Keyboard.PressAsync("Escape");
        await person.Page.Locator("#scenario").SelectOptionAsync("push-approve");
        await person.Page.Locator("#run-scenario").ClickAsync();
        await Expect(person.Page.Locator(".scenario-result")).ToContainTextAsync("passed");
        await person.AssertAccessibleAsync("a scenario's result");
        await person.PictureAsync($"scenario-{scheme}");
        await person.Page.GetByText("Share read-only").ClickAsync();
        var watched = await person.ClipboardAsync();
        await person.Phone("ann").GetByText("Alone, or on a real phone").ClickAsync();

        var card = await person.Page.Locator("dialog a").GetAttributeAsync("href");
        await person.Page.GotoAsync(new Uri(lab.Api.BaseAddress!, card).ToString());
        await person.Phone("ann").WaitForAsync();
        await person.AssertAccessibleAsync("a phone alone");
        await person.Page.GotoAsync(watched);
        await person.ConsoleShowsAsync("lab-appliance #");
        await Expect(person.Page.Locator("footer")).ToContainTextAsync("Not affiliated with Fortinet");
        await person.AssertAccessibleAsync("a console that is watched");
        await person.Page.GotoAsync(new Uri(lab.Api.BaseAddress!, "/phone/new").ToString());
        await Expect(person.Page.Locator("footer")).ToContainTextAsync("Not affiliated with Fortinet");
        await Expect(person.Page.Locator("#enrol")).ToBeVisibleAsync();
        await person.AssertAccessibleAsync("a phone that enrols");
        // The browser itself complains of the answers 404 and 401 to these.
        await person.Page.GotoAsync(new Uri(lab.Api.BaseAddress!, "/phone/0123").ToString());
        await Expect(person.Page.Locator("main")).ToContainTextAsync("There is no such phone");
        await person.AssertAccessibleAsync("a phone that is not there", quiet: false);
        await person.Page.GotoAsync(new Uri(lab.Lan!, "/phone/new").ToString());
        await Expect(person.Page.GetByLabel("Pairing code")).ToBeVisibleAsync();
        await Expect(person.Page.Locator("footer")).ToContainTextAsync("Not affiliated with Fortinet");
        await person.AssertAccessibleAsync("a phone that is not paired", quiet: false);
    }

    [Fact]
    public async Task Everything_is_reached_by_keys_and_nothing_moves_for_who_wants_no_motion()
    {
        await using var lab = await TestLab.StartAsync();
        await using var person = await browser.OpenAsync(lab);
        await person.ReadyAsync();
        var keys = person.Page.Keyboard;
        // From the console, where ? is the appliance's, only F6 leads on; round and round through all parts, and back.
        await keys.PressAsync("c");
        await keys.TypeAsync("show?");
        await person.ConsoleShowsAsync("Show configuration.");
        await Expect(person.Page.Locator("dialog")).ToHaveCountAsync(0);
        foreach (var place in new[] { "flow", "phones", "events", "faults", "scenarios", "panel", "console" })
        {
            await keys.PressAsync("F6");
            Assert.True(await IsInAsync(person, place), place);
        }
        await keys.PressAsync("Shift+F6");
        Assert.True(await IsInAsync(person, "panel"));
        foreach (
            var (key, place) in new[]
            {
                ("p", "phones"),
                ("b", "panel"),
                ("f", "flow"),
                ("e", "events"),
                ("x", "faults"),
                ("s", "scenarios"),
            }
        )
        {
            await keys.PressAsync(key);
            Assert.True(await IsInAsync(person, place), place);
        }
        await keys.PressAsync("/");
        await Expect(person.Page.Locator("#event-search")).ToBeFocusedAsync();
        await keys.PressAsync("F6");
        await keys.PressAsync("?");
        await Expect(person.Page.Locator("dialog")).ToContainTextAsync("Help");
        await keys.PressAsync("Escape");
        await Expect(person.Page.Locator("dialog")).ToHaveCountAsync(0);
        await keys.PressAsync("t");
        await keys.PressAsync("t");
        await Expect(person.Page.Locator("html")).ToHaveAttributeAsync("data-theme", "dark");
        // With Tab alone every control of a part has its turn, and none keeps it.
        await keys.PressAsync("s");
        for (var tabs = 0; !await person.Page.EvaluateAsync<bool>("() => document.activeElement.id === 'run-scenario'"); tabs++)
        {
            Assert.True(tabs < 5, "Tab does not reach the scenario's button");
            await keys.PressAsync("Tab");
        }
        var client = lab.OpenfortivpnAsync("ann", "ann-password");
        var notification = person.Phone("ann").Locator(".notification");
        await notification.WaitForAsync();
        const string Animation = "element => getComputedStyle(element).animationName";
        Assert.Equal("none", await notification.EvaluateAsync<string>(Animation));
        await person.Page.EmulateMediaAsync(new() { ReducedMotion = ReducedMotion.NoPreference });
        Assert.Equal("arrive", await notification.EvaluateAsync<string>(Animation));
        await person.AnswerByKeysAsync("Deny");
        Assert.False((await client).Authenticated);
        person.AssertQuiet();
    }

    [Fact]
    public async Task The_whole_page_at_360_pixels()
    {
        await using var lab = await TestLab.StartAsync();
        await using var person = await browser.OpenAsync(lab, width: 360, height: 740);
        await person.ReadyAsync();
        var client = lab.OpenfortivpnAsync("ann", "ann-password");
        await person.Phone("ann").GetByText("wants to log in").WaitForAsync();
        foreach (var place in new[] { "panel", "phones", "console", "flow", "events", "faults" })
        {
            await person.Page.Locator($".places a[href='#{place}']").ClickAsync();
            await Expect(person.Page.Locator($"#{place} h2")).ToBeInViewportAsync();
            await person.PictureAsync($"narrow-{place}");
        }
        Assert.Equal(360, await person.Page.EvaluateAsync<int>("() => document.documentElement.scrollWidth"));
        await person.AssertAccessibleAsync("narrow");
        await person.AnswerByKeysAsync("Approve");
        Assert.True((await client).Authenticated);
    }

    [Fact]
    public async Task A_phone_alone_at_360_pixels()
    {
        await using var lab = await TestLab.StartAsync();
        await using var person = await browser.OpenAsync(lab);
        await person.ReadyAsync();
        await person.Phone("ann").Locator("summary").ClickAsync();
        await person.Phone("ann").GetByText("Alone, or on a real phone").ClickAsync();
        await Expect(person.Page.Locator("dialog")).ToContainTextAsync("--lab-listen");
        var path = await person.Page.Locator("dialog a").GetAttributeAsync("href");
        await using var owner = await browser.OpenAsync(lab, path!, width: 360, height: 740);
        await owner.Phone("ann").WaitForAsync();
        var client = lab.OpenfortivpnAsync("ann", "ann-password");
        await owner.Phone("ann").GetByText("wants to log in").WaitForAsync();
        Assert.Equal(360, await owner.Page.EvaluateAsync<int>("() => document.documentElement.scrollWidth"));
        await Expect(owner.Page.Locator(".approve")).ToBeInViewportAsync();
        await owner.PictureAsync("phone", keep: true);
        await owner.Page.Locator(".approve").ClickAsync();
        Assert.True((await client).Authenticated);
        await Expect(owner.Phone("ann").Locator(".phone-last")).ToContainTextAsync("Approved: accepted");
        owner.AssertQuiet();
    }

    private static Task<bool> IsInAsync(Person person, string place) =>
        person.Page.EvaluateAsync<bool>("place => document.getElementById(place).contains(document.activeElement)", place);
}
