using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Appliance.Doubles.Clock;
using Appliance.Doubles.Failures;
using Appliance.Firmware.Radius;

namespace Appliance.Bench;

/// <summary>One server under the load: medians of the rounds.</summary>
internal sealed record RadiusServerFigures(double AnsweredPerSecond, double CpuMicrosecondsPerAnswer, long NotAccepted, long Lost);

/// <summary>Requests that wait for phones.</summary>
internal sealed record RadiusWaitFigures(
    int Waiting,
    [property: JsonPropertyName("residentMiB")] double ResidentMiB,
    int ThreadsBefore,
    int ThreadsWhileWaiting
);

/// <summary>
/// The FortiAuthenticator emulator against FreeRADIUS on the same machine. Ratios are ours over theirs. The client's figures accompany the
/// server's,
/// from the same run.
/// </summary>
internal sealed record RadiusFigures(
    string Bench,
    int Rounds,
    RadiusServerFigures Ours,
    RadiusServerFigures FreeRadius,
    double CpuRatio,
    double AnsweredRatio,
    RadiusClientFigures ClientToFreeRadius,
    RadiusClientFigures ClientToOurs,
    RadiusWaitFigures Waiting
);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(RadiusFigures))]
internal sealed partial class RadiusBenchJson : JsonSerializerContext;

/// <summary><c>bench radius</c>: servers in turn, five rounds, medians.</summary>
internal static class RadiusBench
{
    private const int Rounds = 5;
    private const int Users = 1000;
    private const int Pushes = 10_000;
    private const int AtOnce = 250;
    private const string Secret = "testing123";
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Round = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public static async Task<string> RunAsync(bool json, CancellationToken cancellationToken)
    {
        var figures = await MeasureAsync(cancellationToken);
        return json
            ? JsonSerializer.Serialize(figures, RadiusBenchJson.Default.RadiusFigures)
            : string.Create(
                CultureInfo.InvariantCulture,
                $"""
                radius: {figures.Ours.AnsweredPerSecond:0} answered/s at {figures.Ours.CpuMicrosecondsPerAnswer} µs of CPU each; FreeRADIUS {figures.FreeRadius.AnsweredPerSecond:0}/s at {figures.FreeRadius.CpuMicrosecondsPerAnswer} µs
                ratios to FreeRADIUS: CPU {figures.CpuRatio}, answered {figures.AnsweredRatio} (medians of {figures.Rounds})
                {Line("FreeRADIUS", figures.ClientToFreeRadius)}
                {Line("our server", figures.ClientToOurs)}
                {figures.Waiting.Waiting} pushes wait in {figures.Waiting.ResidentMiB} MiB with {figures.Waiting.ThreadsWhileWaiting} threads ({figures.Waiting.ThreadsBefore} before)
                """
            );
    }

    private static string Line(string server, RadiusClientFigures figures) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"to {server}: our client {figures.Ours.AnsweredPerSecond:0} answered/s at {figures.Ours.CpuMicrosecondsPerAnswer} µs of CPU each; radclient -p {figures.Outstanding} {figures.Radclient.AnsweredPerSecond:0}/s at {figures.Radclient.CpuMicrosecondsPerAnswer} µs; ratios: answered {figures.AnsweredRatio}, CPU {figures.CpuRatio}"
        );

    private static async Task<RadiusFigures> MeasureAsync(CancellationToken cancellationToken)
    {
        var folder = Directory.CreateTempSubdirectory("appliance-bench-");
        try
        {
            var (ours, freeRadius, toFreeRadius, toOurs) = await CompareAsync(folder, cancellationToken);
            return new RadiusFigures(
                "radius",
                Rounds,
                ours,
                freeRadius,
                Math.Round(ours.CpuMicrosecondsPerAnswer / freeRadius.CpuMicrosecondsPerAnswer, 2),
                Math.Round(ours.AnsweredPerSecond / freeRadius.AnsweredPerSecond, 2),
                toFreeRadius,
                toOurs,
                await WaitAsync(folder, cancellationToken)
            );
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task<(
        RadiusServerFigures Ours,
        RadiusServerFigures FreeRadius,
        RadiusClientFigures ToFreeRadius,
        RadiusClientFigures ToOurs
    )> CompareAsync(DirectoryInfo folder, CancellationToken cancellationToken)
    {
        var users = Enumerable
            .Range(1, Users)
            .Select(number => (Name: $"user{number}", Password: $"password-{number}", Group: "vpn-users"))
            .ToArray();
        var theirPort = FreePort();
        var (ours, atOurs, _) = await StandInAsync(
            folder.CreateSubdirectory("fac"),
            "code-or-empty",
            [.. users.Select(user => (user.Name, user.Password, user.Group, (string?)null))],
            cancellationToken
        );
        await using (ours)
        {
            await using var theirs = await FreeRadius.StartAsync(
                folder.CreateSubdirectory("freeradius").FullName,
                theirPort,
                Secret,
                users,
                cancellationToken
            );
            using var load = new RadiusLoad(new RadiusSecret(Secret), users);
            var atTheirs = new IPEndPoint(IPAddress.Loopback, theirPort);
            load.Run(atOurs, WarmUp, cancellationToken);
            load.Run(atTheirs, WarmUp, cancellationToken);
            var (ourRounds, theirRounds) = (new List<RadiusServerFigures>(), new List<RadiusServerFigures>());
            for (var round = 0; round < Rounds; round++)
            {
                ourRounds.Add(One(load, ours, atOurs, cancellationToken));
                theirRounds.Add(One(load, theirs, atTheirs, cancellationToken));
            }
            // The second measures the clients where the server does not limit both.
            var toFreeRadius = await RadiusClientBench.MeasureAsync(
                folder.FullName,
                theirs,
                atTheirs,
                Secret,
                users,
                Rounds,
                cancellationToken
            );
            var toOurs = await RadiusClientBench.MeasureAsync(folder.FullName, ours, atOurs, Secret, users, Rounds, cancellationToken);
            return (Median(ourRounds), Median(theirRounds), toFreeRadius, toOurs);
        }
    }

    private static RadiusServerFigures One(RadiusLoad load, BenchProcess server, IPEndPoint at, CancellationToken cancellationToken)
    {
        var before = server.Cpu;
        var result = load.Run(at, Round, cancellationToken);
        var cpu = server.Cpu - before;
        return new(
            result.Accepted / result.Took.TotalSeconds,
            cpu.TotalMicroseconds / Math.Max(1, result.Accepted),
            result.Other,
            result.Lost
        );
    }

    private static RadiusServerFigures Median(List<RadiusServerFigures> rounds) =>
        new(
            Math.Round(Middle(rounds.Select(round => round.AnsweredPerSecond))),
            Math.Round(Middle(rounds.Select(round => round.CpuMicrosecondsPerAnswer)), 2),
            rounds.Sum(round => round.NotAccepted),
            rounds.Sum(round => round.Lost)
        );

    private static double Middle(IEnumerable<double> values) => values.Order().ElementAt(Rounds / 2);

    /// <summary>
    /// Begins a login of each user that stays unanswered. Measures the memory of the pending logins and of their phones, which are in the
    /// same process.
    /// </summary>
    private static async Task<RadiusWaitFigures> WaitAsync(DirectoryInfo folder, CancellationToken cancellationToken)
    {
        var users = Enumerable
            .Range(1, Pushes)
            .Select(number =>
                (Name: $"user{number}", Password: $"password-{number}", Group: "vpn-users", Token: (string?)$"FTKMOB{number:D10}")
            )
            .ToArray();
        var standIn = await StandInAsync(folder.CreateSubdirectory("waiting"), "push-without-challenge", users, cancellationToken);
        await using (standIn.Server)
        {
            using var lab = new HttpClient { BaseAddress = standIn.Lab };
            var before = standIn.Server.Threads;
            using var patience = new CancellationTokenSource(Patience, LabClock.Wall);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
            var waiting = 0;
            var sockets = new List<UdpClient>();
            try
            {
                foreach (var part in users.Chunk(AtOnce))
                {
                    var socket = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
                    sockets.Add(socket);
                    socket.Connect(standIn.At);
                    // Repeated until all of them are pending. Requests beyond the socket's buffer are lost, and a pending request is not
                    // sent twice.
                    for (var wanted = waiting + part.Length; waiting < wanted; waiting = await WaitingAsync(lab, wanted, either.Token))
                    {
                        for (var index = 0; index < part.Length; index++)
                        {
                            socket.Send(Request((byte)index, part[index].Name, part[index].Password));
                        }
                    }
                }
                return new RadiusWaitFigures(waiting, Math.Round(standIn.Server.ResidentMiB, 1), before, standIn.Server.Threads);
            }
            catch (OperationCanceledException) when (patience.IsCancellationRequested)
            {
                throw new LabFailure(FailureKind.TimedOut, $"only {waiting} of {Pushes} pushes waited within {Patience.TotalSeconds} s");
            }
            finally
            {
                sockets.ForEach(socket => socket.Dispose());
            }
        }
    }

    /// <summary>The number of pending requests, once it reaches <paramref name="wanted"/> or no longer grows.</summary>
    private static async Task<int> WaitingAsync(HttpClient lab, int wanted, CancellationToken cancellationToken)
    {
        var (waiting, still) = (-1, 0);
        while (still < 20)
        {
            var now = JsonNode.Parse(await lab.GetStringAsync(new Uri("/lab/fac", UriKind.Relative), cancellationToken))![
                "waitingForPhone"
            ]!.GetValue<int>();
            if (now >= wanted)
            {
                return now;
            }
            still = now == waiting ? still + 1 : 0;
            waiting = now;
            await Task.Delay(TimeSpan.FromMilliseconds(5), LabClock.Wall, cancellationToken);
        }
        return waiting;
    }

    private static byte[] Request(byte identifier, string user, string password)
    {
        var secret = new RadiusSecret(Secret);
        Span<byte> buffer = new byte[RadiusPacket.LengthMax];
        Span<byte> hidden = stackalloc byte[RadiusSecret.PasswordMax];
        // Derived from the name alone, so that a repeated request is identical to its last byte.
        var authenticator = SHA256.HashData(Encoding.UTF8.GetBytes(user)).AsSpan(0, RadiusPacket.AuthenticatorLength);
        var writer = new RadiusWriter(buffer, RadiusCode.AccessRequest, identifier, authenticator, sign: true);
        writer.Add(RadiusAttribute.UserName, user);
        writer.Add(RadiusAttribute.UserPassword, hidden[..secret.HidePassword(Encoding.UTF8.GetBytes(password), authenticator, hidden)]);
        return buffer[..writer.EndRequest(secret)].ToArray();
    }

    /// <summary>Starts the emulator as <c>run fac</c> does, without a log of decisions, as FreeRADIUS has none.</summary>
    private static async Task<(BenchProcess Server, IPEndPoint At, Uri Lab)> StandInAsync(
        DirectoryInfo folder,
        string policy,
        IReadOnlyList<(string Name, string Password, string Group, string? Token)> users,
        CancellationToken cancellationToken
    )
    {
        var settings = new JsonObject
        {
            ["address"] = "127.0.0.1",
            ["authPort"] = 0,
            ["acctPort"] = 0,
            ["httpsPort"] = 0,
            ["tokenTimeout"] = 3600,
            ["apiKey"] = Secret,
            ["logDecisions"] = false,
            ["clients"] = new JsonArray(
                new JsonObject
                {
                    ["network"] = "127.0.0.0/8",
                    ["secret"] = Secret,
                    ["policy"] = policy,
                    ["pendingMax"] = 2 * Pushes,
                }
            ),
            ["tokens"] = new JsonArray([
                .. users
                    .Where(user => user.Token is not null)
                    .Select(user =>
                        (JsonNode)
                            new JsonObject
                            {
                                ["serial"] = user.Token,
                                ["seed"] = Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(user.Name))),
                                ["regId"] = $"phone of {user.Name}",
                                ["osVer"] = "ios 18",
                            }
                    ),
            ]),
            ["users"] = new JsonArray([
                .. users.Select(user =>
                    (JsonNode)
                        new JsonObject
                        {
                            ["name"] = user.Name,
                            ["password"] = user.Password,
                            ["group"] = user.Group,
                            ["tokens"] = user.Token is null ? new JsonArray() : new JsonArray(user.Token),
                        }
                ),
            ]),
        };
        var file = Path.Combine(folder.FullName, "fac.json");
        await File.WriteAllTextAsync(file, settings.ToJsonString(), cancellationToken);
        var (program, first) = BootBench.Program();
        var (server, line) = await BenchProcess.StartAsync(
            program,
            [.. first, "fac", "--config", file, "--state", Path.Combine(folder.FullName, "state"), "--lab-port", "0", "--json"],
            "\"ready\":true",
            cancellationToken
        );
        var ready = JsonNode.Parse(line)!;
        var radius = ready["services"]!.AsArray().First(service => service!["service"]!.GetValue<string>() == "radius")!;
        return (server, new IPEndPoint(IPAddress.Loopback, radius["port"]!.GetValue<int>()), new Uri(ready["lab"]!.GetValue<string>()));
    }

    private static int FreePort()
    {
        using var socket = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.Client.LocalEndPoint!).Port;
    }
}
