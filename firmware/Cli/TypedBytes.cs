namespace Appliance.Firmware.Cli;

/// <summary>What was typed at a console and not served yet: read ahead, up to a limit beyond which the typist waits.</summary>
internal sealed class TypedBytes(Stream input, CancellationToken cancellationToken)
{
    private const int BufferSize = 4096;
    private const byte CtrlC = 3;
    private readonly byte[] _buffer = new byte[BufferSize];
    private int _start;
    private int _end;
    private Task<int>? _reading;

    /// <summary>True when nothing more comes.</summary>
    internal bool Ended { get; private set; }

    /// <summary>True when no more can be read before some is served.</summary>
    internal bool IsFull => _reading is null && _end - _start == BufferSize;

    /// <summary>What waits.</summary>
    internal ReadOnlySpan<byte> Waiting => _buffer.AsSpan(_start, _end - _start);

    /// <summary>So many were served.</summary>
    internal void Take(int count) => _start += count;

    /// <summary>Drops what waits up to the last Ctrl-C; where <c>q</c> stops a stream, up to the first of either. True when there was one.</summary>
    internal bool TakeInterrupt(bool orQuit)
    {
        var at = orQuit ? Waiting.IndexOfAny(CtrlC, (byte)'q', (byte)'Q') : Waiting.LastIndexOf(CtrlC);
        Take(at + 1);
        return at >= 0;
    }

    /// <summary>Completes when more has come, or the end. Not to be asked when it has ended or is full.</summary>
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

    /// <summary>Takes over what has come, if anything has; throws what reading threw.</summary>
    internal void Receive()
    {
        if (_reading is { IsCompleted: true })
        {
            var length = _reading.GetAwaiter().GetResult();
            (_reading, _end, Ended) = (null, _end + length, length == 0);
        }
    }
}
