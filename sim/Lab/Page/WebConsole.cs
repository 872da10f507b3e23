using System.IO.Pipelines;
using System.Threading.Channels;
using Appliance.Firmware.Cli;
using Appliance.Hal;
using Appliance.Lab.Units;

namespace Appliance.Lab.Page;

/// <summary>What a screen gets: bytes of the session, or the size that it has from now on.</summary>
internal readonly record struct Shown(byte[]? Bytes, TerminalSize? Size);

/// <summary>
/// One console session that pages look at: who opened it types, everybody shows the same. Remembers the end of what was shown, so that a
/// page that was reloaded, or came later, shows it too. Thread-safe.
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

    public WebConsole(string id, string watchId, TerminalSize size) => (Id, WatchId, Size) = (id, watchId, size);

    /// <summary>Whoever has it types.</summary>
    public string Id { get; }

    /// <summary>Whoever has it watches.</summary>
    public string WatchId { get; }

    /// <summary>Of the terminal of who types; those that watch show the same.</summary>
    public TerminalSize Size { get; private set; }

    /// <summary>True when the session is over.</summary>
    public bool Over { get; private set; }

    /// <summary>How many pages hold it that may type; kept by the owner of the consoles.</summary>
    public int Holders { get; set; }

    /// <summary>Starts the session on a unit.</summary>
    public void Start(IUnitConsole unit, bool login) => _running = RunAsync(unit, login);

    /// <summary>Everything that is shown, from the backlog on; completes with the session, or when the reader falls too far behind.</summary>
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

    /// <summary>Types; waits while the session is busy.</summary>
    public async Task TypeAsync(ReadOnlyMemory<byte> keys, CancellationToken cancellationToken) =>
        await _typed.Writer.WriteAsync(keys, cancellationToken);

    /// <summary>The terminal of who types has another size now.</summary>
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
            // Hung up.
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

    /// <summary>One that does not keep up comes again and gets the backlog; nobody waits for it.</summary>
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
