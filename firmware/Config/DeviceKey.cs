using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace Appliance.Firmware.Config;

/// <summary>The unit's key: 256 random bits, generated on first boot. Encrypts secrets at rest.</summary>
[SuppressMessage(
    "Design",
    "CA1001:Types that own disposable fields should be disposable",
    Justification = "Lives as long as the unit; the cipher's handle frees itself."
)]
public sealed class DeviceKey
{
    private const int NonceLength = 12;
    private const int TagLength = 16;
    private const int StackMax = 512;
    private static readonly byte[] FingerprintPurpose = "appliance fingerprint"u8.ToArray();
    private readonly AesGcm _aes;
    private readonly byte[] _fingerprintKey;
    private readonly Lock _lock = new();

    /// <summary>Random bytes for the next nonces; each nonce is used once.</summary>
    private readonly byte[] _nonces = new byte[NonceLength * 128];
    private int _nonceAt = NonceLength * 128;

    private DeviceKey(byte[] key) =>
        (_aes, _fingerprintKey) = (
            new AesGcm(key, TagLength),
            HKDF.Expand(HashAlgorithmName.SHA256, key, HMACSHA256.HashSizeInBytes, FingerprintPurpose)
        );

    /// <summary>Reads the key from a file in the state folder, or creates it. Only the owner may read and write the file.</summary>
    /// <exception cref="InvalidDataException">The file exists but is not a key.</exception>
    public static DeviceKey Open(string file)
    {
        if (!File.Exists(file))
        {
            AtomicFile.Write(file, RandomNumberGenerator.GetBytes(32));
        }
        var key = File.ReadAllBytes(file);
        return key.Length == 32 ? new DeviceKey(key) : throw new InvalidDataException($"{Path.GetFileName(file)} is not a device key");
    }

    /// <summary>Encrypts a secret: base64 of nonce, AES-256-GCM ciphertext and tag. The result differs on each call.</summary>
    public string Seal(ReadOnlySpan<byte> secret)
    {
        Span<byte> sealedBytes =
            secret.Length <= StackMax
                ? stackalloc byte[NonceLength + secret.Length + TagLength]
                : new byte[NonceLength + secret.Length + TagLength];
        lock (_lock)
        {
            if (_nonceAt == _nonces.Length)
            {
                RandomNumberGenerator.Fill(_nonces);
                _nonceAt = 0;
            }
            _nonces.AsSpan(_nonceAt, NonceLength).CopyTo(sealedBytes);
            _nonceAt += NonceLength;
            _aes.Encrypt(
                sealedBytes[..NonceLength],
                secret,
                sealedBytes.Slice(NonceLength, secret.Length),
                sealedBytes[(NonceLength + secret.Length)..]
            );
        }
        return Convert.ToBase64String(sealedBytes);
    }

    /// <summary>
    /// Computes a keyed digest (HMAC-SHA-256) as 64 hex digits, which recognizes data that may contain secrets without storing it. Its
    /// key is derived from the device key (RFC 5869), so that data cannot be guessed without that key.
    /// </summary>
    public string Fingerprint(ReadOnlySpan<byte> data) => Convert.ToHexStringLower(HMACSHA256.HashData(_fingerprintKey, data));

    /// <summary>Decrypts a result of <see cref="Seal"/>; null if it was made with another key or is damaged.</summary>
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
                _aes.Decrypt(
                    sealedBytes[..NonceLength],
                    sealedBytes.Slice(NonceLength, secret.Length),
                    sealedBytes[(length - TagLength)..length],
                    secret
                );
            }
            return secret;
        }
        catch (AuthenticationTagMismatchException)
        {
            return null;
        }
    }
}
