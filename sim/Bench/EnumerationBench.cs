using System.Net;
using System.Net.Security;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Appliance.Doubles.Clock;
using Appliance.Doubles.Nics;
using Appliance.Firmware;
using Appliance.Firmware.Ftm;
using Appliance.Hal;
using Appliance.Lab.Composition;
using Microsoft.Extensions.Logging.Abstractions;
using Nerdbank.Streams;

namespace Appliance.Bench;

/// <summary>
/// The information that a wrong password discloses about the name: whether the answers are identical byte for byte, and the difference of
/// the times.
/// <paramref name="T"/> is Welch's t of the two samples without their slowest tenth. Below 4.5 nothing is shown (the rule of dudect).
/// </summary>
internal sealed record EnumerationFigures(
    string Bench,
    int Samples,
    bool SameStatus,
    bool SameBytes,
    double KnownMicrosecondsMedian,
    double UnknownMicrosecondsMedian,
    double DifferenceMillisecondsMedian,
    double T
);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(EnumerationFigures))]
internal sealed partial class EnumerationBenchJson : JsonSerializerContext;

/// <summary>
/// <c>bench enumeration</c>: wrong passwords for names that exist and names that do not, in turn and in random order, over TLS on
/// an interface in memory: as little noise as a client could ever have.
/// </summary>
internal static class EnumerationBench
{
    private const int Samples = 10_000;
    private const int WarmUp = 500;
    private const string NoLimits =
        "config vpn ssl settings\nset login-attempt-limit 0\nend\nconfig user setting\nset auth-lockout-threshold 10\nend\n";
    private static readonly (string Known, string Unknown)[] Names = [("ann", "anm"), ("bob", "bab"), ("cat", "cot")];

    public static async Task<string> RunAsync(bool json, CancellationToken cancellationToken)
    {
        var figures = await MeasureAsync(cancellationToken);
        return json
            ? JsonSerializer.Serialize(figures, EnumerationBenchJson.Default.EnumerationFigures)
            : $"enumeration: {(figures.SameBytes ? "the same bytes" : "DIFFERENT bytes")}; a known name {figures.KnownMicrosecondsMedian} µs, an unknown one {figures.UnknownMicrosecondsMedian} µs (medians of {figures.Samples}); t = {figures.T}";
    }

    internal static async Task<EnumerationFigures> MeasureAsync(CancellationToken cancellationToken, int samples = Samples)
    {
        var state = Directory.CreateTempSubdirectory("appliance-bench-");
        try
        {
            var network = new SimNetwork();
            INic[] nics =
            [
                .. Enumerable.Range(1, 4).Select(number => new SimNic(network, $"port{number}", IPAddress.Parse($"10.0.0.{number}"))),
            ];
            var configuration = LabBoard.DefaultConfiguration(network: "10.0.0") + NoLimits;
            await using var unit = await Unit.StartAsync(
                new UnitOptions(state.FullName, nics, LabClock.Wall, new NoPhones(), configuration, NullLoggerFactory.Instance),
                cancellationToken
            );
            using var client = Client(new SimNic(network, "client", IPAddress.Parse("10.0.0.100")));
            return await CompareAsync(client, samples, cancellationToken);
        }
        finally
        {
            state.Delete(recursive: true);
        }
    }

    private static async Task<EnumerationFigures> CompareAsync(HttpClient client, int samples, CancellationToken cancellationToken)
    {
        var random = new Random(1);
        var (known, unknown) = (new List<double>(samples / 2), new List<double>(samples / 2));
        var (knownAnswers, unknownAnswers) = (new HashSet<string>(StringComparer.Ordinal), new HashSet<string>(StringComparer.Ordinal));
        for (var sample = 0; sample < WarmUp + (samples / 2); sample++)
        {
            var names = Names[sample % Names.Length];
            var knownFirst = random.Next(2) == 0;
            foreach (var isKnown in new[] { knownFirst, !knownFirst })
            {
                var began = LabClock.Wall.GetTimestamp();
                var answer = await TryAsync(client, isKnown ? names.Known : names.Unknown, cancellationToken);
                var took = LabClock.Wall.GetElapsedTime(began).TotalMicroseconds;
                if (sample >= WarmUp)
                {
                    (isKnown ? known : unknown).Add(took);
                    (isKnown ? knownAnswers : unknownAnswers).Add(answer);
                }
            }
        }
        var (knownMedian, unknownMedian) = (Median(known), Median(unknown));
        return new EnumerationFigures(
            "enumeration",
            known.Count + unknown.Count,
            knownAnswers.Select(Status).ToHashSet(StringComparer.Ordinal).SetEquals(unknownAnswers.Select(Status)),
            knownAnswers.Count == 1 && knownAnswers.SetEquals(unknownAnswers),
            Math.Round(knownMedian, 1),
            Math.Round(unknownMedian, 1),
            Math.Round(Math.Abs(knownMedian - unknownMedian) / 1000, 4),
            Math.Round(Welch(known, unknown), 2)
        );
    }

    /// <summary>The whole answer except its date.</summary>
    private static async Task<string> TryAsync(HttpClient client, string user, CancellationToken cancellationToken)
    {
        using var content = new StringContent(
            $"username={user}&credential=not-the-password&realm=&ajax=1",
            Encoding.UTF8,
            "application/x-www-form-urlencoded"
        );
        using var answer = await client.PostAsync(new Uri("https://10.0.0.1:10443/remote/logincheck"), content, cancellationToken);
        answer.Headers.Remove("Date");
        return $"{(int)answer.StatusCode}\n{answer.Headers}{answer.Content.Headers}\n{await answer.Content.ReadAsStringAsync(cancellationToken)}";
    }

    private static string Status(string answer) => answer[..3];

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    /// <summary>Welch's t of the values below the ninth decile of both samples together.</summary>
    private static double Welch(List<double> left, List<double> right)
    {
        var most = left.Concat(right).Order().ElementAt((left.Count + right.Count) * 9 / 10);
        var (l, r) = (left.Where(value => value < most).ToArray(), right.Where(value => value < most).ToArray());
        var (meanL, meanR) = (l.Average(), r.Average());
        var (varianceL, varianceR) = (
            l.Sum(value => (value - meanL) * (value - meanL)) / (l.Length - 1),
            r.Sum(value => (value - meanR) * (value - meanR)) / (r.Length - 1)
        );
        return Math.Abs(meanL - meanR) / Math.Sqrt((varianceL / l.Length) + (varianceR / r.Length));
    }

    private static HttpClient Client(SimNic nic) =>
        new(
            new SocketsHttpHandler
            {
                ConnectCallback = async (context, cancellationToken) =>
                    (
                        await nic.ConnectAsync(
                            new IPEndPoint(IPAddress.Parse(context.DnsEndPoint.Host), context.DnsEndPoint.Port),
                            cancellationToken
                        )
                    ).Transport.AsStream(),
#pragma warning disable CA5359 // The unit was created in this process.
                SslOptions = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = (_, _, _, _) => true },
#pragma warning restore CA5359
            }
        );

    private sealed class NoPhones : IPushSender
    {
        public ValueTask<PushResult> SendAsync(PushMessage message, CancellationToken cancellationToken) =>
            ValueTask.FromResult(PushResult.Sent);
    }
}
