using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace Appliance.Firmware.Config;

/// <summary>The key of this unit, 256 random bits made on first boot. Secrets at rest are sealed with it.</summary>
[SuppressMessage("Design", "CA1001:Types that own disposable fields should be disposable", Justification = "Lives as long as the unit; the cipher's handle frees itself.")]
public sealed class DeviceKey
{
    private const int NonceLength = 12;
    private const int TagLength = 16;
    private const int StackMax = 512;
    private static readonly byte[] FingerprintPurpose = "appliance fingerprint"u8.ToArray();
    private readonly AesGcm _aes;
    private readonly byte[] _fingerprintKey;
    private readonly Lock _lock = new();

    /// <summary>Random bytes for the next nonces; each is used once.</summary>
    private readonly byte[] _nonces = new byte[NonceLength * 128];
    private int _nonceAt = NonceLength * 128;

    private DeviceKey(byte[] key) => (_aes, _fingerprintKey) = (new AesGcm(key, TagLength), HKDF.Expand(HashAlgorithmName.SHA256, key, HMACSHA256.HashSizeInBytes, FingerprintPurpose));

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
        Span<byte> sealedBytes = secret.Length <= StackMax ? stackalloc byte[NonceLength + secret.Length + TagLength] : new byte[NonceLength + secret.Length + TagLength];
        lock (_lock)
        {
            if (_nonceAt == _nonces.Length)
            {
                RandomNumberGenerator.Fill(_nonces);
                _nonceAt = 0;
            }
            _nonces.AsSpan(_nonceAt, NonceLength).CopyTo(sealedBytes);
            _nonceAt += NonceLength;
            _aes.Encrypt(sealedBytes[..NonceLength], secret, sealedBytes.Slice(NonceLength, secret.Length), sealedBytes[(NonceLength + secret.Length)..]);
        }
        return Convert.ToBase64String(sealedBytes);
    }

    /// <summary>
    /// A keyed digest (HMAC-SHA-256) as 64 hex digits, by which data that may hold secrets is recognized again without being stored. Its key is derived
    /// from the device key (RFC 5869), so nothing can be guessed at without that.
    /// </summary>
    public string Fingerprint(ReadOnlySpan<byte> data) => Convert.ToHexStringLower(HMACSHA256.HashData(_fingerprintKey, data));

    /// <summary>Opens what <see cref="Seal"/> made; null when it was made with another key, or is damaged.</summary>
    public byte[]? Unseal(string text)
    {
        Span<byte> sealedBytes = text.Length <= StackMax ? stackalloc byte[text.Length] : new byte[text.Length];
        if (!Convert.TryFromBase64String(text, sealedBytes, out var length) || length < NonceLength + TagLength)
        {
            return null;
        }
        var secret = new byte[length - NonceLength - TagLength];
        try
        {
            lock (_lock)
            {
                _aes.Decrypt(sealedBytes[..NonceLength], sealedBytes.Slice(NonceLength, secret.Length), sealedBytes[(length - TagLength)..length], secret);
            }
            return secret;
        }
        catch (AuthenticationTagMismatchException)
        {
            return null;
        }
    }
}
