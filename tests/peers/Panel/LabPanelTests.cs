using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Appliance.Firmware;
using Appliance.Firmware.Monitoring;
using Appliance.Tests.EndToEnd;
using Xunit;

namespace Appliance.Tests.Panel;

/// <summary>The front panel of a whole appliance in the lab: its display, and the effect of its button.</summary>
[Trait("Peer", "openfortivpn")]
public sealed class LabPanelTests
{
    [Fact]
    public async Task TheFrontTellsWhatIsTrueOfTheUnit()
    {
        await using var lab = await TestLab.StartAsync(
            "config user setting\nset auth-lockout-threshold 1\nset auth-lockout-duration 60\nend\n"
        );
        await PatternAsync(lab, "status", "on");
        Assert.Equal(["off", "on", "on", "on", "on"], await PatternsAsync(lab, "alarm", "port1", "port2", "port3", "port4"));
        Assert.Equal(
            ["lab-appliance   ", lab.Port1.PadRight(16)[..16]],
            (await PanelAsync(lab))["display"]!.AsArray().Select(line => line!.GetValue<string>())
        );
        await lab.CliAsync("config system interface", "edit port2", "set status down", "end");
        await PatternAsync(lab, "port2", "off");
        await lab.CliAsync("config system interface", "edit port2", "set status up", "end");
        await PatternAsync(lab, "port2", "on");

        Assert.False((await lab.OpenfortivpnAsync("bob", "wrong")).Authenticated);
        await PatternAsync(lab, "alarm", "500/500");
        Assert.Contains("LED alarm: blinking (500/500 ms)", await lab.CliAsync("get hardware status"), StringComparison.Ordinal);
        await lab.AdvanceAsync(61);
        await PatternAsync(lab, "alarm", "off");
        Assert.Contains("Model name: Desktop simulator\n", await lab.CliAsync("get hardware status"), StringComparison.Ordinal);

        await lab.CliAsync(
            "config firewall policy",
            "purge",
            "y",
            "end",
            "config vpn ssl settings",
            "config authentication-rule",
            "purge",
            "y",
            "end",
            "end",
            "config user group",
            "purge",
            "y",
            "end",
            "config user local",
            "purge",
            "y",
            "end"
        );
        await PatternAsync(lab, "status", "1000/1000");
    }

    /// <summary>Regression: time passed between the check and the timer, and a lockout that had ended stayed on the panel.</summary>
    [Fact]
    public void ALockOutThatEndsWhileItIsShownIsLookedAtAgain()
    {
        var now = new DateTimeOffset(2033, 2, 3, 4, 5, 6, TimeSpan.Zero);
        Assert.Equal(Timeout.InfiniteTimeSpan, PanelReporter.UntilNextLook(null, now));
        Assert.Equal(TimeSpan.FromSeconds(60), PanelReporter.UntilNextLook(now.AddSeconds(60), now));
        Assert.Equal(TimeSpan.Zero, PanelReporter.UntilNextLook(now, now));
        Assert.Equal(TimeSpan.Zero, PanelReporter.UntilNextLook(now.AddSeconds(-1), now));
    }

    [Fact]
    public async Task HoldingResetRestoresTheFactoryConfigurationAndRestarts()
    {
        await using var lab = await TestLab.StartAsync();
        await lab.CliAsync("config system global", "set hostname changed", "end");
        await PostAsync(lab, "/lab/panel/buttons/reset/hold", new { seconds = 4.9 });
        await lab.AdvanceAsync(30);
        Assert.Contains("set hostname \"changed\"", await lab.CliAsync("show system global"), StringComparison.Ordinal);

        await PostAsync(lab, "/lab/panel/buttons/reset/press");
        await lab.AdvanceAsync(4);
        var counting = await PanelAsync(lab);
        Assert.Equal("100/100", Led(counting, "status"));
        Assert.True(counting["buttons"]![0]!["pressed"]!.GetValue<bool>());
        Assert.Equal(4.0, counting["buttons"]![0]!["heldSeconds"]!.GetValue<double>());
        await lab.AdvanceAsync(1);
        await Until.TrueAsync(
            async () =>
            {
                using var answer = await lab.Api.PostAsync("/lab/cli", new StringContent("show system global\n")); // 503 while it restarts
                return answer.IsSuccessStatusCode
                    && (await answer.Content.ReadAsStringAsync()).Contains("set hostname \"lab-appliance\"", StringComparison.Ordinal)
                    && lab.EventLines().Any(line => line.Contains("User admin rebooted the device from panel", StringComparison.Ordinal));
            },
            "the unit after its reset"
        );
        await PostAsync(lab, "/lab/panel/buttons/reset/release");
        Assert.Contains(
            lab.EventLines(),
            line =>
                line.Contains("logid=\"0100032145\"", StringComparison.Ordinal) && line.Contains("ui=\"panel\"", StringComparison.Ordinal)
        );
        await PatternAsync(lab, "status", "on");
        await PatternAsync(lab, "alarm", "off");
    }

    [Fact]
    public async Task WhatIsNotThereIsNamed()
    {
        await using var lab = await TestLab.StartAsync();
        foreach (
            var (path, body, status, named) in new (string, object?, HttpStatusCode, string)[]
            {
                ("/lab/panel/buttons/rest/press", null, HttpStatusCode.NotFound, "no button 'rest'; there are: reset"),
                ("/lab/panel/buttons/reset/poke", null, HttpStatusCode.NotFound, "no such path"),
                ("/lab/panel/buttons/reset/hold", new { seconds = -1 }, HttpStatusCode.BadRequest, "seconds must be a number"),
                ("/lab/panel/buttons/reset/hold", new { minutes = 1 }, HttpStatusCode.BadRequest, "unknown field 'minutes'"),
                ("/lab/panel", null, HttpStatusCode.MethodNotAllowed, "allowed: GET"),
            }
        )
        {
            using var answer = await lab.Api.PostAsync(path, body is null ? null : JsonContent.Create(body));
            Assert.Equal(status, answer.StatusCode);
            Assert.Contains(
                named,
                (await answer.Content.ReadFromJsonAsync<JsonObject>())!["detail"]!.GetValue<string>(),
                StringComparison.Ordinal
            );
        }
    }

    private static async Task<JsonNode> PanelAsync(TestLab lab) => (await lab.Api.GetFromJsonAsync<JsonNode>("/lab/panel"))!;

    private static string Led(JsonNode panel, string name) =>
        panel["leds"]!.AsArray().Single(led => led!["name"]!.GetValue<string>() == name)!["pattern"]!.GetValue<string>();

    private static async Task<string[]> PatternsAsync(TestLab lab, params string[] leds)
    {
        var panel = await PanelAsync(lab);
        return [.. leds.Select(led => Led(panel, led))];
    }

    private static Task PatternAsync(TestLab lab, string led, string pattern) =>
        Until.TrueAsync(async () => Led(await PanelAsync(lab), led) == pattern, $"{led} {pattern}");

    private static async Task PostAsync(TestLab lab, string path, object? body = null)
    {
        using var answer = await lab.Api.PostAsync(path, body is null ? null : JsonContent.Create(body));
        answer.EnsureSuccessStatusCode();
    }
}
