using System.Buffers.Binary;
using System.Text.Json;
using Appliance.Firmware.Cli;
using Appliance.Hal;
using Appliance.Link;
using Nerdbank.Streams;

namespace Appliance.Agent;

/// <summary>One console of the unit, at the controller's end of a channel. As a stream it carries the typed input and the output.</summary>
internal sealed class AgentConsole : AsyncStream
{
    private readonly ConsoleWire _wire;
    private ReadOnlyMemory<byte> _rest;
    private TerminalSize _size = TerminalSize.Usual;

    private AgentConsole(ConsoleWire wire) => _wire = wire;

    /// <summary>Serves one console until its session, its channel, or the link ends.</summary>
    /// <param name="channel">The channel; it is closed.</param>
    /// <param name="open">Opens a session once a unit is up. True: the user has to log in.</param>
    /// <param name="stop">Signals that the link is closed.</param>
    public static async Task ServeAsync(
        MultiplexingStream.Channel channel,
        Func<bool, CancellationToken, Task<CliSession>> open,
        CancellationToken stop
    )
    {
        await using var stream = channel.AsStream();
        using var wire = new ConsoleWire(stream);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(stop);
        // Handles a controller that hangs up while it waits for a unit.
        _ = channel.Completion.ContinueWith(
            static (_, state) => Cancel((CancellationTokenSource)state!),
            over,
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default
        );
        try
        {
            var (letter, content) = await wire.ReadAsync(over.Token).ConfigureAwait(false);
            if (letter != ConsoleWire.Open || JsonSerializer.Deserialize(content, LinkJson.Default.LinkConsole) is not { } wanted)
            {
                throw new LinkException("a console without a greeting");
            }
            using var session = await open(wanted.Login, over.Token).ConfigureAwait(false);
            await using var console = new AgentConsole(wire);
            var end = ConsoleEnd.Exited;
            if (wanted.Terminal)
            {
                end = await ConsoleStream
                    .RunTerminalAsync(session, console, console, () => console._size, over.Token)
                    .ConfigureAwait(false);
            }
            else
            {
                await ConsoleStream.RunAsync(session, console, console, wanted.Echo, over.Token).ConfigureAwait(false);
            }
            await wire.WriteAsync(ConsoleWire.End, new[] { (byte)end }, over.Token).ConfigureAwait(false);
        }
        catch (Exception gone)
            when (gone is IOException or OperationCanceledException or ObjectDisposedException or InvalidOperationException)
        {
            // The controller hung up, or the link is closed. Closing the channel reports the same to the remaining side.
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
                throw new LinkException("a console that does not echo the typed text");
            }
            _size = new TerminalSize(
                BinaryPrimitives.ReadUInt16BigEndian(content),
                BinaryPrimitives.ReadUInt16BigEndian(content.AsSpan(2))
            );
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
            await _wire
                .WriteAsync(ConsoleWire.Shown, buffer[..Math.Min(buffer.Length, ConsoleWire.ContentMax)], cancellationToken)
                .ConfigureAwait(false);
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
            // The session has ended already.
        }
    }
}
