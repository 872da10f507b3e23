using System.ComponentModel;
using System.Diagnostics;

namespace Appliance.Tool;

/// <summary>The user's desktop, if there is one.</summary>
internal static class Desktop
{
    /// <summary>
    /// Opens an address in the desktop's browser if a user at a terminal has a desktop. The address is printed in any case.
    /// </summary>
    public static void Open(Uri address)
    {
        if (
            Console.IsInputRedirected
            || (
                string.IsNullOrEmpty(Environment.GetEnvironmentVariable("DISPLAY"))
                && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("WAYLAND_DISPLAY"))
            )
        )
        {
            return;
        }
        try
        {
            // The output of xdg-open, or of the browser after it, would land in the console, and must not meet a pipe without a reader.
            using var opening = Process.Start(
                new ProcessStartInfo("sh", ["-c", "exec xdg-open \"$1\" </dev/null >/dev/null 2>&1", "sh", address.ToString()])
            );
        }
        catch (Win32Exception)
        {
            // A desktop without a shell. Without xdg-open nothing happens either. The table names the address.
        }
    }
}
