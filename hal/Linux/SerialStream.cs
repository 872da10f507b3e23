using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Appliance.Hal.Linux;

/// <summary>
/// A serial device in raw mode, 8N1, without flow control: bytes as they come. It is this process's alone while it is open: of others who ask (flock), and of everybody but
/// root (TIOCEXCL). What the device was set to is put back on disposal and at the end of the process, whichever comes first; a process that is killed outright leaves it.
/// </summary>
public sealed partial class SerialStream : AsyncStream
{
    private const int ReadWrite = 0x2;
    private const int NoControllingTerminal = 0x100;
    private const int NonBlocking = 0x800;
    private const int CloseOnExec = 0x80000;
    private const int ExclusiveLockAtOnce = 0x2 | 0x4; // LOCK_EX | LOCK_NB
    private const nuint Exclusive = 0x540C; // TIOCEXCL of ioctl_tty(2)
    private const nuint NotExclusive = 0x540D; // TIOCNXCL

    /// <summary>Where c_cflag stands in Linux's: the third of its words.</summary>
    private const int ControlFlags = 8;
    private const uint TwoStopBits = 0x40;
    private const uint Receiver = 0x80;
    private const uint NoModem = 0x800; // CLOCAL: a cable of three wires has no carrier.
    private const uint HardwareFlow = 0x80000000;
    private const uint SpeedFlags = 0x100F;

    private const short Readable = 0x1;
    private const short Writable = 0x4;
    private const int NoEntry = 2;
    private const int TryAgain = 11;
    private const int Denied = 13;
    private const int Busy = 16;
    private const int Interrupted = 4;

    /// <summary>So late at most a cancellation is seen.</summary>
    private const int LookEvery = 50;

    private readonly SafeFileHandle _device;
    private readonly string _name;
    private readonly byte[] _before;
    private int _closed;

    private SerialStream(SafeFileHandle device, string name, byte[] before)
    {
        (_device, _name, _before) = (device, name, before);
        AppDomain.CurrentDomain.ProcessExit += PutBack;
    }

    /// <summary>The speeds that every serial device knows, in bits a second.</summary>
    public static IReadOnlyList<int> Speeds { get; } = [9600, 19200, 38400, 57600, 115200];

    /// <summary>Opens a device at one of <see cref="Speeds"/>; what it received before is dropped.</summary>
    /// <exception cref="IOException">It is not there, somebody else has it, it is no terminal, or it knows no such speed.</exception>
    public static SerialStream Open(string device, int speed)
    {
        // Not blocking: nobody waits for a carrier that never comes.
        var handle = OpenFile(device, ReadWrite | NoControllingTerminal | NonBlocking | CloseOnExec);
        if (handle.IsInvalid)
        {
            throw Refused(device, Marshal.GetLastPInvokeError());
        }
        try
        {
            var before = Termios.Of(handle) ?? throw new IOException($"{device} is no terminal");
            if (Lock(handle, ExclusiveLockAtOnce) != 0)
            {
                throw Refused(device, Busy);
            }
            Set(handle, device, before, speed);
            _ = Control(handle, Exclusive, 0);
            return new SerialStream(handle, device, before);
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>What comes next; a cancelled read has taken nothing.</summary>
    /// <exception cref="IOException">The device is gone.</exception>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => await Task.Run(
        () =>
        {
            while (true)
            {
                Await(Readable, cancellationToken);
                var length = Transfer(Receive(_device, ref MemoryMarshal.GetReference(buffer.Span), (nuint)buffer.Length));
                if (length > 0)
                {
                    return (int)length;
                }
            }
        }, cancellationToken).ConfigureAwait(false);

    /// <summary>Sends all of it.</summary>
    /// <exception cref="IOException">The device is gone.</exception>
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => await Task.Run(
        () =>
        {
            for (var rest = buffer; rest.Length > 0;)
            {
                Await(Writable, cancellationToken);
                rest = rest[(int)Transfer(Send(_device, ref MemoryMarshal.GetReference(rest.Span), (nuint)rest.Length))..];
            }
        }, cancellationToken).ConfigureAwait(false);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            AppDomain.CurrentDomain.ProcessExit -= PutBack;
            PutBack(null, EventArgs.Empty);
        }
        base.Dispose(disposing);
    }

    private static void Set(SafeFileHandle handle, string device, byte[] before, int speed)
    {
        var raw = Termios.Raw(before);
        var flags = BitConverter.ToUInt32(raw, ControlFlags);
        BitConverter.TryWriteBytes(raw.AsSpan(ControlFlags), (flags | Receiver | NoModem) & ~(TwoStopBits | HardwareFlow));
        // glibc takes the number itself, older ones beside their own constants.
        var can = Speeds.Contains(speed) && Termios.SetSpeed(raw, speed) && Termios.Set(handle, Termios.Afresh, raw);
        var wanted = BitConverter.ToUInt32(raw, ControlFlags) & SpeedFlags;
        // The system is content with a part of what was wanted.
        if (!can || Termios.Of(handle) is not { } got || (BitConverter.ToUInt32(got, ControlFlags) & SpeedFlags) != wanted)
        {
            _ = Termios.Set(handle, Termios.Now, before);
            throw new IOException($"{device} knows no speed of {speed}");
        }
    }

    private static IOException Refused(string device, int error) => new(error switch
    {
        NoEntry => $"there is no {device}",
        Denied => $"{device} may not be opened by this user (ls -l {device} tells whose it is)",
        Busy => $"{device} is in use by another program",
        _ => $"{device}: {Marshal.GetPInvokeErrorMessage(error)}",
    });

    private void Await(short what, CancellationToken cancellationToken)
    {
        var waiting = new Waiting { Events = what };
        do
        {
            cancellationToken.ThrowIfCancellationRequested();
            ObjectDisposedException.ThrowIf(Volatile.Read(ref _closed) != 0, this);
            waiting.Descriptor = (int)_device.DangerousGetHandle();
            if (Poll(ref waiting, 1, LookEvery) < 0 && Marshal.GetLastPInvokeError() is var error and not Interrupted)
            {
                throw new IOException($"{_name}: {Marshal.GetPInvokeErrorMessage(error)}");
            }
        }
        while (waiting.Happened == 0);
        if ((waiting.Happened & what) == 0)
        {
            throw new IOException($"{_name} is gone");
        }
    }

    /// <summary>How many bytes went; 0 for none at this moment.</summary>
    private nint Transfer(nint count) => count switch
    {
        > 0 => count,
        // Readable, and nothing to read: the other end hung up.
        0 => throw new IOException($"{_name} is gone"),
        _ => Marshal.GetLastPInvokeError() is var error && error is TryAgain or Interrupted ? 0 : throw new IOException($"{_name}: {Marshal.GetPInvokeErrorMessage(error)}"),
    };

    private void PutBack(object? sender, EventArgs e)
    {
        if (Interlocked.Exchange(ref _closed, 1) == 0)
        {
            _ = Termios.Set(_device, Termios.Now, _before);
            _ = Control(_device, NotExclusive, 0);
            _device.Dispose();
        }
    }

    /// <summary>struct pollfd.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Waiting
    {
        public int Descriptor;
        public short Events;
        public short Happened;
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial SafeFileHandle OpenFile(string path, int flags);

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    private static partial int Lock(SafeFileHandle file, int operation);

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    private static partial int Control(SafeFileHandle file, nuint request, nint argument);

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    private static partial int Poll(ref Waiting waiting, nuint count, int milliseconds);

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    private static partial nint Receive(SafeFileHandle file, ref byte buffer, nuint count);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    private static partial nint Send(SafeFileHandle file, ref byte buffer, nuint count);
}
