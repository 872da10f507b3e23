using System.Net;
using Appliance.Firmware.Tunnels.Policy;
using Appliance.Firmware.Tunnels.Ppp;
using Appliance.Hal;

namespace Appliance.Firmware.Tunnels;

/// <summary>Packets and bytes of a tunnel since it came up.</summary>
/// <param name="SentBytes">Bytes of IP packets from the client.</param>
/// <param name="ReceivedBytes">Bytes of IP packets to the client.</param>
/// <param name="DroppedPackets">Packets that were dropped in either direction.</param>
public readonly record struct TunnelTraffic(long SentBytes, long ReceivedBytes, long DroppedPackets);

/// <summary>
/// One tunnel: the PPP link to the client, the policy, and the network behind it. No packet passes without the policy, in either
/// direction. Thread-safe.
/// </summary>
internal sealed class Tunnel
{
    private readonly Lock _lock = new();
    private readonly PppLink _link;
    private readonly TunnelPolicy _policy;
    private readonly ITunnelNetwork _network;
    private readonly TimeProvider _time;
    private readonly Action<Tunnel> _cameUp;
    private long _sent;
    private long _received;
    private long _dropped;
    private bool _up;

    /// <summary>Creates a tunnel. It waits for the client's first packet.</summary>
    /// <param name="lease">The addresses of the client.</param>
    /// <param name="link">The PPP link.</param>
    /// <param name="policy">The policy for this client.</param>
    /// <param name="network">The network behind the tunnel.</param>
    /// <param name="transport">The connection to the client.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cameUp">Called once, when IPv4 packets pass for the first time.</param>
    internal Tunnel(
        TunnelLease lease,
        PppLink link,
        TunnelPolicy policy,
        ITunnelNetwork network,
        ITunnelTransport transport,
        TimeProvider time,
        Action<Tunnel> cameUp
    )
    {
        Lease = lease;
        _link = link;
        _policy = policy;
        _network = network;
        Transport = transport;
        _time = time;
        _cameUp = cameUp;
        Began = time.GetUtcNow();
    }

    /// <summary>The addresses of the client.</summary>
    internal TunnelLease Lease { get; }

    /// <summary>The connection to the client.</summary>
    internal ITunnelTransport Transport { get; }

    /// <summary>The time at which the tunnel was opened.</summary>
    internal DateTimeOffset Began { get; }

    /// <summary>The traffic up to now.</summary>
    internal TunnelTraffic Traffic => new(Interlocked.Read(ref _sent), Interlocked.Read(ref _received), Interlocked.Read(ref _dropped));

    /// <summary>True while IPv4 packets pass.</summary>
    internal bool IsUp
    {
        get
        {
            lock (_lock)
            {
                return _link.IsUp;
            }
        }
    }

    /// <summary>The end of the link and its reason; <see cref="PppEnd.None"/> while the link exists.</summary>
    internal (PppEnd End, string Reason) Ended
    {
        get
        {
            lock (_lock)
            {
                return (_link.Ended, _link.EndReason);
            }
        }
    }

    /// <summary>Handles a PPP packet of the client.</summary>
    internal void Receive(ReadOnlySpan<byte> packet)
    {
        var now = _time.GetUtcNow();
        var cameUp = false;
        Forwarding forwarding;
        ReadOnlySpan<byte> payload;
        lock (_lock)
        {
            var content = _link.Receive(packet, now, out payload);
            SendControl();
            if (_link.IsUp && !_up)
            {
                (_up, cameUp) = (true, true);
            }
            forwarding = content == PppContent.None ? Forwarding.Drop : Decide(payload, now);
        }
        if (cameUp)
        {
            _cameUp(this);
        }
        if (payload.IsEmpty)
        {
            return;
        }
        switch (forwarding)
        {
            case Forwarding.Pass:
                Interlocked.Add(ref _sent, payload.Length);
                _network.Send(payload);
                break;
            case Forwarding.Refuse:
                Interlocked.Increment(ref _dropped);
                Refuse(payload);
                break;
            default:
                Interlocked.Increment(ref _dropped);
                break;
        }
    }

    /// <summary>Handles an IP packet of the network.</summary>
    internal void Deliver(ReadOnlySpan<byte> packet)
    {
        lock (_lock)
        {
            var v6 = packet.Length > 0 && packet[0] >> 4 == 6;
            if (
                !(v6 ? _link.IsUp6 : _link.IsUp)
                || packet.Length > Math.Min(_link.PeerMru, TunnelFrame.SentMax)
                || _policy.Decide(packet, outbound: false, _time.GetUtcNow()) != Forwarding.Pass
                || !Transport.TryQueue((ushort)(v6 ? PppProtocol.Ipv6 : PppProtocol.Ipv4), packet)
            )
            {
                Interlocked.Increment(ref _dropped);
                return;
            }
        }
        Interlocked.Add(ref _received, packet.Length);
    }

    /// <summary>Repeats control packets that are due.</summary>
    internal void Tick(DateTimeOffset now)
    {
        lock (_lock)
        {
            if (_link.Due <= now)
            {
                _link.Tick(now);
                SendControl();
            }
        }
    }

    /// <summary>Evaluates the tunnel's flows under a changed configuration.</summary>
    internal void RulesChanged(TunnelRules rules)
    {
        lock (_lock)
        {
            _policy.RulesChanged(rules, _time.GetUtcNow());
        }
    }

    /// <summary>Ends the tunnel: sends a Terminate-Request with a text, and closes the connection.</summary>
    internal void End(string text)
    {
        lock (_lock)
        {
            _link.Terminate(PppEnd.ByUnit, text);
            SendControl();
        }
        Transport.Close();
    }

    /// <summary>Ends the flows, when the connection has closed.</summary>
    internal void Closed()
    {
        lock (_lock)
        {
            _link.End(PppEnd.ByPeer, "connection closed");
            _policy.EndAll(_time.GetUtcNow());
        }
    }

    private Forwarding Decide(ReadOnlySpan<byte> payload, DateTimeOffset now) =>
        IsOwnSource(payload) ? _policy.Decide(payload, outbound: true, now) : Forwarding.Drop;

    /// <summary>A client may send from its own addresses only.</summary>
    private bool IsOwnSource(ReadOnlySpan<byte> packet)
    {
        const int Size4 = 4;
        const int Size6 = 16;
        Span<byte> own = stackalloc byte[Size6];
        var v6 = packet.Length > 0 && packet[0] >> 4 == 6;
        var (at, size, address) = v6 ? (8, Size6, Lease.Address6) : (12, Size4, Lease.Address);
        return address is not null
            && packet.Length >= at + size
            && address.TryWriteBytes(own, out _)
            && packet.Slice(at, size).SequenceEqual(own[..size]);
    }

    private void Refuse(ReadOnlySpan<byte> denied)
    {
        if (DenyPacket.For(denied) is { } answer)
        {
            lock (_lock)
            {
                Transport.TryQueue((ushort)(answer[0] >> 4 == 6 ? PppProtocol.Ipv6 : PppProtocol.Ipv4), answer);
            }
        }
    }

    private void SendControl()
    {
        while (_link.TryTake(out var packet))
        {
            Transport.TryQueue((ushort)((packet[0] << 8) | packet[1]), packet.AsSpan(2));
        }
        if (_link.Ended != PppEnd.None)
        {
            Transport.Close();
        }
    }
}
