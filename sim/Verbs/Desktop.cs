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
            // Its own words would land in the console.
            using var opening = Process.Start(new ProcessStartInfo("xdg-open", [address.ToString()]) { RedirectStandardOutput = true, RedirectStandardError = true });
        }
        catch (Win32Exception)
        {
            // A desktop without xdg-open: the table names the address.
        }
    }
}
