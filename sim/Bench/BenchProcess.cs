using System.Diagnostics;
using System.Globalization;
using Appliance.Doubles.Clock;
using Appliance.Doubles.Failures;

namespace Appliance.Bench;

/// <summary>A server under measurement, as a separate process, so that its cost is measured apart from the client's.</summary>
internal sealed class BenchProcess : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly double TicksPerSecond = 100; // sysconf(_SC_CLK_TCK), the same on every Linux that .NET runs on.
    private readonly Process _process;
    private readonly Task<string> _errors;

    private BenchProcess(Process process) => (_process, _errors) = (process, process.StandardError.ReadToEndAsync());

    /// <summary>The processor time so far, user and system, of all its threads (proc(5), stat 14 and 15).</summary>
    public TimeSpan Cpu => Ticks($"/proc/{_process.Id}/stat", 11, 12);

    /// <summary>The processor time so far of this process's children that have ended (proc(5), stat 16 and 17).</summary>
    public static TimeSpan EndedChildrenCpu => Ticks("/proc/self/stat", 13, 14);

    /// <summary>The resident memory, in MiB.</summary>
    public double ResidentMiB => Status("VmRSS:") / 1024;

    /// <summary>The number of threads.</summary>
    public int Threads => (int)Status("Threads:");

    /// <summary>Starts a program; returns when it has printed a line that holds a text, with that line.</summary>
    /// <exception cref="LabFailure">It cannot be started, or ended instead.</exception>
    public static async Task<(BenchProcess Process, string Line)> StartAsync(
        string program,
        IEnumerable<string> arguments,
        string ready,
        CancellationToken cancellationToken
    )
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        BenchProcess running;
        try
        {
            running = new BenchProcess(Process.Start(start)!);
        }
        catch (System.ComponentModel.Win32Exception missing)
        {
            throw new LabFailure(FailureKind.Missing, $"{program} cannot be started: {missing.Message}", missing);
        }
        using var patience = new CancellationTokenSource(Patience, LabClock.Wall);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        var last = "";
        while (await running._process.StandardOutput.ReadLineAsync(either.Token) is { } line)
        {
            last = line;
            if (line.Contains(ready, StringComparison.Ordinal))
            {
                // The rest of its output is read and discarded, so that it never blocks on a full pipe.
                _ = running._process.StandardOutput.BaseStream.CopyToAsync(Stream.Null, CancellationToken.None);
                return (running, line);
            }
        }
        var errors = await running._errors;
        await running.DisposeAsync();
        throw new LabFailure(FailureKind.AssertionFailed, $"{Path.GetFileName(program)} ended: {last} {errors.Trim()}");
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync(CancellationToken.None);
        }
        _process.Dispose();
    }

    private static TimeSpan Ticks(string file, int user, int system)
    {
        var stat = File.ReadAllText(file);
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return TimeSpan.FromSeconds(
            (double.Parse(fields[user], CultureInfo.InvariantCulture) + double.Parse(fields[system], CultureInfo.InvariantCulture))
                / TicksPerSecond
        );
    }

    private double Status(string name) =>
        double.Parse(
            File.ReadLines($"/proc/{_process.Id}/status")
                .First(line => line.StartsWith(name, StringComparison.Ordinal))[name.Length..]
                .Replace("kB", "", StringComparison.Ordinal)
                .Trim(),
            CultureInfo.InvariantCulture
        );
}
