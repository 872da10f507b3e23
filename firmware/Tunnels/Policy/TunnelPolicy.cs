namespace Appliance.Firmware.Tunnels.Policy;

/// <summary>Receives what a tunnel's policy logs. Called in the tunnel's lock: must return immediately.</summary>
internal interface IForwardLog
{
    /// <summary>An accepted flow with <c>logtraffic all</c> ended.</summary>
    void FlowEnded(TunnelFlow flow, DateTimeOffset now);

    /// <summary>A packet was denied. Called at most <see cref="TunnelPolicy.DenialsLoggedMax"/> times a second.</summary>
    void Denied(in IpPacket packet, bool outbound, PolicyVerdict verdict, DateTimeOffset now);
}

/// <summary>What happens to a packet.</summary>
internal enum Forwarding
{
    /// <summary>The packet passes.</summary>
    Pass,

    /// <summary>The packet is dropped silently.</summary>
    Drop,

    /// <summary>The packet is dropped, and its sender is notified (<c>send-deny-packet</c>).</summary>
    Refuse,
}

/// <summary>
/// Decides about every packet between a tunnel and the network behind it, in both directions. Stateful: the first packet of a flow is
/// evaluated against the policies, and the packets of an accepted flow pass in both directions. Not thread-safe.
/// </summary>
internal sealed class TunnelPolicy(TunnelUser user, TunnelRules rules, PolicyCounters counters, IForwardLog log)
{
    /// <summary>The largest number of concurrent flows. Packets of further flows are dropped.</summary>
    internal const int FlowsMax = 4096;

    /// <summary>The largest number of denied packets that are logged in one second.</summary>
    internal const int DenialsLoggedMax = 10;

    private static readonly TimeSpan SweepInterval = TimeSpan.FromSeconds(10);
    private readonly Dictionary<FlowKey, TunnelFlow> _flows = [];
    private TunnelRules _rules = rules;
    private DateTimeOffset _swept;
    private long _second;
    private int _denialsLogged;

    /// <summary>The number of flows, including those that a later sweep ends.</summary>
    internal int Flows => _flows.Count;

    /// <summary>The number of packets that were dropped because of the limit of flows.</summary>
    internal long Overflows { get; private set; }

    /// <summary>Decides about a packet.</summary>
    /// <param name="bytes">The IP packet.</param>
    /// <param name="outbound">True for a packet from the tunnel's client.</param>
    /// <param name="now">The time.</param>
    internal Forwarding Decide(ReadOnlySpan<byte> bytes, bool outbound, DateTimeOffset now)
    {
        if (!IpPacket.TryRead(bytes, out var packet))
        {
            return Forwarding.Drop;
        }
        if (now - _swept >= SweepInterval)
        {
            Sweep(now);
        }
        var key = FlowKey.Of(packet, outbound);
        if (_flows.TryGetValue(key, out var flow) && !flow.IsOver(now))
        {
            Note(flow, packet, outbound, bytes.Length, now, opens: false);
            return Forwarding.Pass;
        }
        if (BelongsToFlow(packet, bytes, outbound, now))
        {
            return Forwarding.Pass;
        }
        var verdict = _rules.Evaluate(packet, user, outbound);
        if (!verdict.Accepted)
        {
            counters.Count(verdict.PolicyId, bytes.Length, opensFlow: true);
            LogDenial(packet, outbound, verdict, now);
            return verdict.SendsDeny && outbound ? Forwarding.Refuse : Forwarding.Drop;
        }
        if (_flows.Count >= FlowsMax && !MakeRoom(now))
        {
            Overflows++;
            return Forwarding.Drop;
        }
        if (flow is not null)
        {
            End(flow, now);
        }
        flow = new TunnelFlow(key, packet, outbound, verdict, now);
        _flows[key] = flow;
        Note(flow, packet, outbound, bytes.Length, now, opens: true);
        return Forwarding.Pass;
    }

    /// <summary>Evaluates all flows again under a changed configuration. A flow that is no longer accepted ends.</summary>
    internal void RulesChanged(TunnelRules rules, DateTimeOffset now)
    {
        _rules = rules;
        foreach (var flow in _flows.Values.ToArray())
        {
            var verdict = rules.Evaluate(flow.First, user, flow.Outbound);
            if (!verdict.Accepted)
            {
                End(flow, now);
                LogDenial(flow.First, flow.Outbound, verdict, now);
            }
            else
            {
                flow.Verdict = verdict;
            }
        }
    }

    /// <summary>Ends all flows, when the tunnel ends.</summary>
    internal void EndAll(DateTimeOffset now)
    {
        foreach (var flow in _flows.Values.ToArray())
        {
            End(flow, now);
        }
    }

    /// <summary>
    /// True for a packet that has no ports of its own and belongs to a flow: a later fragment of a datagram between the same hosts, or an
    /// ICMP error about a packet of a flow.
    /// </summary>
    private bool BelongsToFlow(in IpPacket packet, ReadOnlySpan<byte> bytes, bool outbound, DateTimeOffset now)
    {
        if (packet.IsLaterFragment)
        {
            var (client, remote) = outbound ? (packet.Source, packet.Destination) : (packet.Destination, packet.Source);
            var protocol = packet.Protocol;
            return _flows.Values.Any(flow =>
                flow.Key.Protocol == protocol && flow.Key.Client.Equals(client) && flow.Key.Remote.Equals(remote) && !flow.IsOver(now)
            );
        }
        return IcmpError.TryReadCause(packet, bytes, out var cause)
            && _flows.TryGetValue(FlowKey.Of(cause, !outbound), out var flow)
            && !flow.IsOver(now);
    }

    private void Note(TunnelFlow flow, in IpPacket packet, bool outbound, int bytes, DateTimeOffset now, bool opens)
    {
        flow.Note(packet, outbound, bytes, now);
        counters.Count(flow.Verdict.PolicyId, bytes, opens);
        if (flow.IsReset)
        {
            End(flow, now);
        }
    }

    private void End(TunnelFlow flow, DateTimeOffset now)
    {
        if (_flows.Remove(flow.Key) && flow.Verdict.LogsAll)
        {
            log.FlowEnded(flow, now);
        }
    }

    private bool MakeRoom(DateTimeOffset now)
    {
        Sweep(now);
        return _flows.Count < FlowsMax;
    }

    private void Sweep(DateTimeOffset now)
    {
        _swept = now;
        foreach (var flow in _flows.Values.Where(flow => flow.IsOver(now)).ToArray())
        {
            End(flow, now);
        }
    }

    private void LogDenial(in IpPacket packet, bool outbound, PolicyVerdict verdict, DateTimeOffset now)
    {
        var second = now.ToUnixTimeSeconds();
        if (second != _second)
        {
            (_second, _denialsLogged) = (second, 0);
        }
        if (_denialsLogged < DenialsLoggedMax)
        {
            _denialsLogged++;
            log.Denied(packet, outbound, verdict, now);
        }
    }
}
