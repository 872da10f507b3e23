using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Appliance.Tests.Box;

/// <summary>
/// A serial cable between two devices of the kernel: two pseudo terminals, each of which outputs the other's input. The traffic is kept.
/// </summary>
internal sealed class SerialCable : IAsyncDisposable
{
    private const nuint Unlock = 0x40045431; // TIOCSPTLCK
    private const nuint Number = 0x80045430; // TIOCGPTN
    private const nuint Peer = 0x5441; // TIOCGPTPEER
    private const nuint IsExclusive = 0x80045440; // TIOCGEXCL
    private const int ReadWriteAlone = 0x2 | 0x100 | 0x80000; // O_RDWR | O_NOCTTY | O_CLOEXEC
    private const int TermiosLength = 60;
    private const short Readable = 0x1; // POLLIN
    private const int LookEvery = 20;

    private readonly End _unit = new();
    private readonly End _controller = new();
    private readonly StringBuilder _typed = new();
    private readonly StringBuilder _shown = new();
    private readonly Task[] _passing;
    private volatile bool _pulled;

    public SerialCable()
    {
        // No program has opened it yet, and a line without a program on it echoes nothing.
        _controller.MakeRaw();
        _passing = [PassAsync(_unit, _controller, _shown), PassAsync(_controller, _unit, _typed)];
    }

    /// <summary>The device of the unit.</summary>
    public string UnitDevice => _unit.Device;

    /// <summary>The controller's device.</summary>
    public string ControllerDevice => _controller.Device;

    /// <summary>The controller's input so far.</summary>
    public string Typed
    {
        get
        {
            lock (_typed)
            {
                return _typed.ToString();
            }
        }
    }

    /// <summary>The unit's output so far.</summary>
    public string Shown
    {
        get
        {
            lock (_shown)
            {
                return _shown.ToString();
            }
        }
    }

    /// <summary>The settings of the controller's device.</summary>
    public byte[] ControllerSettings
    {
        get => _controller.Settings;
        set => _controller.Settings = value;
    }

    /// <summary>True while the controller's device is open exclusively.</summary>
    public bool ControllerIsTaken => _controller.IsTaken;

    /// <summary>Removes the controller's device, as when an adapter is pulled out.</summary>
    public async Task UnplugBenchAsync()
    {
        _pulled = true;
        await Task.WhenAll(_passing);
        await _controller.Master.DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await UnplugBenchAsync();
        await _unit.Master.DisposeAsync();
        _unit.Dispose();
        _controller.Dispose();
    }

    private Task PassAsync(End from, End to, StringBuilder kept) =>
        Task.Factory.StartNew(
            () =>
            {
                var buffer = new byte[4096];
                while (!_pulled)
                {
                    if (!from.Has(LookEvery))
                    {
                        continue;
                    }
                    var length = from.Master.Read(buffer);
                    lock (kept)
                    {
                        kept.Append(Encoding.Latin1.GetString(buffer, 0, length));
                    }
                    to.Master.Write(buffer, 0, length);
                }
            },
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default
        );

    /// <summary>struct pollfd.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Waiting
    {
        public int Descriptor;
        public short Events;
        public short Happened;
    }

    private sealed class End : IDisposable
    {
        private readonly SafeFileHandle _master = File.OpenHandle("/dev/ptmx", FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);

        /// <summary>The device itself stays open, because a device without an open descriptor hangs up.</summary>
        private readonly int _peer;

        public End()
        {
            var no = 0;
            Assert(ioctl(_master, Unlock, ref no) == 0);
            Device = $"/dev/pts/{Ask(Number)}";
            _peer = ioctl(_master, Peer, ReadWriteAlone);
            Assert(_peer >= 0);
            Master = new FileStream(_master, FileAccess.ReadWrite, bufferSize: 0);
        }

        public string Device { get; }

        public FileStream Master { get; }

        public bool IsTaken
        {
            get
            {
                var answer = 0;
                Assert(ioctl(_peer, IsExclusive, ref answer) == 0);
                return answer != 0;
            }
        }

        public byte[] Settings
        {
            get
            {
                var settings = new byte[TermiosLength];
                Assert(tcgetattr(_peer, settings) == 0);
                return settings;
            }
            set => Assert(tcsetattr(_peer, 0, value) == 0);
        }

        public int Ask(nuint what)
        {
            var answer = 0;
            Assert(ioctl(_master, what, ref answer) == 0);
            return answer;
        }

        /// <summary>True if data can be read within this number of milliseconds.</summary>
        public bool Has(int milliseconds)
        {
            var waiting = new Waiting { Descriptor = (int)_master.DangerousGetHandle(), Events = Readable };
            return poll(ref waiting, 1, milliseconds) > 0;
        }

        public void MakeRaw()
        {
            var settings = Settings;
            cfmakeraw(settings);
            Settings = settings;
        }

        public void Dispose() => _ = close(_peer);

        private static void Assert(bool done)
        {
            if (!done)
            {
                throw new IOException(Marshal.GetLastPInvokeErrorMessage());
            }
        }

        [DllImport("libc", SetLastError = true)]
        private static extern int ioctl(SafeFileHandle file, nuint request, ref int argument);

        [DllImport("libc", SetLastError = true)]
        private static extern int ioctl(int file, nuint request, ref int argument);

        [DllImport("libc", SetLastError = true)]
        private static extern int ioctl(SafeFileHandle file, nuint request, int argument);

        [DllImport("libc", SetLastError = true)]
        private static extern int tcgetattr(int file, [In, Out] byte[] settings);

        [DllImport("libc", SetLastError = true)]
        private static extern int tcsetattr(int file, int when, [In] byte[] settings);

        [DllImport("libc", SetLastError = true)]
        private static extern int poll(ref Waiting waiting, nuint count, int milliseconds);

        [DllImport("libc")]
        private static extern void cfmakeraw([In, Out] byte[] settings);

        [DllImport("libc")]
        private static extern int close(int file);
    }
}
