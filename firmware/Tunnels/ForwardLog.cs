using System.Globalization;
using Appliance.Firmware.Events;
using Appliance.Firmware.Tunnels.Policy;
using Appliance.Firmware.Vpn;

namespace Appliance.Firmware.Tunnels;

/// <summary>Writes forward traffic logs of one session: denied packets, and flows of policies with <c>logtraffic all</c>.</summary>
internal sealed class ForwardLog(EventLog events, VpnSession session) : IForwardLog
{
    private const string LogId = "0000000013";

    /// <inheritdoc/>
    public void FlowEnded(TunnelFlow flow, DateTimeOffset now)
    {
        var duration = (long)(now - flow.Began).TotalSeconds;
        events.Write(
            Entry(
                flow.First,
                flow.Outbound,
                flow.Verdict,
                "accept",
                ("duration", duration.ToString(CultureInfo.InvariantCulture)),
                ("sentbyte", flow.Sent.ToString(CultureInfo.InvariantCulture)),
                ("rcvdbyte", flow.Received.ToString(CultureInfo.InvariantCulture)),
                ("sentpkt", flow.SentPackets.ToString(CultureInfo.InvariantCulture)),
                ("rcvdpkt", flow.ReceivedPackets.ToString(CultureInfo.InvariantCulture))
            )
        );
    }

    /// <inheritdoc/>
    public void Denied(in IpPacket packet, bool outbound, PolicyVerdict verdict, DateTimeOffset now) =>
        events.Write(Entry(packet, outbound, verdict, "deny", ("duration", "0"), ("sentbyte", "0"), ("rcvdbyte", "0"), ("sentpkt", "0")));

    private EventEntry Entry(
        in IpPacket packet,
        bool outbound,
        PolicyVerdict verdict,
        string action,
        params ReadOnlySpan<(string, string)> more
    )
    {
        var behind = verdict.Interface.Length == 0 ? "unknown-0" : verdict.Interface;
        return new EventEntry(
            LogId,
            "forward",
            EventLevel.Notice,
            "",
            [
                ("srcip", packet.Source.ToString()),
                ("srcport", packet.SourcePort.ToString(CultureInfo.InvariantCulture)),
                ("srcintf", outbound ? TunnelRules.TunnelInterface : behind),
                ("dstip", packet.Destination.ToString()),
                ("dstport", packet.DestinationPort.ToString(CultureInfo.InvariantCulture)),
                ("dstintf", outbound ? behind : TunnelRules.TunnelInterface),
                ("proto", packet.Protocol.ToString(CultureInfo.InvariantCulture)),
                ("action", action),
                ("policyid", verdict.PolicyId.ToString(CultureInfo.InvariantCulture)),
                ("user", session.Grant.User),
                ("group", session.Grant.Group),
                .. more,
            ]
        );
    }
}
