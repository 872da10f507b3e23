using System.Buffers.Binary;
using System.Net;
using Appliance.Firmware.Commands;
using Appliance.Hal;
using Xunit;

namespace Appliance.Tests.Cli;

/// <summary>The filter and the frames of <c>diagnose sniffer packet</c>.</summary>
public sealed class SnifferFilterTests
{
    private static readonly SeenPacket Login = new(
        "port1",
        true,
        IPEndPoint.Parse("203.0.113.5:50000"),
        IPEndPoint.Parse("127.0.1.1:10443"),
        SegmentKind.Data,
        1,
        1,
        "hello"u8.ToArray()
    );
    private static readonly SeenPacket Radius = new(
        "port2",
        false,
        IPEndPoint.Parse("127.0.1.2:40000"),
        IPEndPoint.Parse("192.0.2.9:1812"),
        SegmentKind.Datagram,
        0,
        0,
        new byte[20]
    );

    [Theory]
    [InlineData("", true, true)]
    [InlineData("none", true, true)]
    [InlineData("tcp", true, false)]
    [InlineData("udp", false, true)]
    [InlineData("icmp", false, false)]
    [InlineData("ip", true, true)]
    [InlineData("ip6", false, false)]
    [InlineData("proto 17", false, true)]
    [InlineData("port 10443", true, false)]
    [InlineData("src port 10443", false, false)]
    [InlineData("dst port 10443", true, false)]
    [InlineData("host 203.0.113.5", true, false)]
    [InlineData("203.0.113.5", true, false)]
    [InlineData("src host 203.0.113.5 and dst port 10443", true, false)]
    [InlineData("net 192.0.2.0/24", false, true)]
    [InlineData("portrange 1800-1900", false, true)]
    [InlineData("portrange 1813-1900", false, false)]
    [InlineData("not tcp", false, true)]
    [InlineData("!tcp", false, true)]
    [InlineData("tcp port 10443 or udp port 1812", true, true)]
    [InlineData("tcp && port 1812", false, false)]
    [InlineData("(port 1812||port 10443)&&host 192.0.2.9", false, true)]
    [InlineData("port 10443 or port 1812 and udp", false, true)]
    public void A_filter_passes_what_it_names(string filter, bool login, bool radius)
    {
        var passes = SnifferFilter.Read(filter, out _);
        Assert.NotNull(passes);
        Assert.Equal((login, radius), (passes(Login), passes(Radius)));
    }

    [Theory]
    [InlineData("port", "port")]
    [InlineData("port x", "x")]
    [InlineData("port 65536", "65536")]
    [InlineData("host 300.1.1.1", "300.1.1.1")]
    [InlineData("net 192.0.2.0/33", "192.0.2.0/33")]
    [InlineData("tcp and", "and")]
    [InlineData("(tcp", "tcp")]
    [InlineData("tcp)", ")")]
    [InlineData("tcp udp port", "port")]
    [InlineData("and", "and")]
    [InlineData("somewhere", "somewhere")]
    public void A_filter_that_is_none_is_refused_at_the_word_that_does_not_fit(string filter, string wrong)
    {
        Assert.Null(SnifferFilter.Read(filter, out var named));
        Assert.Equal(wrong, named);
    }

    [Fact]
    public void A_filter_is_limited_in_length_and_depth()
    {
        Assert.NotNull(SnifferFilter.Read("tcp" + string.Concat(Enumerable.Repeat(" or tcp", 100)), out _));
        Assert.Null(SnifferFilter.Read(new string('(', 100) + "tcp" + new string(')', 100), out _));
        Assert.Null(SnifferFilter.Read("tcp" + string.Concat(Enumerable.Repeat(" or tcp", 200)), out _));
    }

    [Theory]
    [InlineData("203.0.113.5:50000", "127.0.1.1:10443", SegmentKind.Data, 5)]
    [InlineData("203.0.113.5:50000", "127.0.1.1:10443", SegmentKind.Syn, 0)]
    [InlineData("127.0.1.2:40000", "192.0.2.9:1812", SegmentKind.Datagram, 21)]
    [InlineData("[2001:db8::1]:40000", "[2001:db8::2]:443", SegmentKind.Data, 1460)]
    public void A_frame_has_right_lengths_and_checksums(string source, string target, SegmentKind kind, int length)
    {
        var payload = Enumerable.Range(0, length).Select(at => (byte)at).ToArray();
        var packet = new SeenPacket("port1", true, IPEndPoint.Parse(source), IPEndPoint.Parse(target), kind, 4_000_000_000, 17, payload);
        var frame = SnifferFrame.Of(packet).AsSpan();
        var ip = frame[14..];
        var isV4 = packet.Source.Address.GetAddressBytes().Length == 4;
        Assert.Equal(isV4 ? 0x0800 : 0x86dd, BinaryPrimitives.ReadUInt16BigEndian(frame[12..]));
        var transport = ip[(isV4 ? 20 : 40)..];
        Assert.Equal(ip.Length - (isV4 ? 0 : 40), BinaryPrimitives.ReadUInt16BigEndian(ip[(isV4 ? 2 : 4)..]));
        Assert.Equal(
            (packet.Source.Port, packet.Target.Port),
            (BinaryPrimitives.ReadUInt16BigEndian(transport), BinaryPrimitives.ReadUInt16BigEndian(transport[2..]))
        );
        Assert.True(frame.EndsWith(payload));
        if (isV4)
        {
            Assert.Equal(0xffff, OnesSum(ip[..20]));
        }
        var protocol = kind == SegmentKind.Datagram ? 17 : 6;
        byte[] pseudo =
        [
            .. packet.Source.Address.GetAddressBytes(),
            .. packet.Target.Address.GetAddressBytes(),
            0,
            (byte)protocol,
            (byte)(transport.Length >> 8),
            (byte)transport.Length,
            .. transport,
        ];
        Assert.Equal(0xffff, OnesSum(pseudo));
    }

    [Fact]
    public void A_dump_has_sixteen_bytes_a_row() =>
        Assert.Equal(
            "0x0000\t 4865 6c6c 6f20 776f 726c 6421 0a00 ff41\tHello.world!...A\n0x0010\t 42                                     \tB\n\n".Replace(
                "Hello.world",
                "Hello world",
                StringComparison.Ordinal
            ),
            SnifferFrame.Dump([.. "Hello world!\n\0"u8, 0xff, 0x41, 0x42])
        );

    /// <summary>RFC 1071: over a block with its checksum the sum is all ones.</summary>
    private static int OnesSum(ReadOnlySpan<byte> bytes)
    {
        var sum = 0;
        for (var at = 0; at < bytes.Length; at += 2)
        {
            sum += (bytes[at] << 8) + (at + 1 < bytes.Length ? bytes[at + 1] : 0);
            sum = (sum & 0xffff) + (sum >> 16);
        }
        return sum;
    }
}
