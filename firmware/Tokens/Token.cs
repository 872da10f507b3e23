using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Security.Cryptography;
using Appliance.Firmware.Config;

namespace Appliance.Firmware.Tokens;

/// <summary>One token as configured. The seed never leaves the firmware except to the phone that is enrolled.</summary>
/// <param name="Serial">The serial number, for example <c>FTKMOB0000000001</c>.</param>
/// <param name="Seed">Seed, step and digits; null if the entry has none, in which case the token verifies nothing.</param>
/// <param name="Locked">Locked by the administrator (<c>set status lock</c>).</param>
/// <param name="RegistrationId">The phone's <c>reg-id</c>; "" if no phone is registered for push with it.</param>
/// <param name="OsVersion">The operating system version that the phone reported.</param>
public sealed record Token(string Serial, TokenSeed? Seed, bool Locked, string RegistrationId, string OsVersion)
{
    /// <summary>Reads a token from its entry of <c>user fortitoken</c>.</summary>
    public static Token From(string serial, ConfigObject entry) =>
        new(serial, TokenSeed.Parse(entry.Text("seed")), entry.Text("status") == "lock", entry.Text("reg-id"), entry.Text("os-ver"));
}

/// <summary>The secret of a token and the derivation of its codes (RFC 6238).</summary>
public sealed record TokenSeed(ImmutableArray<byte> Secret, TimeSpan Step, int Digits, OtpNet.OtpHashMode Algorithm)
{
    private const int SecretLengthMin = 10;
    private const int SecretLengthMax = 64;
    private const string Expected = "10 to 64 bytes in hex or base32, period 30 or 60, 6 or 8 digits";

    private string? _identity;

    private TokenSeed(TokenSeed other) => (Secret, Step, Digits, Algorithm) = (other.Secret, other.Step, other.Digits, other.Algorithm);

    /// <summary>
    /// The identity under which consumed codes are recorded: a digest of everything that determines the seed's codes. A token that is
    /// deleted and created again with the same seed keeps its consumed codes. Computed on first use.
    /// </summary>
    public string Identity =>
        _identity ??= Convert.ToHexStringLower(
            HKDF.Expand(
                HashAlgorithmName.SHA256,
                HKDF.Extract(HashAlgorithmName.SHA256, [.. Secret]),
                16,
                [.. "token-use"u8, (byte)(Step.TotalSeconds)]
            )
        );

    /// <summary>Returns true if both seeds give the same codes at every time.</summary>
    public bool Equals(TokenSeed? other) =>
        other is not null
        && Secret.AsSpan().SequenceEqual(other.Secret.AsSpan())
        && (Step, Digits, Algorithm) == (other.Step, other.Digits, other.Algorithm);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Identity, Digits, Algorithm);

    /// <summary>Derives the key with which a phone signs an alert (docs/reference/push-dialect.md).</summary>
    public byte[] AlertKey() => HKDF.DeriveKey(HashAlgorithmName.SHA256, [.. Secret], 32, salt: [], info: "ftm-push alert v1"u8.ToArray());

    /// <inheritdoc cref="Parse(string, out string)"/>
    public static TokenSeed? Parse(string text) => Parse(text, out _);

    /// <summary>
    /// Reads the clear-text form of <c>set seed</c>: base32 or hex of 10 to 64 bytes (then 60 s, 6 digits, SHA-1), or an
    /// <c>otpauth://totp/</c> URI with <c>secret</c>, <c>period</c> 30 or 60, <c>digits</c> 6 or 8, <c>algorithm</c>. Groups of a secret
    /// may be separated by blanks, <c>+</c> and <c>-</c>; <c>&amp;amp;</c> in the URI (copied from a page's source) is read as
    /// <c>&amp;</c>.
    /// </summary>
    /// <param name="text">The text.</param>
    /// <param name="fault">The reason for the refusal, without any part that may be secret; "" for a seed.</param>
    /// <returns>The seed; null if the text is not one.</returns>
    public static TokenSeed? Parse(string text, out string fault)
    {
        fault = "";
        var seed = text.StartsWith("otpauth://totp/", StringComparison.OrdinalIgnoreCase)
            ? ParseUri(text, out fault)
            : Create(text, "60", "6", "SHA1");
        if (seed is null && fault.Length == 0)
        {
            fault = Expected;
        }
        return seed;
    }

    /// <summary>Returns the type name only, so that no seed is logged by accident.</summary>
    public override string ToString() => nameof(TokenSeed);

    /// <summary>
    /// Returns the number that a typed code represents; null if it does not consist of exactly this token's number of ASCII digits.
    /// </summary>
    internal int? Read(ReadOnlySpan<char> code) =>
        code.Length == Digits && !code.ContainsAnyExceptInRange('0', '9')
            ? int.Parse(code, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture)
            : null;

    /// <summary>True if this is the code of a step (RFC 4226 5.3 over the step, RFC 6238). The cost is the same either way.</summary>
    internal bool IsCode(int value, long step)
    {
        Span<byte> counter = stackalloc byte[sizeof(long)];
        Span<byte> mac = stackalloc byte[HMACSHA512.HashSizeInBytes];
        BinaryPrimitives.WriteInt64BigEndian(counter, step);
        var length = HmacSha.Of(Algorithm).Compute(Secret.AsSpan(), counter, mac);
        var truncated = BinaryPrimitives.ReadInt32BigEndian(mac[(mac[length - 1] & 0xf)..]) & int.MaxValue;
        return truncated % (Digits == 6 ? 1_000_000 : 100_000_000) == value;
    }

    private static TokenSeed? ParseUri(string text, out string fault)
    {
        fault = "";
        var query = text.IndexOf('?', StringComparison.Ordinal);
        if (query < 0)
        {
            fault = "the otpauth URI has no parameters (expected ?secret=...)";
            return null;
        }
        var values = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var (number, pair) in text[(query + 1)..].Replace("&amp;", "&", StringComparison.OrdinalIgnoreCase).Split('&').Index())
        {
            // A bare parameter is counted and not named, because it may be the secret.
            if (pair.Split('=', 2) is not [{ Length: > 0 } name, var value])
            {
                fault = $"parameter {number + 1} of the otpauth URI has no name or no value (expected name=value)";
                return null;
            }
            if (!values.TryAdd(name, Uri.UnescapeDataString(value)))
            {
                fault = $"parameter {number + 1} of the otpauth URI is given twice";
                return null;
            }
        }
        return Create(
            values.GetValueOrDefault("secret", ""),
            values.GetValueOrDefault("period", "30"),
            values.GetValueOrDefault("digits", "6"),
            values.GetValueOrDefault("algorithm", "SHA1")
        );
    }

    private static TokenSeed? Create(string secretText, string period, string digits, string algorithm)
    {
        var secret = Decode(secretText);
        OtpNet.OtpHashMode? mode = algorithm.ToUpperInvariant() switch
        {
            "SHA1" => OtpNet.OtpHashMode.Sha1,
            "SHA256" => OtpNet.OtpHashMode.Sha256,
            "SHA512" => OtpNet.OtpHashMode.Sha512,
            _ => null,
        };
        if (
            secret is null
            || secret.Length is < SecretLengthMin or > SecretLengthMax
            || period is not ("30" or "60")
            || digits is not ("6" or "8")
            || mode is null
        )
        {
            return null;
        }
        return new TokenSeed(
            [.. secret],
            period == "30" ? TimeSpan.FromSeconds(30) : TimeSpan.FromSeconds(60),
            digits == "6" ? 6 : 8,
            mode.Value
        );
    }

    private static byte[]? Decode(string grouped)
    {
        // Apps display a secret in groups, and a blank in a URI may be a plus.
        var text = grouped.AsSpan().ContainsAny(' ', '+', '-') ? string.Concat(grouped.Where(c => c is not (' ' or '+' or '-'))) : grouped;
        // Hex first: a text of only hex digits is never base32 (0, 1, 8 and 9 are not in its alphabet, and an all-letter one is
        // ambiguous).
        if (text.Length % 2 == 0 && text.Length > 0 && text.All(char.IsAsciiHexDigit))
        {
            return Convert.FromHexString(text);
        }
        if (text.Length == 0 || !text.TrimEnd('=').All(c => char.IsAsciiLetter(c) || c is >= '2' and <= '7'))
        {
            return null;
        }
        return OtpNet.Base32Encoding.ToBytes(text.ToUpperInvariant());
    }
}
