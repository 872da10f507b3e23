using System.Net;
using Appliance.Doubles.TunnelNetwork;
using Appliance.Firmware.Config;
using Appliance.Firmware.Tunnels.Policy;
using Xunit;

namespace Appliance.Tests.Tunnels;

/// <summary>The forwarding decision between a tunnel and the network behind it.</summary>
[Trait("Kind", "Unit")]
public sealed class TunnelPolicyTests : IForwardLog
{
    private const string Network = """
        config firewall address
        edit "lab-net"
        set subnet 10.0.0.0 255.255.255.0
        next
        edit "one-host"
        set subnet 10.0.0.5 255.255.255.255
        next
        end
        config router static
        edit 1
        set dst 10.0.0.0 255.255.255.0
        set device "port2"
        next
        end
        """;

    private static readonly IPAddress Client = IPAddress.Parse("10.212.134.200");
    private static readonly IPAddress Host = IPAddress.Parse("10.0.0.5");
    private static readonly IPAddress OtherHost = IPAddress.Parse("10.0.0.6");
    private static readonly TunnelUser Bob = new("bob", ["vpn-users"]);
    private readonly PolicyCounters _counters = new();
    private readonly List<string> _logged = [];
    private DateTimeOffset _now = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    [Fact]
    public void Without_a_policy_everything_is_denied()
    {
        var policy = Policy("");
        Assert.Equal(Forwarding.Drop, Decide(policy, Udp(Client, Host, 1000, 53), outbound: true));
        Assert.Equal((1, 1), ((int)_counters.Of(0).Flows, (int)_counters.Of(0).Packets));
        Assert.Equal(["deny 0"], _logged);
    }

    [Fact]
    public void Replies_of_an_accepted_flow_pass_and_nothing_else_from_the_network()
    {
        var policy = Policy(Accept());
        Assert.Equal(Forwarding.Drop, Decide(policy, Udp(Host, Client, 53, 1000), outbound: false));
        Assert.Equal(Forwarding.Pass, Decide(policy, Udp(Client, Host, 1000, 53), outbound: true));
        Assert.Equal(Forwarding.Pass, Decide(policy, Udp(Host, Client, 53, 1000), outbound: false));
        Assert.Equal(Forwarding.Drop, Decide(policy, Udp(Host, Client, 53, 1001), outbound: false));
        Assert.Equal(Forwarding.Drop, Decide(policy, Udp(OtherHost, Client, 53, 1000), outbound: false));
    }

    [Theory]
    [InlineData("set groups \"other\"", false)]
    [InlineData("set groups \"other\" \"vpn-users\"", true)]
    [InlineData("set users \"bob\"", true)]
    [InlineData("set users \"ann\"", false)]
    [InlineData("", true)]
    public void Users_and_groups_of_the_session_decide(string line, bool passes) => Check(Accept(line), Udp(Client, Host, 1, 53), passes);

    [Theory]
    [InlineData("set dstaddr \"one-host\"", "10.0.0.5", true)]
    [InlineData("set dstaddr \"one-host\"", "10.0.0.6", false)]
    [InlineData("set dstaddr \"one-host\"\nset dstaddr-negate enable", "10.0.0.5", false)]
    [InlineData("set dstaddr \"one-host\"\nset dstaddr-negate enable", "10.0.0.6", true)]
    [InlineData("set srcaddr \"one-host\"", "10.0.0.5", false)]
    [InlineData("set dstintf \"port3\"", "10.0.0.5", false)]
    [InlineData("set dstintf \"any\"", "10.0.0.5", true)]
    [InlineData("set srcintf \"port1\"", "10.0.0.5", false)]
    [InlineData("set schedule \"none\"", "10.0.0.5", false)]
    [InlineData("set status disable", "10.0.0.5", false)]
    [InlineData("set action deny", "10.0.0.5", false)]
    [InlineData("", "192.0.2.1", false)]
    public void Addresses_interfaces_and_status_decide(string line, string destination, bool passes) =>
        Check(Accept(line), Udp(Client, IPAddress.Parse(destination), 1, 53), passes);

    [Theory]
    [InlineData("ALL", 9999, true)]
    [InlineData("DNS", 53, true)]
    [InlineData("DNS", 54, false)]
    [InlineData("HTTP", 53, false)]
    [InlineData("ALL_UDP", 1, true)]
    [InlineData("ALL_TCP", 53, false)]
    [InlineData("PING", 53, false)]
    public void The_service_decides(string service, int port, bool passes) =>
        Check(Accept($"set service \"{service}\""), Udp(Client, Host, 1, (ushort)port), passes);

    [Fact]
    public void The_first_matching_policy_decides()
    {
        var deny = Accept("set action deny\nset service \"DNS\"", id: 1);
        var policy = Policy(deny + Accept(id: 2));
        Assert.Equal(Forwarding.Drop, Decide(policy, Udp(Client, Host, 1, 53), outbound: true));
        Assert.Equal(Forwarding.Pass, Decide(policy, Udp(Client, Host, 1, 54), outbound: true));
        Assert.Equal((1, 1), ((int)_counters.Of(1).Packets, (int)_counters.Of(2).Packets));
    }

    [Fact]
    public void A_denied_packet_is_answered_only_if_the_policy_says_so()
    {
        Assert.Equal(Forwarding.Drop, Decide(Policy(Accept("set action deny")), Udp(Client, Host, 1, 53), outbound: true));
        var policy = Policy(Accept("set action deny\nset send-deny-packet enable"));
        Assert.Equal(Forwarding.Refuse, Decide(policy, Udp(Client, Host, 1, 53), outbound: true));
    }

    [Theory]
    [InlineData(179, true)]
    [InlineData(180, false)]
    public void A_udp_flow_ends_after_three_minutes_without_a_packet(int seconds, bool passes)
    {
        var policy = Policy(Accept());
        Decide(policy, Udp(Client, Host, 1000, 53), outbound: true);
        _now = _now.AddSeconds(seconds);
        Assert.Equal(passes ? Forwarding.Pass : Forwarding.Drop, Decide(policy, Udp(Host, Client, 53, 1000), outbound: false));
    }

    [Theory]
    [InlineData(3599, true)]
    [InlineData(3600, false)]
    public void A_tcp_flow_ends_after_an_hour_without_a_packet(int seconds, bool passes)
    {
        var policy = Policy(Accept());
        Decide(policy, Tcp(Client, Host, TcpFlags.Syn), outbound: true);
        _now = _now.AddSeconds(seconds);
        Assert.Equal(passes ? Forwarding.Pass : Forwarding.Drop, Decide(policy, Tcp(Host, Client, TcpFlags.Ack), outbound: false));
    }

    [Fact]
    public void A_reset_ends_a_flow()
    {
        var policy = Policy(Accept("set logtraffic all"));
        Decide(policy, Tcp(Client, Host, TcpFlags.Syn), outbound: true);
        Assert.Equal(Forwarding.Pass, Decide(policy, Tcp(Host, Client, TcpFlags.Rst), outbound: false));
        Assert.Equal(Forwarding.Drop, Decide(policy, Tcp(Host, Client, TcpFlags.Ack), outbound: false));
        Assert.Equal(["accept 1", "deny 0"], _logged);
    }

    [Fact]
    public void A_flow_ends_shortly_after_both_sides_sent_fin()
    {
        var policy = Policy(Accept());
        Decide(policy, Tcp(Client, Host, TcpFlags.Syn), outbound: true);
        Decide(policy, Tcp(Client, Host, TcpFlags.Fin), outbound: true);
        Decide(policy, Tcp(Host, Client, TcpFlags.Fin), outbound: false);
        Assert.Equal(Forwarding.Pass, Decide(policy, Tcp(Client, Host, TcpFlags.Ack), outbound: true));
        _now = _now.AddSeconds(10);
        Assert.Equal(Forwarding.Drop, Decide(policy, Tcp(Host, Client, TcpFlags.Ack), outbound: false));
    }

    [Fact]
    public void Open_flows_are_evaluated_again_after_a_change()
    {
        var policy = Policy(Accept());
        Decide(policy, Udp(Client, Host, 1000, 53), outbound: true);
        policy.RulesChanged(Rules(Accept("set groups \"other\"")), _now);
        Assert.Equal(0, policy.Flows);
        Assert.Equal(Forwarding.Drop, Decide(policy, Udp(Host, Client, 53, 1000), outbound: false));
    }

    [Fact]
    public void There_are_at_most_4096_flows_and_an_ended_one_makes_room()
    {
        var policy = Policy(Accept());
        for (var port = 1; port <= TunnelPolicy.FlowsMax; port++)
        {
            Assert.Equal(Forwarding.Pass, Decide(policy, Udp(Client, Host, (ushort)port, 53), outbound: true));
        }
        Assert.Equal(Forwarding.Drop, Decide(policy, Udp(Client, Host, TunnelPolicy.FlowsMax + 1, 53), outbound: true));
        Assert.Equal(1, policy.Overflows);
        _now = _now.AddSeconds(180);
        Assert.Equal(Forwarding.Pass, Decide(policy, Udp(Client, Host, TunnelPolicy.FlowsMax + 1, 53), outbound: true));
    }

    [Fact]
    public void At_most_ten_denied_packets_are_logged_in_a_second()
    {
        var policy = Policy("");
        for (ushort port = 1; port <= 50; port++)
        {
            Decide(policy, Udp(Client, Host, port, 53), outbound: true);
        }
        Assert.Equal(TunnelPolicy.DenialsLoggedMax, _logged.Count);
        _now = _now.AddSeconds(1);
        Decide(policy, Udp(Client, Host, 99, 53), outbound: true);
        Assert.Equal(TunnelPolicy.DenialsLoggedMax + 1, _logged.Count);
    }

    [Fact]
    public void Traffic_of_accepted_flows_is_logged_only_with_logtraffic_all()
    {
        foreach (var (line, count) in new[] { ("", 0), ("set logtraffic utm", 0), ("set logtraffic all", 1) })
        {
            _logged.Clear();
            var policy = Policy(Accept(line));
            Decide(policy, Udp(Client, Host, 1000, 53), outbound: true);
            policy.EndAll(_now);
            Assert.Equal(count, _logged.Count);
        }
    }

    [Fact]
    public void Malformed_packets_are_dropped()
    {
        var policy = Policy(Accept());
        var packet = Udp(Client, Host, 1, 53);
        for (var length = 0; length < packet.Length; length++)
        {
            Assert.Equal(Forwarding.Drop, policy.Decide(packet.AsSpan(0, length), outbound: true, _now));
        }
    }

    void IForwardLog.FlowEnded(TunnelFlow flow, DateTimeOffset now) => _logged.Add($"accept {flow.Verdict.PolicyId}");

    void IForwardLog.Denied(in IpPacket packet, bool outbound, PolicyVerdict verdict, DateTimeOffset now) =>
        _logged.Add($"deny {verdict.PolicyId}");

    private static string Accept(string lines = "", int id = 1) =>
        $"""
            config firewall policy
            edit {id}
            set srcintf "ssl.root"
            set dstintf "port2"
            set srcaddr "all"
            set dstaddr "lab-net"
            set action accept
            set schedule "always"
            set service "ALL"
            {lines}
            next
            end

            """;

    private static TunnelRules Rules(string policies) => TunnelRules.From(TunnelTrees.Of(Network + "\n" + policies));

    private TunnelPolicy Policy(string policies) => new(Bob, Rules(policies), _counters, this);

    private Forwarding Decide(TunnelPolicy policy, byte[] packet, bool outbound) => policy.Decide(packet, outbound, _now);

    private void Check(string policies, byte[] packet, bool passes) =>
        Assert.Equal(passes ? Forwarding.Pass : Forwarding.Drop, Decide(Policy(policies), packet, outbound: true));

    private static byte[] Udp(IPAddress source, IPAddress destination, int from, int to)
    {
        var packet = IpBuilder.Create(source, destination, IpProtocol.Udp, 8);
        (packet[20], packet[21], packet[22], packet[23], packet[25]) = ((byte)(from >> 8), (byte)from, (byte)(to >> 8), (byte)to, 8);
        return packet;
    }

    private static byte[] Tcp(IPAddress source, IPAddress destination, TcpFlags flags)
    {
        var (from, to) = source.Equals(Client) ? (1000, 80) : (80, 1000);
        return new TcpSegment(1, 1, flags, 100).Build(new IPEndPoint(source, from), new IPEndPoint(destination, to), []);
    }
}
