using System.Diagnostics;
using System.Text;
using Appliance.Doubles.Clock;
using Xunit;

namespace Appliance.Tests.EndToEnd;

/// <summary>The result of a peer program.</summary>
internal sealed record PeerRun(int ExitCode, string Output, bool TimedOut)
{
    /// <summary>True if openfortivpn reported the login, which it does even where it cannot open a tunnel afterwards.</summary>
    public bool Authenticated => Output.Contains("Authenticated.", StringComparison.Ordinal);

    public bool HasCookie => ExitCode == 0 && Output.Contains("COOKIE=", StringComparison.Ordinal);

    public override string ToString() => $"exit {ExitCode}{(TimedOut ? " (killed: out of time)" : "")}\n{Output}";
}

/// <summary>Runs the real programs that judge us. One that is missing skips its test by name; `test` makes that a failure in CI.</summary>
internal static class Peer
{
    private const int OutputMax = 256 * 1024;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Runs a script with the system's Python and a module of its packages.</summary>
    public static async Task<PeerRun> PythonAsync(string module, string[] arguments)
    {
        var run = await RunAsync("/usr/bin/python3", arguments);
        Assert.SkipWhen(
            run.Output.Contains($"No module named '{module}'", StringComparison.Ordinal),
            $"peer program python3-{module} is not installed"
        );
        return run;
    }

    public static async Task<PeerRun> RunAsync(string program, string[] arguments, string input = "", CancellationToken stop = default)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        Process? process = null;
        try
        {
            process = Process.Start(start);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Skip($"peer program {program} is not installed");
        }
        using var running = process!;
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
        using var deadline = new CancellationTokenSource(Patience, BusyMachine.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, deadline.Token);
        var output = new StringBuilder();
        var reading = Task.WhenAll(ReadAsync(running.StandardOutput, output, running), ReadAsync(running.StandardError, output, running));
        try
        {
            await running.StandardInput.WriteAsync(input);
            running.StandardInput.Close();
        }
        catch (IOException)
        {
            // It ended without reading.
        }
        var late = false;
        try
        {
            await running.WaitForExitAsync(either.Token);
        }
        catch (OperationCanceledException)
        {
            late = true;
            running.Kill(entireProcessTree: true);
            await running.WaitForExitAsync(CancellationToken.None);
        }
        await reading;
        return new PeerRun(running.ExitCode, output.ToString(), late);
    }

    /// <summary>openconnect can write endlessly: then it is stopped.</summary>
    private static async Task ReadAsync(StreamReader reader, StringBuilder output, Process process)
    {
        var buffer = new char[4096];
        int length;
        while ((length = await reader.ReadAsync(buffer)) > 0)
        {
            lock (output)
            {
                output.Append(buffer, 0, Math.Min(length, Math.Max(0, OutputMax - output.Length)));
                if (output.Length < OutputMax)
                {
                    continue;
                }
            }
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
    }
}
