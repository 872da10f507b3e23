using System.Buffers.Binary;
using System.Net;
using Appliance.Firmware.Tunnels.Ppp;
using Xunit;

namespace Appliance.Tests.Tunnels;

/// <summary>The server's end of a PPP link against the packets that clients send (RFC 1661, RFC 1332).</summary>
[Trait("Kind", "Unit")]
public sealed class PppLinkTests
{
    private static readonly IPAddress Own = IPAddress.Parse("169.254.2.1");
    private static readonly IPAddress Assigned = IPAddress.Parse("10.212.134.200");
    private static readonly DateTimeOffset Start = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
    private readonly PppLink _link = new(new PppParameters(Own, Assigned, null, [IPAddress.Parse("10.0.0.53")]));
    private DateTimeOffset _now = Start;

    [Fact]
    public void The_link_sends_nothing_before_the_client_does()
    {
        _link.Tick(Start.AddHours(1));
        Assert.Empty(Sent());
        Assert.Null(_link.Due);
    }

    [Fact]
    public void A_client_with_mru_and_magic_is_acknowledged_and_asked_for_magic_only()
    {
        Receive("c021 01 01 000e 0104 ffbc 0506 11223344");
        var sent = Sent();
        Assert.Equal(2, sent.Count);
        Assert.Equal("C0210201000E0104FFBC050611223344", sent[0]);
        Assert.Matches("^C0210101000A0506[0-9A-F]{8}$", sent[1]);
        Assert.Equal(0xffbc, _link.PeerMru);
    }

    [Fact]
    public void Address_and_control_fields_may_be_present_or_absent()
    {
        Receive("ff03 c021 01 01 000a 0506 11223344");
        Assert.Equal("C0210201000A050611223344", Sent()[0]);
    }

    [Fact]
    public void Unknown_options_are_rejected_and_only_they()
    {
        Receive("c021 01 05 0016 0206 00000000 0104 05dc 0506 11223344 0702");
        Assert.Equal("C0210405000C0206000000000702", Sent()[0]);
    }

    [Fact]
    public void Ipcp_starts_as_soon_as_lcp_is_open_because_some_clients_wait_for_it()
    {
        OpenLcp();
        Assert.Equal("80210101000A0306A9FE0201", Assert.Single(Sent()));
    }

    [Fact]
    public void A_wrong_address_and_a_wrong_dns_server_are_answered_by_the_right_ones()
    {
        OpenLcp();
        Sent();
        Receive("8021 01 07 0010 0306 00000000 8106 00000000");
        Assert.Equal("802103070010" + "03060AD486C8" + "81060A000035", Assert.Single(Sent()));
        Receive("8021 01 08 0010 0306 0ad486c8 8106 0a000035");
        Assert.Equal("802102080010" + "03060AD486C8" + "81060A000035", Assert.Single(Sent()));
    }

    [Fact]
    public void A_second_dns_server_and_compression_are_rejected()
    {
        OpenLcp();
        Sent();
        Receive("8021 01 07 0016 0206 002d 0f01 0306 00000000 8306 00000000");
        Assert.Equal("8021040700100206002D0F01830600000000", Assert.Single(Sent()));
    }

    [Fact]
    public void The_address_that_pppd_insists_on_becomes_the_own_address()
    {
        OpenLcp();
        Sent();
        Receive("8021 03 01 000a 0306 0a0a0a0a");
        Assert.Equal("80210102000A03060A0A0A0A", Assert.Single(Sent()));
    }

    [Fact]
    public void A_link_that_insists_repeats_its_own_address_until_the_failure_limit()
    {
        var link = new PppLink(_link.Parameters with { InsistsOnOwnAddress = true });
        Open(link);
        var id = 1;
        for (var refusals = 0; link.Ended == PppEnd.None; refusals++)
        {
            Assert.True(refusals <= ControlProtocol.FailureMax + 1);
            var request = Assert.Single(Sent(link), packet => packet.StartsWith("802101", StringComparison.Ordinal));
            Assert.EndsWith("0306A9FE0201", request, StringComparison.Ordinal);
            link.Receive(Bytes($"8021 03 {id++:x2} 000a 0306 0a0a0a0a"), _now, out _);
        }
        Assert.Equal(PppEnd.NegotiationFailed, link.Ended);
    }

    [Fact]
    public void Packets_pass_when_both_sides_have_acknowledged()
    {
        Open(_link);
        Sent();
        Assert.False(_link.IsUp);
        Receive("8021 01 07 000a 0306 0ad486c8");
        Assert.False(_link.IsUp);
        Receive("8021 02 01 000a 0306 a9fe0201");
        Assert.True(_link.IsUp);
        Assert.Equal(PppContent.Ipv4, _link.Receive(Bytes("0021 4500"), _now, out var payload));
        Assert.Equal("4500", Convert.ToHexString(payload));
        Assert.Equal(PppContent.Ipv4, _link.Receive(Bytes("21 4500"), _now, out _));
    }

    [Fact]
    public void Ipv6_packets_without_ipv6_are_dropped_silently()
    {
        Up();
        Sent();
        Assert.Equal(PppContent.None, _link.Receive(Bytes("0057 6000"), _now, out _));
        Assert.Empty(Sent());
    }

    [Fact]
    public void Ipv6cp_without_an_ipv6_pool_is_rejected_as_a_protocol()
    {
        Open(_link);
        Sent();
        Receive("8057 01 01 000e 010a 0000000000000001");
        Assert.Matches("^C02108[0-9A-F]{2}00148057", Assert.Single(Sent()));
    }

    [Fact]
    public void Ipv6cp_assigns_the_low_half_of_the_address()
    {
        var link = new PppLink(_link.Parameters with { Assigned6 = IPAddress.Parse("fdff:ffff::5") });
        Open(link);
        Sent(link);
        link.Receive(Bytes("8057 01 01 000e 010a 0000000000000001"), _now, out _);
        Assert.Equal("80570301000E010A0000000000000005", Assert.Single(Sent(link)));
    }

    [Fact]
    public void Compression_is_rejected_and_requested_empty()
    {
        Open(_link);
        Sent();
        Receive("80fd 01 01 000f 1a04 7800 1804 7800 1503 2f");
        Assert.Equal(["80FD0401000F1A047800180478001503" + "2F", "80FD01010004"], Sent());
        Receive("80fd 01 02 0004");
        Assert.Equal("80FD02020004", Assert.Single(Sent()));
    }

    [Fact]
    public void An_unanswered_request_is_repeated_every_three_seconds_and_at_most_ten_times()
    {
        Receive("c021 01 01 000a 0506 11223344");
        Sent();
        for (var repeats = 1; repeats < ControlProtocol.ConfigureMax; repeats++)
        {
            _link.Tick(_now + ControlProtocol.RestartInterval - TimeSpan.FromMilliseconds(1));
            Assert.Empty(Sent());
            _now += ControlProtocol.RestartInterval;
            _link.Tick(_now);
            Assert.StartsWith("C02101", Assert.Single(Sent()), StringComparison.Ordinal);
        }
        _link.Tick(_now + ControlProtocol.RestartInterval);
        Assert.Equal(PppEnd.NegotiationFailed, _link.Ended);
    }

    [Fact]
    public void An_echo_request_is_answered_with_the_own_magic_number()
    {
        var magic = OpenLcp();
        Sent();
        Receive("c021 09 2a 000c 11223344 cafebabe");
        Assert.Equal($"C0210A2A000C{magic}CAFEBABE", Assert.Single(Sent()));
    }

    [Theory]
    [InlineData("c021 0b 01 0008 11223344")]
    [InlineData("c021 0a 01 0008 11223344")]
    public void Discard_requests_and_echo_replies_are_not_answered(string packet)
    {
        OpenLcp();
        Sent();
        Receive(packet);
        Assert.Empty(Sent());
    }

    [Fact]
    public void An_unknown_code_is_rejected()
    {
        OpenLcp();
        Sent();
        Receive("c021 63 09 0004");
        Assert.Matches("^C02107[0-9A-F]{2}000863090004$", Assert.Single(Sent()));
    }

    [Fact]
    public void A_terminate_request_is_acknowledged_and_ends_the_link()
    {
        Up();
        Sent();
        Receive("c021 05 09 0008 62796521");
        Assert.Equal("C0210609000862796521", Assert.Single(Sent()));
        Assert.Equal(PppEnd.ByPeer, _link.Ended);
        Assert.Equal(PppContent.None, _link.Receive(Bytes("0021 4500"), _now, out _));
    }

    [Fact]
    public void The_unit_terminates_with_a_text()
    {
        Up();
        Sent();
        _link.Terminate(PppEnd.ByUnit, "bye");
        Assert.Matches("^C02105[0-9A-F]{2}0007627965$", Assert.Single(Sent()));
        Assert.Equal("bye", _link.EndReason);
    }

    [Fact]
    public void Network_protocols_are_ignored_before_lcp_is_open()
    {
        Receive("8021 01 01 000a 0306 00000000");
        Assert.Empty(Sent());
    }

    [Theory]
    [InlineData("")]
    [InlineData("c0")]
    [InlineData("c021")]
    [InlineData("c021 01 01 00")]
    [InlineData("c021 01 01 0003")]
    [InlineData("c021 01 01 0008 0506")]
    [InlineData("c021 01 01 0006 0501")]
    [InlineData("c021 01 01 0006 0509")]
    public void A_malformed_packet_is_discarded_silently(string packet)
    {
        Receive(packet);
        Assert.Empty(Sent());
        Assert.Equal(PppEnd.None, _link.Ended);
    }

    [Fact]
    public void A_client_that_does_not_read_is_ended_by_the_queue_limit()
    {
        OpenLcp();
        for (var sent = 0; sent < PppLink.QueueMax + 1; sent++)
        {
            Receive("c021 09 2a 0008 11223344");
        }
        Assert.Equal(PppEnd.NegotiationFailed, _link.Ended);
    }

    [Fact]
    public void Any_packets_leave_the_link_in_a_defined_state()
    {
        for (var seed = 1; seed <= 2000; seed++)
        {
            var random = new Random(seed);
            var link = new PppLink(_link.Parameters with { Assigned6 = IPAddress.Parse("fdff:ffff::5") });
            for (var packets = 0; packets < 30; packets++)
            {
                var packet = new byte[random.Next(24)];
                random.NextBytes(packet);
                ReadOnlySpan<ushort> protocols = [0xc021, 0x8021, 0x8057, 0x80fd, 0x0021];
                if (packet.Length > 6)
                {
                    BinaryPrimitives.WriteUInt16BigEndian(packet, protocols[random.Next(protocols.Length)]);
                    packet[2] = (byte)random.Next(1, 13);
                    BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(4), (ushort)random.Next(packet.Length));
                }
                link.Receive(packet, _now, out _);
                link.Tick(_now.AddSeconds(packets));
                Assert.True(Sent(link).Count <= PppLink.QueueMax);
            }
        }
    }

    private void Receive(string packet) => _link.Receive(Bytes(packet), _now, out _);

    private List<string> Sent() => Sent(_link);

    private static List<string> Sent(PppLink link)
    {
        var sent = new List<string>();
        while (link.TryTake(out var packet))
        {
            sent.Add(Convert.ToHexString(packet));
        }
        return sent;
    }

    private string OpenLcp() => Open(_link);

    /// <summary>Opens LCP; returns the magic number of the link, in hex. The first IPCP request is queued.</summary>
    private string Open(PppLink link)
    {
        link.Receive(Bytes("c021 01 01 000a 0506 11223344"), _now, out _);
        var request = Sent(link)[1];
        link.Receive(Bytes("c021 02" + request[6..]), _now, out _);
        return request[^8..];
    }

    private void Up()
    {
        Open(_link);
        Receive("8021 01 07 000a 0306 0ad486c8");
        Receive("8021 02 01 000a 0306 a9fe0201");
        Assert.True(_link.IsUp);
    }

    private static byte[] Bytes(string hex) => Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));
}
