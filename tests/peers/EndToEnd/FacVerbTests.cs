using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Appliance.Doubles.Clock;
using Xunit;

namespace Appliance.Tests.EndToEnd;

/// <summary><c>run fac</c> as a separate program: its output is sufficient for the operator of a NAS, and its phones answer.</summary>
[Trait("Peer", "pyrad")]
public sealed class FacVerbTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly string Program = Path.Combine(AppContext.BaseDirectory, "Appliance.Tool.dll");

    [Fact]
    public async Task ItServesAloneWithItsPhones()
    {
        var state = Directory.CreateTempSubdirectory("appliance-fac-");
        try
        {
            using var process = Process.Start(
                new ProcessStartInfo(
                    "dotnet",
                    [
                        Program,
                        "fac",
                        "--json",
                        "--state",
                        state.FullName,
                        "--lab-port",
                        "0",
                        "--address",
                        "127.0.0.1",
                        "--auth-port",
                        "0",
                        "--acct-port",
                        "0",
                        "--https-port",
                        "0",
                        "--radsec-port",
                        "0",
                    ]
                )
                {
                    RedirectStandardOutput = true,
                }
            )!;
            using var patience = new CancellationTokenSource(Patience, BusyMachine.Time);
            var ready = JsonNode.Parse((await process.StandardOutput.ReadLineAsync(patience.Token))!)!;
            Assert.Equal(
                ["radius", "radius-acct", "fac-https", "radsec"],
                ready["services"]!.AsArray().Select(service => service!["service"]!.GetValue<string>())
            );
            using var api = new HttpClient { BaseAddress = new Uri(ready["lab"]!.GetValue<string>()) };
            await api.PutAsJsonAsync("/lab/phones/FTKMOB0000000003", new { mode = "approve" }, patience.Token);
            var run = await Peer.PythonAsync(
                "pyrad",
                [
                    Repository.PathOf("tests/peers/Radius/radius_client.py"),
                    "127.0.0.1",
                    ready["services"]![0]!["port"]!.ToString(),
                    "testing123",
                    "dan",
                    "dan-password",
                    "push",
                ]
            );
            Assert.Contains("accept Fortinet-Group-Name=vpn-users", run.Output, StringComparison.Ordinal);
            while (
                JsonNode.Parse((await process.StandardOutput.ReadLineAsync(patience.Token))!)!["fields"]!["reason"]?.GetValue<string>()
                != "push_approved"
            )
            {
                // The push before it.
            }
            using var none = await api.PostAsync("/lab/cli", new StringContent("get system status\n"), patience.Token);
            Assert.Contains(
                "there is no appliance in this lab",
                await none.Content.ReadAsStringAsync(patience.Token),
                StringComparison.Ordinal
            );
            await Peer.RunAsync("kill", ["-TERM", $"{process.Id}"]);
            await process.WaitForExitAsync(patience.Token);
            Assert.Equal(0, process.ExitCode);
        }
        finally
        {
            state.Delete(recursive: true);
        }
    }

    /// <summary>
    /// Both sides keep a pending push: the phone gets it again, and the client that is still pending gets the accept from the next run.
    /// </summary>
    [Fact]
    public async Task A_push_that_is_out_survives_a_kill()
    {
        var state = Directory.CreateTempSubdirectory("appliance-fac-");
        try
        {
            using var patience = new CancellationTokenSource(Patience, LabClock.Wall);
            using var nas = new System.Net.Sockets.UdpClient(new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 0));
            var authenticator = System.Security.Cryptography.RandomNumberGenerator.GetBytes(16);
            var (process, ready) = await StartAsync(state.FullName, 0, patience.Token);
            var port = ready["services"]![0]!["port"]!.GetValue<int>();
            using (process)
            {
                nas.Connect("127.0.0.1", port);
                await nas.SendAsync(Radius.FacFixture.Request(1, authenticator, "dan", "dan-password"), patience.Token);
                var state10 = Radius.FacFixture.Read((await nas.ReceiveAsync(patience.Token)).Buffer, authenticator).State;
                await nas.SendAsync(Radius.FacFixture.Request(2, authenticator, "dan", "", state10), patience.Token);
                await PendingAsync(ready, patience.Token);
                process.Kill();
                await process.WaitForExitAsync(patience.Token);
            }
            (process, ready) = await StartAsync(state.FullName, port, patience.Token);
            using (process)
            {
                await PendingAsync(ready, patience.Token);
                using var api = new HttpClient { BaseAddress = new Uri(ready["lab"]!.GetValue<string>()) };
                using var answer = await api.PostAsync("/lab/phones/FTKMOB0000000003/approve", null, patience.Token);
                Assert.Equal(
                    200,
                    (await answer.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<JsonObject>(patience.Token))![
                        "answered"
                    ]!.GetValue<int>()
                );
                Assert.Equal(
                    Appliance.Firmware.Radius.RadiusCode.AccessAccept,
                    Radius.FacFixture.Read((await nas.ReceiveAsync(patience.Token)).Buffer, authenticator).Code
                );
                process.Kill();
                await process.WaitForExitAsync(patience.Token);
            }
        }
        finally
        {
            state.Delete(recursive: true);
        }
    }

    [Theory]
    [InlineData("{}", 3, "JSON")]
    [InlineData(
        """{"address":"127.0.0.1","authPort":0,"acctPort":0,"httpsPort":0,"tokenTimeout":60,"apiKey":"k","clients":[],"tokens":[],"users":[],"policy":1}""",
        3,
        "policy"
    )]
    [InlineData(
        """{"address":"127.0.0.1","authPort":0,"acctPort":0,"httpsPort":0,"tokenTimeout":60,"apiKey":"k","clients":[{"network":"10.0.0.0/8","secret":"s","policy":"ask"}],"tokens":[],"users":[]}""",
        3,
        "push-without-challenge"
    )]
    [InlineData(
        """{"address":"127.0.0.1","authPort":0,"acctPort":0,"httpsPort":0,"radSecPort":0,"radSecClientCa":"/none.pem","tokenTimeout":60,"apiKey":"k","clients":[],"tokens":[],"users":[]}""",
        3,
        "radSecClientCa"
    )]
    public async Task AWrongDescriptionIsNamed(string description, int exit, string named)
    {
        var state = Directory.CreateTempSubdirectory("appliance-fac-");
        try
        {
            var file = Path.Combine(state.FullName, "fac.json");
            await File.WriteAllTextAsync(file, description);
            var run = await Peer.RunAsync(
                "dotnet",
                [Program, "fac", "--config", file, "--state", Path.Combine(state.FullName, "state"), "--lab-port", "0"]
            );
            Assert.Equal(exit, run.ExitCode);
            Assert.Contains(named, run.Output, StringComparison.Ordinal);
        }
        finally
        {
            state.Delete(recursive: true);
        }
    }

    private static async Task<(Process Process, JsonNode Ready)> StartAsync(string state, int authPort, CancellationToken cancellationToken)
    {
        var process = Process.Start(
            new ProcessStartInfo(
                "dotnet",
                [
                    Program,
                    "fac",
                    "--json",
                    "--state",
                    state,
                    "--lab-port",
                    "0",
                    "--address",
                    "127.0.0.1",
                    "--auth-port",
                    $"{authPort}",
                    "--acct-port",
                    "0",
                    "--https-port",
                    "0",
                    "--radsec-port",
                    "0",
                ]
            )
            {
                RedirectStandardOutput = true,
            }
        )!;
        return (process, JsonNode.Parse((await process.StandardOutput.ReadLineAsync(cancellationToken))!)!);
    }

    private static async Task PendingAsync(JsonNode ready, CancellationToken cancellationToken)
    {
        using var api = new HttpClient { BaseAddress = new Uri(ready["lab"]!.GetValue<string>()) };
        await Until.TrueAsync(
            async () =>
                (await api.GetFromJsonAsync<JsonArray>("/lab/phones", cancellationToken))!.Single(phone =>
                    phone!["serial"]!.GetValue<string>() == "FTKMOB0000000003"
                )!["pending"]!
                    .AsArray()
                    .Count == 1,
            "the push on the phone"
        );
    }
}
