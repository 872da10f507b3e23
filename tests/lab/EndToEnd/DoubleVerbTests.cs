using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text.Json;
using Appliance.Doubles.Clock;
using Appliance.Doubles.LastHop;
using Appliance.Doubles.Providers;
using Appliance.Doubles.PushProxy;
using Appliance.Firmware.Ftm;
using Appliance.Lab.Composition;
using MQTTnet;
using Xunit;

namespace Appliance.Tests.EndToEnd;

/// <summary>The doubles as separate programs: their output is sufficient for a sender.</summary>
public sealed class DoubleVerbTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData("apns-double", "ios", "apns")]
    [InlineData("fcm-double", "android", "fcm")]
    public async Task ADoubleAloneServesAnybodyAndPublishesWhatItTakes(string verb, string platform, string provider)
    {
        var state = Directory.CreateTempSubdirectory("appliance-double-");
        try
        {
            await using var broker = await MqttBroker.StartAsync();
            var token = DeviceTokens.Of(platform, "phone");
            var received = new ConcurrentQueue<string>();
            using var phone = new MqttClientFactory().CreateMqttClient();
            phone.ApplicationMessageReceivedAsync += message =>
            {
                received.Enqueue(message.ApplicationMessage.Topic);
                return Task.CompletedTask;
            };
            await phone.ConnectAsync(broker.Address.For("test-phone"));
            await phone.SubscribeAsync("push/#");

            using var process = Start(verb, "--json", "--state", state.FullName, "--mqtt", broker.Address.ToString());
            using var patience = new CancellationTokenSource(Patience, BusyMachine.Time);
            var line = await process.StandardOutput.ReadLineAsync(patience.Token);
            using var ready = JsonDocument.Parse(line!);
            Assert.True(ready.RootElement.GetProperty("ready").GetBoolean());
            var file = Path.Combine(state.FullName, "settings.json");
            await File.WriteAllTextAsync(file, ready.RootElement.GetProperty("settings").GetRawText());
            var settings = ProviderSettings.Load(file);
            using var client =
                platform == "ios"
                    ? (IDisposable)new ApnsClient(settings.Apns!, LabClock.Wall, 1)
                    : new FcmClient(settings.Fcm!, LabClock.Wall, 1);
            var now = LabClock.Wall.GetUtcNow().ToUnixTimeSeconds();
            var push = new PushProxyRequest(
                "FGT",
                "phone",
                platform,
                Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)),
                "127.0.0.1",
                4433,
                "FTKMOB0000000001",
                "ann",
                "10.0.0.1",
                now,
                now + 60
            );
            Assert.Equal(PushResult.Sent, await ((IProvider)client).SendAsync(push, token, patience.Token));
            await Until.TrueAsync(() => received.Contains($"push/{provider}/{token}"), "the push on the broker");

            await Peer.RunAsync("kill", ["-TERM", $"{process.Id}"]);
            await process.WaitForExitAsync(patience.Token);
            Assert.Equal(0, process.ExitCode);
            await phone.DisconnectAsync();
        }
        finally
        {
            state.Delete(recursive: true);
        }
    }

    [Theory]
    [InlineData("approve")]
    [InlineData("deny")]
    public async Task PhonesOfTheirOwnProcessAnswerOverABroker(string mode)
    {
        await using var broker = await MqttBroker.StartAsync();
        await using var lab = await TestLab.StartAsync(push: new PushOptions(Broker: broker.Address, LabPhones: false));
        using var phones = Start(
            "phones",
            "--count",
            "1",
            "--mqtt",
            broker.Address.ToString(),
            "--state",
            lab.State,
            "--mode",
            mode,
            "--json"
        );
        using var patience = new CancellationTokenSource(Patience, BusyMachine.Time);
        Assert.Equal(
            $$"""{"ready":true,"phones":1,"broker":"{{broker.Address}}"}""",
            await phones.StandardOutput.ReadLineAsync(patience.Token)
        );
        using var web = new Web(lab);
        var answer = await (await PushLogin.BeginAsync(lab, web)).WaitAsync(Patience, BusyMachine.Time);
        Assert.Equal(mode == "approve", answer == "ret=1,redir=/remote/index");
        Assert.Contains(
            lab.EventLines(),
            line => line.Contains(mode == "approve" ? "approved the login" : "denied the login", StringComparison.Ordinal)
        );
        await Peer.RunAsync("kill", ["-TERM", $"{phones.Id}"]);
        await phones.WaitForExitAsync(patience.Token);
        Assert.Equal(0, phones.ExitCode);
        Assert.Equal(
            (69, true),
            await ExitAsync(
                "1 phone is registered for push, not 2",
                "phones",
                "--count",
                "2",
                "--mqtt",
                broker.Address.ToString(),
                "--state",
                lab.State
            )
        );
    }

    [Fact]
    public async Task SeveralProcessesOfPhonesShareThem()
    {
        const string CatPushes =
            "config user fortitoken\nedit FTKMOB0000000002\nset reg-id phone-of-cat\nset os-ver \"Android 15\"\nnext\nend\n";
        await using var broker = await MqttBroker.StartAsync();
        await using var lab = await TestLab.StartAsync(
            CatPushes,
            push: new PushOptions(Broker: broker.Address, LabPhones: false)
        );
        using var patience = new CancellationTokenSource(Patience, BusyMachine.Time);
        var processes = new List<(Process Process, Task<string> Said)>();
        try
        {
            foreach (var skip in new[] { "0", "1" })
            {
                var phones = Start(
                    "phones",
                    "--count",
                    "1",
                    "--skip",
                    skip,
                    "--mqtt",
                    broker.Address.ToString(),
                    "--state",
                    lab.State,
                    "--json"
                );
                processes.Add((phones, phones.StandardError.ReadToEndAsync(patience.Token)));
                Assert.Contains("\"phones\":1", await phones.StandardOutput.ReadLineAsync(patience.Token), StringComparison.Ordinal);
            }
            foreach (var user in new[] { "ann", "cat" })
            {
                using var web = new Web(lab);
                Assert.Equal(
                    "ret=1,redir=/remote/index",
                    await (await PushLogin.BeginAsync(lab, web, user)).WaitAsync(Patience, BusyMachine.Time)
                );
            }
            foreach (var (process, _) in processes)
            {
                await Peer.RunAsync("kill", ["-TERM", $"{process.Id}"]);
                await process.WaitForExitAsync(patience.Token);
            }
            // Each answered for its own phone, and not for the other's.
            Assert.Equal(
                [(true, false), (false, true)],
                [
                    .. await Task.WhenAll(
                        processes.Select(async phones =>
                            await phones.Said is var said
                                ? (
                                    said.Contains("FTKMOB0000000001 approves -> accepted", StringComparison.Ordinal),
                                    said.Contains("FTKMOB0000000002 approves -> accepted", StringComparison.Ordinal)
                                )
                                : default
                        )
                    ),
                ]
            );
        }
        finally
        {
            processes.ForEach(phones => phones.Process.Dispose());
        }
        Assert.Equal(
            (69, true),
            await ExitAsync(
                "2 phones are registered for push, not 3",
                "phones",
                "--skip",
                "2",
                "--count",
                "1",
                "--mqtt",
                broker.Address.ToString(),
                "--state",
                lab.State
            )
        );
    }

    [Fact]
    public async Task WhatIsWrongHasItsExitCode()
    {
        var state = Directory.CreateTempSubdirectory("appliance-double-");
        try
        {
            using var taken = new TcpListener(IPAddress.Loopback, 0);
            taken.Start();
            Assert.Equal(
                (4, true),
                await ExitAsync(
                    "is in use",
                    "apns-double",
                    "--state",
                    state.FullName,
                    "--port",
                    $"{((IPEndPoint)taken.LocalEndpoint).Port}"
                )
            );
            Assert.Equal((2, true), await ExitAsync("--port must be from 0 to 65535", "fcm-double", "--port", "65536"));
            Assert.Equal((2, true), await ExitAsync("--mqtt: 'nowhere' is not HOST:PORT", "fcm-double", "--mqtt", "nowhere"));
            await File.WriteAllTextAsync(Path.Combine(state.FullName, "providers", "apns.p8"), "no key");
            Assert.Equal((5, true), await ExitAsync("is not a private key", "apns-double", "--state", state.FullName));
            Assert.Equal(
                (69, true),
                await ExitAsync("no appliance keeps its state in", "phones", "--mqtt", "127.0.0.1:1883", "--state", state.FullName)
            );
            Assert.Equal((2, true), await ExitAsync("--phones none goes with --mqtt", "up", "--phones", "none"));
            var faults = Path.Combine(state.FullName, "faults.json");
            await File.WriteAllTextAsync(faults, """{"faults":[{"fault":"push.lose"}]}""");
            Assert.Equal(
                (3, true),
                await ExitAsync(
                    "--faults faults.json: faults[0].fault must be one of",
                    "up",
                    "--headless",
                    "--state",
                    Path.Combine(state.FullName, "lab"),
                    "--lab-port",
                    "0",
                    "--faults",
                    faults
                )
            );
            Assert.Equal(
                (69, true),
                await ExitAsync(
                    "--providers",
                    "up",
                    "--headless",
                    "--state",
                    Path.Combine(state.FullName, "lab"),
                    "--lab-port",
                    "0",
                    "--providers",
                    Path.Combine(state.FullName, "none.json")
                )
            );
        }
        finally
        {
            state.Delete(recursive: true);
        }
    }

    private static async Task<(int Exit, bool Says)> ExitAsync(string said, params string[] line)
    {
        using var process = Start(line);
        using var patience = new CancellationTokenSource(Patience, BusyMachine.Time);
        var errors = await process.StandardError.ReadToEndAsync(patience.Token);
        await process.WaitForExitAsync(patience.Token);
        return (process.ExitCode, errors.Contains(said, StringComparison.Ordinal));
    }

    private static Process Start(params string[] line) =>
        Process.Start(
            new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "Appliance.Tool.dll"), .. line])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            }
        )!;
}
