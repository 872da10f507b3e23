namespace Appliance.Firmware.Cli;

/// <summary>Console input that is not executed yet, read ahead up to a limit; beyond it the sender is blocked.</summary>
internal sealed class TypedBytes(Stream input, CancellationToken cancellationToken)
{
    private const int BufferSize = 4096;
    private const byte CtrlC = 3;
    private readonly byte[] _buffer = new byte[BufferSize];
    private int _start;
    private int _end;
    private Task<int>? _reading;

    /// <summary>True after the end of the input.</summary>
    internal bool Ended { get; private set; }

    /// <summary>True if the buffer is full, so that no more can be read until some input is consumed.</summary>
    internal bool IsFull => _reading is null && _end - _start == BufferSize;

    /// <summary>The buffered input.</summary>
    internal ReadOnlySpan<byte> Waiting => _buffer.AsSpan(_start, _end - _start);

    /// <summary>Consumes a number of bytes.</summary>
    internal void Take(int count) => _start += count;

    /// <summary>
    /// Drops buffered input up to the last Ctrl-C or, if <c>q</c> stops a stream, up to the first of either. True if there was one.
    /// </summary>
    internal bool TakeInterrupt(bool orQuit)
    {
        var at = orQuit ? Waiting.IndexOfAny(CtrlC, (byte)'q', (byte)'Q') : Waiting.LastIndexOf(CtrlC);
        Take(at + 1);
        return at >= 0;
    }

    /// <summary>Completes when more input or its end has arrived. Must not be called after the end or while the buffer is full.</summary>
    internal Task MoreAsync()
    {
        if (_reading is null)
        {
            Waiting.CopyTo(_buffer);
            (_start, _end) = (0, _end - _start);
            _reading = input.ReadAsync(_buffer.AsMemory(_end), cancellationToken).AsTask();
        }
        return _reading;
    }

    /// <summary>Accepts input that has arrived, if any, without waiting; throws the exception of a failed read.</summary>
    internal async ValueTask ReceiveAsync()
    {
        if (_reading is { IsCompleted: true } completed)
        {
            var length = await completed.ConfigureAwait(false);
            (_reading, _end, Ended) = (null, _end + length, length == 0);
        }
    }
}
