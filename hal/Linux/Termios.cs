using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Appliance.Hal.Linux;

/// <summary>The settings of a terminal, as the system has them (termios(3)); what is in them is nobody's business but of who changes a part.</summary>
internal static partial class Termios
{
    /// <summary>Takes effect at once (TCSANOW).</summary>
    internal const int Now = 0;

    /// <summary>Takes effect when all is sent, and what was received before is dropped (TCSAFLUSH).</summary>
    internal const int Afresh = 2;

    /// <summary>More than any system's struct termios.</summary>
    private const int LengthMax = 256;

    /// <summary>What a device is set to; null when it is no terminal.</summary>
    internal static byte[]? Of(SafeFileHandle device)
    {
        var settings = new byte[LengthMax];
        return GetAttributes(device, settings) == 0 ? settings : null;
    }

    /// <summary>False when the device takes none of it; true when it took some.</summary>
    internal static bool Set(SafeFileHandle device, int when, byte[] settings) => SetAttributes(device, when, settings) == 0;

    /// <summary>The same settings, but every byte as it comes, and no echo.</summary>
    internal static byte[] Raw(byte[] settings)
    {
        byte[] raw = [.. settings];
        MakeRaw(raw);
        return raw;
    }

    /// <summary>Changes the speed in them, in bits a second; false for one that the system does not know.</summary>
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
