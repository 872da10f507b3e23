using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Xunit;

namespace Appliance.Tests.Radius;

/// <summary>
/// radsecproxy in front of a FreeRADIUS: accepts TLS from clients whose certificate the test's CA issued, and speaks UDP behind. Its
/// certificate
/// names its address.
/// </summary>
internal sealed class RadSecProxy : IAsyncDisposable
{
    public const string Secret = "radsec";
    public const int Port = 2083;
    private const string ServerAuth = "1.3.6.1.5.5.7.3.1";
    private const string ClientAuth = "1.3.6.1.5.5.7.3.2";
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("appliance-radsec-");
    private readonly X509Certificate2 _authority;
    private Process? _process;

    private RadSecProxy(FreeRadius behind)
    {
        EndPoint = new IPEndPoint(behind.EndPoint.Address, Port);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=RadSec test CA", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        _authority = request.CreateSelfSigned(FreeRadiusTests.Start.AddYears(-20), FreeRadiusTests.Start.AddYears(20));
        (ClientCertificate, ClientKey) = Issue("appliance", IPAddress.None, ClientAuth);
        var (certificate, serverKey) = Issue("server", EndPoint.Address, ServerAuth);
        Write("ca.pem", Authority);
        Write("server.pem", certificate);
        Write("server.key", serverKey);
        Write(
            "radsecproxy.conf",
            $$"""
            ListenTLS {{EndPoint.Address}}:{{Port}}
            LogLevel 3
            tls default {
                CACertificateFile {{_folder.FullName}}/ca.pem
                CertificateFile {{_folder.FullName}}/server.pem
                CertificateKeyFile {{_folder.FullName}}/server.key
            }
            client appliance {
                host 127.0.0.0/8
                type tls
                secret {{Secret}}
                CertificateNameCheck off
            }
            server free {
                host {{behind.EndPoint.Address}}
                port {{behind.EndPoint.Port}}
                type udp
                secret {{FreeRadius.Secret}}
            }
            realm * {
                server free
            }

            """
        );
    }

    public IPEndPoint EndPoint { get; }

    /// <summary>The CA, as PEM.</summary>
    public string Authority => _authority.ExportCertificatePem();

    public string ClientCertificate { get; }

    public string ClientKey { get; }

    public static async Task<RadSecProxy> StartAsync(FreeRadius behind)
    {
        var proxy = new RadSecProxy(behind);
        try
        {
            await proxy.StartAsync();
            return proxy;
        }
        catch
        {
            await proxy.DisposeAsync();
            throw;
        }
    }

    public async Task StartAsync()
    {
        try
        {
            _process = Process.Start(
                new ProcessStartInfo(
                    "radsecproxy",
                    ["-f", "-c", Path.Combine(_folder.FullName, "radsecproxy.conf"), "-i", Path.Combine(_folder.FullName, "pid")]
                )
                {
                    RedirectStandardError = true,
                    RedirectStandardOutput = true,
                }
            )!;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Skip("peer program radsecproxy is not installed");
        }
        _process!.ErrorDataReceived += (_, _) => { };
        _process.OutputDataReceived += (_, _) => { };
        _process.BeginErrorReadLine();
        _process.BeginOutputReadLine();
        await EndToEnd.Until.TrueAsync(
            async () =>
            {
                using var client = new TcpClient();
                try
                {
                    await client.ConnectAsync(EndPoint);
                    return true;
                }
                catch (SocketException)
                {
                    return _process.HasExited ? throw new InvalidOperationException($"radsecproxy ended with {_process.ExitCode}") : false;
                }
            },
            "radsecproxy"
        );
    }

    public async Task KillAsync()
    {
        if (_process is { } process)
        {
            process.Kill();
            await process.WaitForExitAsync();
            process.Dispose();
            _process = null;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        _authority.Dispose();
        _folder.Delete(recursive: true);
    }

    private (string Certificate, string Key) Issue(string name, IPAddress address, string usage)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(usage)], false));
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName($"{name}.example");
        if (!address.Equals(IPAddress.None))
        {
            names.AddIpAddress(address);
        }
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.Create(
            _authority,
            FreeRadiusTests.Start.AddYears(-19),
            FreeRadiusTests.Start.AddYears(19),
            RandomNumberGenerator.GetBytes(8)
        );
        return (certificate.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem());
    }

    private void Write(string name, string text) => File.WriteAllText(Path.Combine(_folder.FullName, name), text);
}
