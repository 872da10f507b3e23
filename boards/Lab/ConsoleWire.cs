using System.Buffers.Binary;

namespace Appliance.LabLink;

/// <summary>What a console over the lab link begins with.</summary>
/// <param name="Terminal">True: a terminal in raw mode; false: a script.</param>
/// <param name="Echo">Shows a script what it typed.</param>
/// <param name="Login">Asks who it is first.</param>
internal sealed record LinkConsole(bool Terminal, bool Echo, bool Login);

/// <summary>
/// A console's channel: a letter, a length of two bytes, and so many bytes, again and again. The agent asks for what is typed, once for each read, so that nothing is
/// taken from a terminal that its session does not want any more.
/// </summary>
internal sealed class ConsoleWire(Stream channel) : IDisposable
{
    /// <summary>The bench opens: a <see cref="LinkConsole"/>.</summary>
    public const byte Open = (byte)'o';

    /// <summary>The agent wants what is typed next.</summary>
    public const byte Want = (byte)'w';

    /// <summary>What was typed, behind the terminal's size as two numbers of two bytes; nothing behind it: the terminal went away.</summary>
    public const byte Typed = (byte)'t';

    /// <summary>What is shown.</summary>
    public const byte Shown = (byte)'s';

    /// <summary>The session is over: how, in one byte.</summary>
    public const byte End = (byte)'e';

    /// <summary>Bytes of a terminal's size, before what is typed.</summary>
    public const int SizeLength = 4;

    /// <summary>The longest content.</summary>
    public const int ContentMax = ushort.MaxValue;

    private const int HeadLength = 3;

    private readonly SemaphoreSlim _writing = new(1, 1);

    /// <summary>Writes one message; several may, at the same time.</summary>
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

    /// <summary>The next message.</summary>
    /// <exception cref="EndOfStreamException">There is none: the other end is gone.</exception>
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
