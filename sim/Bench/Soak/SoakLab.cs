using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Appliance.Doubles.Clock;
using Appliance.Doubles.Failures;
using Appliance.Lab.Composition;
using Appliance.Lab.Messages;

namespace Appliance.Bench.Soak;

/// <summary>A lab as a separate process, on loopback addresses and in a state folder reserved for it.</summary>
internal sealed class SoakLab : IAsyncDisposable
{
    private static readonly TimeSpan BootMax = TimeSpan.FromSeconds(120);
    private static readonly TimeSpan StopMax = BootMax;
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("appliance-soak-");
    private Process _process = null!;
    private Task<string> _errors = null!;

    private SoakLab() { }

    public HttpClient Api { get; private set; } = null!;

    public IPEndPoint Vpn { get; private set; } = null!;

    /// <summary>Returns when everything listens, every phone approves, and the faults are on.</summary>
    public static async Task<SoakLab> StartAsync(int users, bool full, CancellationToken cancellationToken)
    {
        var lab = new SoakLab();
        try
        {
            await lab.LaunchAsync(users, full, cancellationToken);
            return lab;
        }
        catch
        {
            await lab.DisposeAsync();
            throw;
        }
    }

    public async Task<ProcessJson> LookAsync() => (await Api.GetFromJsonAsync("/lab/process", LabJson.Default.ProcessJson))!;

    /// <summary>Stops the lab as an operator would. Returns the errors that it wrote to stderr.</summary>
    public async Task<IReadOnlyList<string>> StopAsync()
    {
        using var kill = Process.Start("kill", ["-TERM", $"{_process.Id}"]);
        await kill.WaitForExitAsync();
        await _process.WaitForExitAsync().WaitAsync(StopMax, LabClock.Wall);
        string[] errors =
        [
            .. (await _errors)
                .Split('\n')
                .Where(line =>
                    line.Contains(" fail", StringComparison.Ordinal)
                    || line.Contains(" crit", StringComparison.Ordinal)
                    || line.Contains("Unhandled", StringComparison.Ordinal)
                ),
        ];
        return _process.ExitCode == 0 ? errors : [$"exit code {_process.ExitCode}", .. errors];
    }

    public async ValueTask DisposeAsync()
    {
        Api?.Dispose();
        if (_process is { HasExited: false })
        {
            _process.Kill();
            await _process.WaitForExitAsync();
        }
        _process?.Dispose();
        _folder.Delete(recursive: true);
    }

    private async Task LaunchAsync(int users, bool full, CancellationToken cancellationToken)
    {
        var network = $"127.{150 + (Environment.ProcessId / 250 % 50)}.{1 + (Environment.ProcessId % 250)}";
        string InFolder(string name) => Path.Combine(_folder.FullName, name);
        await File.WriteAllTextAsync(
            InFolder("first.conf"),
            LabBoard.DefaultConfiguration(network: network) + SoakPlan.Configuration(users),
            cancellationToken
        );
        _process = Process.Start(
            new ProcessStartInfo(
                "dotnet",
                [
                    Path.Combine(AppContext.BaseDirectory, "Appliance.Tool.dll"),
                    "up",
                    "--headless",
                    "--clock",
                    "real",
                    "--lab-port",
                    "0",
                    "--network",
                    network,
                    "--state",
                    InFolder("state"),
                    "--config",
                    InFolder("first.conf"),
                    "--push",
                    full ? "full" : "direct",
                ]
            )
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            }
        )!;
        _errors = _process.StandardError.ReadToEndAsync(CancellationToken.None);
        var line =
            await _process.StandardOutput.ReadLineAsync(cancellationToken).AsTask().WaitAsync(BootMax, LabClock.Wall, cancellationToken)
            ?? throw new LabFailure(FailureKind.AssertionFailed, $"soak: the lab did not boot: {await _errors}");
        var ready = JsonNode.Parse(line)!;
        var vpn = ready["services"]!.AsArray().First(service => service!["service"]!.GetValue<string>() == "sslvpn")!;
        Vpn = new IPEndPoint(IPAddress.Parse(vpn["address"]!.GetValue<string>()), vpn["port"]!.GetValue<int>());
        Api = new HttpClient(new SocketsHttpHandler { UseProxy = false })
        {
            BaseAddress = new Uri(ready["lab"]!.GetValue<string>()),
            Timeout = BootMax,
        };
        // A user whose push failed gets another in the next turn: the push limit is not under test here.
        await PutAsync("/lab/policy", new JsonObject { ["pushLimit"] = 0, ["pushLifeSeconds"] = SoakPlan.PushLifeSeconds });
        await Parallel.ForEachAsync(
            Enumerable.Range(0, users),
            cancellationToken,
            async (user, _) => await PutAsync($"/lab/phones/{SoakPlan.Serial(user)}", new JsonObject { ["mode"] = "approve" })
        );
        await PutAsync("/lab/faults", JsonNode.Parse(SoakPlan.Faults)!);
    }

    private async Task PutAsync(string path, JsonNode body)
    {
        using var answer = await Api.PutAsJsonAsync(path, body);
        if (!answer.IsSuccessStatusCode)
        {
            throw new LabFailure(FailureKind.AssertionFailed, $"soak: {path}: {await answer.Content.ReadAsStringAsync()}");
        }
    }
}
