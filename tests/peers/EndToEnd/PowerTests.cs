using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Appliance.Boot;
using Appliance.Doubles.Nics;
using Appliance.Firmware;
using Appliance.Firmware.Config;
using Appliance.Firmware.Ftm;
using Appliance.Hal;
using Appliance.Lab.Composition;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Appliance.Tests.EndToEnd;

/// <summary><c>execute reboot</c> and <c>execute shutdown</c>, in the lab and on a box.</summary>
[Trait("Peer", "openfortivpn")]
public sealed class PowerTests
{
    [Fact]
    public async Task ARebootKeepsSessionsAndMemoryWhileTheLabStaysUp()
    {
        await using var lab = await TestLab.StartAsync(personality: Personality.Find("7.4"));
        var code = lab.Code(TestLab.CatSeed);
        Assert.True((await lab.OpenfortivpnAsync("cat", "cat-password", "-o", code)).Authenticated);
        using var web = new Web(lab);
        using var login = await web.FormAsync($"https://{lab.Vpn}/remote/logincheck", "username=bob&credential=bob-password&realm=&ajax=1");
        var cookie = login.Headers.GetValues("Set-Cookie").Single().Split(';')[0];
        var phone = (await lab.PhoneAsync())["code"]!.GetValue<string>();
        await lab.CliAsync("config system global", "set hostname before", "end");

        Assert.EndsWith(
            "Do you want to continue? (y/n)y\n\nSystem is rebooting...\n\n",
            await lab.CliAsync("execute reboot", "y", "get system status"),
            StringComparison.Ordinal
        );
        await ReadyAsync(lab);

        Assert.Contains("Last reboot reason: warm reboot", await lab.CliAsync("get system status"), StringComparison.Ordinal);
        Assert.Contains(" 0       bob       vpn-users", await lab.CliAsync("get vpn ssl monitor"), StringComparison.Ordinal);
        using (var index = new HttpRequestMessage(HttpMethod.Get, $"https://{lab.Vpn}/remote/index") { Headers = { { "Cookie", cookie } } })
        {
            using var page = await web.SendAsync(index);
            Assert.Equal(HttpStatusCode.OK, page.StatusCode);
        }
        Assert.Contains("before # ", await lab.CliAsync("execute date"), StringComparison.Ordinal);
        Assert.Equal(phone, (await lab.PhoneAsync())["code"]!.GetValue<string>());
        Assert.Contains(
            lab.EventLines(),
            line =>
                line.Contains("logid=\"0100032138\"", StringComparison.Ordinal)
                && line.Contains("User admin rebooted the device from console", StringComparison.Ordinal)
        );
        // The consumed code is still stored, and a push login completes.
        Assert.False((await lab.OpenfortivpnAsync("cat", "cat-password", "-o", code)).Authenticated);
        await lab.PhoneModeAsync(new { mode = "approve" });
        Assert.True((await lab.OpenfortivpnAsync("ann", "ann-password")).Authenticated);
    }

    [Fact]
    public async Task ConsolesOfAUnitThatRebootsAreClosedAndNewOnesWaitForTheNextUnit()
    {
        await using var lab = await TestLab.StartAsync();
        await using var idle = await ConsoleClient.ConnectAsync(lab);
        await idle.ReadToAsync("lab-appliance # ");
        await using var console = await ConsoleClient.ConnectAsync(lab);
        await console.TypeAsync("execute reboot", "y");
        await console.ReadToAsync(null);
        Assert.EndsWith("System is rebooting...\n\n", console.Shown, StringComparison.Ordinal);
        await idle.ReadToAsync(null);
        await using var next = await ConsoleClient.ConnectAsync(lab);
        await next.TypeAsync("get system status");
        await next.ReadToAsync("Hostname: lab-appliance");
    }

    [Fact]
    public async Task WhoeverWaitsForAnEventIsToldOfTheNextUnitsEvents()
    {
        await using var lab = await TestLab.StartAsync();
        var last = lab.Unit.EventsAfter(0, 10_000) is [.., var newest] ? newest.Id : 0;
        await lab.CliAsync("execute reboot", "y");
        await ReadyAsync(lab);
        var rebooted = lab.Unit.EventsAfter(last, 10)[^1].Id;
        var waiting = lab.Unit.WaitForEventAfterAsync(rebooted, CancellationToken.None);
        await lab.CliAsync("execute reboot", "y");
        await ReadyAsync(lab);
        await lab.CliAsync("config system global", "set hostname after", "end");
        await waiting;
    }

    [Fact]
    public async Task AShutdownEndsTheProgramWithZero()
    {
        await using var lab = new LabProcess();
        await lab.StartAsync();
        Assert.Contains("System is shutting down...", await lab.CliAsync("execute shutdown\ny\n"), StringComparison.Ordinal);
        Assert.Equal(0, await lab.ExitCodeAsync());
        await lab.StartAsync();
        Assert.Contains("shut down the device from console", await lab.CliAsync("execute log display\n"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ABoxRunsUnitAfterUnitUntilItIsShutDown()
    {
        var folder = Directory.CreateTempSubdirectory("appliance-boot-");
        try
        {
            var network = new SimNetwork();
            INic[] nics =
            [
                .. Enumerable.Range(1, 4).Select(number => new SimNic(network, $"port{number}", IPAddress.Parse($"127.0.1.{number}"))),
            ];
            var time = new FakeTimeProvider(new DateTimeOffset(2033, 2, 3, 4, 5, 6, TimeSpan.Zero));
            var serials = new List<string>();
            var consoles = new List<Task>();
            using var stop = new CancellationTokenSource();
            await BoardBoot.RunUnitsAsync(
                new UnitOptions(
                    folder.FullName,
                    nics,
                    time,
                    new NoPushProxy(),
                    LabBoard.DefaultConfiguration(),
                    NullLoggerFactory.Instance
                ),
                unit =>
                {
                    serials.Add(unit.SerialNumber);
                    consoles.Add(
                        serials.Count < 3
                            ? EndAsync(unit, "execute reboot", "\nSystem is rebooting...\n\n")
                            : EndAsync(unit, "execute shutdown", "\nSystem is shutting down...\n\n")
                    );
                },
                stop.Token
            );
            await Task.WhenAll(consoles);
            Assert.Equal(3, serials.Count);
            Assert.Single(serials.Distinct());
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>Ends a unit from its console, which shows the reply and is closed.</summary>
    private static async Task EndAsync(Unit unit, string command, string reply)
    {
        using var console = unit.OpenConsole();
        console.Execute(command);
        Assert.Equal(reply, console.Execute("y") + await console.AnsweredAsync());
        Assert.True(console.Closed);
    }

    private static Task ReadyAsync(TestLab lab) =>
        Until.TrueAsync(
            async () =>
            {
                using var answer = await lab.Api.GetAsync("/lab/ready");
                return answer.IsSuccessStatusCode && (await answer.Content.ReadFromJsonAsync<JsonObject>())!["ready"]!.GetValue<bool>();
            },
            "the next unit"
        );
}
