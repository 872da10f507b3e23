using System.Diagnostics;
using System.Security.Cryptography;
using Appliance.Doubles.Clock;

namespace Appliance.Tests.Box;

/// <summary>
/// A remote unit: the lab's program as a separate process, on loopback addresses reserved for it, and the file that describes it.
/// </summary>
internal sealed class AgentProcess : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("appliance-unit-");
    private readonly LoopbackNetwork _claim = LoopbackNetwork.Claim();
    private readonly Process _process;

    private AgentProcess(string? terminal)
    {
        var network = _claim.Prefix;
        Write("lab.key", Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32)) + "\n");
        var board = Write(
            "board.json",
            $$"""{"name":"unit","nics":[{{string.Join(',', Enumerable.Range(1, 4).Select(number => $$"""{"name":"port{{number}}","address":"{{network}}.{{number}}"}"""))}}]}"""
        );
        TargetFile = WriteBox("box.json", "lab.key");
        var program = Repository.PathOf("boards/Agent/bin/Release/net10.0/Appliance.Agent.dll");
        string[] words =
        [
            program,
            board,
            Path.Combine(_folder.FullName, "state"),
            "--listen",
            Listener,
            "--key",
            Path.Combine(_folder.FullName, "lab.key"),
        ];
        // The shell opens the terminal, as an administrator's shell on a box does.
        _process = Process.Start(
            new ProcessStartInfo(
                terminal is null ? "dotnet" : "sh",
                terminal is null ? words : ["-c", "exec dotnet \"$@\" <\"$0\" >\"$0\"", terminal, .. words, "--console"]
            )
            {
                RedirectStandardError = true,
            }
        )!;
    }

    /// <summary>The first three numbers of its addresses.</summary>
    public string Network => _claim.Prefix;

    /// <summary>The endpoint at which its agent listens.</summary>
    public string Listener => $"{Network}.1:7001";

    /// <summary>The file that describes it.</summary>
    public string TargetFile { get; }

    /// <summary>Starts an agent. Returns when it waits for its controller.</summary>
    /// <param name="terminal">The device where it serves its console; null: nowhere.</param>
    public static async Task<AgentProcess> StartAsync(string? terminal = null)
    {
        var agent = new AgentProcess(terminal);
        using var late = new CancellationTokenSource(Patience, BusyMachine.Time);
        var said = await agent._process.StandardError.ReadLineAsync(late.Token);
        if (said?.Contains("waits for its controller", StringComparison.Ordinal) != true)
        {
            await agent.DisposeAsync();
            throw new InvalidOperationException($"the agent does not start: {said}");
        }
        // Drained, so that the process never blocks on a full pipe.
        _ = agent._process.StandardError.ReadToEndAsync(CancellationToken.None);
        return agent;
    }

    /// <summary>Writes another description of the box.</summary>
    /// <param name="name">The file.</param>
    /// <param name="keyFile">Its key.</param>
    /// <param name="console">The device that is wired to its console; null for none.</param>
    public string WriteBox(string name, string keyFile, string? console = null) =>
        Write(
            name,
            $$"""
            { "name": "the unit", "board": "desktop", "network": "{{Network}}", "bench": "127.0.0.1", "agent": { "address": "{{Listener}}", "keyFile": "{{keyFile}}" }{{(
                console is null ? "" : $$""", "console": { "device": "{{console}}" }"""
            )}} }
            """
        );

    public string Write(string name, string text)
    {
        var file = Path.Combine(_folder.FullName, name);
        File.WriteAllText(file, text);
        return file;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync();
        }
        _process.Dispose();
        _claim.Dispose();
        _folder.Delete(recursive: true);
    }
}
