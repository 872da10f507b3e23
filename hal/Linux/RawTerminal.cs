using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Appliance.Hal.Linux;

/// <summary>
/// The local terminal in raw mode: every key is delivered immediately, nothing is echoed, and Ctrl-C is a key. The former settings are
/// restored on disposal or at the end of the process, whichever comes first. A process that is killed does not restore them
/// (<c>stty sane</c>).
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

    /// <summary>The unprocessed bytes. The console's own stream edits and echoes lines when it reads a terminal.</summary>
    public Stream Keys { get; } = new FileStream(new SafeFileHandle(Input, ownsHandle: false), FileAccess.Read, bufferSize: 0);

    /// <summary>Returns the size of the terminal; null if it does not report one.</summary>
    public static (int Rows, int Columns)? Size()
    {
        const nuint WindowSize = 0x5413; // TIOCGWINSZ of ioctl_tty(2); other systems use other numbers.
        var size = new ushort[4];
        return OperatingSystem.IsLinux() && IoControl(Input, WindowSize, size) == 0 && size[0] > 1 && size[1] > 1
            ? (size[0], size[1])
            : null;
    }

    /// <summary>Switches to raw mode. Returns null if standard input or output is not a terminal or cannot be switched.</summary>
    public static RawTerminal? Enter()
    {
        if (Console.IsInputRedirected || Console.IsOutputRedirected || OperatingSystem.IsWindows())
        {
            return null;
        }
        return Termios.Of(Terminal) is { } before && Termios.Set(Terminal, Termios.Now, Termios.Raw(before))
            ? new RawTerminal(before)
            : null;
    }

    /// <summary>Restores the terminal's former settings.</summary>
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
