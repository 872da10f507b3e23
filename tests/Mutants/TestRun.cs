using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Appliance.Tests.Mutants;

/// <summary>The end of a run of tests.</summary>
internal enum Ended
{
    /// <summary>Every test passed.</summary>
    Passed,

    /// <summary>A test failed, or the process fell.</summary>
    Failed,

    /// <summary>It was ended at the deadline.</summary>
    TooLate,
}

/// <summary>
/// Runs chosen tests of the copy in a separate process, in separate network, process and mount namespaces where the system permits, with a
/// folder for temporary files.
/// </summary>
internal sealed class TestRun : IDisposable
{
    private readonly SourceCopy _copy;
    private readonly string _work;
    private readonly ConcurrentDictionary<Process, bool> _running = new();
    private readonly IDisposable[] _signals;
    private volatile bool _over;
    private readonly bool _isolated = Environment.UserName == "root" && TryUnshare();

    public TestRun(SourceCopy copy, string work)
    {
        _copy = copy;
        _work = work;
        // A signal that ends this program ends the tests that it started.
        _signals =
        [
            .. new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP }.Select(signal =>
                PosixSignalRegistration.Create(signal, _ => EndAll())
            ),
        ];
    }

    /// <summary>True if several runs can be active at the same time.</summary>
    public bool Isolated => _isolated;

    /// <summary>The programs of the tests.</summary>
    public IReadOnlyList<string> Programs => _copy.Tests;

    /// <summary>Runs the tests that the filters name.</summary>
    /// <param name="program">One of <see cref="Programs"/>.</param>
    /// <param name="filters">Words of xunit's own runner.</param>
    /// <param name="environment">What the process has in addition.</param>
    /// <param name="deadline">When it is ended.</param>
    public async Task<(Ended Ended, string Output)> Of(
        string program,
        IEnumerable<string> filters,
        Dictionary<string, string> environment,
        TimeSpan deadline
    )
    {
        var temporary = Directory.CreateDirectory(Path.Combine(_work, "tmp", Path.GetRandomFileName()));
        try
        {
            string[] tests = ["dotnet", program, "-noLogo", "-noColor", "-parallelMode", "none", .. filters];
            string[] words = _isolated
                ?
                [
                    "unshare",
                    "--net",
                    "--mount",
                    "--pid",
                    "--mount-proc",
                    "--fork",
                    "--kill-child",
                    "bash",
                    "-c",
                    // Not exec: process 1 ignores signals that it does not handle, and some tests compare process numbers.
                    "ip link set lo up; mkdir -p /run/netns; mount -t tmpfs none /run/netns; \"$@\"; exit $?",
                    "t",
                    .. tests,
                ]
                : tests;
            var start = new ProcessStartInfo(words[0], words[1..])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                RedirectStandardInput = true,
            };
            start.Environment["PATH"] = Environment.GetEnvironmentVariable("PATH") + ":/usr/sbin:/sbin";
            start.Environment["TMPDIR"] = temporary.FullName;
            foreach (var (name, value) in environment)
            {
                start.Environment[name] = value;
            }
            using var process = Process.Start(start)!;
            _running[process] = true;
            if (_over)
            {
                process.Kill(entireProcessTree: true);
            }
            process.StandardInput.Close();
            var output = process.StandardOutput.ReadToEndAsync();
            var errors = process.StandardError.ReadToEndAsync();
            using var over = new CancellationTokenSource(deadline);
            try
            {
                await process.WaitForExitAsync(over.Token);
            }
            catch (OperationCanceledException)
            {
                process.Kill(entireProcessTree: true);
                return (Ended.TooLate, "");
            }
            finally
            {
                _running.TryRemove(process, out _);
            }
            return (process.ExitCode == 0 ? Ended.Passed : Ended.Failed, await output + await errors);
        }
        finally
        {
            try
            {
                temporary.Delete(recursive: true);
            }
            catch (IOException)
            {
                // A process that was ended a moment ago may still write; the next run of scripts/mutants empties the folder.
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        EndAll();
        Array.ForEach(_signals, signal => signal.Dispose());
    }

    private void EndAll()
    {
        _over = true;
        foreach (var process in _running.Keys)
        {
            process.Kill(entireProcessTree: true);
        }
    }

    private static bool TryUnshare()
    {
        try
        {
            using var process = Process.Start(
                new ProcessStartInfo("unshare", ["--net", "--mount", "--pid", "--fork", "true"]) { RedirectStandardError = true }
            )!;
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}
