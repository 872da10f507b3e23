using System.Net;

namespace Appliance.Firmware.Tunnels.Policy;

/// <summary>The identity of a flow as the tunnel's client sees it: its own address and port, and the other end's.</summary>
internal readonly record struct FlowKey(byte Protocol, IPAddress Client, ushort ClientPort, IPAddress Remote, ushort RemotePort)
{
    /// <summary>The key of the flow to which a packet belongs.</summary>
    /// <param name="packet">The packet.</param>
    /// <param name="outbound">True for a packet from the tunnel.</param>
    internal static FlowKey Of(in IpPacket packet, bool outbound) =>
        outbound
            ? new(packet.Protocol, packet.Source, packet.SourcePort, packet.Destination, packet.DestinationPort)
            : new(packet.Protocol, packet.Destination, packet.DestinationPort, packet.Source, packet.SourcePort);
}

/// <summary>A flow that a policy accepted.</summary>
internal sealed class TunnelFlow(FlowKey key, IpPacket first, bool outbound, PolicyVerdict verdict, DateTimeOffset now)
{
    private static readonly TimeSpan TcpIdle = TimeSpan.FromSeconds(3600);
    private static readonly TimeSpan OtherIdle = TimeSpan.FromSeconds(180);

    /// <summary>The time for the last acknowledgements after both sides sent FIN (*assumed*).</summary>
    private static readonly TimeSpan FinIdle = TimeSpan.FromSeconds(10);
    private bool _finSent;
    private bool _finReceived;

    /// <summary>The identity.</summary>
    internal FlowKey Key { get; } = key;

    /// <summary>The first packet, for the evaluation after a change of the configuration.</summary>
    internal IpPacket First { get; } = first;

    /// <summary>True if the client sent the first packet.</summary>
    internal bool Outbound { get; } = outbound;

    /// <summary>The decision about the first packet.</summary>
    internal PolicyVerdict Verdict { get; set; } = verdict;

    /// <summary>The time of the first packet.</summary>
    internal DateTimeOffset Began { get; } = now;

    /// <summary>The time of the last packet.</summary>
    internal DateTimeOffset LastUsed { get; private set; } = now;

    /// <summary>Bytes from the client.</summary>
    internal long Sent { get; private set; }

    /// <summary>Bytes to the client.</summary>
    internal long Received { get; private set; }

    /// <summary>Packets from the client.</summary>
    internal long SentPackets { get; private set; }

    /// <summary>Packets to the client.</summary>
    internal long ReceivedPackets { get; private set; }

    /// <summary>True once either side sent RST.</summary>
    internal bool IsReset { get; private set; }

    /// <summary>True if the flow has ended by its time limit.</summary>
    internal bool IsOver(DateTimeOffset now) =>
        now - LastUsed
        >= (
            _finSent && _finReceived ? FinIdle
            : Key.Protocol == IpProtocol.Tcp ? TcpIdle
            : OtherIdle
        );

    /// <summary>Notes a packet of the flow.</summary>
    internal void Note(in IpPacket packet, bool outbound, int bytes, DateTimeOffset now)
    {
        LastUsed = now;
        IsReset |= packet.IsReset;
        if (outbound)
        {
            (Sent, SentPackets, _finSent) = (Sent + bytes, SentPackets + 1, _finSent || packet.IsFin);
        }
        else
        {
            (Received, ReceivedPackets, _finReceived) = (Received + bytes, ReceivedPackets + 1, _finReceived || packet.IsFin);
        }
    }
}
