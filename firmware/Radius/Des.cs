using System.Buffers.Binary;
using System.Security.Cryptography;
using Org.BouncyCastle.Crypto.Engines;
using Org.BouncyCastle.Crypto.Parameters;

namespace Appliance.Firmware.Radius;

/// <summary>
/// DES over one block (FIPS 46-3), for MS-CHAP only. The platform's DES refuses weak keys. The last key derived from one password digest in
/// 65,536 is weak, and that user could never log in.
/// </summary>
internal static class Des
{
    /// <summary>Encrypts one block of 8 bytes under the 56 key bits in 7 bytes, without parity (RFC 2759, 8.6).</summary>
    internal static void Encrypt(ReadOnlySpan<byte> block, ReadOnlySpan<byte> key7, Span<byte> destination)
    {
        Span<byte> key = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(key, Spread(key7));
        var engine = new DesEngine();
        engine.Init(true, new KeyParameter(key));
        engine.ProcessBlock(block, destination);
        CryptographicOperations.ZeroMemory(key);
    }

    /// <summary>Expands 56 key bits to eight groups of seven, each followed by a parity bit, which DES ignores.</summary>
    private static ulong Spread(ReadOnlySpan<byte> key7)
    {
        ulong packed = 0;
        foreach (var octet in key7)
        {
            packed = (packed << 8) | octet;
        }
        ulong spread = 0;
        for (var group = 7; group >= 0; group--)
        {
            spread = (spread << 8) | (((packed >> (7 * group)) & 0x7f) << 1);
        }
        return spread;
    }
}
