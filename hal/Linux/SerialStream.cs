using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Appliance.Hal.Linux;

/// <summary>
/// A serial device in raw mode, 8N1, without flow control. While open, it is exclusive to this process: locked against other programs
/// that use flock(2), and closed to all users but root (TIOCEXCL). The former settings are restored on disposal or at the end of the
/// process, whichever comes first. A process that is killed does not restore them.
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

    /// <summary>The offset of c_cflag in Linux's struct termios: the third word.</summary>
    private const int ControlFlags = 8;
    private const uint TwoStopBits = 0x40;
    private const uint Receiver = 0x80;
    private const uint NoModem = 0x800; // CLOCAL: a three-wire cable has no carrier.
    private const uint HardwareFlow = 0x80000000;
    private const uint SpeedFlags = 0x100F;

    private const short Readable = 0x1;
    private const short Writable = 0x4;
    private const int NoEntry = 2;
    private const int TryAgain = 11;
    private const int Denied = 13;
    private const int Busy = 16;
    private const int Interrupted = 4;

    /// <summary>The maximum delay until a cancellation takes effect, in milliseconds.</summary>
    private const int LookEvery = 50;

    /// <summary>The speeds that every serial device supports, in bit/s.</summary>
    public static IReadOnlyList<int> Speeds { get; } = [9600, 19200, 38400, 57600, 115200];

    private readonly SafeFileHandle _device;
    private readonly string _name;
    private readonly byte[] _before;
    private int _closed;

    private SerialStream(SafeFileHandle device, string name, byte[] before)
    {
        _device = device;
        _name = name;
        _before = before;
        AppDomain.CurrentDomain.ProcessExit += PutBack;
    }

    /// <summary>Opens a device at one of <see cref="Speeds"/>. Data that it received before is discarded.</summary>
    /// <exception cref="IOException">The device does not exist, is in use, is not a terminal, or does not support the speed.</exception>
    public static SerialStream Open(string device, int speed)
    {
        // Non-blocking, so that the open does not wait for a carrier.
        var handle = OpenFile(device, ReadWrite | NoControllingTerminal | NonBlocking | CloseOnExec);
        if (handle.IsInvalid)
        {
            throw Refused(device, Marshal.GetLastPInvokeError());
        }
        try
        {
            var before = Termios.Of(handle) ?? throw new IOException($"{device} is not a terminal");
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

    /// <summary>Reads the bytes that arrive next. A cancelled read consumes nothing.</summary>
    /// <exception cref="IOException">The device was removed.</exception>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        await Task.Run(
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
                },
                cancellationToken
            )
            .ConfigureAwait(false);

    /// <summary>Sends all bytes.</summary>
    /// <exception cref="IOException">The device was removed.</exception>
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
        await Task.Run(
                () =>
                {
                    for (var rest = buffer; rest.Length > 0;)
                    {
                        Await(Writable, cancellationToken);
                        rest = rest[(int)Transfer(Send(_device, ref MemoryMarshal.GetReference(rest.Span), (nuint)rest.Length))..];
                    }
                },
                cancellationToken
            )
            .ConfigureAwait(false);

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
        // glibc accepts the number itself; older versions also have their own constants.
        var can = Speeds.Contains(speed) && Termios.SetSpeed(raw, speed) && Termios.Set(handle, Termios.Afresh, raw);
        var wanted = BitConverter.ToUInt32(raw, ControlFlags) & SpeedFlags;
        // The system reports success even if it applied only a part of the settings.
        if (!can || Termios.Of(handle) is not { } got || (BitConverter.ToUInt32(got, ControlFlags) & SpeedFlags) != wanted)
        {
            _ = Termios.Set(handle, Termios.Now, before);
            throw new IOException($"{device} does not support speed {speed}");
        }
    }

    private static IOException Refused(string device, int error) =>
        new(
            error switch
            {
                NoEntry => $"{device} does not exist",
                Denied => $"{device} cannot be opened by this user (check its group with ls -l {device})",
                Busy => $"{device} is in use by another program",
                _ => $"{device}: {Marshal.GetPInvokeErrorMessage(error)}",
            }
        );

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
        } while (waiting.Happened == 0);
        if ((waiting.Happened & what) == 0)
        {
            throw new IOException($"{_name} is gone");
        }
    }

    /// <summary>Returns the number of bytes transferred; 0 if none can be transferred now.</summary>
    private nint Transfer(nint count) =>
        count switch
        {
            > 0 => count,
            // Readable without data: the other end hung up.
            0 => throw new IOException($"{_name} is gone"),
            _ => Marshal.GetLastPInvokeError() is var error && error is TryAgain or Interrupted
                ? 0
                : throw new IOException($"{_name}: {Marshal.GetPInvokeErrorMessage(error)}"),
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

    /// <summary>struct pollfd.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Waiting
    {
        public int Descriptor;
        public short Events;
        public short Happened;
    }
}
