using System.Security.Cryptography;
using OtpNet;

namespace Appliance.Firmware.Tokens;

/// <summary>
/// HMAC (RFC 2104) of short messages under changing keys, over a platform digest that is reused. The platform's own HMAC looks up its
/// algorithm for each key, and takes two and a half times as long (<c>bench callback</c>; docs/develop/performance.md). There is one
/// instance for each thread and digest.
/// </summary>
internal sealed class HmacSha
{
    private const byte Inner = 0x36;
    private const byte Outer = 0x5c;
    private const int BlockMax = 128;
    private const int MessageMax = 8;

    [ThreadStatic]
    private static HmacSha? _sha1;

    [ThreadStatic]
    private static HmacSha? _sha256;

    [ThreadStatic]
    private static HmacSha? _sha512;

    private readonly IncrementalHash _digest;
    private readonly int _block;

    private HmacSha(HashAlgorithmName digest, int block) => (_digest, _block) = (IncrementalHash.CreateHash(digest), block);

    /// <summary>Returns this thread's instance for a token's algorithm.</summary>
    internal static HmacSha Of(OtpHashMode algorithm) =>
        algorithm switch
        {
            OtpHashMode.Sha256 => _sha256 ??= new(HashAlgorithmName.SHA256, block: 64),
            OtpHashMode.Sha512 => _sha512 ??= new(HashAlgorithmName.SHA512, block: 128),
            _ => _sha1 ??= new(HashAlgorithmName.SHA1, block: 64), // RFC 4226, used by most tokens.
        };

    /// <summary>Writes the MAC of a message. Returns its length in bytes.</summary>
    /// <param name="key">At most one block: 64 bytes (128 for SHA-512).</param>
    /// <param name="message">At most 8 bytes.</param>
    /// <param name="mac">The destination, at least as long as the digest.</param>
    internal int Compute(ReadOnlySpan<byte> key, ReadOnlySpan<byte> message, Span<byte> mac)
    {
        Span<byte> text = stackalloc byte[BlockMax + Math.Max(MessageMax, HMACSHA512.HashSizeInBytes)];
        try
        {
            message.CopyTo(Pad(text, key, Inner));
            var length = Digest(text[..(_block + message.Length)], mac);
            mac[..length].CopyTo(Pad(text, key, Outer));
            return Digest(text[..(_block + length)], mac);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(text);
        }
    }

    /// <summary>Writes the key as one block, XORed with a byte. Returns the rest of the text after it.</summary>
    private Span<byte> Pad(Span<byte> text, ReadOnlySpan<byte> key, byte with)
    {
        var block = text[.._block];
        block.Fill(with);
        for (var index = 0; index < key.Length; index++)
        {
            block[index] ^= key[index];
        }
        return text[_block..];
    }

    private int Digest(ReadOnlySpan<byte> text, Span<byte> digest)
    {
        _digest.AppendData(text);
        return _digest.GetHashAndReset(digest);
    }
}
