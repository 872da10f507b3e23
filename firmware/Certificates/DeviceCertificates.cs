using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Appliance.Firmware.Config;
using Appliance.Firmware.Storage;

namespace Appliance.Firmware.Certificates;

/// <summary>
/// The unit's own CA, created on first boot, and one server certificate for each service. All keys are P-256. They are stored in the state
/// folder, so that a certificate digest that a client has pinned stays valid over restarts. Thread-safe.
/// </summary>
public sealed class DeviceCertificates : IDisposable
{
    // Before any time that this unit's clock can have.
    private static readonly DateTimeOffset NotBefore = new(2024, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly TimeSpan AuthorityLife = TimeSpan.FromDays(365 * 25);
    private static readonly TimeSpan LeafLife = TimeSpan.FromDays(398);
    private static readonly TimeSpan RenewBefore = TimeSpan.FromDays(30);

    private readonly string _folder;
    private readonly TimeProvider _time;
    private readonly X509Certificate2 _authority;
    private readonly Lock _lock = new();
    private readonly Dictionary<string, (SslStreamCertificateContext Context, CertificateNames Names)> _leaves = new(
        StringComparer.Ordinal
    );

    private DeviceCertificates(string folder, TimeProvider time, X509Certificate2 authority)
    {
        _folder = folder;
        _time = time;
        _authority = authority;
        Authority = X509CertificateLoader.LoadCertificate(authority.RawData);
    }

    /// <summary>The public certificate of the CA.</summary>
    public X509Certificate2 Authority { get; }

    /// <summary>Opens the folder. Creates it and the CA if there is none.</summary>
    /// <exception cref="InvalidDataException">The CA's file exists but cannot be read.</exception>
    public static DeviceCertificates Open(string folder, string deviceName, TimeProvider time)
    {
        OwnerOnly.MakeFolder(folder);
        var file = Path.Combine(folder, "ca.pem");
        if (!File.Exists(file))
        {
            // Another process may be starting in this folder: the CA that was created first is used.
            AtomicFile.TryCreate(file, Pem(CreateAuthority(deviceName, time.GetUtcNow())));
        }
        return new(folder, time, Read(file) ?? throw new InvalidDataException("ca.pem is not a certificate with its key"));
    }

    /// <summary>
    /// Returns the certificate of a service for these names. The current one is kept while it has exactly these names and is not about to
    /// expire. Otherwise a new one is created, and is on disk before it is presented.
    /// </summary>
    public SslStreamCertificateContext For(string service, CertificateNames names)
    {
        lock (_lock)
        {
            var now = _time.GetUtcNow();
            if (_leaves.TryGetValue(service, out var held) && held.Names == names && IsFresh(held.Context.TargetCertificate, now))
            {
                return held.Context;
            }
            var file = Path.Combine(_folder, service + ".pem");
            var leaf = Read(file);
            if (
                leaf is null
                || !IsFresh(leaf, now)
                || !names.AreExactly(leaf)
                || !leaf.IssuerName.RawData.AsSpan().SequenceEqual(_authority.SubjectName.RawData)
            )
            {
                leaf?.Dispose();
                leaf = Issue(service, names, now);
                AtomicFile.Write(file, Pem(leaf));
            }
            var context = SslStreamCertificateContext.Create(leaf, [Authority], offline: true);
            _leaves[service] = (context, names);
            return context;
        }
    }

    /// <summary>Returns the certificate that a service presents, or null if it presents none.</summary>
    public X509Certificate2? Shown(string service)
    {
        lock (_lock)
        {
            return _leaves.TryGetValue(service, out var held)
                ? X509CertificateLoader.LoadCertificate(held.Context.TargetCertificate.RawData)
                : null;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _authority.Dispose();
        Authority.Dispose();
    }

    private static bool IsFresh(X509Certificate2 certificate, DateTimeOffset now) =>
        now + RenewBefore < certificate.NotAfter.ToUniversalTime();

    private static X509Certificate2 CreateAuthority(string deviceName, DateTimeOffset now)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(
            new X500DistinguishedName($"CN={deviceName} device CA {Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4))}"),
            key,
            HashAlgorithmName.SHA256
        );
        request.CertificateExtensions.Add(
            new X509BasicConstraintsExtension(
                certificateAuthority: true,
                hasPathLengthConstraint: true,
                pathLengthConstraint: 0,
                critical: true
            )
        );
        request.CertificateExtensions.Add(
            new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true)
        );
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        return request.CreateSelfSigned(NotBefore, now + AuthorityLife);
    }

    private X509Certificate2 Issue(string service, CertificateNames names, DateTimeOffset now)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var subject = new X500DistinguishedNameBuilder();
        subject.AddCommonName($"{names.Hosts[0]} {service}");
        var request = new CertificateRequest(subject.Build(), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], critical: false)); // id-kp-serverAuth
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        request.CertificateExtensions.Add(
            X509AuthorityKeyIdentifierExtension.CreateFromCertificate(_authority, includeKeyIdentifier: true, includeIssuerAndSerial: false)
        );
        request.CertificateExtensions.Add(names.Extension());
        var serial = RandomNumberGenerator.GetBytes(16);
        serial[0] = (byte)((serial[0] & 0x7f) | 0x01); // DER: positive, and without a leading zero.
        using var bare = request.Create(_authority, NotBefore, now + LeafLife, serial);
        return bare.CopyWithPrivateKey(key);
    }

    /// <summary>Encodes a certificate and its private key as PEM.</summary>
    private static byte[] Pem(X509Certificate2 certificate)
    {
        using var key = certificate.GetECDsaPrivateKey()!;
        return Encoding.ASCII.GetBytes(certificate.ExportCertificatePem() + "\n" + key.ExportPkcs8PrivateKeyPem() + "\n");
    }

    /// <summary>Reads a certificate with its key; null if the file does not exist or is invalid.</summary>
    private static X509Certificate2? Read(string file)
    {
        if (!File.Exists(file))
        {
            return null;
        }
        try
        {
            var pem = File.ReadAllText(file);
            return X509Certificate2.CreateFromPem(pem, pem);
        }
        catch (CryptographicException)
        {
            return null;
        }
    }
}

/// <summary>The names and addresses that a server certificate is valid for.</summary>
/// <param name="Hosts">The DNS names, in order; never empty.</param>
/// <param name="Addresses">The IP addresses, in order.</param>
public sealed record CertificateNames(IReadOnlyList<string> Hosts, IReadOnlyList<IPAddress> Addresses)
{
    /// <inheritdoc/>
    public bool Equals(CertificateNames? other) =>
        other is not null && other.Hosts.SequenceEqual(Hosts, StringComparer.Ordinal) && other.Addresses.SequenceEqual(Addresses);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Hosts[0], Addresses.Count);

    /// <summary>Creates the subjectAltName extension.</summary>
    internal X509Extension Extension()
    {
        var names = new SubjectAlternativeNameBuilder();
        foreach (var host in Hosts)
        {
            names.AddDnsName(host);
        }
        foreach (var address in Addresses)
        {
            names.AddIpAddress(address);
        }
        return names.Build();
    }

    /// <summary>Returns true when a certificate has these names and no others.</summary>
    internal bool AreExactly(X509Certificate2 certificate) =>
        certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>().FirstOrDefault() is { } names
        && names.EnumerateDnsNames().SequenceEqual(Hosts)
        && names.EnumerateIPAddresses().SequenceEqual(Addresses);
}
