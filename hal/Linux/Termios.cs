using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Appliance.Hal.Linux;

/// <summary>
/// The settings of a terminal (termios(3)), as an opaque block of the system. Only the code that changes a part interprets it.
/// </summary>
internal static partial class Termios
{
    /// <summary>Takes effect immediately (TCSANOW).</summary>
    internal const int Now = 0;

    /// <summary>Takes effect when all output is sent; input received before is discarded (TCSAFLUSH).</summary>
    internal const int Afresh = 2;

    /// <summary>The buffer size in bytes: more than any system's struct termios.</summary>
    private const int LengthMax = 256;

    /// <summary>Returns the settings of a device; null if it is not a terminal.</summary>
    internal static byte[]? Of(SafeFileHandle device)
    {
        var settings = new byte[LengthMax];
        return GetAttributes(device, settings) == 0 ? settings : null;
    }

    /// <summary>Applies settings. Returns true if at least some took effect, false if none did.</summary>
    internal static bool Set(SafeFileHandle device, int when, byte[] settings) => SetAttributes(device, when, settings) == 0;

    /// <summary>Returns the same settings with unprocessed input and without echo.</summary>
    internal static byte[] Raw(byte[] settings)
    {
        byte[] raw = [.. settings];
        MakeRaw(raw);
        return raw;
    }

    /// <summary>Sets the speed in bit/s. Returns false if the system does not support it.</summary>
    internal static bool SetSpeed(byte[] settings, int speed) => SetBoth(settings, (uint)speed) == 0;

    [LibraryImport("libc", EntryPoint = "tcgetattr")]
    private static partial int GetAttributes(SafeFileHandle device, [In, Out] byte[] attributes);

    [LibraryImport("libc", EntryPoint = "tcsetattr")]
    private static partial int SetAttributes(SafeFileHandle device, int when, [In] byte[] attributes);

    [LibraryImport("libc", EntryPoint = "cfmakeraw")]
    private static partial void MakeRaw([In, Out] byte[] attributes);

    [LibraryImport("libc", EntryPoint = "cfsetspeed")]
    private static partial int SetBoth([In, Out] byte[] attributes, uint speed);
}
