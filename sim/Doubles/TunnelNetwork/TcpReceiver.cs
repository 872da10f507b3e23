namespace Appliance.Doubles.TunnelNetwork;

/// <summary>
/// The receiving side of a TCP connection: a buffer of fixed size that is also the window, and the ranges in it that arrived early.
/// </summary>
internal sealed class TcpReceiver(uint next, bool scales)
{
    private const int BufferSize = 128 * 1024;
    private const byte ScaleShift = 2;
    private const int EarlyMax = 64;

    private readonly List<(uint First, uint Last)> _early = [];
    private byte[] _buffer = [];
    private int _start;
    private int _length;
    private uint? _fin;

    /// <summary>The next expected sequence number.</summary>
    internal uint Next { get; private set; } = next;

    /// <summary>The shift of <see cref="Window"/>; null if the client does not scale windows.</summary>
    internal byte? Scale { get; } = scales ? ScaleShift : null;

    /// <summary>The window to advertise, scaled.</summary>
    internal ushort Window => (ushort)Math.Min(ushort.MaxValue, Free >> (Scale ?? 0));

    /// <summary>The window of a SYN, which is never scaled.</summary>
    internal ushort UnscaledWindow => (ushort)Math.Min(ushort.MaxValue, Free);

    /// <summary>True when the client's FIN was received in order.</summary>
    internal bool HasFin { get; private set; }

    /// <summary>True when the client's FIN was received and every byte was read.</summary>
    internal bool IsFinished => HasFin && _length == 0;

    /// <summary>The bytes that arrived in order and were not read.</summary>
    internal ReadOnlySpan<byte> Available => _buffer.AsSpan(_start, _length);

    private int Free => BufferSize - _length;

    /// <summary>True for a sequence number within the window.</summary>
    internal bool IsInWindow(uint sequence) => sequence - Next < (uint)Math.Max(1, Free);

    /// <summary>True for a segment that overlaps the window (RFC 9293, section 3.10.7.4).</summary>
    internal bool IsAcceptable(uint sequence, int length) =>
        IsInWindow(sequence) || (length > 0 && Free > 0 && IsInWindow(sequence + (uint)length - 1)) || (length == 0 && sequence == Next);

    /// <summary>Adds a segment, of which any part may be old, early or beyond the window.</summary>
    internal void Add(uint sequence, ReadOnlySpan<byte> payload, bool hasFin)
    {
        if (hasFin)
        {
            _fin = sequence + (uint)payload.Length;
        }
        var skipped = (int)(Next - sequence);
        if (skipped > 0)
        {
            payload = skipped >= payload.Length ? [] : payload[skipped..];
            sequence = Next;
        }
        var offset = (int)(sequence - Next);
        if (offset < Free && payload.Length > 0)
        {
            Store(offset, payload[..Math.Min(payload.Length, Free - offset)]);
        }
        if (_fin == Next && !HasFin)
        {
            HasFin = true;
            Next++;
        }
    }

    /// <summary>Marks bytes as read. True if the window opened so far that the client should be notified.</summary>
    internal bool Read(int count)
    {
        var before = Free;
        _length -= count;
        _start = _length == 0 && _early.Count == 0 ? 0 : _start + count;
        if (_length == 0 && _early.Count == 0)
        {
            _buffer = []; // An idle connection keeps no buffer.
        }
        return before < BufferSize / 2 && Free >= BufferSize / 2;
    }

    private void Store(int offset, ReadOnlySpan<byte> payload)
    {
        Require();
        payload.CopyTo(_buffer.AsSpan(_start + _length + offset));
        if (offset > 0)
        {
            if (_early.Count < EarlyMax)
            {
                Merge(Next + (uint)offset, Next + (uint)(offset + payload.Length));
            }
            return;
        }
        Accept((uint)payload.Length);
        while (_early.FindIndex(range => (int)(range.First - Next) <= 0) is >= 0 and var at)
        {
            var last = _early[at].Last;
            _early.RemoveAt(at);
            if ((int)(last - Next) > 0)
            {
                Accept(last - Next);
            }
        }
    }

    private void Accept(uint count)
    {
        _length += (int)count;
        Next += count;
    }

    private void Merge(uint first, uint last)
    {
        for (var at = _early.Count - 1; at >= 0; at--)
        {
            var other = _early[at];
            if ((int)(other.First - last) <= 0 && (int)(first - other.Last) <= 0)
            {
                first = (int)(other.First - first) < 0 ? other.First : first;
                last = (int)(other.Last - last) > 0 ? other.Last : last;
                _early.RemoveAt(at);
            }
        }
        _early.Add((first, last));
    }

    /// <summary>Makes the whole window available behind the unread bytes.</summary>
    private void Require()
    {
        if (_buffer.Length == 0)
        {
            (_buffer, _start) = (new byte[2 * BufferSize], 0);
        }
        else if (_start + BufferSize > _buffer.Length)
        {
            _buffer.AsSpan(_start, Math.Min(BufferSize, _buffer.Length - _start)).CopyTo(_buffer);
            _start = 0;
        }
    }
}
