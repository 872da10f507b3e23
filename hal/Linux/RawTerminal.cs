using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Appliance.Hal.Linux;

/// <summary>
/// The local terminal in raw mode: every key arrives at once, nothing is echoed here, Ctrl-C is a key. What it was is put back on
/// disposal and at the end of the process, whichever comes first; a process that is killed outright leaves it (<c>stty sane</c>).
/// </summary>
public sealed partial class RawTerminal : IDisposable
{
    private const int Input = 0;

    private static readonly SafeFileHandle Terminal = new(Input, ownsHandle: false);

    private readonly byte[] _before;
    private int _restored;

    private RawTerminal(byte[] before)
    {
        _before = before;
        AppDomain.CurrentDomain.ProcessExit += Restore;
    }

    /// <summary>Every byte as it comes: the console's own stream edits and echoes lines when it reads a terminal.</summary>
    public Stream Keys { get; } = new FileStream(new SafeFileHandle(Input, ownsHandle: false), FileAccess.Read, bufferSize: 0);

    /// <summary>The size of the terminal; null when it does not tell.</summary>
    public static (int Rows, int Columns)? Size()
    {
        const nuint WindowSize = 0x5413; // TIOCGWINSZ of ioctl_tty(2); other systems have other numbers.
        var size = new ushort[4];
        return OperatingSystem.IsLinux() && IoControl(Input, WindowSize, size) == 0 && size[0] > 1 && size[1] > 1 ? (size[0], size[1]) : null;
    }

    /// <summary>Switches to raw mode; null when standard input or output is no terminal, or cannot be switched.</summary>
    public static RawTerminal? Enter()
    {
        if (Console.IsInputRedirected || Console.IsOutputRedirected || OperatingSystem.IsWindows())
        {
            return null;
        }
        return Termios.Of(Terminal) is { } before && Termios.Set(Terminal, Termios.Now, Termios.Raw(before)) ? new RawTerminal(before) : null;
    }

    /// <summary>Puts back what the terminal was.</summary>
    public void Dispose()
    {
        AppDomain.CurrentDomain.ProcessExit -= Restore;
        Restore(null, EventArgs.Empty);
    }

    private void Restore(object? sender, EventArgs e)
    {
        if (Interlocked.Exchange(ref _restored, 1) == 0)
        {
            _ = Termios.Set(Terminal, Termios.Now, _before);
        }
    }

    [LibraryImport("libc", EntryPoint = "ioctl")]
    private static partial int IoControl(int descriptor, nuint request, [Out] ushort[] size);
}
