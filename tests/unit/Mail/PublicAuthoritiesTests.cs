using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Appliance.Firmware.Certificates;
using Xunit;

namespace Appliance.Tests.Mail;

public sealed class PublicAuthoritiesTests : IDisposable
{
    private static readonly DateTimeOffset Now = TimeProvider.System.GetUtcNow();
    private readonly string _file = Path.GetTempFileName();

    public void Dispose() => File.Delete(_file);

    [Fact]
    public void OnlyThoseOfTheFileAreTrusted()
    {
        using var known = Authority("CN=known");
        using var stranger = Authority("CN=stranger");
        File.WriteAllText(_file, known.ExportCertificatePem());
        Assert.True(IsTrusted(Server(known), PublicAuthorities.Policy(_file)));
        Assert.False(IsTrusted(Server(stranger), PublicAuthorities.Policy(_file)));

        // The distribution has others now.
        File.WriteAllText(_file, stranger.ExportCertificatePem());
        File.SetLastWriteTimeUtc(_file, Now.UtcDateTime.AddHours(1));
        Assert.False(IsTrusted(Server(known), PublicAuthorities.Policy(_file)));
        Assert.True(IsTrusted(Server(stranger), PublicAuthorities.Policy(_file)));
    }

    [Fact]
    public void WithoutAFileNobodyIs()
    {
        using var known = Authority("CN=known");
        Assert.False(IsTrusted(Server(known), PublicAuthorities.Policy(null)));
    }

    [Fact]
    public void TheDistributionsAreFoundAndRead()
    {
        Assert.NotNull(PublicAuthorities.File);
        Assert.NotEmpty(PublicAuthorities.Policy(PublicAuthorities.File).CustomTrustStore);
    }

    private static bool IsTrusted(X509Certificate2 server, X509ChainPolicy policy)
    {
        using var chain = new X509Chain { ChainPolicy = policy };
        using (server)
        {
            return chain.Build(server);
        }
    }

    private static X509Certificate2 Authority(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, critical: true));
        return request.CreateSelfSigned(Now.AddDays(-2), Now.AddDays(2));
    }

    private static X509Certificate2 Server(X509Certificate2 authority)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return new CertificateRequest("CN=mail.example.test", key, HashAlgorithmName.SHA256).Create(
            authority,
            Now.AddDays(-1),
            Now.AddDays(1),
            [1, 2, 3]
        );
    }
}
