using System.Buffers;
using Appliance.Firmware.Tunnels;
using Xunit;

namespace Appliance.Tests.Tunnels;

/// <summary>The frame around PPP packets.</summary>
[Trait("Kind", "Unit")]
public sealed class TunnelFrameTests
{
    [Fact]
    public void A_frame_is_read_as_it_was_written()
    {
        var frame = new byte[64];
        var size = TunnelFrame.Write(frame, 0xc021, [1, 2, 3]);
        Assert.Equal("000B50500005C021010203", Convert.ToHexString(frame.AsSpan(0, size)));
        var input = new ReadOnlySequence<byte>(frame, 0, size);
        Assert.Equal(FrameRead.Packet, TunnelFrame.TryRead(ref input, out var packet));
        Assert.Equal([0xc0, 0x21, 1, 2, 3], packet.ToArray());
        Assert.True(input.IsEmpty);
    }

    [Theory]
    [InlineData("000B50510005C021010203")]
    [InlineData("000C50500005C021010203")]
    [InlineData("000650500000")]
    public void A_frame_with_a_wrong_head_is_malformed(string hex)
    {
        var input = new ReadOnlySequence<byte>(Convert.FromHexString(hex));
        Assert.Equal(FrameRead.Malformed, TunnelFrame.TryRead(ref input, out _));
    }

    [Fact]
    public void The_largest_packet_is_read_and_a_larger_one_cannot_be_expressed()
    {
        var frame = new byte[TunnelFrame.HeadSize + TunnelFrame.ReceivedMax];
        TunnelFrame.Write(frame, 0x21, new byte[TunnelFrame.ReceivedMax - sizeof(ushort)]);
        var input = new ReadOnlySequence<byte>(frame);
        Assert.Equal(FrameRead.Packet, TunnelFrame.TryRead(ref input, out var packet));
        Assert.Equal(TunnelFrame.ReceivedMax, packet.Length);
    }

    [Fact]
    public void Any_split_of_the_byte_stream_gives_the_same_packets()
    {
        for (var seed = 1; seed <= 500; seed++)
        {
            var random = new Random(seed);
            var (stream, expected) = (new List<byte>(), new List<byte[]>());
            for (var packets = random.Next(1, 6); packets > 0; packets--)
            {
                var body = new byte[random.Next(1, 40)];
                random.NextBytes(body);
                var frame = new byte[TunnelFrame.HeadSize + sizeof(ushort) + body.Length];
                TunnelFrame.Write(frame, 0xc021, body);
                stream.AddRange(frame);
                expected.Add([0xc0, 0x21, .. body]);
            }
            var (read, held) = (new List<byte[]>(), Array.Empty<byte>());
            for (var at = 0; at < stream.Count;)
            {
                var size = random.Next(1, Math.Min(20, stream.Count - at + 1));
                var input = Split([.. held, .. stream.GetRange(at, size)], random);
                at += size;
                while (TunnelFrame.TryRead(ref input, out var packet) == FrameRead.Packet)
                {
                    read.Add(packet.ToArray());
                }
                held = input.ToArray();
            }
            Assert.Empty(held);
            Assert.Equal(expected, read);
        }
    }

    /// <summary>The bytes as a sequence of two segments.</summary>
    private static ReadOnlySequence<byte> Split(byte[] bytes, Random random)
    {
        var at = random.Next(bytes.Length + 1);
        var first = new Segment(bytes.AsMemory(0, at), 0);
        var last = first.Append(bytes.AsMemory(at));
        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        internal Segment(ReadOnlyMemory<byte> memory, long index) => (Memory, RunningIndex) = (memory, index);

        internal Segment Append(ReadOnlyMemory<byte> memory)
        {
            var next = new Segment(memory, RunningIndex + Memory.Length);
            Next = next;
            return next;
        }
    }
}
