using System.Buffers.Binary;

namespace Appliance.Firmware.Tunnels.Ppp;

/// <summary>
/// LCP as a FortiGate speaks it (RFC 1661): it requests a magic number only, accepts the peer's MRU and magic number, and rejects the rest.
/// </summary>
internal sealed class LinkControl(PppLink link, uint magic) : ControlProtocol(PppProtocol.Lcp, link)
{
    private const int MruMin = 128;
    private const int MagicSize = 4;
    private uint _magic = magic;
    private bool _requestsMagic = true;
    private ushort? _requestedMru = link.Parameters.RequestedMru;

    /// <summary>The largest packet that the peer accepts, in bytes behind the protocol field.</summary>
    internal int PeerMru { get; private set; } = PppLink.DefaultMru;

    /// <summary>Sends an Echo-Request.</summary>
    internal void SendEcho() => Send(PppCode.EchoRequest, NextIdentifier(), MagicBytes());

    /// <summary>Sends a Terminate-Request with a text for the user (RFC 1661, section 5.5).</summary>
    internal void SendTerminate(ReadOnlySpan<byte> text) => Send(PppCode.TerminateRequest, NextIdentifier(), text);

    /// <summary>Rejects a packet of a protocol that this side does not support (RFC 1661, section 5.7).</summary>
    internal void RejectProtocol(ushort protocol, ReadOnlySpan<byte> packet)
    {
        var data = new byte[sizeof(ushort) + Math.Min(packet.Length, PppLink.RejectedMax)];
        BinaryPrimitives.WriteUInt16BigEndian(data, protocol);
        packet[..(data.Length - sizeof(ushort))].CopyTo(data.AsSpan(sizeof(ushort)));
        Send(PppCode.ProtocolReject, NextIdentifier(), data);
    }

    /// <inheritdoc/>
    protected override void AddRequest(List<byte> options)
    {
        if (_requestedMru is { } mru)
        {
            Span<byte> value = stackalloc byte[sizeof(ushort)];
            BinaryPrimitives.WriteUInt16BigEndian(value, mru);
            PppOptions.Add(options, PppOption.Mru, value);
        }
        if (_requestsMagic)
        {
            PppOptions.Add(options, PppOption.Magic, MagicBytes());
        }
    }

    /// <inheritdoc/>
    protected override OptionVerdict Judge(byte type, ReadOnlySpan<byte> value, List<byte> suggestion)
    {
        switch (type)
        {
            case PppOption.Mru when value.Length == sizeof(ushort):
                var mru = BinaryPrimitives.ReadUInt16BigEndian(value);
                if (mru < MruMin)
                {
                    suggestion.AddRange([MruMin >> 8, MruMin & 0xff]);
                    return OptionVerdict.Nak;
                }
                PeerMru = mru;
                return OptionVerdict.Ack;
            case PppOption.Magic when value.Length == MagicSize:
                // Equal numbers mean a looped-back line: the peer must choose another one.
                if (BinaryPrimitives.ReadUInt32BigEndian(value) is 0 || value.SequenceEqual(MagicBytes()))
                {
                    suggestion.AddRange(BitConverter.GetBytes(~_magic));
                    return OptionVerdict.Nak;
                }
                return OptionVerdict.Ack;
            default:
                return OptionVerdict.Reject;
        }
    }

    /// <inheritdoc/>
    protected override void Suggested(byte type, ReadOnlySpan<byte> value)
    {
        if (type == PppOption.Mru && value.Length == sizeof(ushort))
        {
            _requestedMru = BinaryPrimitives.ReadUInt16BigEndian(value);
        }
        else if (type == PppOption.Magic && value.Length == MagicSize)
        {
            _magic = BinaryPrimitives.ReadUInt32BigEndian(value);
        }
    }

    /// <inheritdoc/>
    protected override void Rejected(byte type)
    {
        if (type == PppOption.Mru)
        {
            _requestedMru = null;
        }
        else if (type == PppOption.Magic)
        {
            _requestsMagic = false;
        }
    }

    /// <inheritdoc/>
    protected override bool ReceiveOther(PppCode code, byte identifier, ReadOnlySpan<byte> data)
    {
        switch (code)
        {
            case PppCode.EchoRequest when IsOpen && data.Length >= MagicSize:
                var reply = data[..Math.Min(data.Length, PppLink.RejectedMax)].ToArray();
                MagicBytes().CopyTo(reply, 0);
                Send(PppCode.EchoReply, identifier, reply);
                return true;
            case PppCode.ProtocolReject when data.Length >= sizeof(ushort):
                Link.ProtocolRejected((PppProtocol)BinaryPrimitives.ReadUInt16BigEndian(data));
                return true;
            case PppCode.EchoRequest or PppCode.EchoReply or PppCode.DiscardRequest or PppCode.ProtocolReject:
                return true;
            default:
                return false;
        }
    }

    /// <inheritdoc/>
    protected override void Opened(DateTimeOffset now) => Link.LinkOpened(now);

    /// <inheritdoc/>
    protected override void Failed(string reason) => Link.End(PppEnd.NegotiationFailed, "LCP: " + reason);

    /// <inheritdoc/>
    protected override void Closed() => Link.End(PppEnd.ByPeer, "LCP terminated by the peer");

    private byte[] MagicBytes()
    {
        var bytes = new byte[MagicSize];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, _magic);
        return bytes;
    }
}
