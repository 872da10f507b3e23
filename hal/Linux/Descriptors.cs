using System.Runtime.InteropServices;

namespace Appliance.Hal.Linux;

/// <summary>The file descriptors of this process.</summary>
public static partial class Descriptors
{
    private const int ResourceOpenFiles = 7; // RLIMIT_NOFILE of Linux, getrlimit(2)
    private const string OpenNow = "/proc/self/fd";

    /// <summary>
    /// Returns the number of connections that this process may hold: <see cref="ConnectionBudget.Of"/> of its limit of open files, which is
    /// raised to the maximum that the system permits. If the system reports no limit, <paramref name="most"/>.
    /// </summary>
    /// <param name="reserve">The number of descriptors that must stay free for uses other than connections.</param>
    /// <param name="most">The maximum number of connections.</param>
    /// <exception cref="TooFewDescriptorsException">The limit is too low.</exception>
    public static int Connections(int reserve, int most) => ConnectionBudget.Of(Limit(), InUse(), reserve, most);

    private static int InUse() => Directory.Exists(OpenNow) ? Directory.EnumerateFileSystemEntries(OpenNow).Count() : 0;

    private static int? Limit()
    {
        if (!OperatingSystem.IsLinux() || GetLimit(ResourceOpenFiles, out var limit) != 0)
        {
            return null;
        }
        // Not every runtime raises it by itself. If the system refuses, the limit stays as it is.
        if (limit.Soft < limit.Hard && SetLimit(ResourceOpenFiles, limit with { Soft = limit.Hard }) == 0)
        {
            limit = limit with { Soft = limit.Hard };
        }
        return (int)Math.Min(limit.Soft, int.MaxValue);
    }

    [LibraryImport("libc", EntryPoint = "getrlimit")]
    private static partial int GetLimit(int resource, out ResourceLimit limit);

    [LibraryImport("libc", EntryPoint = "setrlimit")]
    private static partial int SetLimit(int resource, in ResourceLimit limit);

    /// <summary>struct rlimit, getrlimit(2).</summary>
    [StructLayout(LayoutKind.Sequential)]
    private record struct ResourceLimit(nuint Soft, nuint Hard);
}
