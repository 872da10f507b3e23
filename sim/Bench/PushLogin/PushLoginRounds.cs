using System.Diagnostics;

namespace Appliance.Bench.PushLogin;

/// <summary>The figures of the rounds of one kind of login.</summary>
/// <param name="users">The logins of a round.</param>
internal sealed class PushLoginRounds(int users)
{
    /// <summary>The logins a second, by round.</summary>
    public List<double> PerSecond { get; } = [];

    /// <summary>The processor time of a login of the whole process, by round.</summary>
    public List<double> Microseconds { get; } = [];

    /// <summary>The bytes that a login allocates, by round.</summary>
    public List<double> Bytes { get; } = [];

    /// <summary>Runs a round.</summary>
    /// <param name="counts">False to warm up: nothing is stored.</param>
    /// <param name="run">The round; returns its duration.</param>
    public async Task MeasureAsync(bool counts, Func<Task<TimeSpan>> run)
    {
        using var process = Process.GetCurrentProcess();
        var (processor, bytes) = (process.TotalProcessorTime, GC.GetTotalAllocatedBytes(precise: true));
        var took = await run();
        process.Refresh();
        if (counts)
        {
            PerSecond.Add(users / took.TotalSeconds);
            Microseconds.Add((process.TotalProcessorTime - processor).TotalMicroseconds / users);
            Bytes.Add((GC.GetTotalAllocatedBytes(precise: true) - bytes) / (double)users);
        }
    }
}
