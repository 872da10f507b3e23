using System.Globalization;

namespace Appliance.Lab.Targets;

/// <summary>The memory of a process on this machine.</summary>
internal static class ProcessMemory
{
    /// <summary>Resident memory in MiB (proc(5), <c>VmRSS</c> of <c>/proc/PID/status</c>).</summary>
    public static double ResidentMiB(int process)
    {
        var line = File.ReadLines($"/proc/{process}/status").First(line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
        return double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture) / 1024;
    }
}
