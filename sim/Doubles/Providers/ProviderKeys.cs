using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Appliance.Firmware.Certificates;
using Appliance.Firmware.Config;

namespace Appliance.Doubles.Providers;

/// <summary>A service account's key file, in Google's own form; other fields are ignored.</summary>
internal sealed record ServiceAccountFile(
    string Type,
    string ProjectId,
    string PrivateKeyId,
    string PrivateKey,
    string ClientEmail,
    string TokenUri
);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(ServiceAccountFile))]
internal sealed partial class ServiceAccountJson : JsonSerializerContext;

/// <summary>
/// The keys with which the lab's push proxy authenticates to the lab's test doubles, and their certificates. They are created in a folder
/// on the first start, in the providers' own file formats, and reused later. Several processes may start on one new folder at the same
/// time: all use the keys of the first.
/// </summary>
internal sealed class ProviderKeys : IDisposable
{
    public const string TeamId = "LABTEAM001";
    public const string ApnsKeyId = "LABKEY0001";
    public const string Topic = "lab.appliance.ftm";
    public const string ProjectId = "lab-appliance";
    public const string SenderId = "100000000001";
    private const string FcmKeyId = "lab-key-1";
    private const string Email = "lab-push@lab-appliance.iam.gserviceaccount.com";
    private const int RsaBits = 2048;

    private readonly DeviceCertificates _certificates;

    private ProviderKeys(DeviceCertificates certificates, ECDsa apns, RSA fcm)
    {
        _certificates = certificates;
        Apns = apns;
        Fcm = fcm;
    }

    /// <summary>The signing key of provider tokens.</summary>
    public ECDsa Apns { get; }

    /// <summary>The signing key of assertions.</summary>
    public RSA Fcm { get; }

    /// <summary>The key file of APNs (PKCS #8 in PEM).</summary>
    public required string ApnsFile { get; init; }

    /// <summary>The file of the CA of the lab's servers (PEM).</summary>
    public required string AuthorityFile { get; init; }

    /// <summary>The CA of the lab's servers.</summary>
    public X509Certificate2 Authority => _certificates.Authority;

    /// <summary>Opens a folder and creates the missing keys.</summary>
    /// <exception cref="InvalidDataException">A key file exists and cannot be read.</exception>
    public static ProviderKeys Open(string folder, TimeProvider time)
    {
        var certificates = DeviceCertificates.Open(folder, "Lab providers", time);
        var apnsFile = Path.Combine(folder, "apns.p8");
        var fcmFile = Path.Combine(folder, "fcm.key");
        var authorityFile = Path.Combine(folder, "authority.pem");
        var apns = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        Keep(apnsFile, apns.ExportPkcs8PrivateKeyPem, apns.ImportFromPem);
        var fcm = RSA.Create();
        Keep(fcmFile, () => Fresh(fcm), fcm.ImportFromPem);
        AtomicFile.TryCreate(authorityFile, Encoding.ASCII.GetBytes(certificates.Authority.ExportCertificatePem() + "\n"));
        return new ProviderKeys(certificates, apns, fcm) { ApnsFile = apnsFile, AuthorityFile = authorityFile };
    }

    /// <summary>Returns the certificate of a lab server on loopback, which also contains a host name.</summary>
    public SslStreamCertificateContext For(string service, string host) =>
        _certificates.For(service, new CertificateNames([host, "localhost"], [IPAddress.Loopback]));

    /// <summary>Returns the service account's key file for a token endpoint.</summary>
    public ServiceAccountFile AccountFile(Uri tokenUri) =>
        new("service_account", ProjectId, FcmKeyId, Fcm.ExportPkcs8PrivateKeyPem(), Email, tokenUri.AbsoluteUri);

    /// <summary>Returns the account in the test double's form.</summary>
    public ServiceAccount Account() => new(Email, FcmKeyId, Fcm);

    /// <summary>Writes the account's key file beside the others and returns its path.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="tokenUri">The token endpoint that the file names.</param>
    /// <param name="name">The file's name.</param>
    public string WriteAccountFile(string folder, Uri tokenUri, string name = "fcm.json")
    {
        var file = Path.Combine(folder, name);
        AtomicFile.Write(file, JsonSerializer.SerializeToUtf8Bytes(AccountFile(tokenUri), ServiceAccountJson.Default.ServiceAccountFile));
        return file;
    }

    public void Dispose()
    {
        Apns.Dispose();
        Fcm.Dispose();
        _certificates.Dispose();
    }

    private static string Fresh(RSA key)
    {
        using var made = RSA.Create(RsaBits);
        key.ImportParameters(made.ExportParameters(true));
        return key.ExportPkcs8PrivateKeyPem();
    }

    private static void Keep(string file, Func<string> make, ImportPem import)
    {
        if (!File.Exists(file))
        {
            AtomicFile.TryCreate(file, Encoding.ASCII.GetBytes(make() + "\n"));
        }
        try
        {
            import(File.ReadAllText(file));
        }
        catch (Exception wrong) when (wrong is ArgumentException or CryptographicException)
        {
            throw new InvalidDataException($"{file} is not a private key", wrong);
        }
    }

    private delegate void ImportPem(ReadOnlySpan<char> pem);
}
