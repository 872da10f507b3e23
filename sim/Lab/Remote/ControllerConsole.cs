using System.Buffers.Binary;
using System.Text.Json;
using Appliance.Firmware.Cli;
using Appliance.Link;

namespace Appliance.Lab.Remote;

/// <summary>The controller's end of a console over the lab link.</summary>
internal static class ControllerConsole
{
    private const int BufferSize = 4096;

    /// <summary>Serves until the session ends. Input is read only when the session requests it.</summary>
    /// <exception cref="EndOfStreamException">The link broke.</exception>
    public static async Task<ConsoleEnd> RunAsync(
        Stream channel,
        LinkConsole wanted,
        Stream input,
        Stream output,
        Func<TerminalSize> size,
        CancellationToken cancellationToken
    )
    {
        using var wire = new ConsoleWire(channel);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await wire.WriteAsync(ConsoleWire.Open, JsonSerializer.SerializeToUtf8Bytes(wanted, LinkJson.Default.LinkConsole), over.Token);
        var typing = Task.CompletedTask;
        while (true)
        {
            var reading = wire.ReadAsync(over.Token);
            if (await Task.WhenAny(reading, typing) == typing && !typing.IsCompletedSuccessfully)
            {
                await over.CancelAsync();
                await typing; // The typing side may end with any error.
            }
            var (letter, content) = await reading;
            switch (letter)
            {
                case ConsoleWire.Want:
                    typing = TypeAsync();
                    break;
                case ConsoleWire.Shown:
                    await output.WriteAsync(content, over.Token);
                    await output.FlushAsync(over.Token);
                    break;
                case ConsoleWire.End when content.Length == 1:
                    await over.CancelAsync();
                    return (ConsoleEnd)content[0];
                default:
                    throw new LinkException($"unknown message type of a console ('{(char)letter}')");
            }
        }

        async Task TypeAsync()
        {
            var stop = over.Token;
            var buffer = new byte[ConsoleWire.SizeLength + BufferSize];
            var length = await input.ReadAsync(buffer.AsMemory(ConsoleWire.SizeLength), stop);
            var (rows, columns) = size();
            BinaryPrimitives.WriteUInt16BigEndian(buffer, (ushort)Math.Clamp(rows, 0, ushort.MaxValue));
            BinaryPrimitives.WriteUInt16BigEndian(buffer.AsSpan(2), (ushort)Math.Clamp(columns, 0, ushort.MaxValue));
            await wire.WriteAsync(ConsoleWire.Typed, buffer.AsMemory(0, ConsoleWire.SizeLength + length), stop);
        }
    }
}
