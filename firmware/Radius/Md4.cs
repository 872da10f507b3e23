using System.Buffers.Binary;
using System.Numerics;

namespace Appliance.Firmware.Radius;

/// <summary>MD4 (RFC 1320), which MS-CHAP requires and the platform does not provide. Not for any other use.</summary>
public static class Md4
{
    /// <summary>Length of a digest in bytes.</summary>
    public const int HashSizeInBytes = 16;

    private const int BlockLength = 64;
    private const int LengthField = 8;

    /// <summary>
    /// Writes the digest of <paramref name="source"/> into the first 16 bytes of <paramref name="destination"/>. Allocates nothing.
    /// </summary>
    public static void HashData(ReadOnlySpan<byte> source, Span<byte> destination)
    {
        Span<uint> state = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476];
        var rest = source;
        for (; rest.Length >= BlockLength; rest = rest[BlockLength..])
        {
            Block(state, rest);
        }
        // Padding: a one bit, zeros, and the length in bits, which take one or two further blocks (RFC 1320, 3.1 and 3.2).
        Span<byte> last = stackalloc byte[2 * BlockLength];
        last.Clear();
        rest.CopyTo(last);
        last[rest.Length] = 0x80;
        var end = rest.Length + 1 + LengthField <= BlockLength ? BlockLength : 2 * BlockLength;
        BinaryPrimitives.WriteUInt64LittleEndian(last[(end - LengthField)..], (ulong)source.Length * 8);
        for (var start = 0; start < end; start += BlockLength)
        {
            Block(state, last[start..]);
        }
        for (var word = 0; word < state.Length; word++)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(destination[(word * 4)..], state[word]);
        }
    }

    private static void Block(Span<uint> state, ReadOnlySpan<byte> block)
    {
        Span<uint> x = stackalloc uint[16];
        for (var word = 0; word < x.Length; word++)
        {
            x[word] = BinaryPrimitives.ReadUInt32LittleEndian(block[(word * 4)..]);
        }
        var (a, b, c, d) = (state[0], state[1], state[2], state[3]);
        ReadOnlySpan<byte> second = [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15];
        ReadOnlySpan<byte> third = [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15];
        ReadOnlySpan<byte> shifts = [3, 7, 11, 19, 3, 5, 9, 13, 3, 9, 11, 15];
        for (var step = 0; step < 48; step++)
        {
            var round = step / 16;
            var sum =
                a
                + round switch
                {
                    0 => ((b & c) | (~b & d)) + x[step],
                    1 => ((b & c) | (b & d) | (c & d)) + x[second[step - 16]] + 0x5a827999,
                    _ => (b ^ c ^ d) + x[third[step - 32]] + 0x6ed9eba1,
                };
            (a, d, c, b) = (d, c, b, BitOperations.RotateLeft(sum, shifts[(round * 4) + (step % 4)]));
        }
        state[0] += a;
        state[1] += b;
        state[2] += c;
        state[3] += d;
    }
}
