using System.Net;
using Appliance.Doubles.TunnelNetwork;
using Appliance.Firmware.Tunnels.Policy;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Appliance.Tests.Tunnels;

/// <summary>The TCP of the hosts in the tunnel against a client model. The network between them loses, reorders and duplicates packets.</summary>
[Trait("Kind", "Unit")]
public sealed class TcpConnectionTests
{
    private const int EchoPort = 7;
    private static readonly IPEndPoint Server = new(IPAddress.Parse("10.0.0.5"), EchoPort);
    private static readonly IPEndPoint Client = new(IPAddress.Parse("10.212.134.200"), 40_000);

    [Fact]
    public void A_segment_for_no_connection_is_answered_by_reset()
    {
        var network = new TcpNetwork(seed: 1, loss: 0, Server, Client);
        network.Send(new TcpSegment(100, 200, TcpFlags.Ack, 1000), []);
        var reset = Assert.Single(network.Received);
        Assert.Equal((TcpFlags.Rst, 200u), (reset.Segment.Flags, reset.Segment.Sequence));
    }

    [Fact]
    public void A_closed_port_refuses_the_connection()
    {
        var network = new TcpNetwork(seed: 1, loss: 0, new IPEndPoint(Server.Address, 1), Client);
        network.Send(new TcpSegment(100, 0, TcpFlags.Syn, 1000), []);
        var reset = Assert.Single(network.Received);
        Assert.Equal((TcpFlags.Rst | TcpFlags.Ack, 101u), (reset.Segment.Flags, reset.Segment.Acknowledgment));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(10)]
    [InlineData(30)]
    public void Echoed_bytes_arrive_complete_and_in_order_whatever_the_network_does(int lossPercent)
    {
        for (var seed = 1; seed <= 20; seed++)
        {
            var sent = new byte[20_000];
            new Random(seed).NextBytes(sent);
            var client = new TcpClientModel(new TcpNetwork(seed, lossPercent / 100.0, Server, Client), sent);
            client.Run(TimeSpan.FromHours(1));
            Assert.Equal(sent, client.Received.ToArray());
            Assert.True(client.IsClosed, $"seed {seed}: the connection has not closed");
        }
    }

    [Fact]
    public void A_closed_window_is_probed_and_the_rest_follows_when_it_opens()
    {
        var sent = new byte[5_000];
        new Random(7).NextBytes(sent);
        var client = new TcpClientModel(new TcpNetwork(7, 0, Server, Client), sent)
        {
            ClosesWindowAt = 1_000,
            OpensWindowAfter = TimeSpan.FromMinutes(10),
        };
        client.Run(TimeSpan.FromHours(1));
        Assert.Equal(sent, client.Received.ToArray());
    }

    [Fact]
    public void A_client_that_vanishes_is_reset_after_the_last_retransmission()
    {
        var network = new TcpNetwork(seed: 3, loss: 0, Server, Client);
        network.Send(new TcpSegment(100, 0, TcpFlags.Syn, 1000) { Mss = 1300 }, []);
        Assert.Equal(1, network.Hosts.Connections);
        network.Received.Clear();
        for (var seconds = 0; seconds < 600; seconds++)
        {
            network.Advance(TimeSpan.FromSeconds(1));
        }
        Assert.Equal(TcpConnection.RetransmissionsMax, network.Received.Count(packet => packet.Segment.Flags.HasFlag(TcpFlags.Syn)));
        Assert.Equal(0, network.Hosts.Connections);
    }
}

/// <summary>A network between a client and the hosts of the tunnel, in simulated time.</summary>
internal sealed class TcpNetwork
{
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));
    private readonly Random _random;
    private readonly double _loss;
    private readonly IPEndPoint _server;
    private readonly IPEndPoint _client;
    private readonly List<(DateTimeOffset At, bool ToServer, byte[] Packet)> _flight = [];

    internal TcpNetwork(int seed, double loss, IPEndPoint server, IPEndPoint client)
    {
        _random = new Random(seed);
        _loss = loss;
        _server = server;
        _client = client;
        Hosts = new TunnelHosts(_time);
        Hosts.Attach(packet => Add(packet.ToArray(), toServer: false));
    }

    internal TunnelHosts Hosts { get; }

    internal DateTimeOffset Now => _time.GetUtcNow();

    internal List<(TcpSegment Segment, byte[] Payload)> Received { get; } = [];

    internal void Send(TcpSegment segment, ReadOnlySpan<byte> payload)
    {
        Add(segment.Build(_client, _server, payload), toServer: true);
        if (_loss == 0)
        {
            Deliver();
        }
    }

    internal void Advance(TimeSpan by)
    {
        _time.Advance(by);
        Deliver();
    }

    private void Add(byte[] packet, bool toServer)
    {
        for (var copies = _loss > 0 && _random.NextDouble() < 0.05 ? 2 : 1; copies > 0; copies--)
        {
            if (_random.NextDouble() >= _loss)
            {
                var delay = _loss > 0 ? TimeSpan.FromMilliseconds(_random.Next(1, 40)) : TimeSpan.Zero;
                _flight.Add((Now + delay, toServer, packet));
            }
        }
    }

    private void Deliver()
    {
        while (_flight.Where(packet => packet.At <= Now).OrderBy(packet => packet.At).FirstOrDefault() is { Packet: not null } next)
        {
            _flight.Remove(next);
            if (next.ToServer)
            {
                Hosts.Send(next.Packet);
            }
            else
            {
                Assert.True(IpPacket.TryRead(next.Packet, out var ip));
                Assert.True(TcpSegment.TryRead(next.Packet, ip, out var segment), "a malformed segment was sent");
                Received.Add((segment, next.Packet[segment.PayloadOffset..]));
            }
        }
    }
}

/// <summary>A client that sends bytes to the echo service and reads them back: a simple, independent TCP.</summary>
internal sealed class TcpClientModel(TcpNetwork network, byte[] toSend)
{
    private const int Mss = 1000;
    private const int Window = 8_000;
    private const uint Initial = 4_294_960_000; // The sequence number wraps during the transfer.
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan Timeout = TimeSpan.FromMilliseconds(400);
    private readonly SortedDictionary<uint, byte[]> _early = [];
    private uint _peerNext;
    private uint _acknowledged = Initial + 1;
    private uint _peerWindow = 1000;
    private bool _established;
    private bool _finReceived;
    private DateTimeOffset _lastSent;
    private DateTimeOffset? _windowClosed;

    internal List<byte> Received { get; } = [];

    internal int ClosesWindowAt { get; init; } = int.MaxValue;

    internal TimeSpan OpensWindowAfter { get; init; }

    internal bool IsClosed => _finReceived && _acknowledged == End + 1;

    private uint End => unchecked(Initial + 1 + (uint)toSend.Length);

    internal void Run(TimeSpan limit)
    {
        var ends = network.Now + limit;
        while (network.Now < ends && !IsClosed)
        {
            if (network.Now - _lastSent >= Timeout)
            {
                SendAll();
            }
            network.Advance(Step);
            foreach (var (segment, payload) in network.Received.ToArray())
            {
                Take(segment, payload);
            }
            network.Received.Clear();
        }
    }

    private ushort OwnWindow()
    {
        if (Received.Count >= ClosesWindowAt)
        {
            _windowClosed ??= network.Now;
            if (network.Now - _windowClosed < OpensWindowAfter)
            {
                return 0;
            }
        }
        return Window;
    }

    private void SendAll()
    {
        _lastSent = network.Now;
        if (!_established)
        {
            network.Send(new TcpSegment(Initial, 0, TcpFlags.Syn, Window) { Mss = Mss }, []);
            return;
        }
        var (at, left) = (_acknowledged, (int)Math.Min(_peerWindow, 4u * Mss));
        while (left > 0 && at != End && unchecked((int)(End - at)) > 0)
        {
            var size = (int)Math.Min(Math.Min(Mss, (uint)left), unchecked(End - at));
            network.Send(new TcpSegment(at, _peerNext, TcpFlags.Ack, OwnWindow()), toSend.AsSpan((int)unchecked(at - Initial - 1), size));
            (at, left) = (unchecked(at + (uint)size), left - size);
        }
        if (_acknowledged == End)
        {
            network.Send(new TcpSegment(End, _peerNext, TcpFlags.Ack | TcpFlags.Fin, OwnWindow()), []);
        }
    }

    private void Take(TcpSegment segment, byte[] payload)
    {
        Assert.False(segment.Flags.HasFlag(TcpFlags.Rst), "the server reset the connection");
        if (segment.Flags.HasFlag(TcpFlags.Syn))
        {
            if (!_established)
            {
                (_established, _peerNext) = (true, segment.Sequence + 1);
            }
            network.Send(new TcpSegment(unchecked(Initial + 1), _peerNext, TcpFlags.Ack, OwnWindow()), []);
            return;
        }
        if (unchecked((int)(segment.Acknowledgment - _acknowledged)) > 0)
        {
            _acknowledged = segment.Acknowledgment;
            SendAll();
        }
        _peerWindow = segment.Window;
        var before = _peerNext;
        var window = OwnWindow();
        if (payload.Length > 0 && window > 0)
        {
            _early[segment.Sequence] = payload;
        }
        while (
            _early.FirstOrDefault(early => unchecked((int)(early.Key - _peerNext)) <= 0 && early.Value is not null)
                is { Value: not null } next
        )
        {
            _early.Remove(next.Key);
            var known = unchecked((int)(_peerNext - next.Key));
            if (known < next.Value.Length)
            {
                Received.AddRange(next.Value[known..]);
                _peerNext = unchecked(_peerNext + (uint)(next.Value.Length - known));
            }
        }
        if (segment.Flags.HasFlag(TcpFlags.Fin) && unchecked(segment.Sequence + (uint)payload.Length) == _peerNext && !_finReceived)
        {
            _finReceived = true;
            _peerNext++;
        }
        if (payload.Length > 0 || before != _peerNext || segment.Flags.HasFlag(TcpFlags.Fin))
        {
            network.Send(new TcpSegment(_acknowledged == End + 1 ? End + 1 : _acknowledged, _peerNext, TcpFlags.Ack, OwnWindow()), []);
        }
    }
}
