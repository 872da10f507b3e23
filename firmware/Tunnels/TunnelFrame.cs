using System.Buffers;
using System.Buffers.Binary;

namespace Appliance.Firmware.Tunnels;

/// <summary>The outcome of <see cref="TunnelFrame.TryRead"/>.</summary>
internal enum FrameRead
{
    /// <summary>A packet was read.</summary>
    Packet,

    /// <summary>The frame is incomplete.</summary>
    Incomplete,

    /// <summary>The bytes are not a frame: the stream cannot be read any further.</summary>
    Malformed,
}

/// <summary>
/// The frame around a PPP packet in a tunnel, over TLS and over DTLS: total length, <c>50 50</c>, packet length (all 16 bits, big endian),
/// packet.
/// </summary>
internal static class TunnelFrame
{
    /// <summary>The size of the head in bytes.</summary>
    internal const int HeadSize = 6;

    /// <summary>The largest packet that is sent, in bytes. openconnect reads no longer one.</summary>
    internal const int SentMax = 16_000;

    /// <summary>The largest packet that is received, in bytes: the frame's own length has 16 bits.</summary>
    internal const int ReceivedMax = ushort.MaxValue - HeadSize;

    private const ushort Magic = 0x5050;

    /// <summary>Reads one frame.</summary>
    /// <param name="input">The received bytes; advanced over the frame if there is one.</param>
    /// <param name="packet">The PPP packet, a part of <paramref name="input"/>.</param>
    internal static FrameRead TryRead(ref ReadOnlySequence<byte> input, out ReadOnlySequence<byte> packet)
    {
        packet = default;
        if (input.Length < HeadSize)
        {
            return FrameRead.Incomplete;
        }
        Span<byte> head = stackalloc byte[HeadSize];
        input.Slice(0, HeadSize).CopyTo(head);
        int size = BinaryPrimitives.ReadUInt16BigEndian(head[4..]);
        if (
            BinaryPrimitives.ReadUInt16BigEndian(head[2..]) != Magic
            || size == 0
            || BinaryPrimitives.ReadUInt16BigEndian(head) != size + HeadSize
        )
        {
            return FrameRead.Malformed;
        }
        if (input.Length < HeadSize + size)
        {
            return FrameRead.Incomplete;
        }
        packet = input.Slice(HeadSize, size);
        input = input.Slice(HeadSize + size);
        return FrameRead.Packet;
    }

    /// <summary>Writes a frame.</summary>
    /// <param name="destination">Receives the frame; at least <see cref="HeadSize"/> + 2 + <paramref name="body"/>'s length bytes.</param>
    /// <param name="protocol">The PPP protocol number.</param>
    /// <param name="body">The packet behind the protocol number.</param>
    /// <returns>The size of the frame in bytes.</returns>
    internal static int Write(Span<byte> destination, ushort protocol, ReadOnlySpan<byte> body)
    {
        var size = sizeof(ushort) + body.Length;
        BinaryPrimitives.WriteUInt16BigEndian(destination, (ushort)(size + HeadSize));
        BinaryPrimitives.WriteUInt16BigEndian(destination[2..], Magic);
        BinaryPrimitives.WriteUInt16BigEndian(destination[4..], (ushort)size);
        BinaryPrimitives.WriteUInt16BigEndian(destination[HeadSize..], protocol);
        body.CopyTo(destination[(HeadSize + sizeof(ushort))..]);
        return HeadSize + size;
    }
}
