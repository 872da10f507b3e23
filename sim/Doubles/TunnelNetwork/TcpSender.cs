namespace Appliance.Doubles.TunnelNetwork;

/// <summary>
/// The sending side of a TCP connection: the bytes that are not acknowledged, the client's window, the congestion window, and the
/// retransmission timer.
/// </summary>
internal sealed class TcpSender(uint initial, int mss, byte? peerScale)
{
    /// <summary>The segment size for a client that names none (RFC 9293, section 3.7.1).</summary>
    internal const int DefaultMss = 536;

    private const int BufferSize = 256 * 1024;
    private const int DuplicatesMax = 3;
    private const int InitialSegments = 10;
    private static readonly TimeSpan FirstTimeout = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan TimeoutMin = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan TimeoutMax = TimeSpan.FromSeconds(30);

    private byte[] _buffer = [];
    private int _start;
    private int _length;
    private uint _firstByte = initial + 1;
    private uint _unacknowledged = initial;
    private uint _highest = initial;
    private uint _window;
    private long _congestionWindow = (long)InitialSegments * mss;
    private long _threshold = BufferSize;
    private int _duplicates;
    private uint? _recovery;
    private TimeSpan _timeout = FirstTimeout;
    private TimeSpan? _smoothed;
    private TimeSpan _variation;
    private (uint Sequence, DateTimeOffset Sent)? _timed;

    /// <summary>The initial sequence number, that of SYN.</summary>
    internal uint Initial { get; } = initial;

    /// <summary>The next sequence number to send.</summary>
    internal uint Next { get; private set; } = initial + 1;

    /// <summary>The time of the next retransmission or window probe; null if nothing is outstanding.</summary>
    internal DateTimeOffset? Due { get; private set; }

    /// <summary>The number of retransmissions since the last progress.</summary>
    internal int Retransmissions { get; private set; }

    /// <summary>The number of bytes that can be queued.</summary>
    internal int Room => BufferSize - _length;

    /// <summary>True when FIN is queued or sent.</summary>
    internal bool IsFinishing { get; private set; }

    /// <summary>True when FIN was acknowledged.</summary>
    internal bool IsFinished { get; private set; }

    private uint Data => Initial + 1;

    private uint EndOfData => _firstByte + (uint)_length;

    /// <summary>Queues bytes; returns their number.</summary>
    internal int Write(ReadOnlySpan<byte> bytes)
    {
        var count = Math.Min(bytes.Length, Room);
        if (count > 0)
        {
            if (_buffer.Length == 0)
            {
                (_buffer, _start) = (new byte[2 * BufferSize], 0);
            }
            else if (_start + _length + count > _buffer.Length)
            {
                _buffer.AsSpan(_start, _length).CopyTo(_buffer);
                _start = 0;
            }
            bytes[..count].CopyTo(_buffer.AsSpan(_start + _length));
            _length += count;
        }
        return count;
    }

    /// <summary>Queues FIN behind the queued bytes.</summary>
    internal void Finish() => IsFinishing = true;

    /// <summary>Starts the timer for SYN.</summary>
    internal void SynSent(DateTimeOffset now)
    {
        _highest = Initial + 1;
        Due = now + _timeout;
    }

    /// <summary>Handles an acknowledgment. False if it acknowledges bytes that were never sent.</summary>
    internal bool Acknowledged(uint acknowledgment, ushort window, bool scaled, DateTimeOffset now)
    {
        if ((int)(acknowledgment - _highest) > 0)
        {
            return false;
        }
        var size = (uint)window << (scaled ? peerScale ?? 0 : 0);
        var opened = size > _window;
        var progress = (int)(acknowledgment - _unacknowledged) > 0;
        if (!progress && acknowledgment == _unacknowledged && size == _window && (int)(_highest - _unacknowledged) > 0)
        {
            Duplicate(now);
        }
        _window = size;
        if (size == 0)
        {
            Retransmissions = 0; // The client answers probes: it lives, and reads later.
        }
        if (progress)
        {
            Progress(acknowledgment, now);
        }
        else if (opened && (int)(_highest - _unacknowledged) <= 0)
        {
            (Due, Retransmissions) = (null, 0); // The window opened again: no probe is needed.
        }
        return true;
    }

    /// <summary>Takes the next segment that the windows allow.</summary>
    /// <param name="now">The time.</param>
    /// <param name="sequence">The sequence number of the segment.</param>
    /// <param name="bytes">The payload; valid until the next call.</param>
    /// <param name="isLast">True for the segment with FIN.</param>
    internal bool TryTake(DateTimeOffset now, out uint sequence, out ReadOnlySpan<byte> bytes, out bool isLast)
    {
        sequence = Next;
        bytes = [];
        isLast = false;
        if (IsFinished || (int)(Next - Data) < 0)
        {
            return false;
        }
        var queued = (int)(EndOfData - Next);
        var inFlight = Next - _unacknowledged;
        var allowed = Math.Max(0, (int)Math.Min(_window, _congestionWindow) - (int)inFlight);
        var size = Math.Min(Math.Min(queued, mss), allowed);
        if (queued > 0 && size <= 0)
        {
            Due ??= now + _timeout; // The window is closed: the timer sends a probe.
            return false;
        }
        isLast = IsFinishing && size == Math.Max(queued, 0) && queued >= 0;
        if (size <= 0 && !isLast)
        {
            return false;
        }
        bytes = size > 0 ? _buffer.AsSpan(_start + (int)(Next - _firstByte), size) : [];
        Next += (uint)size + (isLast ? 1u : 0u);
        if ((int)(Next - _highest) > 0)
        {
            _highest = Next;
            _timed ??= (Next, now);
        }
        Due ??= now + _timeout;
        return true;
    }

    /// <summary>Goes back to the first unacknowledged byte after a timeout; with a closed window, sends one byte as a probe.</summary>
    internal void TimedOut(DateTimeOffset now)
    {
        Retransmissions++;
        _timeout = Clamp(_timeout * 2);
        (_timed, _recovery, _duplicates) = (null, null, 0);
        var inFlight = _highest - _unacknowledged;
        if (inFlight > 0 && _unacknowledged != Initial)
        {
            _threshold = Math.Max(inFlight / 2, 2L * mss);
            _congestionWindow = mss;
            Next = _unacknowledged;
        }
        if (_window == 0)
        {
            _window = 1; // A probe of one byte (RFC 9293, section 3.8.6.1). The answer tells the real window.
        }
        Due = now + _timeout;
    }

    private void Duplicate(DateTimeOffset now)
    {
        if (++_duplicates == DuplicatesMax && _recovery is null)
        {
            _threshold = Math.Max((_highest - _unacknowledged) / 2, 2L * mss);
            _congestionWindow = _threshold;
            _recovery = _highest;
            Next = _unacknowledged;
            _timed = null;
            Due = now + _timeout;
        }
    }

    private void Progress(uint acknowledgment, DateTimeOffset now)
    {
        if (_timed is { } timed && (int)(acknowledgment - timed.Sequence) >= 0)
        {
            Measure(now - timed.Sent);
            _timed = null;
        }
        var count = acknowledgment - _unacknowledged;
        _unacknowledged = acknowledgment;
        if ((int)(Next - acknowledgment) < 0)
        {
            Next = acknowledgment;
        }
        (_duplicates, Retransmissions) = (0, 0);
        if (_recovery is { } recovery && (int)(acknowledgment - recovery) >= 0)
        {
            _recovery = null;
        }
        _congestionWindow = Math.Min(
            BufferSize,
            _congestionWindow + (_congestionWindow < _threshold ? count : Math.Max(1, (long)mss * mss / _congestionWindow))
        );
        Drop(acknowledgment);
        Due = (int)(_highest - acknowledgment) > 0 ? now + _timeout : null;
    }

    private void Drop(uint acknowledgment)
    {
        var bytes = (int)Math.Min((uint)_length, acknowledgment - _firstByte);
        if ((int)(acknowledgment - _firstByte) > 0)
        {
            _start += bytes;
            _length -= bytes;
            _firstByte += (uint)bytes;
            if (IsFinishing && acknowledgment == _firstByte + 1 && _length == 0)
            {
                IsFinished = true;
            }
        }
        if (_length == 0)
        {
            (_buffer, _start) = ([], 0);
        }
    }

    private void Measure(TimeSpan sample)
    {
        if (_smoothed is { } smoothed)
        {
            _variation = (_variation * 0.75) + ((smoothed - sample).Duration() * 0.25);
            _smoothed = (smoothed * 0.875) + (sample * 0.125);
        }
        else
        {
            (_smoothed, _variation) = (sample, sample / 2);
        }
        _timeout = Clamp(_smoothed.Value + (_variation * 4));
    }

    private static TimeSpan Clamp(TimeSpan timeout) =>
        timeout < TimeoutMin ? TimeoutMin
        : timeout > TimeoutMax ? TimeoutMax
        : timeout;
}
