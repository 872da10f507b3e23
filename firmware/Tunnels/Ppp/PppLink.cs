using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Appliance.Firmware.Tunnels.Ppp;

/// <summary>
/// One end of a PPP link, as the SSL VPN server has it (RFC 1661): packets and the time in, control packets out. It does no input or output
/// and holds no timer. Not thread-safe.
/// </summary>
internal sealed class PppLink
{
    /// <summary>The MRU of a link on which none was negotiated (RFC 1661, section 6.1).</summary>
    internal const int DefaultMru = 1500;

    /// <summary>The number of bytes of a rejected or echoed packet that are sent back.</summary>
    internal const int RejectedMax = 256;

    /// <summary>The largest number of control packets that may be queued. A peer that does not read is terminated.</summary>
    internal const int QueueMax = 64;

    private const byte AllStations = 0xff;
    private const byte UnnumberedInformation = 0x03;
    private const int ProtocolSize = 2;
    private readonly Queue<byte[]> _output = new();
    private readonly LinkControl _lcp;
    private readonly IpControl _ipcp;
    private readonly Ipv6Control? _ipv6cp;
    private readonly CompressionControl _ccp;

    /// <summary>Creates a link. It sends nothing before the peer does: pppd must send first.</summary>
    internal PppLink(PppParameters parameters)
    {
        Parameters = parameters;
        _lcp = new LinkControl(this, BinaryPrimitives.ReadUInt32BigEndian(RandomNumberGenerator.GetBytes(sizeof(uint))) | 1);
        _ipcp = new IpControl(this);
        _ccp = new CompressionControl(this);
        _ipv6cp = parameters.Assigned6 is { } address
            ? new Ipv6Control(
                this,
                address.GetAddressBytes()[Ipv6Control.IdentifierSize..],
                RandomNumberGenerator.GetBytes(Ipv6Control.IdentifierSize)
            )
            : null;
    }

    /// <summary>The negotiated values.</summary>
    internal PppParameters Parameters { get; }

    /// <summary>Receives a line for each control packet, for <c>diagnose debug application sslvpn</c>; null for none.</summary>
    internal Action<string>? Trace { get; init; }

    /// <summary>True while IPv4 packets pass.</summary>
    internal bool IsUp => Ended == PppEnd.None && _ipcp.IsOpen;

    /// <summary>True while IPv6 packets pass.</summary>
    internal bool IsUp6 => Ended == PppEnd.None && _ipv6cp is { IsOpen: true };

    /// <summary>The largest IP packet that the peer accepts.</summary>
    internal int PeerMru => _lcp.PeerMru;

    /// <summary>The cause of the end; <see cref="PppEnd.None"/> while the link exists.</summary>
    internal PppEnd Ended { get; private set; }

    /// <summary>The cause of the end in words; empty while the link exists.</summary>
    internal string EndReason { get; private set; } = "";

    /// <summary>The earliest time at which <see cref="Tick"/> has something to do; null for never.</summary>
    internal DateTimeOffset? Due => new[] { _lcp.Due, _ipcp.Due, _ipv6cp?.Due, _ccp.Due }.Min();

    /// <summary>Takes the next queued control packet: protocol field and packet.</summary>
    internal bool TryTake(out byte[] packet) => _output.TryDequeue(out packet!);

    /// <summary>Handles a received PPP packet, with or without the address and control fields <c>ff 03</c>.</summary>
    /// <param name="packet">The packet. Its protocol field has one or two bytes.</param>
    /// <param name="now">The time.</param>
    /// <param name="payload">The IP packet, a part of <paramref name="packet"/>; empty unless an IP packet is returned.</param>
    internal PppContent Receive(ReadOnlySpan<byte> packet, DateTimeOffset now, out ReadOnlySpan<byte> payload)
    {
        payload = default;
        if (packet.Length >= 2 && packet[0] == AllStations && packet[1] == UnnumberedInformation)
        {
            packet = packet[2..];
        }
        if (packet.IsEmpty || Ended != PppEnd.None)
        {
            return PppContent.None;
        }
        // The last byte of a protocol number is odd, the other one even (RFC 1661, section 2): an odd first byte is a compressed field.
        var size = (packet[0] & 1) != 0 ? 1 : ProtocolSize;
        if (packet.Length < size)
        {
            return PppContent.None;
        }
        var protocol = (PppProtocol)(size == 1 ? packet[0] : BinaryPrimitives.ReadUInt16BigEndian(packet));
        var body = packet[size..];
        switch (protocol)
        {
            case PppProtocol.Ipv4 when IsUp:
                payload = body;
                return PppContent.Ipv4;
            case PppProtocol.Ipv6 when IsUp6:
                payload = body;
                return PppContent.Ipv6;
            // Kernels send router solicitations although IPV6CP never opened.
            case PppProtocol.Ipv4 or PppProtocol.Ipv6:
                return PppContent.None;
            default:
                ReceiveControl(protocol, body, now);
                return PppContent.None;
        }
    }

    /// <summary>Repeats requests that are due.</summary>
    internal void Tick(DateTimeOffset now)
    {
        foreach (var control in Controls())
        {
            control.Tick(now);
        }
    }

    /// <summary>Sends an Echo-Request if the link is open. A missing reply has no effect: some clients never reply.</summary>
    internal void SendEcho()
    {
        if (_lcp.IsOpen)
        {
            _lcp.SendEcho();
        }
    }

    /// <summary>Sends a Terminate-Request with a text, and ends the link.</summary>
    internal void Terminate(PppEnd end, string text)
    {
        if (Ended == PppEnd.None)
        {
            if (_lcp.IsStarted)
            {
                _lcp.SendTerminate(Encoding.UTF8.GetBytes(text));
            }
            End(end, text);
        }
    }

    /// <summary>Queues a control packet.</summary>
    internal void SendControl(PppProtocol protocol, ReadOnlySpan<byte> packet)
    {
        Trace?.Invoke(PppText.Describe("SND", protocol, packet));
        if (_output.Count >= QueueMax)
        {
            End(PppEnd.NegotiationFailed, "the peer does not read");
            return;
        }
        var whole = new byte[ProtocolSize + packet.Length];
        BinaryPrimitives.WriteUInt16BigEndian(whole, (ushort)protocol);
        packet.CopyTo(whole.AsSpan(ProtocolSize));
        _output.Enqueue(whole);
    }

    /// <summary>Ends the link without a packet.</summary>
    internal void End(PppEnd end, string reason)
    {
        if (Ended == PppEnd.None)
        {
            (Ended, EndReason) = (end, reason);
            foreach (var control in Controls())
            {
                control.Close();
            }
        }
    }

    /// <summary>Notified by LCP when it opens: starts the network protocols. A peer may wait for this side's IPCP request.</summary>
    internal void LinkOpened(DateTimeOffset now)
    {
        _ipcp.Start(now);
        _ipv6cp?.Start(now);
    }

    /// <summary>Notified by LCP when the peer rejects a protocol.</summary>
    internal void ProtocolRejected(PppProtocol protocol)
    {
        switch (protocol)
        {
            case PppProtocol.Lcp or PppProtocol.Ipcp:
                Terminate(PppEnd.NegotiationFailed, $"the peer rejects {protocol}");
                break;
            case PppProtocol.Ipv6cp:
                _ipv6cp?.Close();
                break;
            case PppProtocol.Ccp:
                _ccp.Close();
                break;
        }
    }

    private void ReceiveControl(PppProtocol protocol, ReadOnlySpan<byte> body, DateTimeOffset now)
    {
        var control = Control(protocol);
        Trace?.Invoke(PppText.Describe("RCV", protocol, body));
        // Until LCP is open, other protocols are discarded silently (RFC 1661, section 3.4).
        if (protocol == PppProtocol.Lcp)
        {
            _lcp.Receive(body, now);
        }
        else if (!_lcp.IsOpen)
        {
            return;
        }
        else if (control is { IsClosed: false })
        {
            control.Receive(body, now);
        }
        else
        {
            _lcp.RejectProtocol((ushort)protocol, body);
        }
    }

    private ControlProtocol? Control(PppProtocol protocol) =>
        protocol switch
        {
            PppProtocol.Lcp => _lcp,
            PppProtocol.Ipcp => _ipcp,
            PppProtocol.Ipv6cp => _ipv6cp,
            PppProtocol.Ccp => _ccp,
            _ => null,
        };

    private IEnumerable<ControlProtocol> Controls()
    {
        yield return _lcp;
        yield return _ipcp;
        yield return _ccp;
        if (_ipv6cp is not null)
        {
            yield return _ipv6cp;
        }
    }
}
