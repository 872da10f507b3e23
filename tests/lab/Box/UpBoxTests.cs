using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using Appliance.Doubles.Clock;
using Appliance.Doubles.Failures;
using Appliance.Lab;
using Appliance.Lab.Console;
using Appliance.Lab.Remote;
using Appliance.Tests.EndToEnd;
using Appliance.Tool;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Appliance.Tests.Box;

/// <summary>The desktop's lab around a remote unit: <c>up --box</c>.</summary>
public sealed class UpBoxTests : IDisposable
{
    private const string Ann = "FTKMOB0000000001";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("appliance-upbox-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task TheLabIsAsWithAUnitOfItsOwn()
    {
        await using var agent = await AgentProcess.StartAsync();
        await using var lab = await StartAsync(RemoteEndpoint.Of(agent.TargetFile, null));
        using var api = new HttpClient { BaseAddress = lab.Api.Address };
        Assert.Contains(lab.Ready.Services, service => service.Service == "sslvpn" && service.Address == agent.Network + ".1");

        // A login by push: its phone is here, its unit is remote. The timeline and the event arrive without a request for them.
        var waiting = api.GetFromJsonAsync<JsonArray>($"/lab/events?after={await NewestAsync(api)}&wait=30", Stop);
        Assert.Equal("refused", await LogInAsync(lab, api, "deny"));
        Assert.NotEmpty((await waiting)!);
        await Until.TrueAsync(
            async () =>
                (await api.GetFromJsonAsync<JsonArray>("/lab/events?after=0", Stop))!.Any(told =>
                    told!["line"]!.GetValue<string>().Contains("user=\"ann\"", StringComparison.Ordinal)
                ),
            "an event of ann's"
        );
        Assert.Equal("in", await LogInAsync(lab, api, "approve"));
        using (var policy = await api.PutAsJsonAsync("/lab/policy", new { numberMatch = true }, Stop))
        {
            Assert.Equal(HttpStatusCode.OK, policy.StatusCode);
            Assert.True((await api.GetFromJsonAsync<JsonObject>("/lab/policy", Stop))!["numberMatch"]!.GetValue<bool>());
        }

        // The console: by REST, as a script, as a terminal of another size than usual, and over the reboot.
        Assert.Contains("server-ip", await CliAsync(api, "show system ftm-push"), StringComparison.Ordinal);
        Assert.Contains("hostname", await ScriptAsync("show system global\nexit\n"), StringComparison.Ordinal);
        Assert.Contains("--More--", await TerminalAsync(new(5, 80), "show\r", "--More--"), StringComparison.Ordinal);
        await ScriptAsync("execute reboot\ny\n");
        await Until.TrueAsync(() => ((RemoteUnit)lab.Unit).Boots > 1 && lab.Ready.Services.Count > 0, "the next unit");
        await Until.TrueAsync(
            async () => (await api.GetAsync("/lab/ready", Stop)).StatusCode == HttpStatusCode.OK,
            "the lab with the next unit"
        );
        Assert.Empty((await api.GetFromJsonAsync<JsonArray>("/lab/logins", Stop))!);
        Assert.Equal(HttpStatusCode.OK, await LogBobInAsync(lab));
        await Until.TrueAsync(
            async () =>
                (await api.GetFromJsonAsync<JsonArray>("/lab/logins", Stop))! is [{ } login]
                && login["user"]!.GetValue<string>() == "bob"
                && login["outcome"]!.GetValue<string>() == "in",
            "the timeline of bob's login"
        );

        // A feature that the remote unit does not support is refused with the reason.
        foreach (
            var (method, path, body, told) in new[]
            {
                ("POST", "/lab/clock", """{"advanceSeconds":60}""", "its clock cannot be commanded"),
                ("PUT", "/lab/faults", """{"faults":[]}""", "faults cannot be injected"),
                ("PUT", "/lab/nics/port1", """{"link":false}""", "cables cannot be changed"),
                ("GET", "/lab/panel", "", "its panel is not available"),
                ("GET", "/lab/metrics", "", "its metrics are not available"),
            }
        )
        {
            using var request = new HttpRequestMessage(new HttpMethod(method), path)
            {
                Content = body.Length == 0 ? null : new StringContent(body, Encoding.UTF8, "application/json"),
            };
            using var answer = await api.SendAsync(request, Stop);
            Assert.Equal(HttpStatusCode.Conflict, answer.StatusCode);
            Assert.Contains(told, await answer.Content.ReadAsStringAsync(Stop), StringComparison.Ordinal);
        }

        // Another lab takes over: the unit continues, and this lab reports why it ends.
        var host = await CliAsync(api, "get system status");
        await using (
            var second = await StartAsync(
                new RemoteEndpoint("the unit", IPEndPoint.Parse(agent.Listener), IPAddress.Loopback, RemoteEndpoint.Of(agent.TargetFile, null).Key, null),
                "second"
            )
        )
        {
            var broken = await Assert.ThrowsAsync<LabFailure>(() => lab.SwitchedOff.WaitAsync(Patience, BusyMachine.Time, Stop));
            Assert.Equal(FailureKind.Missing, broken.Kind);
            Assert.Contains("another controller took over; the unit continues", broken.Message, StringComparison.Ordinal);
            Assert.Equal(2, ((RemoteUnit)second.Unit).Boots);
            Assert.Single(second.Unit.Logins.Newest(10));
            Assert.Contains("Version", host, StringComparison.Ordinal);
            // A shutdown ends it as it ends any lab.
            await second.Unit.Console.Get().TranscriptAsync("execute shutdown\ny\n", Stop);
            await second.SwitchedOff.WaitAsync(Patience, BusyMachine.Time, Stop);
        }
    }

    [Fact]
    public async Task AnAgentThatDiesEndsTheLabWithItsReason()
    {
        var agent = await AgentProcess.StartAsync();
        await using var lab = await StartAsync(RemoteEndpoint.Of(agent.Listener, Path.Combine(Path.GetDirectoryName(agent.TargetFile)!, "lab.key")));
        // A fresh unit, with the addresses of its board.
        Assert.Contains(
            $"set server-ip {agent.Network}.1",
            await lab.Unit.Console.Get().TranscriptAsync("show system ftm-push\n", Stop),
            StringComparison.Ordinal
        );
        Assert.Equal(agent.Network + ".2", lab.Unit.Nics.Single(nic => nic.Name == "port2").Address.ToString());
        await agent.DisposeAsync();
        var broken = await Assert.ThrowsAsync<LabFailure>(() => lab.SwitchedOff.WaitAsync(Patience, BusyMachine.Time, Stop));
        Assert.Equal(FailureKind.Missing, broken.Kind);
        Assert.Contains($"{agent.Listener}: the link to the agent at", broken.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WhoCannotGetInIsToldWhy()
    {
        await using var agent = await AgentProcess.StartAsync();
        var stranger = await Assert.ThrowsAsync<LabFailure>(() =>
            StartAsync(RemoteEndpoint.Of(agent.Listener, agent.Write("other.key", new string('a', 64))))
        );
        Assert.Equal(FailureKind.Missing, stranger.Kind);
        Assert.EndsWith("the agent has another key", stranger.Message, StringComparison.Ordinal);
        var nobody = await Assert.ThrowsAsync<LabFailure>(() =>
            StartAsync(RemoteEndpoint.Of(agent.Network + ".9:7002", agent.Write("other.key", new string('a', 64))))
        );
        Assert.Equal(FailureKind.Missing, nobody.Kind);
        Assert.Contains($"the agent at {agent.Network}.9:7002", nobody.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AnAddressGoesWithAKeyAndAFileHasItsOwn()
    {
        var key = Path.Combine(_folder.FullName, "lab.key");
        File.WriteAllText(key, new string('0', 64));
        Assert.Equal(new IPEndPoint(IPAddress.Parse("127.0.9.7"), 7001), RemoteEndpoint.Of("127.0.9.7", key).Agent);
        Assert.Equal(7009, RemoteEndpoint.Of("127.0.9.7:7009", key).Agent.Port);
        Assert.Contains(
            "needs its key: --box-key FILE",
            Assert.Throws<LabFailure>(() => RemoteEndpoint.Of("127.0.9.7", null)).Message,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "names its own key",
            Assert.Throws<LabFailure>(() => RemoteEndpoint.Of("shelf.json", key)).Message,
            StringComparison.Ordinal
        );
        Assert.Equal(FailureKind.Missing, Assert.Throws<LabFailure>(() => RemoteEndpoint.Of("shelf.json", null)).Kind);
        File.WriteAllText(key, "short");
        Assert.Equal(FailureKind.ConfigurationInvalid, Assert.Throws<LabFailure>(() => RemoteEndpoint.Of("127.0.9.7", key)).Kind);
    }

    [Theory]
    [InlineData("--state", "x")]
    [InlineData("--config", "x")]
    [InlineData("--board", "rpi4")]
    [InlineData("--network", "127.0.2")]
    [InlineData("--clock", "real")]
    [InlineData("--personality", "7.4")]
    [InlineData("--release", "7.4")]
    [InlineData("--push", "full")]
    [InlineData("--providers", "x")]
    [InlineData("--mqtt", "127.0.0.1:1883")]
    [InlineData("--faults", "x")]
    public void WhatTheUnitHasItselfIsRefusedByName(string option, string value)
    {
        var errors = UpVerb.Create().Parse(["--box", "shelf.json", option, value]).Errors;
        var typed = option == "--release" ? "--personality" : option;
        Assert.Equal($"{typed} cannot be used with --box: the remote unit has its own", Assert.Single(errors).Message);
        Assert.Empty(UpVerb.Create().Parse(["--box", "shelf.json", "--headless", "--lab-port", "0"]).Errors);
        Assert.Single(UpVerb.Create().Parse(["--box-key", "k"]).Errors);
    }

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private Task<Laboratory> StartAsync(RemoteEndpoint place, string state = "state") =>
        Laboratory.StartAsync(new BoxLabOptions(place, Path.Combine(_folder.FullName, state), 0), NullLoggerFactory.Instance, Stop);

    private static async Task<long> NewestAsync(HttpClient api) =>
        (await api.GetFromJsonAsync<JsonArray>("/lab/events?after=0", Stop))!
            .Select(told => told!["id"]!.GetValue<long>())
            .DefaultIfEmpty()
            .Max();

    private static async Task<string> CliAsync(HttpClient api, string line)
    {
        using var answer = await api.PostAsync("/lab/cli", new StringContent(line + "\n"), Stop);
        return await answer.EnsureSuccessStatusCode().Content.ReadAsStringAsync(Stop);
    }

    /// <summary>Logs ann in over real sockets, with the answer of ann's phone. Returns the result in the timeline.</summary>
    private static async Task<string> LogInAsync(Laboratory lab, HttpClient api, string answer)
    {
        using var client = Client(lab);
        var before = (await api.GetFromJsonAsync<JsonArray>("/lab/logins", Stop))!.Count;
        using var asked = await client.PostAsync(
            "/remote/logincheck",
            Form("username=ann&credential=ann-password&realm=&ajax=1&just_logged_in=1"),
            Stop
        );
        var fields = (await asked.Content.ReadAsStringAsync(Stop))
            .Trim()
            .Split(',')
            .Select(pair => pair.Split('=', 2))
            .Where(pair => pair.Length == 2)
            .ToDictionary(pair => pair[0], pair => pair[1], StringComparer.Ordinal);
        var held = client.PostAsync(
            "/remote/logincheck",
            Form($"username=ann&realm=&reqid={fields["reqid"]}&polid={fields["polid"]}&grp=&portal=&peer=&ftmpush=1"),
            Stop
        );
        await Until.TrueAsync(
            async () =>
                (await api.GetFromJsonAsync<JsonArray>("/lab/phones", Stop))!.Single(phone => phone!["serial"]!.GetValue<string>() == Ann)![
                    "pending"
                ]!
                    .AsArray()
                    .Count > 0,
            "a push on ann's phone"
        );
        using (var answered = await api.PostAsync($"/lab/phones/{Ann}/{answer}", null, Stop))
        {
            Assert.Equal(HttpStatusCode.OK, answered.StatusCode);
        }
        using var done = await held;
        Assert.Equal(answer == "approve", (await done.Content.ReadAsStringAsync(Stop)).StartsWith("ret=1,", StringComparison.Ordinal));
        await Until.TrueAsync(
            async () =>
                (await api.GetFromJsonAsync<JsonArray>("/lab/logins", Stop))! is var logins
                && logins.Count == before + 1
                && logins[0]!["outcome"]!.GetValue<string>() != "pending",
            "the login's timeline"
        );
        return (await api.GetFromJsonAsync<JsonArray>("/lab/logins", Stop))![0]!["outcome"]!.GetValue<string>();
    }

    private static async Task<HttpStatusCode> LogBobInAsync(Laboratory lab)
    {
        using var client = Client(lab);
        using var answer = await client.PostAsync("/remote/logincheck", Form("username=bob&credential=bob-password&realm=&ajax=1"), Stop);
        return answer.StatusCode;
    }

    /// <summary>Trusts only the certificate that the unit presents according to the lab.</summary>
    private static HttpClient Client(Laboratory lab) =>
        new(
            new HttpClientHandler
            {
                ServerCertificateCustomValidationCallback = (_, shown, _, _) =>
                    shown!.RawDataMemory.Span.SequenceEqual(lab.Unit.ServiceCertificate("sslvpn")!.RawDataMemory.Span),
            }
        )
        {
            BaseAddress = new Uri(
                $"https://{lab.Unit.Services.Single(service => service.Service == "sslvpn" && service.Nic == "port1").EndPoint}"
            ),
        };

    private static StringContent Form(string body) => new(body, Encoding.UTF8, "application/x-www-form-urlencoded");

    private async Task<string> ScriptAsync(string script)
    {
        await using var console = (await ConsoleSocket.ConnectAsync(Path.Combine(_folder.FullName, "state"), echo: true, Stop))!;
        await console.WriteAsync(Encoding.UTF8.GetBytes(script), Stop);
        console.Socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);
        using var reader = new StreamReader(console);
        return await reader.ReadToEndAsync(Stop);
    }

    private async Task<string> TerminalAsync(Appliance.Firmware.Cli.TerminalSize size, string keys, string until)
    {
        await using var console = (await ConsoleSocket.ConnectAsync(Path.Combine(_folder.FullName, "state"), size, Stop))!;
        await console.WriteAsync(Encoding.UTF8.GetBytes(keys), Stop);
        var shown = new StringBuilder();
        var buffer = new byte[4096];
        using var late = CancellationTokenSource.CreateLinkedTokenSource(Stop);
        late.CancelAfter(Patience);
        while (
            !shown.ToString().Contains(until, StringComparison.Ordinal) && await console.ReadAsync(buffer, late.Token) is > 0 and var length
        )
        {
            shown.Append(Encoding.UTF8.GetString(buffer, 0, length));
        }
        return shown.ToString();
    }
}
