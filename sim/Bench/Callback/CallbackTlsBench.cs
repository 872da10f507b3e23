using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Appliance.Doubles.Clock;
using Appliance.Firmware.Certificates;
using Appliance.Hal;

namespace Appliance.Bench.Callback;

/// <summary>Handshakes, and what other programs make of the same port.</summary>
internal static class CallbackTlsBench
{
    private const int AtOnce = 8;
    private static readonly string[] Programs = ["/usr/sbin/nginx", "/usr/bin/nginx"];

    internal static async Task<CallbackHandshakes> HandshakesAsync(
        CallbackBench.Arena arena,
        CallbackScale scale,
        CancellationToken cancellationToken
    )
    {
        List<double> kestrel = [];
        List<double> ours = [];
        List<double> resuming = [];
        for (var run = 0; run <= scale.Runs; run++)
        {
            var rates = (
                Kestrel: await RateAsync(arena.KestrelTls, scale.Handshakes, resume: false, cancellationToken),
                Ours: await RateAsync(arena.MemoryTls, scale.Handshakes, resume: false, cancellationToken),
                Resuming: await RateAsync(arena.MemoryTls, scale.Handshakes, resume: true, cancellationToken)
            );
            if (run > 0)
            {
                kestrel.Add(rates.Kestrel);
                ours.Add(rates.Ours);
                resuming.Add(rates.Resuming);
            }
        }
        return new CallbackHandshakes(
            Math.Round(CallbackBench.Middle(kestrel)),
            Math.Round(CallbackBench.Middle(ours)),
            Math.Round(CallbackBench.Middle(resuming)),
            Math.Round(CallbackBench.Middle(ours.Zip(kestrel, (our, their) => our / their)), 2),
            await IsResumedAsync(arena.MemoryLoopback.To, cancellationToken)
        );
    }

    private static async Task<double> RateAsync(
        CallbackBench.Contender contender,
        int count,
        bool resume,
        CancellationToken cancellationToken
    )
    {
        var tls = CallbackBench.Arena.Tls(resume);
        var began = LabClock.Wall.GetTimestamp();
        await Task.WhenAll(
            Enumerable
                .Range(0, AtOnce)
                .Select(_ =>
                    Task.Run(
                        async () =>
                        {
                            for (var number = 0; number < count / AtOnce; number++)
                            {
                                await (
                                    await CallbackPlace.ConnectAsync(contender.From, contender.To, tls, cancellationToken)
                                ).DisposeAsync();
                            }
                        },
                        cancellationToken
                    )
                )
        );
        return count / AtOnce * AtOnce / LabClock.Wall.GetElapsedTime(began).TotalSeconds;
    }

    /// <summary>True if a client with default options resumes its session; null without openssl.</summary>
    private static async Task<bool?> IsResumedAsync(IPEndPoint server, CancellationToken cancellationToken)
    {
        var session = Path.GetTempFileName();
        try
        {
            await SessionAsync(server, ["-sess_out", session], cancellationToken);
            return (await SessionAsync(server, ["-sess_in", session], cancellationToken)).Contains("Reused, TLS", StringComparison.Ordinal);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null; // The program does not exist.
        }
        finally
        {
            File.Delete(session);
        }
    }

    private static async Task<string> SessionAsync(IPEndPoint server, string[] options, CancellationToken cancellationToken)
    {
        using var client = Process.Start(
            new ProcessStartInfo("openssl", ["s_client", "-connect", $"{server}", "-ign_eof", .. options])
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            }
        )!;
        var said = client.StandardOutput.ReadToEndAsync(cancellationToken);
        var complained = client.StandardError.ReadToEndAsync(cancellationToken);
        await client.StandardInput.WriteAsync("GET / HTTP/1.1\r\nHost: callback.test\r\nConnection: close\r\n\r\n");
        await client.StandardInput.FlushAsync(cancellationToken);
        await Task.WhenAll(said, complained);
        return await said;
    }

    /// <summary>nginx that answers everything with an empty 200 over TLS; null when it is not installed.</summary>
    internal static Nginx? StartNginx(string folder, DeviceCertificates certificates)
    {
        var program = Programs.FirstOrDefault(File.Exists);
        if (program is null)
        {
            return null;
        }
        var certificate = certificates.For(CallbackPlace.Service, CallbackRig.Names).TargetCertificate;
        var here = Directory.CreateDirectory(Path.Combine(folder, "nginx")).FullName;
        File.WriteAllText(Path.Combine(here, "certificate.pem"), certificate.ExportCertificatePem());
        File.WriteAllText(Path.Combine(here, "key.pem"), certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());
        int port;
        using (var free = new TcpListener(IPAddress.Loopback, 0))
        {
            free.Start();
            port = ((IPEndPoint)free.LocalEndpoint).Port;
        }
        File.WriteAllText(
            Path.Combine(here, "nginx.conf"),
            $$"""
            daemon off; worker_processes 1; pid {{here}}/pid; error_log {{here}}/error.log;
            events { worker_connections 4096; }
            http {
                access_log off; client_body_temp_path {{here}}/body; proxy_temp_path {{here}}/proxy; fastcgi_temp_path {{here}}/f; uwsgi_temp_path {{here}}/u; scgi_temp_path {{here}}/s;
                keepalive_requests 10000000;
                server { listen 127.0.0.1:{{port}} ssl; ssl_certificate {{here}}/certificate.pem; ssl_certificate_key {{here}}/key.pem; location / { return 200; } }
            }
            """
        );
        return new Nginx(
            Process.Start(
                new ProcessStartInfo(program, ["-p", here, "-c", Path.Combine(here, "nginx.conf")]) { RedirectStandardError = true }
            )!,
            port
        );
    }

    internal sealed class Nginx(Process process, int port) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            using var stopping = process;
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync();
        }

        internal CallbackBench.Contender Contender(INic from) => new(from, new IPEndPoint(IPAddress.Loopback, port), null);
    }
}
