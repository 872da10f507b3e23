using System.Security.Cryptography;

namespace Appliance.Firmware.Config;

/// <summary>
/// A piece of the saved file as it was last written, stored with the immutable part of the configuration that it represents.
/// </summary>
/// <param name="Key">The key that encrypted the secrets in the text; the text is valid for this key only.</param>
/// <param name="Bytes">The text.</param>
internal sealed record SavedText(DeviceKey Key, byte[] Bytes)
{
    private byte[]? _digest;

    /// <summary>The SHA-256 digest of the text.</summary>
    internal byte[] Digest => _digest ??= SHA256.HashData(Bytes);
}
