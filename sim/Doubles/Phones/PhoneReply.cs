using System.Security.Cryptography;
using System.Text;

namespace Appliance.Doubles.Phones;

/// <summary>The way in which a phone answers pushes.</summary>
public enum PhoneMode
{
    /// <summary>The user has to approve or deny.</summary>
    Manual,
    Approve,
    Deny,

    /// <summary>Never answers; the push expires.</summary>
    Ignore,
}

/// <summary>The outcome of the phone's call to the appliance.</summary>
public enum AnswerOutcome
{
    /// <summary>The appliance answered 200.</summary>
    Accepted,

    /// <summary>The appliance answered 401, or any other status.</summary>
    Refused,
    Unreachable,
    CertificateRefused,
}

/// <summary>The last answer of a phone. <paramref name="Status"/> is null if no HTTP response arrived.</summary>
public sealed record PhoneReply(string Session, bool Approved, int? Status, AnswerOutcome Outcome, string Detail, DateTimeOffset Time)
{
    public string OutcomeText =>
        Outcome switch
        {
            AnswerOutcome.Accepted => "accepted",
            AnswerOutcome.Refused => "refused",
            AnswerOutcome.CertificateRefused => "certificate refused",
            _ => "unreachable",
        };
}

/// <summary>The signature that proves that an alert was sent by the holder of the seed (docs/reference/push-dialect.md).</summary>
public static class AlertSignature
{
    private const int KeyLength = 32;

    /// <summary>Computes the lower-case hex of HMAC-SHA-256 over session, action and message, under a key derived from the seed.</summary>
    public static string Compute(ReadOnlySpan<byte> seed, string sessionId, string message)
    {
        Span<byte> key = stackalloc byte[KeyLength];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, seed, key, salt: [], info: "ftm-push alert v1"u8);
        var signature = HMACSHA256.HashData(key, Encoding.UTF8.GetBytes($"{sessionId}\nalert\n{message}"));
        CryptographicOperations.ZeroMemory(key);
        return Convert.ToHexStringLower(signature);
    }
}
