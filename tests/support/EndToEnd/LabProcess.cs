using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Appliance.Doubles.Clock;
using Appliance.Doubles.Failures;
using Appliance.Lab.Composition;

namespace Appliance.Tests.EndToEnd;

/// <summary>The built program as a separate process, on separate loopback addresses, which can be killed.</summary>
internal sealed class LabProcess : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly DirectoryInfo _state = Directory.CreateTempSubdirectory("appliance-kill-");
    private readonly LoopbackNetwork _claim = LoopbackNetwork.Claim();
    private readonly string _network;
    private Process? _process;
    private string[] _prefix = [];
    private Task<string> _errors = Task.FromResult("");

    public LabProcess() => _network = _claim.Prefix;

    public string State => _state.FullName;

    public string Address => _network + ".1";

    public HttpClient Api { get; private set; } = new();

    /// <summary>Starts the process. Returns when every listener is open, with its ready line.</summary>
    /// <param name="moreConfiguration">What a fresh state boots beside the ready-made lab.</param>
    public async Task<JsonNode> StartAsync(string moreConfiguration = "")
    {
        var line = await LaunchAsync(
            moreConfiguration.Length > 0
                ? LabBoard.DefaultConfiguration(network: _network) + moreConfiguration
                : ""
        );
        if (line is null)
        {
            throw new InvalidOperationException("it did not boot: " + await _errors);
        }
        var ready = JsonNode.Parse(line)!;
        Api.Dispose();
        Api = new HttpClient { BaseAddress = new Uri(ready["lab"]!.GetValue<string>()) };
        return ready;
    }

    /// <summary>Starts it under a limit of open files; its line of JSON, or null and the exit code if it does not boot.</summary>
    public async Task<(JsonNode? Ready, int? Exit, string Errors)> StartWithFilesAsync(int limit)
    {
        _prefix = ["prlimit", $"--nofile={limit}:{limit}"];
        if (await LaunchAsync("") is { } line)
        {
            Api.Dispose();
            var ready = JsonNode.Parse(line)!;
            Api = new HttpClient { BaseAddress = new Uri(ready["lab"]!.GetValue<string>()) };
            return (ready, null, "");
        }
        return (null, await ExitCodeAsync(), await _errors);
    }

    /// <summary>Sets the soft limit of open files while it runs.</summary>
    public Task LimitFilesAsync(int limit) => Peer.RunAsync("prlimit", [$"--nofile={limit}:", "--pid", $"{_process!.Id}"]);

    /// <summary>The number of open file descriptors.</summary>
    public int OpenFiles => Directory.EnumerateFileSystemEntries($"/proc/{_process!.Id}/fd").Count();

    /// <summary>Starts it on a configuration that it must refuse. Returns its exit code and its output.</summary>
    public async Task<(int Exit, string Output)> FailAsync(string configuration)
    {
        var line = await LaunchAsync(configuration);
        using var patience = new CancellationTokenSource(Patience, BusyMachine.Time);
        await _process!.WaitForExitAsync(patience.Token);
        return (_process.ExitCode, line + await _errors);
    }

    /// <summary>Starts it on a configuration as a restore would read it; its line of JSON, null when it does not boot.</summary>
    public async Task<JsonNode?> LoadAsync(string configuration) =>
        await LaunchAsync(configuration, strict: false) is { } line ? JsonNode.Parse(line) : null;

    /// <summary>Everything that it wrote on stderr, once it has ended.</summary>
    public Task<string> ErrorsAsync() => _errors;

    /// <summary>SIGABRT, as a broken invariant would; the output of the process on stderr.</summary>
    public async Task<string> AbortAsync()
    {
        await Peer.RunAsync("prlimit", ["--core=0", "--pid", $"{_process!.Id}"]); // No core dump.
        // The runtime handles the first signal itself.
        await Until.TrueAsync(
            async () =>
            {
                await Peer.RunAsync("kill", ["-ABRT", $"{_process.Id}"]);
                return _process.HasExited;
            },
            "the end of the process"
        );
        return await _errors;
    }

    /// <summary>SIGKILL: no handler runs, nothing is flushed.</summary>
    public async Task KillAsync()
    {
        _process!.Kill();
        await _process.WaitForExitAsync();
    }

    /// <summary>SIGTERM; the exit code.</summary>
    public async Task<int> TerminateAsync()
    {
        await Peer.RunAsync("kill", ["-TERM", $"{_process!.Id}"]);
        using var patience = new CancellationTokenSource(Patience, BusyMachine.Time);
        await _process.WaitForExitAsync(patience.Token);
        return _process.ExitCode;
    }

    /// <summary>Waits until the process ends and returns its exit code.</summary>
    public async Task<int> ExitCodeAsync()
    {
        using var patience = new CancellationTokenSource(Patience, BusyMachine.Time);
        await _process!.WaitForExitAsync(patience.Token);
        return _process.ExitCode;
    }

    public async Task<string> CliAsync(string script)
    {
        using var answer = await Api.PostAsync("/lab/cli", new StringContent(script));
        return await answer.EnsureSuccessStatusCode().Content.ReadAsStringAsync();
    }

    public async Task<DateTimeOffset> NowAsync() =>
        (await Api.GetFromJsonAsync<JsonObject>("/lab/clock"))!["now"]!.GetValue<DateTimeOffset>();

    public async ValueTask DisposeAsync()
    {
        Api.Dispose();
        if (_process is { HasExited: false })
        {
            await KillAsync();
        }
        _process?.Dispose();
        _claim.Dispose();
        _state.Delete(recursive: true);
        File.Delete(Path.Combine(Path.GetTempPath(), Path.GetFileName(_state.FullName) + ".conf"));
    }

    private async Task<string?> LaunchAsync(string configuration, bool strict = true)
    {
        string[] config = [];
        if (configuration.Length > 0)
        {
            var file = Path.Combine(Path.GetTempPath(), Path.GetFileName(_state.FullName) + ".conf");
            await File.WriteAllTextAsync(file, configuration);
            config = ["--config", file, .. strict ? (string[])["--strict"] : []];
        }
        string[] words =
        [
            .. _prefix,
            "dotnet",
            Path.Combine(AppContext.BaseDirectory, "Appliance.Tool.dll"),
            "up",
            "--headless",
            "--clock",
            "frozen",
            "--lab-port",
            "0",
            "--network",
            _network,
            "--state",
            _state.FullName,
            .. config,
        ];
        var start = new ProcessStartInfo(words[0], words[1..]) { RedirectStandardOutput = true, RedirectStandardError = true };
        _process = Process.Start(start)!;
        _errors = _process.StandardError.ReadToEndAsync();
        using var patience = new CancellationTokenSource(Patience, BusyMachine.Time);
        return await _process.StandardOutput.ReadLineAsync(patience.Token);
    }
}
