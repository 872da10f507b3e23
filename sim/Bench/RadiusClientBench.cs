using System.Diagnostics;
using System.Net;
using Appliance.Doubles.Clock;
using Appliance.Doubles.Failures;
using Appliance.Firmware.Events;
using Appliance.Firmware.Radius;
using Appliance.Hal.Linux;

namespace Appliance.Bench;

/// <summary>One client against a server: medians of the rounds, with its own cost and the cost that it causes at the server.</summary>
internal sealed record RadiusAskerFigures(double AnsweredPerSecond, double CpuMicrosecondsPerAnswer, double ServerCpuMicrosecondsPerAnswer);

/// <summary>Our client and <c>radclient -p 64</c> in turn; ratios are ours over theirs.</summary>
internal sealed record RadiusClientFigures(
    int Requests,
    int Outstanding,
    RadiusAskerFigures Ours,
    RadiusAskerFigures Radclient,
    double AnsweredRatio,
    double CpuRatio
);

/// <summary>
/// The client part of <c>bench radius</c>: PAP Access-Requests with 64 outstanding on one socket, by the unit's client and by
/// <c>radclient</c>.
/// </summary>
internal static class RadiusClientBench
{
    private const int Requests = 100_000;
    private const int Outstanding = 64;

    /// <summary>Measures both clients in turn against one server.</summary>
    /// <param name="folder">The folder for a file of requests.</param>
    /// <param name="server">The server.</param>
    /// <param name="at">The server's address.</param>
    /// <param name="secret">The secret shared with the server.</param>
    /// <param name="users">The server's users.</param>
    /// <param name="rounds">The number of rounds of each client.</param>
    /// <param name="cancellationToken">Cancels the measurement.</param>
    public static async Task<RadiusClientFigures> MeasureAsync(
        string folder,
        BenchProcess server,
        IPEndPoint at,
        string secret,
        IReadOnlyList<(string Name, string Password, string Group)> users,
        int rounds,
        CancellationToken cancellationToken
    )
    {
        var file = Path.Combine(folder, "requests");
        await File.WriteAllLinesAsync(
            file,
            users.Select(user => $"User-Name = \"{user.Name}\"\nUser-Password = \"{user.Password}\"\nMessage-Authenticator = 0x00\n"),
            cancellationToken
        );
        string[] arguments =
        [
            "-s",
            "-q",
            "-p",
            $"{Outstanding}",
            "-c",
            $"{Requests / users.Count}",
            "-r",
            "3",
            "-t",
            "5",
            "-f",
            file,
            $"{at}",
            "auth",
            secret,
        ];
        await using var client = new RadiusClient([new SocketNic("port1", IPAddress.Loopback)], LabClock.Wall, new DebugTap());
        // FreeRADIUS of Debian 12 adds no Message-Authenticator by itself.
        var settings = new RadiusSettings("bench", [new(at, new RadiusSecret(secret))], [RadiusScheme.Pap])
        {
            NasId = "bench",
            RequireMessageAuthenticator = false,
            Timeout = TimeSpan.FromSeconds(1),
            ServerTime = TimeSpan.FromSeconds(30),
        };
        var (ours, theirs) = (new List<RadiusAskerFigures>(), new List<RadiusAskerFigures>());
        for (var round = 0; round <= rounds; round++)
        {
            ours.Add(await OneAsync(server, () => OursAsync(client, settings, users)));
            theirs.Add(await OneAsync(server, () => TheirsAsync(arguments, cancellationToken)));
        }
        // The first round compiles, and is not counted.
        var (us, them) = (Median(ours[1..]), Median(theirs[1..]));
        return new RadiusClientFigures(
            Requests,
            Outstanding,
            us,
            them,
            Math.Round(us.AnsweredPerSecond / them.AnsweredPerSecond, 2),
            Math.Round(us.CpuMicrosecondsPerAnswer / them.CpuMicrosecondsPerAnswer, 2)
        );
    }

    private static async Task<RadiusAskerFigures> OneAsync(BenchProcess server, Func<Task<TimeSpan>> askAsync)
    {
        var (before, began) = (server.Cpu, LabClock.Wall.GetTimestamp());
        var cpu = await askAsync();
        var took = LabClock.Wall.GetElapsedTime(began);
        return new(Requests / took.TotalSeconds, cpu.TotalMicroseconds / Requests, (server.Cpu - before).TotalMicroseconds / Requests);
    }

    /// <summary>
    /// Runs concurrent callers, each of which sends its next request as soon as it is answered. Returns the processor time.
    /// </summary>
    private static async Task<TimeSpan> OursAsync(
        RadiusClient client,
        RadiusSettings settings,
        IReadOnlyList<(string Name, string Password, string Group)> users
    )
    {
        var before = Environment.CpuUsage.TotalTime;
        var next = -1;
        await Task.WhenAll(
                Enumerable
                    .Range(0, Outstanding)
                    .Select(async _ =>
                    {
                        while (Interlocked.Increment(ref next) is var number && number < Requests)
                        {
                            var (name, password, _) = users[number % users.Count];
                            if (
                                await client
                                    .AskAsync(settings, new RadiusQuery(name, password, null, "bench"), CancellationToken.None)
                                    .ConfigureAwait(false)
                                is not RadiusResult.Accept
                            )
                            {
                                throw new LabFailure(FailureKind.AssertionFailed, $"{name} was not accepted");
                            }
                        }
                    })
            )
            .ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        return Environment.CpuUsage.TotalTime - before;
    }

    private static async Task<TimeSpan> TheirsAsync(string[] arguments, CancellationToken cancellationToken)
    {
        var before = BenchProcess.EndedChildrenCpu;
        using var radclient = Launch("radclient", arguments);
        var output = await radclient.StandardOutput.ReadToEndAsync(cancellationToken);
        await radclient.WaitForExitAsync(cancellationToken);
        var accepted = output
            .Split('\n')
            .Select(line => line.Split(':'))
            .FirstOrDefault(pair => pair.Length == 2 && pair[0].Trim().StartsWith("Accepted", StringComparison.Ordinal));
        return accepted is not null && accepted[1].Trim() == $"{Requests}"
            ? BenchProcess.EndedChildrenCpu - before
            : throw new LabFailure(FailureKind.AssertionFailed, $"radclient: {output}");
    }

    private static Process Launch(string program, string[] arguments)
    {
        try
        {
            return Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
        }
        catch (System.ComponentModel.Win32Exception missing)
        {
            throw new LabFailure(FailureKind.Missing, $"{program} is needed to compare with (Debian: freeradius-utils)", missing);
        }
    }

    private static RadiusAskerFigures Median(List<RadiusAskerFigures> rounds)
    {
        double Middle(Func<RadiusAskerFigures, double> figure) => rounds.Select(figure).Order().ElementAt(rounds.Count / 2);
        return new(
            Math.Round(Middle(round => round.AnsweredPerSecond)),
            Math.Round(Middle(round => round.CpuMicrosecondsPerAnswer), 1),
            Math.Round(Middle(round => round.ServerCpuMicrosecondsPerAnswer), 1)
        );
    }
}
