using Appliance.Lab.Page;
using Appliance.Tests.EndToEnd;
using Microsoft.Playwright;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Appliance.Tests.Page;

/// <summary>
/// Debian's Chromium, one for all tests of the page; each test has separate contexts. If it, or the page, is missing, the tests are
/// skipped by
/// name; `test` makes that a failure in CI.
/// </summary>
public sealed class Browser : IAsyncLifetime
{
    /// <summary>In ms, for whatever the page is to show: a loaded machine is slow, not wrong.</summary>
    private const float Patience = 20_000;

    private const string Executable = "/usr/bin/chromium";

    private static readonly string[] Switches =
    [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-dev-shm-usage",
    ];

    private IPlaywright? _playwright;
    private IBrowser? _browser;

    public async ValueTask InitializeAsync()
    {
        if (!File.Exists(Executable) || !PageFiles.Embedded.IsBuilt)
        {
            return;
        }
        SetDefaultExpectTimeout(Patience);
        _playwright = await Playwright.CreateAsync();
        _browser = await _playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions { ExecutablePath = Executable, Args = Switches });
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null)
        {
            await _browser.DisposeAsync();
        }
        _playwright?.Dispose();
    }

    /// <summary>Opens a lab's page for a user with a separate browser context.</summary>
    internal async Task<Person> OpenAsync(
        TestLab lab,
        string path = "/",
        int width = 1500,
        int height = 1150,
        ColorScheme scheme = ColorScheme.Light
    )
    {
        var person = await NewAsync(width, height, scheme);
        await person.Page.GotoAsync(new Uri(lab.Api.BaseAddress!, path).ToString());
        return person;
    }

    /// <summary>A browser without an open page.</summary>
    internal async Task<Person> NewAsync(int width = 1500, int height = 1150, ColorScheme scheme = ColorScheme.Light)
    {
        Assert.SkipWhen(!PageFiles.Embedded.IsBuilt, "the page is not built (scripts/web; it needs Node.js)");
        Assert.SkipWhen(_browser is null, "peer program chromium is not installed");
        var context = await _browser!.NewContextAsync(
            new BrowserNewContextOptions
            {
                ViewportSize = new ViewportSize { Width = width, Height = height },
                ColorScheme = scheme,
                ReducedMotion = ReducedMotion.Reduce,
                IgnoreHTTPSErrors = true,
                Permissions = ["clipboard-read", "clipboard-write"],
            }
        );
        return new Person(context, await context.NewPageAsync());
    }
}

[CollectionDefinition(Name)]
public sealed class BrowserCollection : ICollectionFixture<Browser>
{
    public const string Name = "browser";
}
