using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Appliance.Firmware.Radius;
using Appliance.Tests.EndToEnd;
using Xunit;

namespace Appliance.Tests.Radius;

/// <summary>RADIUS over TLS, with radsecproxy in between and by hand.</summary>
[Trait("Peer", "radsecproxy")]
[Trait("Peer", "radclient")]
public sealed class RadSecTests : IDisposable
{
    private const string Secret = "radsec";
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("appliance-radsec-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData(null)]
    [InlineData("ours")]
    public async Task RadsecproxyStandsInBetween(string? authority)
    {
        await using var lab = await TestLab.StartAsync(
            fac: "push-without-challenge",
            facClientCa: authority is null ? null : Issue(authority).Authority
        );
        using var stop = new CancellationTokenSource();
        var proxy = ProxyAsync(lab, Issue("ours"), stop.Token);
        try
        {
            var accepted = await RadclientAsync(lab, "auth", "User-Name=\"bob\",User-Password=\"bob-password\",Message-Authenticator=0x00");
            Assert.Contains("Received Access-Accept", accepted.Output, StringComparison.Ordinal);
            Assert.Contains("Fortinet-Group-Name = \"vpn-users\"", accepted.Output, StringComparison.Ordinal);
            Assert.Contains(
                "Received Access-Reject",
                (await RadclientAsync(lab, "auth", "User-Name=\"bob\",User-Password=\"wrong\"")).Output,
                StringComparison.Ordinal
            );
            Assert.Contains(
                "Received Accounting-Response",
                (await RadclientAsync(lab, "acct", "User-Name=\"bob\",Acct-Status-Type=Start,Acct-Session-Id=\"B7\"")).Output,
                StringComparison.Ordinal
            );
            Assert.Contains(lab.Fac.Events.After(0), record => record.Line.Contains("accounting-start", StringComparison.Ordinal));
            var pushed = RadclientAsync(lab, "auth", "User-Name=\"ann\",User-Password=\"ann-password\"");
            await lab.PushPendingAsync();
            Assert.Equal(200, await lab.AnswerStatusAsync("approve"));
            Assert.Contains("Received Access-Accept", (await pushed).Output, StringComparison.Ordinal);
        }
        finally
        {
            await stop.CancelAsync();
            await proxy;
        }
    }

    [Fact]
    public async Task AnotherAuthoritysClientGetsNothing()
    {
        await using var lab = await TestLab.StartAsync(fac: "code-or-empty", facClientCa: Issue("ours").Authority);
        var another = Issue("another");
        using var certificate = X509CertificateLoader.LoadPkcs12(
            X509Certificate2.CreateFromPemFile(another.Certificate, another.Key).Export(X509ContentType.Pkcs12),
            null
        );
        foreach (var shown in new[] { [certificate], new X509CertificateCollection() })
        {
            await Assert.ThrowsAnyAsync<Exception>(async () =>
            {
                await using var tls = await ConnectAsync(lab, shown);
                await tls.WriteAsync(Request(1, "bob", "bob-password"));
                await ReadPacketAsync(tls);
            });
        }
        Assert.Equal(0, lab.Fac.Counters().Answered);
    }

    /// <summary>
    /// Packets may arrive in other pieces than they were sent. A packet without a recognizable end closes its connection, and no other.
    /// </summary>
    [Fact]
    public async Task PacketsAreToldApart()
    {
        await using var lab = await TestLab.StartAsync(fac: "code-or-empty");
        await using var other = await ConnectAsync(lab, []);
        await using (var tls = await ConnectAsync(lab, []))
        {
            byte[] both = [.. Request(1, "bob", "bob-password"), .. Request(2, "bob", "wrong")];
            foreach (var part in both.Chunk(33))
            {
                await tls.WriteAsync(part);
                await tls.FlushAsync();
            }
            Assert.Equal([(2, 1), (3, 2)], [Head(await ReadPacketAsync(tls)), Head(await ReadPacketAsync(tls))]);
            byte[] bad = [1, 3, 0xff, 0xff, .. new byte[16]];
            await tls.WriteAsync(bad);
            Assert.Equal(0, await tls.ReadAsync(new byte[1]));
        }
        await other.WriteAsync(Request(9, "bob", "bob-password"));
        Assert.Equal((2, 9), Head(await ReadPacketAsync(other)));
        Assert.Equal(1, lab.Fac.Counters().Dropped["malformed_BadLength"]);
    }

    private static (int Code, int Identifier) Head(byte[] packet) => (packet[0], packet[1]);

    private static byte[] Request(byte identifier, string user, string password) =>
        PacketScript.Encode(
            $"Access-Request {identifier} {Convert.ToHexString(RandomNumberGenerator.GetBytes(16))} Message-Authenticator User-Name=\"{user}\" User-Password=\"{password}\"",
            new RadiusSecret(Secret)
        );

    private static async Task<SslStream> ConnectAsync(TestLab lab, X509CertificateCollection certificates)
    {
        var tcp = new TcpClient();
        await tcp.ConnectAsync(lab.Fac.RadSec!);
        var tls = new SslStream(tcp.GetStream());
        await tls.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions
            {
                TargetHost = lab.Fac.RadSec!.Address.ToString(),
                ClientCertificates = certificates,
                CertificateChainPolicy = new X509ChainPolicy
                {
                    TrustMode = X509ChainTrustMode.CustomRootTrust,
                    CustomTrustStore = { lab.Fac.Authority },
                    RevocationMode = X509RevocationMode.NoCheck,
                    VerificationTime = lab.Clock.GetUtcNow().UtcDateTime,
                },
            }
        );
        return tls;
    }

    private static async Task<byte[]> ReadPacketAsync(SslStream tls)
    {
        var head = new byte[4];
        await tls.ReadExactlyAsync(head);
        var packet = new byte[(head[2] << 8) | head[3]];
        head.CopyTo(packet, 0);
        await tls.ReadExactlyAsync(packet.AsMemory(4));
        return packet;
    }

    private static Task<PeerRun> RadclientAsync(TestLab lab, string what, string attributes) =>
        Peer.RunAsync("radclient", ["-x", "-r", "8", "-t", "3", $"{lab.Network}.20:1812", what, FacFixture.SecretText], attributes + "\n");

    private Task<PeerRun> ProxyAsync(TestLab lab, (string Authority, string Certificate, string Key) client, CancellationToken stop)
    {
        var ca = Path.Combine(_folder.FullName, "server-ca.pem");
        File.WriteAllText(ca, lab.Fac.Authority.ExportCertificatePem());
        var file = Path.Combine(_folder.FullName, "radsecproxy.conf");
        File.WriteAllText(
            file,
            $$"""
            ListenUDP {{lab.Network}}.20:1812
            LogLevel 3
            tls default {
                CACertificateFile {{ca}}
                CertificateFile {{client.Certificate}}
                CertificateKeyFile {{client.Key}}
            }
            client nas {
                type udp
                host 127.0.0.0/8
                secret {{FacFixture.SecretText}}
            }
            server fac {
                type tls
                host {{lab.Network}}.10
                port {{lab.Fac.RadSec!.Port}}
                secret {{Secret}}
            }
            realm * {
                server fac
                accountingServer fac
            }

            """
        );
        return Peer.RunAsync("radsecproxy", ["-f", "-c", file], stop: stop);
    }

    /// <summary>A CA and a client certificate of it, as files.</summary>
    private (string Authority, string Certificate, string Key) Issue(string name)
    {
        string In(string file) => Path.Combine(_folder.FullName, $"{name}-{file}.pem");
        if (!File.Exists(In("ca")))
        {
            using var caKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            var caRequest = new CertificateRequest($"CN={name} client CA", caKey, HashAlgorithmName.SHA256);
            caRequest.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
            using var ca = caRequest.CreateSelfSigned(new(2024, 1, 1, 0, 0, 0, TimeSpan.Zero), new(2049, 1, 1, 0, 0, 0, TimeSpan.Zero));
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            var request = new CertificateRequest("CN=proxy", key, HashAlgorithmName.SHA256);
            request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.2")], false));
            using var leaf = request.Create(
                ca,
                new(2024, 1, 2, 0, 0, 0, TimeSpan.Zero),
                new(2048, 1, 1, 0, 0, 0, TimeSpan.Zero),
                [1, 2, 3, 4]
            );
            File.WriteAllText(In("cert"), leaf.ExportCertificatePem());
            File.WriteAllText(In("key"), key.ExportPkcs8PrivateKeyPem());
            File.WriteAllText(In("ca"), ca.ExportCertificatePem());
        }
        return (In("ca"), In("cert"), In("key"));
    }
}
