using System.Net;

namespace Appliance.Doubles.TunnelNetwork;

/// <summary>The states of a connection that a client opened (RFC 9293, section 3.3.2).</summary>
internal enum TcpState
{
    SynReceived,
    Established,
    FinWait1,
    FinWait2,
    CloseWait,
    Closing,
    LastAck,
    TimeWait,
    Closed,
}

/// <summary>
/// The server's end of one TCP connection (RFC 9293): segments and the time in, segments out. Retransmission by RFC 6298, congestion
/// control by RFC 5681 (slow start, congestion avoidance, fast retransmit), window scale by RFC 7323. Not thread-safe.
/// </summary>
internal sealed class TcpConnection
{
    /// <summary>The number of retransmissions of one segment before the connection is reset.</summary>
    internal const int RetransmissionsMax = 8;

    private static readonly TimeSpan TimeWaitFor = TimeSpan.FromSeconds(10);
    private readonly TcpSender _sender;
    private readonly TcpReceiver _receiver;
    private readonly ITcpApplication _application;
    private readonly List<byte[]> _output = [];
    private DateTimeOffset? _timeWaitEnds;
    private bool _acknowledge;

    /// <summary>Creates a connection from the client's SYN, and queues the SYN-ACK.</summary>
    /// <param name="local">The server's end.</param>
    /// <param name="remote">The client's end.</param>
    /// <param name="syn">The client's SYN.</param>
    /// <param name="initial">The initial send sequence number, random (RFC 6528).</param>
    /// <param name="mtu">The largest IP packet to send.</param>
    /// <param name="application">The program at the server's end.</param>
    /// <param name="now">The time.</param>
    internal TcpConnection(
        IPEndPoint local,
        IPEndPoint remote,
        in TcpSegment syn,
        uint initial,
        int mtu,
        ITcpApplication application,
        DateTimeOffset now
    )
    {
        Local = local;
        Remote = remote;
        _application = application;
        var largest = mtu - IpBuilder.HeadSize(local.Address) - TcpSegment.HeadSize;
        _receiver = new TcpReceiver(syn.Sequence + 1, scales: syn.Scale is not null);
        _sender = new TcpSender(initial, Math.Min(largest, syn.Mss == 0 ? TcpSender.DefaultMss : syn.Mss), syn.Scale);
        OwnMss = (ushort)largest;
        _sender.Acknowledged(initial, syn.Window, scaled: false, now);
        SendSyn(now);
    }

    /// <summary>The server's end.</summary>
    internal IPEndPoint Local { get; }

    /// <summary>The client's end.</summary>
    internal IPEndPoint Remote { get; }

    /// <summary>The state.</summary>
    internal TcpState State { get; private set; } = TcpState.SynReceived;

    /// <summary>The largest segment that this end receives.</summary>
    internal ushort OwnMss { get; }

    /// <summary>The number of bytes that <see cref="Write"/> accepts now.</summary>
    internal int Room => IsSending ? _sender.Room : 0;

    /// <summary>The received bytes that the application has not read.</summary>
    internal ReadOnlySpan<byte> Received => _receiver.Available;

    /// <summary>True if the client sends no more bytes than <see cref="Received"/>.</summary>
    internal bool ReceivedAll => _receiver.IsFinished;

    /// <summary>The time at which <see cref="Tick"/> has something to do; null for never.</summary>
    internal DateTimeOffset? Due => State == TcpState.Closed ? null : _timeWaitEnds ?? _sender.Due;

    private bool IsSending => State is TcpState.Established or TcpState.CloseWait && !_sender.IsFinishing;

    /// <summary>Takes the packets to send.</summary>
    internal IReadOnlyList<byte[]> TakeOutput()
    {
        if (_output.Count == 0)
        {
            return [];
        }
        var taken = _output.ToArray();
        _output.Clear();
        return taken;
    }

    /// <summary>Marks received bytes as read, which opens the window.</summary>
    internal void Read(int count)
    {
        if (_receiver.Read(count))
        {
            _acknowledge = true;
        }
    }

    /// <summary>Queues bytes to send, at most <see cref="Room"/>; returns the number of queued bytes.</summary>
    internal int Write(ReadOnlySpan<byte> bytes) => IsSending ? _sender.Write(bytes) : 0;

    /// <summary>Sends FIN behind the queued bytes.</summary>
    internal void Finish()
    {
        if (IsSending)
        {
            _sender.Finish();
        }
    }

    /// <summary>Resets the connection.</summary>
    internal void Reset()
    {
        if (State != TcpState.Closed)
        {
            Emit(new TcpSegment(_sender.Next, _receiver.Next, TcpFlags.Rst | TcpFlags.Ack, 0), []);
            Close();
        }
    }

    /// <summary>Handles a segment of the client (RFC 9293, section 3.10.7.4).</summary>
    internal void Receive(in TcpSegment segment, ReadOnlySpan<byte> payload, DateTimeOffset now)
    {
        if (State == TcpState.Closed)
        {
            return;
        }
        if (segment.Flags.HasFlag(TcpFlags.Rst))
        {
            ReceiveReset(segment);
        }
        else if (segment.Flags.HasFlag(TcpFlags.Syn))
        {
            ReceiveSyn(segment, now);
        }
        else if (segment.Flags.HasFlag(TcpFlags.Ack))
        {
            ReceiveData(segment, payload, now);
        }
        Progress(now);
    }

    /// <summary>Lets the application read and write, and sends what it wrote. For applications that wait for something else.</summary>
    internal void Progress(DateTimeOffset now)
    {
        if (State is not (TcpState.Closed or TcpState.SynReceived))
        {
            _application.Run(this);
        }
        if (State != TcpState.Closed)
        {
            Send(now);
        }
    }

    /// <summary>Retransmits what is due, and ends TIME-WAIT.</summary>
    internal void Tick(DateTimeOffset now)
    {
        if (State == TcpState.Closed)
        {
            return;
        }
        if (_timeWaitEnds is { } ends)
        {
            if (now >= ends)
            {
                Close();
            }
            return;
        }
        if (_sender.Due is not { } due || now < due)
        {
            return;
        }
        if (_sender.Retransmissions >= RetransmissionsMax)
        {
            Reset();
            return;
        }
        if (State == TcpState.SynReceived)
        {
            _sender.TimedOut(now);
            SendSyn(now);
            return;
        }
        _sender.TimedOut(now);
        Send(now);
    }

    private void ReceiveReset(in TcpSegment segment)
    {
        // An exact match resets; anything else in the window is challenged (RFC 5961, section 3.2).
        if (segment.Sequence == _receiver.Next)
        {
            Close();
        }
        else if (_receiver.IsInWindow(segment.Sequence))
        {
            _acknowledge = true;
        }
    }

    private void ReceiveSyn(in TcpSegment segment, DateTimeOffset now)
    {
        if (State == TcpState.SynReceived && segment.Sequence + 1 == _receiver.Next)
        {
            SendSyn(now);
        }
        else
        {
            _acknowledge = true;
        }
    }

    private void ReceiveData(in TcpSegment segment, ReadOnlySpan<byte> payload, DateTimeOffset now)
    {
        if (!_receiver.IsAcceptable(segment.Sequence, payload.Length))
        {
            _acknowledge = true;
            return;
        }
        if (State == TcpState.SynReceived)
        {
            if (segment.Acknowledgment != _sender.Next)
            {
                Emit(new TcpSegment(segment.Acknowledgment, 0, TcpFlags.Rst, 0), []);
                return;
            }
            State = TcpState.Established;
        }
        if (!_sender.Acknowledged(segment.Acknowledgment, segment.Window, scaled: true, now))
        {
            _acknowledge = true; // An acknowledgment of something that was never sent.
            return;
        }
        var hasFin = segment.Flags.HasFlag(TcpFlags.Fin);
        if (payload.Length > 0 || hasFin)
        {
            _acknowledge = true;
            _receiver.Add(segment.Sequence, payload, hasFin);
        }
        Advance(now);
    }

    /// <summary>Moves to the state that the two directions have reached.</summary>
    private void Advance(DateTimeOffset now)
    {
        var (sentAll, receivedAll) = (_sender.IsFinished, _receiver.HasFin);
        State = State switch
        {
            TcpState.Established when receivedAll => TcpState.CloseWait,
            TcpState.FinWait1 when sentAll && receivedAll => TcpState.TimeWait,
            TcpState.FinWait1 when sentAll => TcpState.FinWait2,
            TcpState.FinWait1 when receivedAll => TcpState.Closing,
            TcpState.FinWait2 when receivedAll => TcpState.TimeWait,
            TcpState.Closing when sentAll => TcpState.TimeWait,
            TcpState.LastAck when sentAll => TcpState.Closed,
            var state => state,
        };
        if (State == TcpState.TimeWait)
        {
            _timeWaitEnds ??= now + TimeWaitFor;
        }
        else if (State == TcpState.Closed)
        {
            Close();
        }
    }

    private void Send(DateTimeOffset now)
    {
        if (State is TcpState.SynReceived or TcpState.TimeWait)
        {
            Acknowledge();
            return;
        }
        while (_sender.TryTake(now, out var sequence, out var bytes, out var isLast))
        {
            var flags = TcpFlags.Ack | (bytes.Length > 0 ? TcpFlags.Psh : TcpFlags.None) | (isLast ? TcpFlags.Fin : TcpFlags.None);
            Emit(new TcpSegment(sequence, _receiver.Next, flags, _receiver.Window), bytes);
            _acknowledge = false;
            if (isLast)
            {
                State = State switch
                {
                    TcpState.Established => TcpState.FinWait1,
                    TcpState.CloseWait => TcpState.LastAck,
                    var state => state,
                };
            }
        }
        Acknowledge();
    }

    private void Acknowledge()
    {
        if (_acknowledge && State != TcpState.SynReceived)
        {
            Emit(new TcpSegment(_sender.Next, _receiver.Next, TcpFlags.Ack, _receiver.Window), []);
            _acknowledge = false;
        }
    }

    private void SendSyn(DateTimeOffset now)
    {
        _sender.SynSent(now);
        Emit(
            new TcpSegment(_sender.Initial, _receiver.Next, TcpFlags.Syn | TcpFlags.Ack, _receiver.UnscaledWindow)
            {
                Mss = OwnMss,
                Scale = _receiver.Scale,
            },
            []
        );
    }

    private void Emit(in TcpSegment segment, ReadOnlySpan<byte> payload) => _output.Add(segment.Build(Local, Remote, payload));

    private void Close()
    {
        State = TcpState.Closed;
        _timeWaitEnds = null;
        _application.Closed(this);
    }
}
