using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Appliance.Firmware.Monitoring;

/// <summary>
/// The figures of <c>get system performance status</c> and <c>diagnose sys top</c>, true ones only: the processor time of this process
/// since the previous reading (at first since the start), its memory against the machine's, the current connections, and the uptime by the
/// unit's clock.
/// </summary>
internal sealed class UnitLoad(TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly DateTimeOffset _started = time.GetUtcNow();
    private (long At, Environment.ProcessCpuUsage Used) _last = (
        Stopwatch.GetTimestamp(),
        OperatingSystem.IsLinux() ? Environment.CpuUsage : default
    );

    internal string Describe(int connections)
    {
        var (user, system) = Processor();
        var total = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 1024;
        var used = Environment.WorkingSet / 1024;
        var up = time.GetUtcNow() - _started;
        var text = new StringBuilder();
        text.Append(
            CultureInfo.InvariantCulture,
            $"CPU states: {user}% user {system}% system 0% nice {Math.Max(0, 100 - user - system)}% idle\n"
        );
        text.Append(
            CultureInfo.InvariantCulture,
            $"Memory: {total}k total, {used}k used ({100.0 * used / total:0.0}%), {Math.Max(0, total - used)}k free ({Math.Max(0, 100.0 - (100.0 * used / total)):0.0}%)\n"
        );
        text.Append(CultureInfo.InvariantCulture, $"Current sessions: {connections}\n");
        text.Append(CultureInfo.InvariantCulture, $"Uptime: {up.Days} days,  {up.Hours} hours,  {up.Minutes} minutes\n");
        return text.ToString();
    }

    /// <summary>Returns the load in percent of all processors, in whole numbers; 0 if the system does not report it.</summary>
    internal (int User, int System) Processor()
    {
        if (!OperatingSystem.IsLinux())
        {
            return (0, 0);
        }
        lock (_lock)
        {
            var (at, used) = (Stopwatch.GetTimestamp(), Environment.CpuUsage);
            var span = Stopwatch.GetElapsedTime(_last.At, at) * Environment.ProcessorCount;
            var (user, system) = (used.UserTime - _last.Used.UserTime, used.PrivilegedTime - _last.Used.PrivilegedTime);
            _last = (at, used);
            return span > TimeSpan.Zero ? (Percent(user / span), Percent(system / span)) : (0, 0);
        }
    }

    private static int Percent(double part) => (int)Math.Clamp(Math.Round(part * 100), 0, 100);
}
