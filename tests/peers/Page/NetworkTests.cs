using System.Net;
using Appliance.Tests.EndToEnd;
using Microsoft.Playwright;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Appliance.Tests.Page;

/// <summary>A phone of the network: HTTPS, the pairing code, and no part of the lab except its card.</summary>
[Trait("Peer", "openfortivpn")]
[Trait("Peer", "chromium")]
[Collection(BrowserCollection.Name)]
public sealed class NetworkTests(Browser browser)
{
    [Fact]
    public async Task A_paired_phone_enrols_by_the_picture_of_its_code_and_approves()
    {
        await using var lab = await TestLab.StartAsync(lan: true);
        await using var trainer = await browser.OpenAsync(lab);
        await trainer.ReadyAsync();
        await using var owner = await browser.NewAsync(width: 360, height: 740);
        await owner.Page.GotoAsync(new Uri(lab.Lan!, "/phone/new").ToString());
        await owner.Page.GetByLabel("Pairing code").FillAsync("1");
        await owner.Page.GetByText("Pair", new() { Exact = true }).ClickAsync();
        await Expect(owner.Page.Locator("[role=alert]")).ToContainTextAsync("not the pairing code");
        await trainer.Phone("ann").Locator("summary").ClickAsync();
        await trainer.Phone("ann").GetByText("Alone, or on a real phone").ClickAsync();
        await owner.Page.GetByLabel("Pairing code").FillAsync(await trainer.Page.Locator(".pairing").InnerTextAsync());
        await trainer.PictureAsync("real-phone");
        await trainer.Page.Keyboard.PressAsync("Escape");
        await owner.Page.GetByText("Pair", new() { Exact = true }).ClickAsync();

        await trainer.Page.GetByText("New phone").ClickAsync();
        await trainer.Page.Locator("dialog select").First.SelectOptionAsync("bob");
        await trainer.Page.Locator("#provision").ClickAsync();
        var picture = await trainer.Page.Locator("dialog .qr").ScreenshotAsync();
        await trainer.Page.Keyboard.PressAsync("Escape");
        await owner
            .Page.Locator("input[type=file]")
            .SetInputFilesAsync(
                new FilePayload
                {
                    Name = "photo.png",
                    MimeType = "image/png",
                    Buffer = picture,
                }
            );
        await Expect(owner.Page.Locator("#enrol")).ToBeEnabledAsync();
        await owner.PictureAsync("real-phone-enrols");
        await owner.Page.Locator("#enrol").ClickAsync();
        await owner.Phone("bob").WaitForAsync();
        var client = lab.OpenfortivpnAsync("bob", "bob-password");
        await owner.Page.Locator(".approve").ClickAsync();
        Assert.True((await client).Authenticated, (await client).ToString());
        await trainer.OutcomeIsAsync("in");
    }

    [Fact]
    public async Task Who_is_not_paired_reaches_nothing_and_who_is_only_his_card()
    {
        await using var lab = await TestLab.StartAsync(lan: true);
        using var handler = new HttpClientHandler
        {
            ServerCertificateCustomValidationCallback = HttpClientHandler.DangerousAcceptAnyServerCertificateValidator,
        };
        using var network = new HttpClient(handler) { BaseAddress = lab.Lan };
        foreach (var path in new[] { "/lab/card", "/lab/card/0123", "/lab/stream?phone=0123" })
        {
            Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(network, HttpMethod.Get, path));
        }
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(network, HttpMethod.Post, "/lab/phones", "{\"activation\":\"A\"}"));
        foreach (
            var path in new[]
            {
                "/lab/ready",
                "/lab/cli",
                "/lab/phones/FTKMOB0000000001",
                "/lab/clock",
                "/lab/events",
                "/lab/faults",
                "/lab/logins",
                "/lab/nics",
                "/lab/console",
                "/lab/inbox",
                "/lab/policy",
            }
        )
        {
            Assert.Equal(HttpStatusCode.NotFound, await StatusAsync(network, HttpMethod.Get, path));
            Assert.Equal(HttpStatusCode.NotFound, await StatusAsync(network, HttpMethod.Put, path, "{}"));
        }
        // The whole stream is for this machine.
        Assert.Equal(HttpStatusCode.NotFound, await StatusAsync(network, HttpMethod.Get, "/lab/stream"));
        Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync(network, HttpMethod.Post, "/lab/pair", "{\"code\":\"no\"}"));
        Assert.Equal(HttpStatusCode.NotFound, await StatusAsync(lab.Api, HttpMethod.Post, "/lab/pair", "{\"code\":\"no\"}"));
        using var rebound = new HttpRequestMessage(HttpMethod.Get, "/phone/new") { Headers = { Host = "attacker.example" } };
        using var refused = await network.SendAsync(rebound);
        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
    }

    private static async Task<HttpStatusCode> StatusAsync(HttpClient client, HttpMethod method, string path, string? body = null)
    {
        using var request = new HttpRequestMessage(method, path) { Content = body is null ? null : new StringContent(body) };
        using var answer = await client.SendAsync(request);
        return answer.StatusCode;
    }
}
