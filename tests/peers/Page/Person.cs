using System.Text.Json;
using Appliance.Tests.EndToEnd;
using Microsoft.Playwright;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Appliance.Tests.Page;

/// <summary>A user of the page: looks, types, and keeps pictures. The browser's complaints are kept, too.</summary>
internal sealed class Person : IAsyncDisposable
{
    private readonly IBrowserContext _context;
    private readonly List<string> _complaints = [];

    public Person(IBrowserContext context, IPage page)
    {
        (_context, Page) = (context, page);
        page.Console += (_, message) =>
        {
            if (message.Type is "error" or "warning")
            {
                _complaints.Add(message.Text);
            }
        };
        page.PageError += (_, error) => _complaints.Add(error);
        page.SetDefaultTimeout(20_000);
    }

    public IPage Page { get; }

    public ILocator Phone(string user) => Page.Locator($"article[aria-label='Phone of {user}']");

    public ILocator Outcome => Page.Locator("#flow .outcome");

    /// <summary>Waits until the page follows the lab and its console shows a prompt.</summary>
    public async Task ReadyAsync()
    {
        await Expect(Page.Locator(".state.good")).ToHaveTextAsync("live");
        await ConsoleShowsAsync("lab-appliance #");
    }

    /// <summary>Types lines at the shown console, key by key.</summary>
    public async Task TypeAsync(params string[] lines)
    {
        await Page.Locator(".tab-shown .xterm-helper-textarea").FocusAsync();
        foreach (var line in lines)
        {
            await Page.Keyboard.TypeAsync(line + "\n");
        }
    }

    public Task ConsoleShowsAsync(string text) => Expect(Page.Locator(".tab-shown .xterm-rows")).ToContainTextAsync(text);

    public Task<string> ClipboardAsync() => Page.EvaluateAsync<string>("() => navigator.clipboard.readText()");

    public async Task OutcomeIsAsync(string outcome) => await Expect(Outcome).ToHaveAttributeAsync("data-outcome", outcome);

    /// <summary>The keys that answer a push: p, Tab as needed, Enter.</summary>
    public async Task AnswerByKeysAsync(string answer)
    {
        await Page.Locator("#phones .notification").First.WaitForAsync();
        await LeaveConsoleAsync();
        await Page.Keyboard.PressAsync("p");
        if (answer == "Deny")
        {
            await Page.Keyboard.PressAsync("Shift+Tab");
        }
        await Expect(Page.Locator(":focus")).ToHaveTextAsync(answer);
        await Page.Keyboard.PressAsync("Enter");
    }

    /// <summary>Leaves the console by its key, if a session is open.</summary>
    public async Task LeaveConsoleAsync()
    {
        if (await Page.EvaluateAsync<bool>("() => document.activeElement.closest('.terminal') !== null"))
        {
            await Page.Keyboard.PressAsync("F6");
        }
    }

    /// <summary>Takes a picture for the results of the run. <paramref name="keep"/> makes it one of the README's, too.</summary>
    public async Task PictureAsync(string name, bool keep = false)
    {
        var folder = Directory.CreateDirectory(Repository.PathOf("artifacts/page"));
        var file = Path.Combine(folder.FullName, name + ".png");
        await Page.ScreenshotAsync(new PageScreenshotOptions { Path = file, Animations = ScreenshotAnimations.Disabled });
        if (keep && Environment.GetEnvironmentVariable("UPDATE_PICTURES") == "1")
        {
            // Smaller than the artefact: it lives in the repository.
            var kept = Directory.CreateDirectory(Repository.PathOf("docs/pictures"));
            await Page.ScreenshotAsync(
                new PageScreenshotOptions
                {
                    Path = Path.Combine(kept.FullName, name + ".jpg"),
                    Type = ScreenshotType.Jpeg,
                    Quality = 70,
                    Animations = ScreenshotAnimations.Disabled,
                }
            );
        }
    }

    /// <summary>axe-core reports nothing, and (when quiet) the browser's console has no complaint.</summary>
    public async Task AssertAccessibleAsync(string what, bool quiet = true)
    {
        await Page.EvaluateAsync(await File.ReadAllTextAsync(Repository.PathOf("sim/web/node_modules/axe-core/axe.min.js")));
        var found = await Page.EvaluateAsync<JsonElement>(
            "async () => (await axe.run(document, { resultTypes: ['violations'] })).violations.map(v => `${v.id}: ${v.help}: ${v.nodes.map(n => n.html + ' ' + n.failureSummary).join(' | ')}`)"
        );
        Assert.True(found.GetArrayLength() == 0, $"{what}: {found}");
        if (quiet)
        {
            AssertQuiet();
        }
    }

    public void AssertQuiet() => Assert.True(_complaints.Count == 0, string.Join('\n', _complaints));

    public async ValueTask DisposeAsync() => await _context.DisposeAsync();
}
