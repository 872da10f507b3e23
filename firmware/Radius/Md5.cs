using System.Buffers.Binary;
using System.Numerics;

namespace Appliance.Firmware.Radius;

/// <summary>
/// MD5 (RFC 1321) for the few dozen bytes that RADIUS hashes four times per reply. For such short inputs the platform's MD5 spends most of
/// its time on call overhead, and it cannot resume from the precomputed key block of an HMAC. A value type: a copy continues from the state
/// of the original. Allocates nothing.
/// </summary>
internal struct Md5
{
    internal const int HashSizeInBytes = 16;
    internal const int BlockLength = 64;
    private const int LengthField = 8;

    private uint _a,
        _b,
        _c,
        _d;

    /// <summary>The initial state (RFC 1321, 3.3).</summary>
    internal static Md5 Start =>
        new()
        {
            _a = 0x67452301,
            _b = 0xefcdab89,
            _c = 0x98badcfe,
            _d = 0x10325476,
        };

    /// <summary>The integer parts of 2^32 times the sines of 1 to 64 (RFC 1321, 3.4).</summary>
    private static ReadOnlySpan<uint> Sines =>
        [
            0xd76aa478,
            0xe8c7b756,
            0x242070db,
            0xc1bdceee,
            0xf57c0faf,
            0x4787c62a,
            0xa8304613,
            0xfd469501,
            0x698098d8,
            0x8b44f7af,
            0xffff5bb1,
            0x895cd7be,
            0x6b901122,
            0xfd987193,
            0xa679438e,
            0x49b40821,
            0xf61e2562,
            0xc040b340,
            0x265e5a51,
            0xe9b6c7aa,
            0xd62f105d,
            0x02441453,
            0xd8a1e681,
            0xe7d3fbc8,
            0x21e1cde6,
            0xc33707d6,
            0xf4d50d87,
            0x455a14ed,
            0xa9e3e905,
            0xfcefa3f8,
            0x676f02d9,
            0x8d2a4c8a,
            0xfffa3942,
            0x8771f681,
            0x6d9d6122,
            0xfde5380c,
            0xa4beea44,
            0x4bdecfa9,
            0xf6bb4b60,
            0xbebfbc70,
            0x289b7ec6,
            0xeaa127fa,
            0xd4ef3085,
            0x04881d05,
            0xd9d4d039,
            0xe6db99e5,
            0x1fa27cf8,
            0xc4ac5665,
            0xf4292244,
            0x432aff97,
            0xab9423a7,
            0xfc93a039,
            0x655b59c3,
            0x8f0ccc92,
            0xffeff47d,
            0x85845dd1,
            0x6fa87e4f,
            0xfe2ce6e0,
            0xa3014314,
            0x4e0811a1,
            0xf7537e82,
            0xbd3af235,
            0x2ad7d2bb,
            0xeb86d391,
        ];

    /// <summary>Writes the digest of <paramref name="source"/> into the first 16 bytes of <paramref name="destination"/>.</summary>
    internal static void HashData(ReadOnlySpan<byte> source, Span<byte> destination)
    {
        var digest = Start;
        digest.End(source, 0, destination);
    }

    /// <summary>Processes one whole block of 64 bytes.</summary>
    internal void Block(ReadOnlySpan<byte> block)
    {
        Span<uint> x = stackalloc uint[16];
        for (var word = 0; word < x.Length; word++)
        {
            x[word] = BinaryPrimitives.ReadUInt32LittleEndian(block[(word * 4)..]);
        }
        var t = Sines;
        var (a, b, c, d) = (_a, _b, _c, _d);
        for (var step = 0; step < 16; step += 4)
        {
            a = b + BitOperations.RotateLeft(a + (d ^ (b & (c ^ d))) + x[step] + t[step], 7);
            d = a + BitOperations.RotateLeft(d + (c ^ (a & (b ^ c))) + x[step + 1] + t[step + 1], 12);
            c = d + BitOperations.RotateLeft(c + (b ^ (d & (a ^ b))) + x[step + 2] + t[step + 2], 17);
            b = c + BitOperations.RotateLeft(b + (a ^ (c & (d ^ a))) + x[step + 3] + t[step + 3], 22);
        }
        for (var step = 16; step < 32; step += 4)
        {
            a = b + BitOperations.RotateLeft(a + (c ^ (d & (b ^ c))) + x[((5 * step) + 1) & 15] + t[step], 5);
            d = a + BitOperations.RotateLeft(d + (b ^ (c & (a ^ b))) + x[((5 * step) + 6) & 15] + t[step + 1], 9);
            c = d + BitOperations.RotateLeft(c + (a ^ (b & (d ^ a))) + x[((5 * step) + 11) & 15] + t[step + 2], 14);
            b = c + BitOperations.RotateLeft(b + (d ^ (a & (c ^ d))) + x[(5 * step) & 15] + t[step + 3], 20);
        }
        for (var step = 32; step < 48; step += 4)
        {
            a = b + BitOperations.RotateLeft(a + (b ^ c ^ d) + x[((3 * step) + 5) & 15] + t[step], 4);
            d = a + BitOperations.RotateLeft(d + (a ^ b ^ c) + x[((3 * step) + 8) & 15] + t[step + 1], 11);
            c = d + BitOperations.RotateLeft(c + (d ^ a ^ b) + x[((3 * step) + 11) & 15] + t[step + 2], 16);
            b = c + BitOperations.RotateLeft(b + (c ^ d ^ a) + x[((3 * step) + 14) & 15] + t[step + 3], 23);
        }
        for (var step = 48; step < 64; step += 4)
        {
            a = b + BitOperations.RotateLeft(a + (c ^ (b | ~d)) + x[(7 * step) & 15] + t[step], 6);
            d = a + BitOperations.RotateLeft(d + (b ^ (a | ~c)) + x[((7 * step) + 7) & 15] + t[step + 1], 10);
            c = d + BitOperations.RotateLeft(c + (a ^ (d | ~b)) + x[((7 * step) + 14) & 15] + t[step + 2], 15);
            b = c + BitOperations.RotateLeft(b + (d ^ (c | ~a)) + x[((7 * step) + 5) & 15] + t[step + 3], 21);
        }
        (_a, _b, _c, _d) = (_a + a, _b + b, _c + c, _d + d);
    }

    /// <summary>Processes the rest of the input and writes the digest into the first 16 bytes of <paramref name="destination"/>.</summary>
    /// <param name="rest">The input that was not processed yet.</param>
    /// <param name="taken">The number of bytes already processed, a multiple of the block length.</param>
    /// <param name="destination">Receives the digest.</param>
    internal void End(ReadOnlySpan<byte> rest, int taken, Span<byte> destination)
    {
        var length = (ulong)taken + (ulong)rest.Length;
        for (; rest.Length >= BlockLength; rest = rest[BlockLength..])
        {
            Block(rest);
        }
        // Padding: a one bit, zeros, and the length in bits, which take one or two further blocks (RFC 1321, 3.1 and 3.2).
        Span<byte> last = stackalloc byte[2 * BlockLength];
        last.Clear();
        rest.CopyTo(last);
        last[rest.Length] = 0x80;
        var end = rest.Length + 1 + LengthField <= BlockLength ? BlockLength : 2 * BlockLength;
        BinaryPrimitives.WriteUInt64LittleEndian(last[(end - LengthField)..], length * 8);
        for (var start = 0; start < end; start += BlockLength)
        {
            Block(last[start..]);
        }
        BinaryPrimitives.WriteUInt32LittleEndian(destination, _a);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[4..], _b);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[8..], _c);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[12..], _d);
    }
}

/// <summary>HMAC-MD5 (RFC 2104) under one key, whose two key blocks are hashed once. An immutable value; any thread may use it.</summary>
internal readonly struct HmacMd5
{
    private readonly Md5 _inner;
    private readonly Md5 _outer;

    internal HmacMd5(ReadOnlySpan<byte> key)
    {
        Span<byte> block = stackalloc byte[Md5.BlockLength];
        block.Clear();
        if (key.Length > block.Length)
        {
            Md5.HashData(key, block);
        }
        else
        {
            key.CopyTo(block);
        }
        (_inner, _outer) = (Keyed(block, 0x36), Keyed(block, 0x5c));
    }

    internal void HashData(ReadOnlySpan<byte> source, Span<byte> destination)
    {
        var (inner, outer) = (_inner, _outer);
        Span<byte> digest = stackalloc byte[Md5.HashSizeInBytes];
        inner.End(source, Md5.BlockLength, digest);
        outer.End(digest, Md5.BlockLength, destination);
    }

    private static Md5 Keyed(ReadOnlySpan<byte> key, byte pad)
    {
        Span<byte> block = stackalloc byte[Md5.BlockLength];
        for (var index = 0; index < block.Length; index++)
        {
            block[index] = (byte)(key[index] ^ pad);
        }
        var digest = Md5.Start;
        digest.Block(block);
        return digest;
    }
}
