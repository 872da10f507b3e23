using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;
using Appliance.Firmware.Events;
using Appliance.Firmware.Radius;
using Appliance.Hal.Linux;
using Appliance.Sim.Clock;
using Appliance.Sim.Lab;

namespace Appliance.Sim.Verbs;

/// <summary>The client against one server: medians of the rounds, our client and <c>radclient</c> in turn; the ratio is ours over theirs.</summary>
internal sealed record RadiusClientFigures(string Bench, int Rounds, int Requests, int Outstanding, double AnsweredPerSecond, double RadclientAnsweredPerSecond, double Ratio, double CpuMicrosecondsPerAnswer);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(RadiusClientFigures))]
internal sealed partial class RadiusClientBenchJson : JsonSerializerContext;

/// <summary><c>bench radius-client</c>: PAP Access-Requests with 64 outstanding to FreeRADIUS, by our client and by <c>radclient -p 64</c>.</summary>
internal static class RadiusClientBench
{
    private const int Rounds = 5;
    private const int Requests = 20_000;
    private const int Users = 1000;
    private const int Outstanding = 64;
    private const string Secret = "testing123";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public static async Task<string> RunAsync(bool json, CancellationToken cancellationToken)
    {
        var folder = Directory.CreateTempSubdirectory("appliance-bench-");
        try
        {
            var figures = await MeasureAsync(folder.FullName, cancellationToken);
            return json ? JsonSerializer.Serialize(figures, RadiusClientBenchJson.Default.RadiusClientFigures) : string.Create(CultureInfo.InvariantCulture,
                $"radius-client: {figures.AnsweredPerSecond:0} answered/s at {figures.CpuMicrosecondsPerAnswer} µs of CPU each; radclient -p {Outstanding} {figures.RadclientAnsweredPerSecond:0}/s; ratio {figures.Ratio} (medians of {figures.Rounds})");
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task<RadiusClientFigures> MeasureAsync(string folder, CancellationToken cancellationToken)
    {
        // An address of its own: labs and tests have others. FreeRADIUS adds no Message-Authenticator, and the same is asked of both.
        var server = new IPEndPoint(IPAddress.Parse($"127.59.{1 + (Environment.ProcessId % 250)}.10"), 1812);
        await File.WriteAllTextAsync(Path.Combine(folder, "users"), string.Concat(Enumerable.Range(0, Users).Select(user => $"user{user} Cleartext-Password := \"password-{user}\"\n")), cancellationToken);
        await File.WriteAllTextAsync(Path.Combine(folder, "requests"), string.Concat(Enumerable.Range(0, Users).Select(user => $"User-Name = \"user{user}\"\nUser-Password = \"password-{user}\"\n\n")), cancellationToken);
        await File.WriteAllTextAsync(Path.Combine(folder, "radiusd.conf"), Configuration(folder, server), cancellationToken);
        using var free = await StartAsync(folder, cancellationToken);
        try
        {
            await using var client = new RadiusClient([new SocketNic("port1", IPAddress.Parse("127.0.0.1"))], LabClock.Wall, new DebugTap());
            var settings = new RadiusSettings("bench", [new(server, new RadiusSecret(Secret))], [RadiusScheme.Pap]) { NasId = "bench", RequireMessageAuthenticator = false, Timeout = TimeSpan.FromSeconds(1), ServerTime = TimeSpan.FromSeconds(30) };
            await OursAsync(client, settings);
            await TheirsAsync(folder, server, cancellationToken);
            var (ours, theirs, cpu) = (new List<double>(), new List<double>(), new List<double>());
            for (var round = 0; round < Rounds; round++)
            {
                var before = Process.GetCurrentProcess().TotalProcessorTime;
                ours.Add(Requests / (await OursAsync(client, settings)).TotalSeconds);
                cpu.Add((Process.GetCurrentProcess().TotalProcessorTime - before).TotalMicroseconds / Requests);
                theirs.Add(Requests / (await TheirsAsync(folder, server, cancellationToken)).TotalSeconds);
            }
            return new RadiusClientFigures("radius-client", Rounds, Requests, Outstanding, Math.Round(Median(ours)), Math.Round(Median(theirs)), Math.Round(Median(ours) / Median(theirs), 2), Math.Round(Median(cpu), 1));
        }
        finally
        {
            free.Kill();
            await free.WaitForExitAsync(CancellationToken.None);
        }
    }

    private static async Task<TimeSpan> OursAsync(RadiusClient client, RadiusSettings settings)
    {
        var began = LabClock.Wall.GetTimestamp();
        var next = -1;
        await Task.WhenAll(Enumerable.Range(0, Outstanding).Select(async _ =>
        {
            while (Interlocked.Increment(ref next) is var number && number < Requests)
            {
                var user = number % Users;
                if (await client.AskAsync(settings, new RadiusQuery($"user{user}", $"password-{user}", null, "bench"), CancellationToken.None).ConfigureAwait(false) is not RadiusResult.Accept)
                {
                    throw new LabFailure(ExitCode.AssertionFailed, $"user{user} was not accepted");
                }
            }
        }));
        return LabClock.Wall.GetElapsedTime(began);
    }

    private static async Task<TimeSpan> TheirsAsync(string folder, IPEndPoint server, CancellationToken cancellationToken)
    {
        var began = LabClock.Wall.GetTimestamp();
        string[] arguments = ["-s", "-q", "-p", $"{Outstanding}", "-c", $"{Requests / Users}", "-r", "3", "-t", "5", "-f", Path.Combine(folder, "requests"), $"{server}", "auth", Secret];
        using var radclient = Launch("radclient", arguments);
        var output = await radclient.StandardOutput.ReadToEndAsync(cancellationToken);
        await radclient.WaitForExitAsync(cancellationToken);
        var took = LabClock.Wall.GetElapsedTime(began);
        var accepted = output.Split('\n').Select(line => line.Split(':')).FirstOrDefault(pair => pair.Length == 2 && pair[0].Trim().StartsWith("Accepted", StringComparison.Ordinal));
        return accepted is not null && accepted[1].Trim() == $"{Requests}" ? took : throw new LabFailure(ExitCode.AssertionFailed, $"radclient: {output}");
    }

    private static async Task<Process> StartAsync(string folder, CancellationToken cancellationToken)
    {
        var free = Launch("/usr/sbin/freeradius", ["-f", "-l", "stdout", "-d", folder]);
        using var patience = new CancellationTokenSource(Patience, LabClock.Wall);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        while (await free.StandardOutput.ReadLineAsync(either.Token) is { } line)
        {
            if (line.Contains("Ready to process requests", StringComparison.Ordinal))
            {
                _ = free.StandardOutput.BaseStream.CopyToAsync(Stream.Null, CancellationToken.None);
                return free;
            }
        }
        throw new LabFailure(ExitCode.AssertionFailed, "freeradius ended instead of serving");
    }

    private static Process Launch(string program, string[] arguments)
    {
        try
        {
            return Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
        }
        catch (System.ComponentModel.Win32Exception missing)
        {
            throw new LabFailure(ExitCode.Missing, $"{program} is needed to compare with (Debian: freeradius, freeradius-utils)", missing);
        }
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    private static string Configuration(string folder, IPEndPoint server) => $$"""
        prefix = /usr
        libdir = /usr/lib/freeradius
        raddbdir = {{folder}}
        run_dir = {{folder}}
        logdir = {{folder}}
        hostname_lookups = no
        max_requests = 65536
        log {
            destination = stdout
        }
        security {
            reject_delay = 0
        }
        thread pool {
            start_servers = 2
            max_servers = 4
            min_spare_servers = 1
            max_spare_servers = 2
        }
        modules {
            files {
                usersfile = {{folder}}/users
            }
            pap {
            }
        }
        client load {
            ipaddr = 127.0.0.0/8
            secret = {{Secret}}
        }
        server default {
            listen {
                type = auth
                ipaddr = {{server.Address}}
                port = {{server.Port}}
            }
            authorize {
                files
                pap
            }
            authenticate {
                Auth-Type PAP {
                    pap
                }
            }
        }

        """;
}
