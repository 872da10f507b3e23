using Appliance.Tests.EndToEnd;
using Microsoft.Playwright;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Appliance.Tests.Page;

/// <summary>The parts of the page one by one: phones, consoles, events, faults.</summary>
[Trait("Peer", "openfortivpn")]
[Trait("Peer", "chromium")]
[Collection(BrowserCollection.Name)]
public sealed class PartTests(Browser browser)
{
    [Fact]
    public async Task A_new_phone_by_its_activation_code_and_a_login_with_it()
    {
        await using var lab = await TestLab.StartAsync();
        await using var person = await browser.OpenAsync(lab);
        await person.ReadyAsync();
        await person.Page.GetByText("New phone").ClickAsync();
        await person.Page.Locator("dialog select").First.SelectOptionAsync("bob");
        await person.Page.Locator("#provision").ClickAsync();
        await Expect(person.Page.Locator("#activation")).ToHaveValueAsync(new System.Text.RegularExpressions.Regex("^[A-Z2-7]{16}$"));
        // The picture decodes to the content of the QR code.
        var code = await person.Page.Locator("#activation").InputValueAsync();
        var picture = await person.Page.Locator("dialog .qr").ScreenshotAsync();
        await person.Page.Locator("#activation").FillAsync("");
        await person
            .Page.Locator("input[type=file]")
            .SetInputFilesAsync(
                new FilePayload
                {
                    Name = "qr.png",
                    MimeType = "image/png",
                    Buffer = picture,
                }
            );
        await Expect(person.Page.Locator("#activation")).ToHaveValueAsync(code);
        await person.PictureAsync("enrol");
        // The same picture pasted, and the code pasted as text.
        await person.Page.Locator("#activation").FillAsync("");
        await person
            .Page.Locator("#activation")
            .EvaluateAsync(
                """
                async (field, base64) => {
                  const bytes = Uint8Array.from(atob(base64), letter => letter.charCodeAt(0));
                  const data = new DataTransfer();
                  data.items.add(new File([bytes], "qr.png", { type: "image/png" }));
                  field.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
                }
                """,
                Convert.ToBase64String(picture)
            );
        await Expect(person.Page.Locator("#activation")).ToHaveValueAsync(code);
        await person.Page.Locator("#activation").FillAsync("");
        await person.Page.EvaluateAsync("code => navigator.clipboard.writeText(code)", code);
        await person.Page.Locator("#activation").PressAsync("Control+V");
        await Expect(person.Page.Locator("#activation")).ToHaveValueAsync(code);
        await person.Page.Locator("#enrol").ClickAsync();
        await person.Phone("bob").WaitForAsync();
        var client = lab.OpenfortivpnAsync("bob", "bob-password");
        await person.AnswerByKeysAsync("Approve");
        Assert.True((await client).Authenticated, (await client).ToString());
        person.AssertQuiet();
    }

    [Fact]
    public async Task The_front_has_the_boards_lights_and_its_button_is_held()
    {
        await using var lab = await TestLab.StartAsync();
        await using var person = await browser.OpenAsync(lab);
        await person.ReadyAsync();
        await Expect(person.Page.Locator(".leds .light.status.lit")).ToHaveCountAsync(1);
        await Expect(person.Page.Locator(".display")).ToBeVisibleAsync();
        await Expect(person.Page.Locator(".port .led.link.on")).ToHaveCountAsync(4);
        await lab.Api.PutAsync("/lab/nics/port3", new StringContent("{\"link\":false}"));
        await Expect(person.Page.Locator(".port .led.link.on")).ToHaveCountAsync(3);
        var reset = person.Page.Locator(".push");
        await reset.FocusAsync();
        await person.Page.RunAndWaitForResponseAsync(
            () => person.Page.Keyboard.DownAsync("Space"),
            answer => answer.Url.EndsWith("/press", StringComparison.Ordinal)
        );
        // The board's debouncing follows the lab's clock, which is stopped.
        await lab.AdvanceAsync(1);
        await lab.AdvanceAsync(2);
        await Expect(reset).ToContainTextAsync("held");
        await person.PictureAsync("reset-held");
        await person.Page.RunAndWaitForResponseAsync(
            () => person.Page.Keyboard.UpAsync("Space"),
            answer => answer.Url.EndsWith("/release", StringComparison.Ordinal)
        );
        await lab.AdvanceAsync(1);
        await Expect(reset).Not.ToContainTextAsync("held");
        // A light blinks in the board's own pattern, by the lab's clock.
        await lab.CliAsync("config user setting", "set auth-lockout-threshold 1", "set auth-lockout-duration 60", "end");
        await lab.OpenfortivpnAsync("bob", "a-wrong-password");
        await Expect(person.Page.Locator(".leds li[title='alarm: 500/500'] .light.lit")).ToHaveCountAsync(1);
        lab.Clock.Advance(TimeSpan.FromMilliseconds(500));
        await Expect(person.Page.Locator(".leds li[title='alarm: 500/500'] .light.lit")).ToHaveCountAsync(0);
        lab.Clock.Advance(TimeSpan.FromMilliseconds(500));
        await Expect(person.Page.Locator(".leds li[title='alarm: 500/500'] .light.lit")).ToHaveCountAsync(1);
        await Expect(person.Page.Locator(".display")).ToContainTextAsync("Locked out");
        // Focus and hover show the details of a port.
        await person.Page.Locator(".port").First.FocusAsync();
        await Expect(person.Page.Locator(".port-detail"))
            .ToHaveTextAsync(
                new System.Text.RegularExpressions.Regex(
                    $"^port1 {lab.Port1} · link up · allowaccess ping https ftm · .*sslvpn 10443.* · 0 live of [1-9][0-9]* accepted connections$"
                )
            );
        await person.Page.Locator(".port").Nth(2).HoverAsync();
        await Expect(person.Page.Locator(".port-detail")).ToContainTextAsync("port3");
        await Expect(person.Page.Locator(".port-detail")).ToContainTextAsync("no link");
        await person.AssertAccessibleAsync("the front");
    }

    [Fact]
    public async Task A_scenario_is_picked_run_and_told()
    {
        await using var lab = await TestLab.StartAsync();
        await using var person = await browser.OpenAsync(lab);
        await person.ReadyAsync();
        await person.Page.Locator("#scenario").SelectOptionAsync("push-approve");
        await person.Page.Locator("#run-scenario").ClickAsync();
        await Expect(person.Page.Locator(".scenario-result")).ToContainTextAsync("passed");
        await person.AssertAccessibleAsync("a scenario's result");
        await person.PictureAsync("scenario");
        using var unknown = await lab.Api.PostAsync("/lab/scenarios/none", null);
        Assert.Equal(System.Net.HttpStatusCode.NotFound, unknown.StatusCode);
    }

    [Fact]
    public async Task A_phone_behaves_as_its_switches_say()
    {
        await using var lab = await TestLab.StartAsync();
        await using var person = await browser.OpenAsync(lab);
        await person.ReadyAsync();
        var phone = person.Phone("ann");
        await phone.Locator("summary").ClickAsync();
        await phone.GetByLabel("offline").ClickAsync();
        await Expect(phone).ToContainTextAsync("no connection");
        await phone.GetByLabel("offline").ClickAsync();
        var before = await phone.Locator(".digits").InnerTextAsync();
        await phone.GetByLabel("clock wrong by").FillAsync("120");
        await phone.GetByLabel("clock wrong by").PressAsync("Enter");
        await Expect(phone.Locator(".digits")).Not.ToHaveTextAsync(before);
        await phone.GetByLabel("clock wrong by").FillAsync("0");
        await phone.GetByLabel("clock wrong by").PressAsync("Enter");
        await Expect(phone.Locator(".digits")).ToHaveTextAsync(before);
        await phone.Locator("select").SelectOptionAsync("approve");
        Assert.True((await lab.OpenfortivpnAsync("ann", "ann-password")).Authenticated);
        await person.OutcomeIsAsync("in");
        // After a while, and the other way.
        await lab.AdvanceAsync(60);
        await phone.Locator("select").SelectOptionAsync("deny");
        await phone.GetByLabel("after").FillAsync("7");
        await phone.GetByLabel("after").PressAsync("Enter");
        await Until.TrueAsync(async () => (await lab.PhoneAsync())["delayMs"]!.GetValue<double>() == 7000, "the delay");
        var denied = lab.OpenfortivpnAsync("ann", "ann-password");
        await phone.GetByText("wants to log in").WaitForAsync();
        await lab.AdvanceAsync(6);
        Assert.False(denied.IsCompleted);
        await lab.AdvanceAsync(1);
        Assert.False((await denied).Authenticated);
        await Expect(phone.Locator(".phone-last")).ToContainTextAsync("Denied: accepted");
        // Not while offline: the push waits at the provider and arrives when the phone is online.
        await phone.Locator("select").SelectOptionAsync("ignore");
        await phone.GetByLabel("offline").ClickAsync();
        await Expect(phone).ToContainTextAsync("no connection");
        var ignored = lab.OpenfortivpnAsync("ann", "ann-password");
        await Expect(person.Page.Locator("#flow .row[data-way='appliance phone']")).ToHaveCountAsync(1);
        await Expect(phone.Locator(".notification")).ToHaveCountAsync(0);
        await phone.GetByLabel("offline").ClickAsync();
        await phone.GetByText("wants to log in").WaitForAsync();
        await lab.AdvanceAsync(60);
        Assert.False((await ignored).Authenticated);
        person.AssertQuiet();
    }

    [Fact]
    public async Task A_number_match_is_typed_on_the_card()
    {
        await using var lab = await TestLab.StartAsync();
        await using var person = await browser.OpenAsync(lab);
        await person.ReadyAsync();
        await person.Page.GetByText("number match").ClickAsync();
        await Until.TrueAsync(() => lab.Unit.LabPolicy.NumberMatch, "the lab's rule");
        using var web = new Web(lab);
        using var asked = await web.FormAsync(
            $"https://{lab.Vpn}/remote/logincheck",
            "username=ann&credential=ann-password&realm=&ajax=1&just_logged_in=1"
        );
        var challenge = await asked.Content.ReadAsStringAsync();
        var fields = challenge.Split(',').Select(pair => pair.Split('=', 2)).ToDictionary(pair => pair[0], pair => pair[1]);
        var number = System.Text.RegularExpressions.Regex.Match(fields["chal_msg"], "[0-9]{2}").Value;
        var waiting = web.FormAsync(
            $"https://{lab.Vpn}/remote/logincheck",
            $"username=ann&realm=&reqid={fields["reqid"]}&polid={fields["polid"]}&grp=&portal=&peer=&ftmpush=1"
        );
        await Expect(person.Phone("ann").Locator(".approve")).ToBeDisabledAsync();
        await person.Phone("ann").GetByLabel("Number that the login shows").FillAsync(number);
        await person.PictureAsync("number-match");
        await person.Phone("ann").Locator(".approve").ClickAsync();
        using var done = await waiting;
        Assert.Contains("ret=1", await done.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        await person.OutcomeIsAsync("in");
        person.AssertQuiet();
    }

    [Fact]
    public async Task Consoles_in_tabs_and_one_that_is_only_watched()
    {
        await using var lab = await TestLab.StartAsync();
        await using var person = await browser.OpenAsync(lab);
        await person.ReadyAsync();
        await person.TypeAsync("config system global");
        await person.ConsoleShowsAsync("(global) #");
        await person.Page.GetByText("Share read-only").ClickAsync();
        var link = await person.ClipboardAsync();
        await using var watcher = await browser.NewAsync();
        await watcher.Page.GotoAsync(link);
        await watcher.ConsoleShowsAsync("(global) #");
        await watcher.TypeAsync("set hostname stolen", "end");
        await person.TypeAsync("get | grep hostname");
        await watcher.ConsoleShowsAsync("hostname            : lab-appliance");
        Assert.DoesNotContain("stolen", await lab.CliAsync("show system global"), StringComparison.Ordinal);

        await person.Page.GetByText("New login").ClickAsync();
        await person.ConsoleShowsAsync("login:");
        await person.TypeAsync("admin", "");
        await person.ConsoleShowsAsync("Welcome");
        await Expect(person.Page.Locator("[role=tab]")).ToHaveCountAsync(2);
        await person.Page.Locator("[role=tab]").First.ClickAsync();
        await person.ConsoleShowsAsync("(global) #");
        // Tab completes and ? shows help, immediately, as on the device.
        await person.TypeAsync("end");
        await person.Page.Keyboard.TypeAsync("sho\tsystem ft?");
        await person.ConsoleShowsAsync("ftm-push");
        // Ctrl+C discards the line, arrow up recalls the last one, and a long answer is paged.
        await person.Page.Keyboard.PressAsync("Control+C");
        await person.TypeAsync("get system status");
        await person.ConsoleShowsAsync("Serial-Number");
        await person.TypeAsync("show full-configuration");
        await person.ConsoleShowsAsync("--More--");
        await person.Page.Keyboard.PressAsync("Space");
        await person.Page.Keyboard.PressAsync("q");
        await Expect(person.Page.Locator(".tab-shown .xterm-rows")).Not.ToContainTextAsync("--More--");
        await person.Page.Keyboard.PressAsync("ArrowUp");
        await person.Page.Keyboard.PressAsync("ArrowUp");
        await Expect(person.Page.Locator(".tab-shown .xterm-rows > div", new() { HasText = "lab-appliance # get system status" }).Last)
            .ToBeVisibleAsync();
        await person.Page.Keyboard.PressAsync("Control+C");
        // Tabs by arrow keys; one is closed, the other one stays.
        await person.Page.Locator("[role=tab]").First.FocusAsync();
        await person.Page.Keyboard.PressAsync("ArrowRight");
        await Expect(person.Page.Locator("[role=tab]").Last).ToBeFocusedAsync();
        await person.ConsoleShowsAsync("Welcome");
        await person.Page.GetByText("Close tab").ClickAsync();
        await Expect(person.Page.Locator("[role=tab]")).ToHaveCountAsync(1);
        await person.ConsoleShowsAsync("get system status");
        person.AssertQuiet();
        watcher.AssertQuiet();
    }

    [Fact]
    public async Task The_terminal_follows_its_window_and_copies_and_takes_what_is_pasted()
    {
        await using var lab = await TestLab.StartAsync();
        await using var person = await browser.OpenAsync(lab);
        await person.ReadyAsync();
        await person.Page.GetByText("Share read-only").ClickAsync();
        await using var watcher = await browser.NewAsync();
        await watcher.Page.GotoAsync(await person.ClipboardAsync());
        await watcher.ConsoleShowsAsync("lab-appliance #");
        // A page of a longer answer is as high as the window is now, for the watcher too.
        var rows = 0;
        foreach (var height in new[] { 250, 560 })
        {
            var before = await person.Page.Locator(".tab-shown .xterm-rows > div").CountAsync();
            await person.Page.Locator(".tab-shown").EvaluateAsync("(place, height) => place.style.height = height + 'px'", height);
            rows = await OtherRowsAsync(person, before);
            await Expect(watcher.Page.Locator(".tab-shown .xterm-rows > div")).ToHaveCountAsync(rows);
            await person.TypeAsync("show full-configuration");
            await person.ConsoleShowsAsync("--More--");
            Assert.Equal(rows, await person.Page.Locator(".tab-shown .xterm-rows > div").CountAsync());
            // The whole screen: the typed line, a page two rows shorter than the window, and the prompt for more.
            var first = await person.Page.Locator(".tab-shown .xterm-rows > div").First.InnerTextAsync();
            Assert.Contains("show full-configuration", first, StringComparison.Ordinal);
            await person.Page.Keyboard.PressAsync("q");
            await person.ConsoleShowsAsync("lab-appliance #");
        }
        // Paste several lines; then select one and copy it.
        await person.Page.EvaluateAsync("() => navigator.clipboard.writeText('config system global\\nset hostname pasted\\nend\\n')");
        await person.Page.Keyboard.PressAsync("Shift+Insert");
        await person.ConsoleShowsAsync("pasted #");
        var prompt = person.Page.Locator(".tab-shown .xterm-rows > div", new() { HasText = "pasted #" });
        var box = (await prompt.Last.BoundingBoxAsync())!;
        await person.Page.Mouse.DblClickAsync(box.X + 10, box.Y + (box.Height / 2));
        await person.Page.Keyboard.PressAsync("Control+C");
        await Expect(person.Page.Locator(".notice")).ToContainTextAsync("selection copied");
        Assert.Equal("pasted", (await person.ClipboardAsync()).Trim());
        person.AssertQuiet();
        watcher.AssertQuiet();
    }

    [Fact]
    public async Task Events_are_filtered_searched_paused_and_linked_to()
    {
        await using var lab = await TestLab.StartAsync();
        await lab.OpenfortivpnAsync("bob", "a-wrong-password");
        var record = lab.Unit.EventsAfter(0, 100)[^1];
        await using var person = await browser.OpenAsync(lab, $"/#event={record.Id}");
        await person.ReadyAsync();
        await Expect(person.Page.Locator(".event-detail pre")).ToHaveTextAsync(record.Line);
        await person.LeaveConsoleAsync();
        await person.Page.Keyboard.PressAsync("/");
        await person.Page.Keyboard.TypeAsync("no event holds this");
        await Expect(person.Page.Locator(".event")).ToHaveCountAsync(0);
        await person.Page.Keyboard.PressAsync("Control+A");
        await person.Page.Keyboard.TypeAsync("bob");
        await Expect(person.Page.Locator(".event").First).ToContainTextAsync("bob");
        await person.Page.Locator("#events").GetByText("Pause").ClickAsync();
        var count = await person.Page.Locator(".event").CountAsync();
        await lab.OpenfortivpnAsync("bob", "bob-password");
        await Expect(person.Page.Locator("#events button[aria-pressed]")).ToContainTextAsync("new)");
        Assert.Equal(count, await person.Page.Locator(".event").CountAsync());
        await person.Page.Locator("#events").GetByText("Go on").ClickAsync();
        await Expect(person.Page.Locator(".event").Last).ToContainTextAsync("bob");
        Assert.True(await person.Page.Locator(".event").CountAsync() > count);
        person.AssertQuiet();
    }

    [Fact]
    public async Task A_fault_is_put_fires_and_is_taken_away()
    {
        await using var lab = await TestLab.StartAsync();
        await using var person = await browser.OpenAsync(lab);
        await person.ReadyAsync();
        await person.Page.Locator("#fault-word").SelectOptionAsync("provider.410");
        await person.Page.Locator("#faults").GetByLabel("times").FillAsync("1");
        await person.Page.Locator("#add-fault").ClickAsync();
        await Expect(person.Page.Locator(".fault-list")).ToContainTextAsync("fired 0, 1 left");
        await lab.OpenfortivpnAsync("ann", "ann-password");
        await Expect(person.Page.Locator(".fault-list")).ToContainTextAsync("fired 1, 0 left");
        await person.PictureAsync("fault");
        // With a chance, a seed, and whom it concerns.
        await person.Page.Locator("#fault-word").SelectOptionAsync("push.delay");
        await person.Page.Locator("#faults").GetByLabel("delay (ms)").FillAsync("2500");
        await person.Page.Locator("#faults summary").ClickAsync();
        await person.Page.Locator("#faults").GetByLabel("probability").FillAsync("0.25");
        await person.Page.Locator("#faults").GetByLabel("seed").FillAsync("7");
        await person.Page.Locator("#faults").GetByLabel("user").SelectOptionAsync("ann");
        await person.Page.Locator("#add-fault").ClickAsync();
        await Expect(person.Page.Locator(".fault-list li").Last).ToContainTextAsync("push.delay p 0.25, seed 7, user ann, delay (ms) 2500");
        await person.Page.GetByLabel("Take away provider.410").ClickAsync();
        await Expect(person.Page.Locator(".fault-list li")).ToHaveCountAsync(1);
        await person.Page.GetByText("Clear all").ClickAsync();
        await Expect(person.Page.Locator(".fault-list")).ToContainTextAsync("Nothing goes wrong.");
        person.AssertQuiet();
    }

    /// <summary>The number of the terminal's rows once it differs from <paramref name="before"/>.</summary>
    private static async Task<int> OtherRowsAsync(Person person, int before)
    {
        await Expect(person.Page.Locator(".tab-shown .xterm-rows > div")).Not.ToHaveCountAsync(before);
        return await person.Page.Locator(".tab-shown .xterm-rows > div").CountAsync();
    }
}
