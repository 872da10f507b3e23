using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Appliance.Firmware.Certificates;

/// <summary>
/// The authorities that the distribution trusts. Only mail servers are judged by them (<c>email-server</c>, <c>validate-server</c>); everybody else has an authority
/// of his own (<see cref="TrustedPeer"/>).
/// </summary>
public static partial class PublicAuthorities
{
    private const string FileVariable = "SSL_CERT_FILE";
    private const string FolderVariable = "SSL_CERT_DIR";

    /// <summary>Where distributions keep them, as one file: Debian and its kin, Fedora and its kin, Alpine.</summary>
    private static readonly string[] UsualFiles = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

    /// <summary>Taken before <see cref="LeaveUnread"/> speaks to the platform.</summary>
    private static readonly string? OperatorsFile = Environment.GetEnvironmentVariable(FileVariable) is { Length: > 0 } file ? file : null;

    private static volatile Held? _held;

    private sealed record Held(string File, DateTime Written, X509Certificate2Collection Authorities);

    /// <summary>The file that holds them: the operator's own (SSL_CERT_FILE), or the distribution's; null where there is none.</summary>
    public static string? File => OperatorsFile ?? UsualFiles.FirstOrDefault(System.IO.File.Exists);

    /// <summary>How a mail server's certificate is judged: by the authorities of a file, without revocation lists. Without a file nobody is trusted.</summary>
    /// <exception cref="CryptographicException">The file is no list of certificates.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
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
    /// Keeps the platform from reading all of them before it puts together its first chain, be it one of our own: that was two thirds of the processor time from
    /// start to ready on a box. For a process in which nothing else wants them; to be called before there is any certificate.
    /// </summary>
    public static void LeaveUnread()
    {
        _ = OperatorsFile; // The type's own reading of it comes first.
        // The platform asks libc, which knows nothing of what Environment sets.
        foreach (var variable in (string[])[FileVariable, FolderVariable])
        {
            if (SetVariable(variable, "/nonexistent", overwrite: 1) != 0)
            {
                throw new InvalidOperationException($"setenv {variable}: {Marshal.GetLastPInvokeErrorMessage()}");
            }
        }
    }

    /// <summary>Read once, and anew when the file is another: a letter must not cost the reading of 140 certificates.</summary>
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
}
