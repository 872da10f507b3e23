using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Appliance.Hal.Linux;

/// <summary>
/// The hardware watchdog (Linux: Documentation/watchdog/watchdog-api.rst). Once opened, it restarts the box if a heartbeat is overdue.
/// Disposal disarms it; a crash of the program does not.
/// </summary>
public sealed partial class HardwareWatchdog : IDisposable
{
    private const nuint SetTimeout = 0xC0045706; // WDIOC_SETTIMEOUT: _IOWR('W', 6, int)

    // A stream, because such a device has no positions.
    private readonly FileStream _device;

    internal HardwareWatchdog(SafeFileHandle device) => _device = new FileStream(device, FileAccess.Write, bufferSize: 0);

    /// <summary>Opens and arms the watchdog.</summary>
    /// <exception cref="IOException">The device does not exist, is in use, or does not support the timeout.</exception>
    public static HardwareWatchdog Open(BoardWatchdog watchdog)
    {
        try
        {
            var device = File.OpenHandle(watchdog.Device, FileMode.Open, FileAccess.Write);
            var opened = new HardwareWatchdog(device);
            var seconds = (int)watchdog.Timeout.TotalSeconds;
            if (Control((int)device.DangerousGetHandle(), SetTimeout, ref seconds) != 0 || seconds != (int)watchdog.Timeout.TotalSeconds)
            {
                opened.Dispose();
                throw new IOException($"watchdog {watchdog.Device}: {watchdog.Timeout.TotalSeconds} s is not supported");
            }
            return opened;
        }
        catch (UnauthorizedAccessException error)
        {
            throw new IOException($"watchdog {watchdog.Device}: {error.Message}", error);
        }
    }

    /// <summary>Sends a heartbeat.</summary>
    public void Alive() => _device.Write("1"u8);

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_device.CanWrite)
        {
            _device.Write("V"u8); // Magic close: an intended stop.
            _device.Dispose();
        }
    }

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    private static partial int Control(int descriptor, nuint request, ref int argument);
}
