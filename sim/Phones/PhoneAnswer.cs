using System.Security.Cryptography;
using System.Text;

namespace Appliance.Sim.Phones;

/// <summary>How a phone answers a push by itself.</summary>
public enum PhoneMode
{
    /// <summary>Somebody has to approve or deny.</summary>
    Manual,
    Approve,
    Deny,
    /// <summary>Never answers; the push expires.</summary>
    Ignore,
}

/// <summary>What came of the phone's call to the appliance.</summary>
public enum AnswerOutcome
{
    /// <summary>200.</summary>
    Accepted,
    /// <summary>401, or any other status.</summary>
    Refused,
    Unreachable,
    CertificateRefused,
}

/// <summary>The last answer of a phone. <paramref name="Status"/> is null when no HTTP answer came.</summary>
public sealed record PhoneAnswer(string Session, bool Approved, int? Status, AnswerOutcome Outcome, string Detail, DateTimeOffset Time)
{
    public string OutcomeText => Outcome switch
    {
        AnswerOutcome.Accepted => "accepted",
        AnswerOutcome.Refused => "refused",
        AnswerOutcome.CertificateRefused => "certificate refused",
        _ => "unreachable",
    };
}

/// <summary>The proof that an alert comes from the holder of the seed (docs/push-dialect.md).</summary>
public static class AlertSignature
{
    private const int KeyLength = 32;

    /// <summary>Lower-case hex of HMAC-SHA-256 over session, action and message, under a key derived from the seed.</summary>
    public static string Compute(ReadOnlySpan<byte> seed, string sessionId, string message)
    {
        Span<byte> key = stackalloc byte[KeyLength];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, seed, key, salt: [], info: "ftm-push alert v1"u8);
        var signature = HMACSHA256.HashData(key, Encoding.UTF8.GetBytes($"{sessionId}\nalert\n{message}"));
        CryptographicOperations.ZeroMemory(key);
        return Convert.ToHexStringLower(signature);
    }
}
