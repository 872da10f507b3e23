using System.Buffers.Binary;

namespace Appliance.Firmware.Tunnels.Ppp;

/// <summary>
/// The option negotiation of one control protocol (RFC 1661, section 4), from the server's side. Subclasses decide about options. Not
/// thread-safe: the link's owner calls it, one packet at a time.
/// </summary>
internal abstract class ControlProtocol(PppProtocol protocol, PppLink link)
{
    /// <summary>The time after which an unanswered Configure-Request is repeated.</summary>
    internal static readonly TimeSpan RestartInterval = TimeSpan.FromSeconds(3);

    /// <summary>The number of Configure-Requests that may remain unanswered (Max-Configure).</summary>
    internal const int ConfigureMax = 10;

    /// <summary>The number of Configure-Naks and Configure-Rejects that either side may send before the protocol fails (Max-Failure).</summary>
    internal const int FailureMax = 20;

    private const int HeadSize = 4;
    private byte _identifier;
    private int _failures;
    private int _requests;
    private bool _peerAcknowledged;
    private bool _acknowledgedPeer;

    /// <summary>The protocol number.</summary>
    internal PppProtocol Protocol { get; } = protocol;

    /// <summary>True when both sides have acknowledged each other's options.</summary>
    internal bool IsOpen => _peerAcknowledged && _acknowledgedPeer;

    /// <summary>True from the first Configure-Request until the protocol is closed.</summary>
    internal bool IsStarted { get; private set; }

    /// <summary>True when this side or the peer ended the protocol. It does not start again.</summary>
    internal bool IsClosed { get; private set; }

    /// <summary>The time at which <see cref="Tick"/> has something to do; null for never.</summary>
    internal DateTimeOffset? Due { get; private set; }

    /// <summary>The link, which sends packets.</summary>
    protected PppLink Link { get; } = link;

    /// <summary>Sends the first Configure-Request, unless it was sent or the protocol is closed.</summary>
    internal void Start(DateTimeOffset now)
    {
        if (!IsStarted && !IsClosed)
        {
            IsStarted = true;
            Request(now);
        }
    }

    /// <summary>Repeats the Configure-Request when it is due, and fails the protocol after <see cref="ConfigureMax"/> of them.</summary>
    internal void Tick(DateTimeOffset now)
    {
        if (Due is not { } due || now < due)
        {
            return;
        }
        if (_requests >= ConfigureMax)
        {
            Fail("no answer to Configure-Request");
            return;
        }
        Request(now);
    }

    /// <summary>Handles a control packet. A malformed packet is discarded silently (RFC 1661, section 5).</summary>
    /// <param name="packet">The packet behind the protocol field: code, identifier, length, data.</param>
    /// <param name="now">The time.</param>
    internal void Receive(ReadOnlySpan<byte> packet, DateTimeOffset now)
    {
        if (packet.Length < HeadSize)
        {
            return;
        }
        int length = BinaryPrimitives.ReadUInt16BigEndian(packet[2..]);
        if (length < HeadSize || length > packet.Length || IsClosed)
        {
            return;
        }
        var code = (PppCode)packet[0];
        var identifier = packet[1];
        var data = packet[HeadSize..length];
        switch (code)
        {
            case PppCode.ConfigureRequest when PppOptions.AreWellFormed(data):
                RequestReceived(identifier, data, now);
                break;
            case PppCode.ConfigureAck or PppCode.ConfigureNak or PppCode.ConfigureReject:
                Answered(code, identifier, data, now);
                break;
            case PppCode.TerminateRequest:
                Send(PppCode.TerminateAck, identifier, data);
                Close();
                break;
            case PppCode.ConfigureRequest or PppCode.TerminateAck or PppCode.CodeReject:
                break;
            default:
                if (!ReceiveOther(code, identifier, data))
                {
                    Send(PppCode.CodeReject, NextIdentifier(), packet[..Math.Min(length, PppLink.RejectedMax)]);
                }
                break;
        }
    }

    /// <summary>Ends the protocol without a packet.</summary>
    internal void Close()
    {
        if (!IsClosed)
        {
            (IsClosed, Due) = (true, null);
            (_peerAcknowledged, _acknowledgedPeer) = (false, false);
            Closed();
        }
    }

    /// <summary>Sends a control packet of this protocol.</summary>
    internal void Send(PppCode code, byte identifier, ReadOnlySpan<byte> data)
    {
        var packet = new byte[HeadSize + data.Length];
        (packet[0], packet[1]) = ((byte)code, identifier);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), (ushort)packet.Length);
        data.CopyTo(packet.AsSpan(HeadSize));
        Link.SendControl(Protocol, packet);
    }

    /// <summary>Returns the identifier for a new packet.</summary>
    internal byte NextIdentifier() => ++_identifier;

    /// <summary>Appends the options that this side requests.</summary>
    protected abstract void AddRequest(List<byte> options);

    /// <summary>Decides about one option of the peer.</summary>
    /// <param name="type">The option's type.</param>
    /// <param name="value">The requested value.</param>
    /// <param name="suggestion">Receives the acceptable value if the verdict is <see cref="OptionVerdict.Nak"/>.</param>
    protected abstract OptionVerdict Judge(byte type, ReadOnlySpan<byte> value, List<byte> suggestion);

    /// <summary>Adopts, or ignores, a value that the peer suggests for an option of this side.</summary>
    protected virtual void Suggested(byte type, ReadOnlySpan<byte> value) { }

    /// <summary>Withdraws an option that the peer does not accept.</summary>
    protected virtual void Rejected(byte type) { }

    /// <summary>Handles a code that only this protocol has.</summary>
    /// <returns>False if the code is unknown.</returns>
    protected virtual bool ReceiveOther(PppCode code, byte identifier, ReadOnlySpan<byte> data) => false;

    /// <summary>Notified when the protocol opens.</summary>
    protected virtual void Opened(DateTimeOffset now) { }

    /// <summary>Notified when the protocol closes.</summary>
    protected virtual void Closed() { }

    /// <summary>Notified when the negotiation fails, before the protocol closes.</summary>
    protected virtual void Failed(string reason) { }

    private void Request(DateTimeOffset now)
    {
        _requests++;
        _peerAcknowledged = false;
        Due = now + RestartInterval;
        var options = new List<byte>();
        AddRequest(options);
        Send(PppCode.ConfigureRequest, NextIdentifier(), [.. options]);
    }

    private void RequestReceived(byte identifier, ReadOnlySpan<byte> options, DateTimeOffset now)
    {
        if (IsOpen)
        {
            // A new Configure-Request on an open protocol starts the negotiation again (RFC 1661, section 4.1).
            _requests = 0;
            _acknowledgedPeer = false;
            Request(now);
        }
        List<byte> rejected = [];
        List<byte> suggested = [];
        List<byte> suggestion = [];
        var rest = options;
        while (PppOptions.TryRead(ref rest, out var type, out var value))
        {
            suggestion.Clear();
            switch (Judge(type, value, suggestion))
            {
                case OptionVerdict.Reject:
                    PppOptions.Add(rejected, type, value);
                    break;
                case OptionVerdict.Nak:
                    PppOptions.Add(suggested, type, [.. suggestion]);
                    break;
            }
        }
        if (rejected.Count > 0)
        {
            Refuse(PppCode.ConfigureReject, identifier, rejected);
        }
        else if (suggested.Count > 0)
        {
            Refuse(PppCode.ConfigureNak, identifier, suggested);
        }
        else
        {
            _acknowledgedPeer = true;
            Send(PppCode.ConfigureAck, identifier, options);
        }
        Start(now);
        OpenIfAgreed(now);
    }

    private void Refuse(PppCode code, byte identifier, List<byte> options)
    {
        _acknowledgedPeer = false;
        if (++_failures > FailureMax)
        {
            Fail("the peer repeats options that were refused");
            return;
        }
        Send(code, identifier, [.. options]);
    }

    private void Answered(PppCode code, byte identifier, ReadOnlySpan<byte> options, DateTimeOffset now)
    {
        if (!IsStarted || _peerAcknowledged || identifier != _identifier || !PppOptions.AreWellFormed(options))
        {
            return;
        }
        if (code == PppCode.ConfigureAck)
        {
            (_peerAcknowledged, Due, _requests) = (true, null, 0);
            OpenIfAgreed(now);
            return;
        }
        if (++_failures > FailureMax)
        {
            Fail("the peer refuses the options of this side");
            return;
        }
        var rest = options;
        while (PppOptions.TryRead(ref rest, out var type, out var value))
        {
            if (code == PppCode.ConfigureNak)
            {
                Suggested(type, value);
            }
            else
            {
                Rejected(type);
            }
        }
        Request(now);
    }

    private void OpenIfAgreed(DateTimeOffset now)
    {
        if (IsOpen)
        {
            _failures = 0;
            Opened(now);
        }
    }

    private void Fail(string reason)
    {
        Failed(reason);
        Close();
    }
}

/// <summary>The decision about one option that the peer requests.</summary>
internal enum OptionVerdict
{
    /// <summary>Acceptable as requested.</summary>
    Ack,

    /// <summary>Acceptable with another value.</summary>
    Nak,

    /// <summary>Not negotiable.</summary>
    Reject,
}
