using System.Security.Cryptography;

namespace Appliance.Firmware.Config;

/// <summary>The key of this unit, 256 random bits made on first boot. Secrets at rest are sealed with it.</summary>
public sealed class DeviceKey
{
    private const int NonceLength = 12;
    private const int TagLength = 16;
    private readonly byte[] _key;

    private DeviceKey(byte[] key) => _key = key;

    /// <summary>Reads the key from a file of the state folder, or makes it (owner may read and write, nobody else).</summary>
    /// <exception cref="InvalidDataException">The file is there and is not a key.</exception>
    public static DeviceKey Open(string file)
    {
        if (!File.Exists(file))
        {
            AtomicFile.Write(file, RandomNumberGenerator.GetBytes(32));
        }
        var key = File.ReadAllBytes(file);
        return key.Length == 32 ? new DeviceKey(key) : throw new InvalidDataException($"{Path.GetFileName(file)} is not a device key");
    }

    /// <summary>Seals a secret: base64 of nonce, AES-256-GCM cipher text and tag. A new value at each call.</summary>
    public string Seal(ReadOnlySpan<byte> secret)
    {
        var sealedBytes = new byte[NonceLength + secret.Length + TagLength];
        RandomNumberGenerator.Fill(sealedBytes.AsSpan(0, NonceLength));
        using var aes = new AesGcm(_key, TagLength);
        aes.Encrypt(sealedBytes.AsSpan(0, NonceLength), secret, sealedBytes.AsSpan(NonceLength, secret.Length), sealedBytes.AsSpan(NonceLength + secret.Length));
        return Convert.ToBase64String(sealedBytes);
    }

    /// <summary>Opens what <see cref="Seal"/> made; null when it was made with another key, or is damaged.</summary>
    public byte[]? Unseal(string text)
    {
        var sealedBytes = new byte[text.Length];
        if (!Convert.TryFromBase64String(text, sealedBytes, out var length) || length < NonceLength + TagLength)
        {
            return null;
        }
        var secret = new byte[length - NonceLength - TagLength];
        using var aes = new AesGcm(_key, TagLength);
        try
        {
            aes.Decrypt(sealedBytes.AsSpan(0, NonceLength), sealedBytes.AsSpan(NonceLength, secret.Length), sealedBytes.AsSpan(length - TagLength, TagLength), secret);
            return secret;
        }
        catch (AuthenticationTagMismatchException)
        {
            return null;
        }
    }
}
