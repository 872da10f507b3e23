using System.Security.Cryptography;

namespace Appliance.Firmware.Config;

/// <summary>A piece of the saved file as it was written last, kept with the immutable part of the configuration that it says.</summary>
/// <param name="Key">The key that sealed the secrets in it: good for no other.</param>
/// <param name="Bytes">The text.</param>
internal sealed record SavedText(DeviceKey Key, byte[] Bytes)
{
    private byte[]? _digest;

    /// <summary>Its SHA-256.</summary>
    internal byte[] Digest => _digest ??= SHA256.HashData(Bytes);
}
