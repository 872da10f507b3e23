using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Appliance.Firmware.Tunnels.Policy;
using Appliance.Hal;

namespace Appliance.Doubles.TunnelNetwork;

/// <summary>
/// The network behind the tunnels of the lab and the simulator, without privileges: hosts that answer ICMP echo, DNS, UDP and TCP echo,
/// discard and character generator, and HTTP. Every address of the network has such a host. Thread-safe.
/// </summary>
public sealed class TunnelHosts : ITunnelNetwork
{
    /// <summary>The largest number of concurrent TCP connections. A further SYN is answered by RST.</summary>
    internal const int ConnectionsMax = 4096;

    private const int Mtu = 1354;
    private const int EchoPort = 7;
    private const int DiscardPort = 9;
    private const int CharacterPort = 19;
    private const int DnsPort = 53;
    private const int HttpPort = 80;
    private static readonly TimeSpan TickInterval = TimeSpan.FromMilliseconds(100);

    private readonly TimeProvider _time;
    private readonly ConcurrentDictionary<(IPEndPoint Local, IPEndPoint Remote), TcpConnection> _connections = new();
    private readonly ITimer _tick;
    private TunnelPacketHandler? _deliver;

    /// <summary>Creates the network.</summary>
    /// <param name="time">The clock for retransmissions: the machine's, also in a lab whose clock stands still.</param>
    public TunnelHosts(TimeProvider time)
    {
        _time = time;
        _tick = time.CreateTimer(_ => Tick(), null, TickInterval, TickInterval);
    }

    /// <summary>Returns the user behind a tunnel address; null if there is none. Set by the lab.</summary>
    public Func<IPAddress, TunnelVisitor?> Visitor { get; set; } = _ => null;

    /// <summary>Returns the addresses of a DNS name in lower case; null for an unknown name. Set by the lab.</summary>
    public Func<string, IReadOnlyList<IPAddress>?> Names { get; set; } = _ => null;

    /// <inheritdoc/>
    public void Attach(TunnelPacketHandler deliver) => _deliver = deliver;

    /// <inheritdoc/>
    public void SetRoutes(IReadOnlyList<IPNetwork> prefixes) { }

    /// <inheritdoc/>
    public void Send(ReadOnlySpan<byte> packet)
    {
        if (!IpPacket.TryRead(packet, out var ip) || ip.IsLaterFragment || IsFragmented(packet))
        {
            return;
        }
        switch (ip.Protocol)
        {
            case IpProtocol.Icmp or IpProtocol.IcmpV6:
                AnswerEcho(packet, ip);
                break;
            case IpProtocol.Udp:
                AnswerUdp(packet, ip);
                break;
            case IpProtocol.Tcp:
                ReceiveTcp(packet, ip);
                break;
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _tick.Dispose();
        foreach (var connection in _connections.Values)
        {
            lock (connection)
            {
                connection.Reset();
            }
        }
        _connections.Clear();
        return ValueTask.CompletedTask;
    }

    /// <summary>The number of TCP connections.</summary>
    internal int Connections => _connections.Count;

    /// <summary>True for the first fragment of a datagram: hosts here do not reassemble, and clients send whole packets.</summary>
    private static bool IsFragmented(ReadOnlySpan<byte> packet) => packet[0] >> 4 == 4 && (packet[6] & 0x20) != 0;

    private void AnswerEcho(ReadOnlySpan<byte> packet, in IpPacket ip)
    {
        const byte EchoRequest4 = 8;
        const byte EchoRequest6 = 128;
        const byte EchoReply6 = 129;
        var v6 = ip.Protocol == IpProtocol.IcmpV6;
        var icmp = packet[ip.TransportOffset..];
        if (ip.IcmpType != (v6 ? EchoRequest6 : EchoRequest4))
        {
            return;
        }
        var answer = IpBuilder.Create(ip.Destination, ip.Source, ip.Protocol, icmp.Length);
        var at = IpBuilder.HeadSize(ip.Source);
        icmp.CopyTo(answer.AsSpan(at));
        answer[at] = v6 ? EchoReply6 : (byte)0;
        BinaryPrimitives.WriteUInt16BigEndian(answer.AsSpan(at + 2), 0);
        if (v6)
        {
            InternetChecksum.WriteTransport(answer, at, IpProtocol.IcmpV6, 2);
        }
        else
        {
            BinaryPrimitives.WriteUInt16BigEndian(answer.AsSpan(at + 2), InternetChecksum.Of(answer.AsSpan(at)));
        }
        _deliver?.Invoke(answer);
    }

    private void AnswerUdp(ReadOnlySpan<byte> packet, in IpPacket ip)
    {
        const int HeadSize = 8;
        var payload = packet[(ip.TransportOffset + HeadSize)..];
        var body = ip.DestinationPort switch
        {
            DnsPort => DnsAnswer.To(payload, Names),
            EchoPort => payload.ToArray(),
            _ => null,
        };
        if (ip.DestinationPort is not (DnsPort or EchoPort or DiscardPort))
        {
            Unreachable(packet, ip);
        }
        if (body is null)
        {
            return;
        }
        var answer = IpBuilder.Create(ip.Destination, ip.Source, IpProtocol.Udp, HeadSize + body.Length);
        var at = IpBuilder.HeadSize(ip.Source);
        BinaryPrimitives.WriteUInt16BigEndian(answer.AsSpan(at), ip.DestinationPort);
        BinaryPrimitives.WriteUInt16BigEndian(answer.AsSpan(at + 2), ip.SourcePort);
        BinaryPrimitives.WriteUInt16BigEndian(answer.AsSpan(at + 4), (ushort)(HeadSize + body.Length));
        body.CopyTo(answer.AsSpan(at + HeadSize));
        InternetChecksum.WriteTransport(answer, at, IpProtocol.Udp, 6);
        _deliver?.Invoke(answer);
    }

    private void Unreachable(ReadOnlySpan<byte> packet, in IpPacket ip)
    {
        const int HeadSize = 8;
        const int QuotedMax = 548;
        var v6 = packet[0] >> 4 == 6;
        var quoted = packet[..Math.Min(packet.Length, QuotedMax)];
        var protocol = v6 ? IpProtocol.IcmpV6 : IpProtocol.Icmp;
        var answer = IpBuilder.Create(ip.Destination, ip.Source, protocol, HeadSize + quoted.Length);
        var at = IpBuilder.HeadSize(ip.Source);
        // Port unreachable (RFC 792; RFC 4443, section 3.1).
        (answer[at], answer[at + 1]) = v6 ? ((byte)1, (byte)4) : ((byte)3, (byte)3);
        quoted.CopyTo(answer.AsSpan(at + HeadSize));
        if (v6)
        {
            InternetChecksum.WriteTransport(answer, at, protocol, 2);
        }
        else
        {
            BinaryPrimitives.WriteUInt16BigEndian(answer.AsSpan(at + 2), InternetChecksum.Of(answer.AsSpan(at)));
        }
        _deliver?.Invoke(answer);
    }

    private void ReceiveTcp(ReadOnlySpan<byte> packet, in IpPacket ip)
    {
        if (!TcpSegment.TryRead(packet, ip, out var segment))
        {
            return;
        }
        var (local, remote) = (new IPEndPoint(ip.Destination, ip.DestinationPort), new IPEndPoint(ip.Source, ip.SourcePort));
        var payload = packet[segment.PayloadOffset..];
        if (!_connections.TryGetValue((local, remote), out var connection) && (connection = Accept(local, remote, segment)) is null)
        {
            Refuse(local, remote, segment, payload.Length);
            return;
        }
        lock (connection)
        {
            // The SYN that created the connection is answered by the constructor; this is its repetition or a later segment.
            connection.Receive(segment, payload, _time.GetUtcNow());
        }
        Flush(connection);
    }

    private TcpConnection? Accept(IPEndPoint local, IPEndPoint remote, in TcpSegment segment)
    {
        if (segment.Flags != TcpFlags.Syn || _connections.Count >= ConnectionsMax)
        {
            return null;
        }
        if (Application(local) is not { } application)
        {
            return null;
        }
        var created = new TcpConnection(
            local,
            remote,
            segment,
            BinaryPrimitives.ReadUInt32BigEndian(RandomNumberGenerator.GetBytes(sizeof(uint))),
            Mtu,
            application,
            _time.GetUtcNow()
        );
        _connections[(local, remote)] = created;
        return created;
    }

    private ITcpApplication? Application(IPEndPoint local) =>
        local.Port switch
        {
            EchoPort => new EchoApplication(),
            DiscardPort => new DiscardApplication(),
            CharacterPort => new CharacterGenerator(),
            HttpPort => new HttpPage(Visitor),
            _ => null,
        };

    private void Tick()
    {
        var now = _time.GetUtcNow();
        foreach (var connection in _connections.Values)
        {
            if (connection.Due <= now)
            {
                lock (connection)
                {
                    connection.Tick(now);
                }
                Flush(connection);
            }
        }
    }

    private void Flush(TcpConnection connection)
    {
        IReadOnlyList<byte[]> output;
        lock (connection)
        {
            output = connection.TakeOutput();
            if (connection.State == TcpState.Closed)
            {
                _connections.TryRemove(KeyValuePair.Create((connection.Local, connection.Remote), connection));
            }
        }
        foreach (var packet in output)
        {
            _deliver?.Invoke(packet);
        }
    }

    /// <summary>Answers a segment that belongs to no connection by RST (RFC 9293, section 3.10.7.1).</summary>
    private void Refuse(IPEndPoint local, IPEndPoint remote, in TcpSegment segment, int length)
    {
        if (segment.Flags.HasFlag(TcpFlags.Rst))
        {
            return;
        }
        var counted = (uint)length + (segment.Flags.HasFlag(TcpFlags.Syn) ? 1u : 0u) + (segment.Flags.HasFlag(TcpFlags.Fin) ? 1u : 0u);
        var reset = segment.Flags.HasFlag(TcpFlags.Ack)
            ? new TcpSegment(segment.Acknowledgment, 0, TcpFlags.Rst, 0)
            : new TcpSegment(0, segment.Sequence + counted, TcpFlags.Rst | TcpFlags.Ack, 0);
        _deliver?.Invoke(reset.Build(local, remote, []));
    }
}
