using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Appliance.Firmware.Certificates;

/// <summary>
/// Validates the certificate of a TLS peer against the given CAs, a name (null for any) and a time. The system's trust store plays no part.
/// </summary>
public static class TrustedPeer
{
    private const string ServerAuth = "1.3.6.1.5.5.7.3.1"; // RFC 5280, section 4.2.1.12
    private const string ClientAuth = "1.3.6.1.5.5.7.3.2";

    /// <summary>
    /// A policy for connections whose peer is validated by this class. Before its callback, the platform builds its own chain. Without this
    /// policy, it sorts all public CAs of the system for that, once per connection (docs/develop/performance.md).
    /// </summary>
    public static X509ChainPolicy NoPublicAuthorities() =>
        new()
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
        };

    /// <summary>Returns null when the certificate is valid, otherwise the cause in a few words for a log.</summary>
    public static string? Refusal(
        X509Certificate2? certificate,
        X509Chain? presented,
        IReadOnlyList<X509Certificate2> authorities,
        string? host,
        DateTimeOffset now
    )
    {
        if (ChainRefusal(certificate, presented, authorities, ServerAuth, now) is { } refusal)
        {
            return refusal;
        }
        return host is null || certificate!.MatchesHostname(host, allowWildcards: false, allowCommonName: false) ? null : $"not for {host}";
    }

    /// <summary>Validates a client's certificate in the same way, without a host name.</summary>
    public static string? ClientRefusal(
        X509Certificate2? certificate,
        X509Chain? presented,
        IReadOnlyList<X509Certificate2> authorities,
        DateTimeOffset now
    ) => ChainRefusal(certificate, presented, authorities, ClientAuth, now);

    private static string? ChainRefusal(
        X509Certificate2? certificate,
        X509Chain? presented,
        IReadOnlyList<X509Certificate2> authorities,
        string purpose,
        DateTimeOffset now
    )
    {
        if (certificate is null)
        {
            return "no certificate";
        }
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(authorities.ToArray());
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.VerificationTime = now.UtcDateTime;
        chain.ChainPolicy.ApplicationPolicy.Add(new Oid(purpose));
        if (presented is not null)
        {
            chain.ChainPolicy.ExtraStore.AddRange(presented.ChainPolicy.ExtraStore);
        }
        return chain.Build(certificate)
            ? null
            : "not from the trusted CA: " + string.Join(", ", chain.ChainStatus.Select(status => status.Status));
    }
}
