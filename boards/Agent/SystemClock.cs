using System.Runtime.InteropServices;

namespace Appliance.Agent;

/// <summary>The clock of the machine. In a test image the controller sets it.</summary>
internal static partial class SystemClock
{
    private const int RealTime = 0; // CLOCK_REALTIME of clock_gettime(2)

    public static void Set(DateTimeOffset now)
    {
        var ticks = now.UtcTicks - DateTimeOffset.UnixEpoch.Ticks;
        long[] time = [ticks / TimeSpan.TicksPerSecond, ticks % TimeSpan.TicksPerSecond * 100];
        if (SetTime(RealTime, time) != 0)
        {
            throw new IOException($"the clock cannot be set (errno {Marshal.GetLastPInvokeError()})");
        }
    }

    /// <summary>Sets a clock. A struct timespec of a 64-bit system is two of these numbers.</summary>
    [LibraryImport("libc", EntryPoint = "clock_settime", SetLastError = true)]
    private static partial int SetTime(int clock, [In] long[] time);
}
