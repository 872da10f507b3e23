using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Appliance.Firmware.Certificates;

/// <summary>
/// The public CAs that the distribution trusts. Only mail servers are validated against them (<c>email-server</c>, <c>validate-server</c>).
/// Every other peer has its own CA (<see cref="TrustedPeer"/>).
/// </summary>
public static partial class PublicAuthorities
{
    private const string FileVariable = "SSL_CERT_FILE";
    private const string FolderVariable = "SSL_CERT_DIR";

    /// <summary>The paths of the distributions' CA bundles: Debian and derivatives, Fedora and derivatives, Alpine.</summary>
    private static readonly string[] UsualFiles =
    [
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/cert.pem",
    ];

    /// <summary>
    /// The administrator's file, read before <see cref="LeaveUnread"/> changes the environment of the platform; null if none is set.
    /// </summary>
    private static readonly string? OperatorsFile = Environment.GetEnvironmentVariable(FileVariable) is { Length: > 0 } file ? file : null;

    private static volatile Held? _held;

    /// <summary>The CA bundle in use: the administrator's (SSL_CERT_FILE), or the distribution's; null if there is none.</summary>
    public static string? File => OperatorsFile ?? UsualFiles.FirstOrDefault(System.IO.File.Exists);

    /// <summary>
    /// Creates the validation policy for a mail server's certificate: the CAs of a file, without revocation lists. Without a file, no
    /// certificate is trusted.
    /// </summary>
    /// <exception cref="CryptographicException">The file is not a list of certificates.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static X509ChainPolicy Policy(string? file)
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        if (file is not null)
        {
            policy.CustomTrustStore.AddRange(Authorities(file));
        }
        return policy;
    }

    /// <summary>
    /// Prevents the platform from reading all public CAs before it builds its first chain, even one of the unit's own CA. That read took
    /// two thirds of the processor time from start to ready on a box. Only for a process in which no other code needs them. Call before any
    /// certificate is created.
    /// </summary>
    public static void LeaveUnread()
    {
        _ = OperatorsFile; // Initialize the field before the variables change.
        // The platform reads the variables through libc, which is not aware of what Environment sets.
        foreach (var variable in (string[])[FileVariable, FolderVariable])
        {
            if (SetVariable(variable, "/nonexistent", overwrite: 1) != 0)
            {
                throw new InvalidOperationException($"setenv {variable}: {Marshal.GetLastPInvokeErrorMessage()}");
            }
        }
    }

    /// <summary>Reads the CAs once, and again when the file has changed: an e-mail must not cost the reading of 140 certificates.</summary>
    private static X509Certificate2Collection Authorities(string file)
    {
        var written = System.IO.File.GetLastWriteTimeUtc(file);
        if (_held is { } held && held.File == file && held.Written == written)
        {
            return held.Authorities;
        }
        var read = new X509Certificate2Collection();
        read.ImportFromPemFile(file);
        _held = new Held(file, written, read);
        return read;
    }

    [LibraryImport("libc", EntryPoint = "setenv", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetVariable(string name, string value, int overwrite);

    private sealed record Held(string File, DateTime Written, X509Certificate2Collection Authorities);
}
