using System.IO.Pipelines;
using System.Threading.Channels;
using Appliance.Firmware.Cli;
using Appliance.Hal;
using Appliance.Lab.Units;

namespace Appliance.Lab.Page;

/// <summary>Data for a terminal: bytes of the session, or its new size.</summary>
internal readonly record struct Shown(byte[]? Bytes, TerminalSize? Size);

/// <summary>
/// One console session shared by pages: the opener types, and all pages show the same output. Keeps the end of the output for pages that
/// reload or connect later. Thread-safe.
/// </summary>
internal sealed class WebConsole : IAsyncDisposable
{
    private const int BacklogMax = 256 * 1024;
    private const int BehindMax = 256;

    private readonly Lock _lock = new();
    private readonly Pipe _typed = new();
    private readonly Queue<byte[]> _backlog = [];
    private readonly List<Channel<Shown>> _screens = [];
    private readonly CancellationTokenSource _stopping = new();
    private Task _running = Task.CompletedTask;
    private int _remembered;

    public WebConsole(string id, string watchId, TerminalSize size)
    {
        Id = id;
        WatchId = watchId;
        Size = size;
    }

    /// <summary>The id that permits typing.</summary>
    public string Id { get; }

    /// <summary>The id that permits watching.</summary>
    public string WatchId { get; }

    /// <summary>The size of the typing page's terminal; watching pages show the same.</summary>
    public TerminalSize Size { get; private set; }

    /// <summary>True if the session has ended.</summary>
    public bool Over { get; private set; }

    /// <summary>The number of connected pages that may type; maintained by <see cref="WebConsoles"/>.</summary>
    public int Holders { get; set; }

    /// <summary>Starts the session on a unit.</summary>
    public void Start(IUnitConsole unit, bool login) => _running = RunAsync(unit, login);

    /// <summary>Enumerates the output, from the backlog on. Completes with the session, or if the reader falls too far behind.</summary>
    public ChannelReader<Shown> Show()
    {
        lock (_lock)
        {
            var screen = Channel.CreateBounded<Shown>(
                new BoundedChannelOptions(BehindMax) { FullMode = BoundedChannelFullMode.Wait, SingleReader = true }
            );
            if (_backlog.Count > 0)
            {
                screen.Writer.TryWrite(new Shown([.. _backlog.SelectMany(shown => shown)], null));
            }
            if (Over)
            {
                screen.Writer.Complete();
            }
            else
            {
                _screens.Add(screen);
            }
            return screen.Reader;
        }
    }

    /// <summary>Types bytes; waits while the session is busy.</summary>
    public async Task TypeAsync(ReadOnlyMemory<byte> keys, CancellationToken cancellationToken) =>
        await _typed.Writer.WriteAsync(keys, cancellationToken);

    /// <summary>Sets the new size of the typing page's terminal.</summary>
    public void Resize(TerminalSize size)
    {
        lock (_lock)
        {
            if (size != Size)
            {
                Size = size;
                TellLocked(new Shown(null, size));
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _typed.Writer.CompleteAsync();
        await _running;
        _stopping.Dispose();
    }

    private async Task RunAsync(IUnitConsole unit, bool login)
    {
        try
        {
            await unit.RunTerminalAsync(_typed.Reader.AsStream(), new Screen(this), () => Size, login, _stopping.Token);
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // The terminal was closed.
        }
        lock (_lock)
        {
            Over = true;
            _screens.ForEach(screen => screen.Writer.TryComplete());
            _screens.Clear();
        }
        await _typed.Reader.CompleteAsync();
    }

    private void Put(byte[] shown)
    {
        lock (_lock)
        {
            _backlog.Enqueue(shown);
            _remembered += shown.Length;
            while (_remembered > BacklogMax && _backlog.Count > 1)
            {
                _remembered -= _backlog.Dequeue().Length;
            }
            TellLocked(new Shown(shown, null));
        }
    }

    /// <summary>A reader that falls behind reconnects and gets the backlog. No other reader waits for it.</summary>
    private void TellLocked(Shown shown) => _screens.RemoveAll(screen => !screen.Writer.TryWrite(shown) && screen.Writer.TryComplete());

    private sealed class Screen(WebConsole console) : WriteOnlyStream
    {
        public override void Write(byte[] buffer, int offset, int count) => console.Put(buffer[offset..(offset + count)]);

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            console.Put(buffer.ToArray());
            return ValueTask.CompletedTask;
        }
    }
}
