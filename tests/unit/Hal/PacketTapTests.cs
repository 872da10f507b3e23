using System.Buffers;
using System.Net;
using System.Text;
using Appliance.Doubles.Nics;
using Appliance.Hal;
using Xunit;

namespace Appliance.Tests.Hal;

/// <summary>The tap in the pipes of an interface: sees each byte once, and changes none.</summary>
public sealed class PacketTapTests
{
    private readonly SimNetwork _network = new();
    private readonly PacketTap _tap = new();
    private readonly List<SeenPacket> _seen = [];

    [Fact]
    public async Task Bytes_that_are_read_twice_are_seen_once()
    {
        using var nic = new GatedNic(new SimNic(_network, "port1", IPAddress.Parse("10.0.0.1")), _tap);
        await using var listener = nic.Listen(443, AllowAccess.None);
        using var listening = _tap.Listen(_seen.Add);
        await using var client = await new SimNic(_network, "port2", IPAddress.Parse("10.0.0.2")).ConnectAsync(
            new IPEndPoint(IPAddress.Parse("10.0.0.1"), 443)
        );
        await using var server = (await listener.AcceptAsync())!;
        await client.Transport.Output.WriteAsync("hello"u8.ToArray());

        var read = await server.Transport.Input.ReadAsync();
        server.Transport.Input.AdvanceTo(read.Buffer.GetPosition(2), read.Buffer.End);
        await client.Transport.Output.WriteAsync(" world"u8.ToArray());
        read = await server.Transport.Input.ReadAsync();
        Assert.Equal("llo world", Encoding.ASCII.GetString(read.Buffer.ToArray()));
        server.Transport.Input.AdvanceTo(read.Buffer.End);

        "answer"u8.CopyTo(server.Transport.Output.GetSpan(6));
        server.Transport.Output.Advance(6);
        await server.Transport.Output.FlushAsync();
        Assert.Equal("answer", Encoding.ASCII.GetString((await client.Transport.Input.ReadAsync()).Buffer.ToArray()));

        Assert.Equal(
            [
                (SegmentKind.Syn, true, 0u, 0u, ""),
                (SegmentKind.SynAck, false, 0u, 1u, ""),
                (SegmentKind.Ack, true, 1u, 1u, ""),
                (SegmentKind.Data, true, 1u, 1u, "hello"),
                (SegmentKind.Data, true, 6u, 1u, " world"),
                (SegmentKind.Data, false, 1u, 12u, "answer"),
            ],
            _seen.Select(packet =>
                (packet.Kind, packet.IsInbound, packet.Sequence, packet.Acknowledged, Encoding.ASCII.GetString(packet.Payload.Span))
            )
        );
        Assert.All(_seen, packet => Assert.Equal(packet.IsInbound, packet.Target.Port == 443));
    }

    [Fact]
    public async Task Numbers_are_right_for_a_connection_that_was_open_before_and_ends_are_seen()
    {
        using var nic = new GatedNic(new SimNic(_network, "port1", IPAddress.Parse("10.0.0.1")), _tap);
        await using var listener = nic.Listen(443, AllowAccess.None);
        await using var client = await new TappedNic(new SimNic(_network, "port2", IPAddress.Parse("10.0.0.2")), _tap).ConnectAsync(
            new IPEndPoint(IPAddress.Parse("10.0.0.1"), 443)
        );
        await using var server = (await listener.AcceptAsync())!;
        await client.Transport.Output.WriteAsync(new byte[3000]);
        var read = await server.Transport.Input.ReadAsync();
        server.Transport.Input.AdvanceTo(read.Buffer.End);
        using (_tap.Listen(_seen.Add))
        {
            await client.Transport.Output.WriteAsync(new byte[2000]);
            await client.Transport.Output.CompleteAsync();
            for (read = await server.Transport.Input.ReadAsync(); !read.IsCompleted; read = await server.Transport.Input.ReadAsync())
            {
                server.Transport.Input.AdvanceTo(read.Buffer.End);
            }
        }
        var sent = _seen.Where(packet => packet.Nic == "port2").ToArray();
        Assert.Equal(
            [(SegmentKind.Data, 3001u, 1460), (SegmentKind.Data, 4461u, 540), (SegmentKind.Fin, 5001u, 0)],
            sent.Select(packet => (packet.Kind, packet.Sequence, packet.Payload.Length))
        );
        Assert.All(sent, packet => Assert.False(packet.IsInbound));
        var received = _seen.Where(packet => packet.Nic == "port1").ToArray();
        Assert.Equal(2000, received.Sum(packet => packet.Payload.Length));
        Assert.Equal((SegmentKind.Fin, true), (received[^1].Kind, received[^1].IsInbound));
    }

    [Fact]
    public async Task Datagrams_of_a_client_are_seen_in_both_directions()
    {
        await using var server = new SimNic(_network, "port1", IPAddress.Parse("10.0.0.1")).OpenDatagrams(1812);
        await using var client = new TappedNic(new SimNic(_network, "port2", IPAddress.Parse("10.0.0.2")), _tap).OpenDatagrams(0);
        using var listening = _tap.Listen(_seen.Add);
        await client.SendAsync("ask"u8.ToArray(), server.LocalEndPoint);
        var buffer = new byte[16];
        var (_, from) = await server.ReceiveAsync(buffer);
        await server.SendAsync("tell"u8.ToArray(), from);
        await client.ReceiveAsync(buffer);
        Assert.Equal(
            [(false, 1812, "ask"), (true, client.LocalEndPoint.Port, "tell")],
            _seen.Select(packet => (packet.IsInbound, packet.Target.Port, Encoding.ASCII.GetString(packet.Payload.Span)))
        );
    }
}
