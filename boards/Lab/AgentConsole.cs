using System.Buffers.Binary;
using System.Text.Json;
using Appliance.Firmware.Cli;
using Appliance.Hal;
using Appliance.LabLink;
using Nerdbank.Streams;

namespace Appliance.LabBoot;

/// <summary>One console of the unit at the bench's end of a channel: as a stream it is what is typed there and what is shown there.</summary>
internal sealed class AgentConsole : AsyncStream
{
    private readonly ConsoleWire _wire;
    private ReadOnlyMemory<byte> _rest;
    private TerminalSize _size = TerminalSize.Usual;

    private AgentConsole(ConsoleWire wire) => _wire = wire;

    /// <summary>Serves one console until its session, its channel, or the link ends.</summary>
    /// <param name="channel">The channel; it is closed.</param>
    /// <param name="open">Opens a session, once a unit is up; true: who sits there is asked who he is.</param>
    /// <param name="stop">The link is gone.</param>
    public static async Task ServeAsync(MultiplexingStream.Channel channel, Func<bool, CancellationToken, Task<CliSession>> open, CancellationToken stop)
    {
        await using var stream = channel.AsStream();
        using var wire = new ConsoleWire(stream);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(stop);
        // A bench that hangs up while it waits for a unit.
        _ = channel.Completion.ContinueWith(static (_, state) => Cancel((CancellationTokenSource)state!), over, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        try
        {
            var (letter, content) = await wire.ReadAsync(over.Token).ConfigureAwait(false);
            if (letter != ConsoleWire.Open || JsonSerializer.Deserialize(content, LinkJson.Default.LinkConsole) is not { } wanted)
            {
                throw new LinkException("a console that does not say what it is");
            }
            using var session = await open(wanted.Login, over.Token).ConfigureAwait(false);
            await using var console = new AgentConsole(wire);
            var end = ConsoleEnd.Exited;
            if (wanted.Terminal)
            {
                end = await ConsoleStream.RunTerminalAsync(session, console, console, () => console._size, over.Token).ConfigureAwait(false);
            }
            else
            {
                await ConsoleStream.RunAsync(session, console, console, wanted.Echo, over.Token).ConfigureAwait(false);
            }
            await wire.WriteAsync(ConsoleWire.End, new[] { (byte)end }, over.Token).ConfigureAwait(false);
        }
        catch (Exception gone) when (gone is IOException or OperationCanceledException or ObjectDisposedException or InvalidOperationException)
        {
            // The bench hung up, or the link is gone: closing the channel says the same to whoever is left.
        }
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_rest.IsEmpty)
        {
            await _wire.WriteAsync(ConsoleWire.Want, default, cancellationToken).ConfigureAwait(false);
            var (letter, content) = await _wire.ReadAsync(cancellationToken).ConfigureAwait(false);
            if (letter != ConsoleWire.Typed || content.Length < ConsoleWire.SizeLength)
            {
                throw new LinkException("a console that says something else than what is typed");
            }
            _size = new TerminalSize(BinaryPrimitives.ReadUInt16BigEndian(content), BinaryPrimitives.ReadUInt16BigEndian(content.AsSpan(2)));
            _rest = content.AsMemory(ConsoleWire.SizeLength);
        }
        var length = Math.Min(buffer.Length, _rest.Length);
        _rest[..length].CopyTo(buffer);
        _rest = _rest[length..];
        return length;
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        for (; buffer.Length > 0; buffer = buffer[Math.Min(buffer.Length, ConsoleWire.ContentMax)..])
        {
            await _wire.WriteAsync(ConsoleWire.Shown, buffer[..Math.Min(buffer.Length, ConsoleWire.ContentMax)], cancellationToken).ConfigureAwait(false);
        }
    }

    private static void Cancel(CancellationTokenSource over)
    {
        try
        {
            over.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It has ended already.
        }
    }
}
