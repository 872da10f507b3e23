using System.ComponentModel;
using System.Diagnostics;

namespace Appliance.Sim.Verbs;

/// <summary>The desktop that a person sits at, if there is one.</summary>
internal static class Desktop
{
    /// <summary>Opens an address in the desktop's browser when a person at a terminal has a desktop; its address is printed in any case.</summary>
    public static void Open(Uri address)
    {
        if (Console.IsInputRedirected || (string.IsNullOrEmpty(Environment.GetEnvironmentVariable("DISPLAY")) && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("WAYLAND_DISPLAY"))))
        {
            return;
        }
        try
        {
            // What it, or the browser after it, has to say would land in the console, and must not find a pipe that nobody reads.
            using var opening = Process.Start(new ProcessStartInfo("sh", ["-c", "exec xdg-open \"$1\" </dev/null >/dev/null 2>&1", "sh", address.ToString()]));
        }
        catch (Win32Exception)
        {
            // A desktop without a shell; without xdg-open nothing happens either. The table names the address.
        }
    }
}
