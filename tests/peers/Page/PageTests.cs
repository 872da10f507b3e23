using Appliance.Tests.EndToEnd;
using Microsoft.Playwright;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Appliance.Tests.Page;

/// <summary>The actions of a user on the page, with a real VPN client beside it.</summary>
[Trait("Peer", "openfortivpn")]
[Trait("Peer", "chromium")]
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
        await Until.TrueAsync(
            async () => (await lab.CliAsync("show system ftm-push")).Contains("set status enable", StringComparison.Ordinal),
            "the typed configuration"
        );

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
        await person.PictureAsync("approved");
        person.AssertQuiet();
    }

    [Fact]
    public async Task Denied_by_keyboard_and_told_why()
    {
        await using var lab = await TestLab.StartAsync();
        await using var person = await browser.OpenAsync(lab);
        await person.ReadyAsync();
        var client = lab.OpenfortivpnAsync("ann", "ann-password");
        await person.AnswerByKeysAsync("Deny");
        Assert.False((await client).Authenticated);
        await person.OutcomeIsAsync("refused");
        await Expect(person.Outcome).ToContainTextAsync("phone: denied decided it");
        await Expect(person.Page.Locator("#flow .row.decides")).ToContainTextAsync("phone: denied");
        // Its copy is the lab API's own text, which contains no secret.
        await person.Page.GetByLabel("Copy login as JSON").ClickAsync();
        var copied = await person.ClipboardAsync();
        Assert.Contains("\"check\": \"phone\"", copied, StringComparison.Ordinal);
        Assert.DoesNotContain("ann-password", copied, StringComparison.Ordinal);
        // Each message, as an .http file, with stars for secrets.
        var answer = person.Page.Locator("#flow .row[data-way='phone appliance'] .row-message");
        await answer.Locator("summary").ClickAsync();
        await answer.GetByLabel("as HTTP").ClickAsync();
        var callback = await person.ClipboardAsync();
        Assert.Contains("POST https://", callback, StringComparison.Ordinal);
        Assert.Contains("\"session_id\":\"********\",\"action\":\"alert\"", callback, StringComparison.Ordinal);
        Assert.DoesNotMatch("[0-9a-f]{32}", callback);
        await Expect(person.Page.Locator("#flow .row[data-way='appliance phone'] summary").Last).ToContainTextAsync("200");
        await person.PictureAsync("denied");
        person.AssertQuiet();
    }

    [Fact]
    public async Task A_push_expires_by_the_clock_bar()
    {
        await using var lab = await TestLab.StartAsync();
        await using var person = await browser.OpenAsync(lab);
        await person.ReadyAsync();
        var client = lab.OpenfortivpnAsync("ann", "ann-password");
        await person.Phone("ann").GetByText("wants to log in").WaitForAsync();
        await person.Page.Locator("#next-deadline").ClickAsync();
        Assert.False((await client).Authenticated);
        await person.OutcomeIsAsync("refused");
        await Expect(person.Page.Locator("#flow .row.decides")).ToContainTextAsync("deadline");
        await Expect(person.Page.Locator("#flow .change code").First).ToContainTextAsync("PUT /lab/policy pushLifeSeconds");
        await Expect(person.Phone("ann").Locator(".notification")).ToHaveCountAsync(0);
        await person.PictureAsync("expired");
        // The other ways of the clock: by a second, by thirty, sixty times as fast, and back to a standstill.
        var before = lab.Clock.GetUtcNow();
        await person.Page.GetByText("+1 s").ClickAsync();
        await Until.TrueAsync(() => lab.Clock.GetUtcNow() - before == TimeSpan.FromSeconds(1), "a second");
        await person.Page.GetByText("+30 s").ClickAsync();
        await Until.TrueAsync(() => lab.Clock.GetUtcNow() - before == TimeSpan.FromSeconds(31), "thirty more");
        await person.Page.Locator(".choice label", new() { HasText = "Real" }).ClickAsync();
        await Until.TrueAsync(() => lab.Clock.Rate.Mode == Appliance.Doubles.Clock.ClockMode.Real, "the real clock");
        await person.Page.Locator(".choice label", new() { HasText = "×60" }).ClickAsync();
        await Until.TrueAsync(() => lab.Clock.Rate.Factor == 60, "the faster clock");
        await person.Page.Locator(".choice label", new() { HasText = "Frozen" }).ClickAsync();
        await Until.TrueAsync(() => lab.Clock.Rate.Mode == Appliance.Doubles.Clock.ClockMode.Frozen, "the frozen clock");
        person.AssertQuiet();
    }

    [Fact]
    public async Task A_cable_pulled_while_a_push_waits()
    {
        await using var lab = await TestLab.StartAsync();
        await using var person = await browser.OpenAsync(lab);
        await person.ReadyAsync();
        var client = lab.OpenfortivpnAsync("ann", "ann-password");
        await person.Phone("ann").GetByText("wants to log in").WaitForAsync();
        var port1 = person.Page.Locator(".port").First;
        await port1.FocusAsync();
        await Expect(person.Page.Locator(".port-detail")).ToContainTextAsync("ftm 4433");
        await person.Page.Keyboard.PressAsync("Enter");
        await Expect(port1).ToContainTextAsync("cable pulled");
        await person.AnswerByKeysAsync("Approve");
        Assert.False((await client).Authenticated);
        // The phone's answer did not arrive: the push stays on its screen, and can be answered once the cable is back.
        await Until.TrueAsync(
            async () => (await lab.PhoneAsync())["lastAnswer"]?["outcome"]?.GetValue<string>() == "unreachable",
            "an unreachable appliance"
        );
        await person.PictureAsync("cable-pulled");
        await port1.ClickAsync();
        await Expect(port1).ToContainTextAsync("takes callbacks");
        await person.AnswerByKeysAsync("Approve");
        await Expect(person.Phone("ann").Locator(".phone-last")).ToBeVisibleAsync();
        person.AssertQuiet();
    }

    [Fact]
    public async Task The_flag_taken_at_the_console_while_a_push_waits()
    {
        await using var lab = await TestLab.StartAsync();
        await using var person = await browser.OpenAsync(lab);
        await person.ReadyAsync();
        var client = lab.OpenfortivpnAsync("ann", "ann-password");
        await person.Phone("ann").GetByText("wants to log in").WaitForAsync();
        await person.TypeAsync("config system interface", "edit port1", "set allowaccess ping https", "next", "end");
        await Expect(person.Page.Locator(".port").First.Locator(".flag.ftm")).ToHaveCountAsync(0);
        await person.AnswerByKeysAsync("Approve");
        await Until.TrueAsync(
            async () => (await lab.PhoneAsync())["lastAnswer"]?["outcome"]?.GetValue<string>() == "unreachable",
            "a closed port"
        );
        await person.PictureAsync("flag-removed");
        await person.TypeAsync("config system interface", "edit port1", "append allowaccess ftm", "next", "end");
        await Expect(person.Page.Locator(".port").First.Locator(".flag.ftm")).ToHaveCountAsync(1);
        await person.AnswerByKeysAsync("Approve");
        Assert.True((await client).Authenticated, "the login that had waited all the time");
        person.AssertQuiet();
    }

    [Fact]
    public async Task A_reload_in_the_middle_of_a_login_restores_everything()
    {
        await using var lab = await TestLab.StartAsync();
        await using var person = await browser.OpenAsync(lab);
        await person.ReadyAsync();
        await person.TypeAsync("config user local", "edit ann");
        await person.ConsoleShowsAsync("(ann) #");
        var client = lab.OpenfortivpnAsync("ann", "ann-password");
        await person.Phone("ann").GetByText("wants to log in").WaitForAsync();
        await person.Page.ReloadAsync();
        await person.OutcomeIsAsync("pending");
        await person.Phone("ann").GetByText("wants to log in").WaitForAsync();
        // The same session as before: still inside the entry, with its earlier output.
        await person.ConsoleShowsAsync("edit ann");
        await person.TypeAsync("end");
        await person.ConsoleShowsAsync("(ann) # end");
        await person.AnswerByKeysAsync("Approve");
        Assert.True((await client).Authenticated);
        await person.OutcomeIsAsync("in");
        person.AssertQuiet();
    }

    [Fact]
    public async Task Two_browsers_see_the_same()
    {
        await using var lab = await TestLab.StartAsync();
        await using var trainer = await browser.OpenAsync(lab);
        await using var trainee = await browser.OpenAsync(lab, scheme: ColorScheme.Dark);
        await trainer.ReadyAsync();
        await trainee.ReadyAsync();
        var client = lab.OpenfortivpnAsync("ann", "ann-password");
        await trainer.Phone("ann").GetByText("wants to log in").WaitForAsync();
        await trainee.AnswerByKeysAsync("Approve");
        Assert.True((await client).Authenticated);
        await trainer.OutcomeIsAsync("in");
        await trainee.OutcomeIsAsync("in");
        var (one, other) = await SeenAlikeAsync(trainer, trainee);
        Assert.Equal(one, other);
        Assert.NotEmpty(one);
        await trainee.PictureAsync("dark", keep: true);
        // A link to the login opens that login, also after later ones.
        await lab.OpenfortivpnAsync("bob", "bob-password");
        await Expect(trainee.Outcome).ToContainTextAsync("bob: in");
        await trainer.Page.GotoAsync(new Uri(lab.Api.BaseAddress!, "/#login=1").ToString());
        await Expect(trainer.Outcome).ToContainTextAsync("ann: in");
        trainer.AssertQuiet();
        trainee.AssertQuiet();
    }

    [Fact]
    public async Task The_page_goes_on_after_a_reboot_of_the_box()
    {
        await using var lab = await TestLab.StartAsync();
        await using var person = await browser.OpenAsync(lab);
        await person.ReadyAsync();
        await lab.OpenfortivpnAsync("bob", "bob-password");
        await person.OutcomeIsAsync("in");
        await person.TypeAsync("execute reboot", "y");
        await Expect(person.Page.Locator("#flow")).ToContainTextAsync("No login yet");
        await Expect(person.Page.Locator(".state.good")).ToHaveTextAsync("live");
        var client = lab.OpenfortivpnAsync("ann", "ann-password");
        await person.AnswerByKeysAsync("Approve");
        Assert.True((await client).Authenticated);
        await person.OutcomeIsAsync("in");
    }

    /// <summary>The content of both pages as soon as it is equal: the newest event may still be in transit to one of them.</summary>
    private static async Task<(string One, string Other)> SeenAlikeAsync(Person person, Person another)
    {
        using var late = new CancellationTokenSource(TimeSpan.FromSeconds(15));
        while (true)
        {
            var seen = (One: await SeenAsync(person), Other: await SeenAsync(another));
            if (seen.One == seen.Other || late.IsCancellationRequested)
            {
                return seen;
            }
        }
    }

    private static async Task<string> SeenAsync(Person person)
    {
        // The end of the list: earlier entries may be rendered or not.
        await person.Page.Locator(".event").Last.WaitForAsync();
        var events = await person.Page.Locator(".event").AllInnerTextsAsync();
        var flow = await person.Page.Locator("#flow .row-text").AllInnerTextsAsync();
        return string.Join('\n', events.TakeLast(5).Concat(flow));
    }
}
