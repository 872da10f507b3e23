using System.Buffers.Binary;

namespace Appliance.Link;

/// <summary>The first message of a console over the lab link.</summary>
/// <param name="Terminal">True: a terminal in raw mode; false: a script.</param>
/// <param name="Echo">True: echoes a script's input.</param>
/// <param name="Login">True: the user has to log in first.</param>
internal sealed record LinkConsole(bool Terminal, bool Echo, bool Login);

/// <summary>
/// A console's channel: a sequence of messages, each with a type letter, a length of two bytes, and the content. The agent requests input
/// once
/// for each read, so that no input is taken from a terminal that its session no longer reads.
/// </summary>
internal sealed class ConsoleWire(Stream channel) : IDisposable
{
    /// <summary>From the controller: opens the console with a <see cref="LinkConsole"/>.</summary>
    public const byte Open = (byte)'o';

    /// <summary>From the agent: requests the next input.</summary>
    public const byte Want = (byte)'w';

    /// <summary>
    /// From the controller: the terminal's size as two numbers of two bytes, then the input. Empty input: the terminal was closed.
    /// </summary>
    public const byte Typed = (byte)'t';

    /// <summary>From the agent: output to show.</summary>
    public const byte Shown = (byte)'s';

    /// <summary>The end of the session, with its kind in one byte.</summary>
    public const byte End = (byte)'e';

    /// <summary>The bytes of a terminal's size, before the input.</summary>
    public const int SizeLength = 4;

    /// <summary>The maximum length of a message's content, in bytes.</summary>
    public const int ContentMax = ushort.MaxValue;

    private const int HeadLength = 3;

    private readonly SemaphoreSlim _writing = new(1, 1);

    /// <summary>Writes one message. May be called concurrently.</summary>
    public async Task WriteAsync(byte letter, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        var message = new byte[HeadLength + content.Length];
        message[0] = letter;
        BinaryPrimitives.WriteUInt16BigEndian(message.AsSpan(1), checked((ushort)content.Length));
        content.CopyTo(message.AsMemory(HeadLength));
        await _writing.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await channel.WriteAsync(message, cancellationToken).ConfigureAwait(false);
            await channel.FlushAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <summary>Reads the next message.</summary>
    /// <exception cref="EndOfStreamException">The other end closed the channel.</exception>
    public async Task<(byte Letter, byte[] Content)> ReadAsync(CancellationToken cancellationToken)
    {
        var head = new byte[HeadLength];
        await channel.ReadExactlyAsync(head, cancellationToken).ConfigureAwait(false);
        var content = new byte[BinaryPrimitives.ReadUInt16BigEndian(head.AsSpan(1))];
        await channel.ReadExactlyAsync(content, cancellationToken).ConfigureAwait(false);
        return (head[0], content);
    }

    public void Dispose() => _writing.Dispose();
}
