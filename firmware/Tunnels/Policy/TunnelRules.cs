using System.Globalization;
using System.Net.Sockets;
using Appliance.Firmware.Config;

namespace Appliance.Firmware.Tunnels.Policy;

/// <summary>The client at the end of a tunnel, as policies see it.</summary>
/// <param name="User">The user's name.</param>
/// <param name="Groups">The names of the user's groups.</param>
internal sealed record TunnelUser(string User, IReadOnlyCollection<string> Groups);

/// <summary>The decision about the first packet of a flow.</summary>
/// <param name="Accepted">True if the flow passes.</param>
/// <param name="PolicyId">The deciding policy; 0 if no policy matched.</param>
/// <param name="SendsDeny">True to answer a denied packet (<c>send-deny-packet</c>).</param>
/// <param name="LogsAll">True to log an accepted flow at its end (<c>logtraffic all</c>).</param>
/// <param name="Interface">The interface of the route to the destination; "" without one.</param>
internal readonly record struct PolicyVerdict(bool Accepted, uint PolicyId, bool SendsDeny, bool LogsAll, string Interface);

/// <summary>The table <c>firewall policy</c> of one configuration, as far as it decides about tunnels. Immutable.</summary>
internal sealed class TunnelRules
{
    /// <summary>The interface of all SSL VPN tunnels.</summary>
    internal const string TunnelInterface = "ssl.root";

    private const string AnyInterface = "any";

    /// <summary>No policy: every packet is denied.</summary>
    internal static TunnelRules None { get; } = new([], RouteTable.Empty);

    private readonly IReadOnlyList<Rule> _rules;
    private readonly RouteTable _routes;

    private TunnelRules(IReadOnlyList<Rule> rules, RouteTable routes) => (_rules, _routes) = (rules, routes);

    /// <summary>Reads the policies that name <c>ssl.root</c> or <c>any</c>, in table order.</summary>
    internal static TunnelRules From(ConfigTree config) =>
        new(
            [
                .. config
                    .List("firewall policy")
                    .Entries.Where(entry => entry.Entry.Enabled("status") && entry.Entry.Text("schedule") == "always")
                    .Where(entry => Names(entry.Entry, "srcintf", TunnelInterface) || Names(entry.Entry, "dstintf", TunnelInterface))
                    .Select(entry => Read(config, entry.Key, entry.Entry)),
            ],
            RouteTable.From(config)
        );

    /// <summary>Decides about the first packet of a flow. The first matching policy decides; without one, policy 0 denies.</summary>
    /// <param name="packet">The packet.</param>
    /// <param name="user">The client of the tunnel.</param>
    /// <param name="outbound">True for a packet from the tunnel, false for a packet to it.</param>
    internal PolicyVerdict Evaluate(in IpPacket packet, TunnelUser user, bool outbound)
    {
        var behind = _routes.Interface(outbound ? packet.Destination : packet.Source);
        if (behind.Length > 0)
        {
            foreach (var rule in _rules)
            {
                var (from, to) = outbound ? (TunnelInterface, behind) : (behind, TunnelInterface);
                if (
                    Names(rule.Policy, "srcintf", from)
                    && Names(rule.Policy, "dstintf", to)
                    && Covers(rule, packet)
                    && (!outbound || Applies(rule.Policy, user))
                )
                {
                    return new(
                        rule.Policy.Text("action") == "accept",
                        rule.Id,
                        rule.Policy.Enabled("send-deny-packet"),
                        rule.Policy.Text("logtraffic") == "all",
                        behind
                    );
                }
            }
        }
        return new(Accepted: false, 0, SendsDeny: false, LogsAll: false, behind);
    }

    /// <summary>True if a policy lets this user's traffic leave the tunnel, whatever its destination.</summary>
    internal bool HasPolicyFor(TunnelUser user) => OutboundOf(user).Any();

    /// <summary>The destinations of the accepting policies for a user: the split tunnelling routes of a portal that names none.</summary>
    internal IEnumerable<AddressRange> DestinationsFor(TunnelUser user) =>
        OutboundOf(user)
            .Where(rule => !rule.DestinationNegated)
            .SelectMany(rule => rule.Destination.Ranges.Concat(rule.Destination6.Ranges));

    private static Rule Read(ConfigTree config, string key, ConfigObject policy) =>
        new(policy)
        {
            Id = uint.Parse(key, CultureInfo.InvariantCulture),
            Source = AddressSet.Of(config, policy.Words("srcaddr")),
            Destination = AddressSet.Of(config, policy.Words("dstaddr")),
            Source6 = AddressSet.Of(config, policy.Words("srcaddr6"), v6: true),
            Destination6 = AddressSet.Of(config, policy.Words("dstaddr6"), v6: true),
        };

    private IEnumerable<Rule> OutboundOf(TunnelUser user) =>
        _rules.Where(rule =>
            rule.Policy.Text("action") == "accept" && Names(rule.Policy, "srcintf", TunnelInterface) && Applies(rule.Policy, user)
        );

    private static bool Covers(Rule rule, in IpPacket packet)
    {
        var v6 = packet.Source.AddressFamily == AddressFamily.InterNetworkV6;
        return (v6 ? rule.Source6 : rule.Source).Contains(packet.Source) != rule.SourceNegated
            && (v6 ? rule.Destination6 : rule.Destination).Contains(packet.Destination) != rule.DestinationNegated
            && Serves(rule, packet);
    }

    private static bool Serves(Rule rule, in IpPacket packet)
    {
        foreach (var service in rule.Policy.Words("service"))
        {
            if (FirewallServices.Matches(service, packet))
            {
                return !rule.ServiceNegated;
            }
        }
        return rule.ServiceNegated;
    }

    /// <summary>A policy without users and groups applies to every client (*assumed*).</summary>
    private static bool Applies(ConfigObject policy, TunnelUser user)
    {
        var (users, groups) = (policy.Words("users"), policy.Words("groups"));
        return (users.IsEmpty && groups.IsEmpty) || users.Contains(user.User, StringComparer.Ordinal) || groups.Any(user.Groups.Contains);
    }

    private static bool Names(ConfigObject policy, string attribute, string name) =>
        policy.Words(attribute) is var words && (words.Contains(name) || words.Contains(AnyInterface));

    private sealed record Rule(ConfigObject Policy)
    {
        public required uint Id { get; init; }
        public required AddressSet Source { get; init; }
        public required AddressSet Destination { get; init; }
        public required AddressSet Source6 { get; init; }
        public required AddressSet Destination6 { get; init; }
        public bool SourceNegated { get; } = Policy.Enabled("srcaddr-negate");
        public bool DestinationNegated { get; } = Policy.Enabled("dstaddr-negate");
        public bool ServiceNegated { get; } = Policy.Enabled("service-negate");
    }
}
