using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Appliance.Doubles.Clock;
using Appliance.Doubles.LastHop;
using Appliance.Tests.EndToEnd;

namespace Appliance.Tests.Sim;

/// <summary>
/// Debian's mosquitto on a free port of loopback, with one user whose name and password it requires; on request over TLS, with a separate
/// CA.
/// </summary>
internal sealed class Mosquitto : IAsyncDisposable
{
    private readonly DirectoryInfo _folder;
    private readonly Process _process;

    private Mosquitto(DirectoryInfo folder, Process process, MqttAddress address)
    {
        _folder = folder;
        _process = process;
        Address = address;
    }

    public MqttAddress Address { get; }

    public static async Task<Mosquitto> StartAsync(bool tls = false)
    {
        var folder = Directory.CreateTempSubdirectory("appliance-mosquitto-");
        var passwords = Path.Combine(folder.FullName, "passwords");
        // Absent programs skip the test by name.
        await Peer.RunAsync("mosquitto_passwd", ["-c", "-b", passwords, "lab", "lab-password"]);
        using var free = new TcpListener(IPAddress.Loopback, 0);
        free.Start();
        var port = ((IPEndPoint)free.LocalEndpoint).Port;
        free.Stop();
        var configuration = Path.Combine(folder.FullName, "mosquitto.conf");
        var ca = Path.Combine(folder.FullName, "ca.pem");
        if (tls)
        {
            var now = LabClock.Wall.GetUtcNow();
            using var authority = CallbackServer.MakeCa(now);
            using var certificate = CallbackServer.MakeServer(authority, IPAddress.Loopback, now.AddDays(-1), now.AddDays(1));
            using var key = certificate.GetECDsaPrivateKey()!;
            await File.WriteAllTextAsync(ca, authority.ExportCertificatePem());
            await File.WriteAllTextAsync(Path.Combine(folder.FullName, "broker.pem"), certificate.ExportCertificatePem());
            await File.WriteAllTextAsync(Path.Combine(folder.FullName, "broker.key"), key.ExportPkcs8PrivateKeyPem());
        }
        var secure = tls ? $"cafile {ca}\ncertfile {folder.FullName}/broker.pem\nkeyfile {folder.FullName}/broker.key\n" : "";
        await File.WriteAllTextAsync(
            configuration,
            string.Create(
                CultureInfo.InvariantCulture,
                $"listener {port} 127.0.0.1\n{secure}allow_anonymous false\npassword_file {passwords}\nuser root\n"
            )
        );
        var process = Process.Start(
            new ProcessStartInfo("mosquitto", ["-c", configuration]) { RedirectStandardError = true, RedirectStandardOutput = true }
        )!;
        var started = new Mosquitto(
            folder,
            process,
            new MqttAddress("127.0.0.1", port, "lab", "lab-password", tls, tls ? ca : null).WithAuthority()
        );
        await Until.TrueAsync(async () => !process.HasExited && !await Web.IsRefusedAsync("127.0.0.1", port), "mosquitto");
        return started;
    }

    public async ValueTask DisposeAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        _folder.Delete(recursive: true);
    }
}
