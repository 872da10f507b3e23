using Appliance.Tests.EndToEnd;
using Microsoft.Playwright;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Appliance.Tests.Page;

/// <summary>What a person does with the page, with a real VPN client beside it.</summary>
[Collection(BrowserCollection.Name)]
public sealed class PageTests(Browser browser)
{
    [Fact]
    public async Task From_opening_the_page_to_an_approved_login()
    {
        await using var lab = await TestLab.StartAsync();
        await lab.CliAsync("config system ftm-push", "set status disable", "end");
        await using var person = await browser.OpenAsync(lab);
        await person.ReadyAsync();
        await person.PictureAsync("opened");
        await person.TypeAsync("config system ftm-push", "set status enable", "end");
        await Until.TrueAsync(async () => (await lab.CliAsync("show system ftm-push")).Contains("set status enable", StringComparison.Ordinal), "the typed configuration");

        var client = lab.OpenfortivpnAsync("ann", "ann-password");
        await person.Phone("ann").GetByText("wants to log in").WaitForAsync();
        await person.OutcomeIsAsync("pending");
        await person.PictureAsync("push", keep: true);
        await person.AnswerByKeysAsync("Approve");
        Assert.True((await client).Authenticated, (await client).ToString());
        await person.OutcomeIsAsync("in");
        await Expect(person.Page.Locator("#flow .row.decides")).ToContainTextAsync("approved");
        await Expect(person.Phone("ann").Locator(".phone-last")).ToContainTextAsync("Approved: accepted (HTTP 200)");
        await Expect(person.Page.Locator(".event").Last).ToBeVisibleAsync();
        await person.PictureAsync("approved", keep: true);
        person.AssertQuiet();
    }
}
