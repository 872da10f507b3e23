using Appliance.Tests.EndToEnd;
using Microsoft.Playwright;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Appliance.Tests.Page;

/// <summary>For everybody: both themes by axe-core, a narrow screen, a phone alone and on the network.</summary>
[Collection(BrowserCollection.Name)]
public sealed class LookTests(Browser browser)
{
    [Theory]
    [InlineData(ColorScheme.Light)]
    [InlineData(ColorScheme.Dark)]
    public async Task No_view_has_a_violation(ColorScheme scheme)
    {
        await using var lab = await TestLab.StartAsync();
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

        await person.Page.GetByText("Help", new() { Exact = true }).ClickAsync();
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

        var card = await person.Page.Locator("dialog a").GetAttributeAsync("href");
        await person.Page.GotoAsync(new Uri(lab.Api.BaseAddress!, card).ToString());
        await person.Phone("ann").WaitForAsync();
        await person.AssertAccessibleAsync("a phone alone");
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
}
