using Org.BouncyCastle.Crypto.Digests;

namespace Appliance.Firmware.Radius;

/// <summary>MD4 (RFC 1320), which MS-CHAP requires and the platform does not provide. Not for any other use.</summary>
public static class Md4
{
    /// <summary>Length of a digest in bytes.</summary>
    public const int HashSizeInBytes = 16;

    /// <summary>Writes the digest of <paramref name="source"/> into the first 16 bytes of <paramref name="destination"/>.</summary>
    public static void HashData(ReadOnlySpan<byte> source, Span<byte> destination)
    {
        var digest = new MD4Digest();
        digest.BlockUpdate(source);
        digest.DoFinal(destination);
    }
}
