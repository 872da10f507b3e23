using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Text;
using System.Text.Json;
using Appliance.Doubles.Clock;
using Appliance.Doubles.Failures;
using Appliance.Doubles.Nics;
using Appliance.Firmware.Certificates;
using Appliance.Hal;
using Appliance.Hal.Linux;

namespace Appliance.Bench.Callback;

/// <summary>The size of the measurement.</summary>
/// <param name="Decisions">Callbacks of one run, and so tokens.</param>
/// <param name="Phones">Connections.</param>
/// <param name="WarmUps">Runs of each contender for the compiler, which are not counted.</param>
/// <param name="Runs">Runs of each contender that are.</param>
/// <param name="Handshakes">Of one run.</param>
/// <param name="Sessions">Pending pushes.</param>
internal sealed record CallbackScale(int Decisions, int Phones, int WarmUps, int Runs, int Handshakes, int Sessions)
{
    internal static readonly CallbackScale Full = new(16_384, 512, 10, 5, 400, 1_000_000);
}

/// <summary>
/// <c>bench callback</c>: the callback path against baselines on the same transport in the same run, in turn and repeatedly.
/// docs/develop/performance.md documents the fields.
/// </summary>
internal static class CallbackBench
{
    private static readonly int[] Depths = [1, 16];

    public static async Task<string> RunAsync(bool json, CancellationToken cancellationToken)
    {
        var figures = await MeasureAsync(CallbackScale.Full, cancellationToken);
        if (figures.Killed.Found != figures.Killed.Acknowledged)
        {
            throw new LabFailure(
                FailureKind.AssertionFailed,
                $"callback: {figures.Killed.Acknowledged} decisions were acknowledged, and {figures.Killed.Found} of them were found after the kill"
            );
        }
        return json ? JsonSerializer.Serialize(figures, CallbackBenchJson.Default.CallbackFigures) : Text(figures);
    }

    internal static async Task<CallbackFigures> MeasureAsync(CallbackScale scale, CancellationToken cancellationToken)
    {
        var folder = Directory.CreateTempSubdirectory("appliance-bench-");
        try
        {
            void Tell(string what) => Console.Error.WriteLine($"callback: {what} …");
            Tell("a process that is killed");
            var killed = await CallbackKill.MeasureAsync(Path.Combine(folder.FullName, "killed"), scale.Decisions / 2, cancellationToken);
            using var certificates = DeviceCertificates.Open(Path.Combine(folder.FullName, "certificates"), "bench", LabClock.Wall);
            await using var arena = await Arena.StartAsync(folder.FullName, scale, certificates, cancellationToken);
            var plain = new List<CallbackPlain>();
            foreach (var depth in Depths)
            {
                Tell(depth == 1 ? "one at a time" : $"{depth} pipelined");
                plain.Add(await PlainAsync(arena, scale, depth));
            }
            Tell("handshakes");
            var handshakes = await CallbackTlsBench.HandshakesAsync(arena, scale, cancellationToken);
            Tell("TLS");
            var overMemory = await TlsAsync(scale, "memory", arena.MinimalTls, arena.MemoryTls, arena.DurableTls, null);
            await using var nginx = CallbackTlsBench.StartNginx(folder.FullName, certificates);
            var overLoopback = await TlsAsync(
                scale,
                "loopback",
                arena.MinimalLoopback,
                arena.MemoryLoopback,
                arena.DurableLoopback,
                nginx?.Contender(arena.Loopback)
            );
            Tell("pending pushes");
            var sessions = CallbackSessionsBench.Measure(scale.Sessions, plain[0].Memory.CpuMicroseconds);
            return new CallbackFigures(
                "callback",
                scale.Phones,
                scale.Decisions,
                scale.Runs,
                plain,
                [overMemory, overLoopback],
                handshakes,
                sessions,
                killed,
                nginx is null
            );
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task<CallbackPlain> PlainAsync(Arena arena, CallbackScale scale, int depth)
    {
        var samples = await Arena.MeasureAsync(
            scale,
            depth,
            tls: false,
            [arena.Memory, arena.Minimal, arena.Lean, arena.Kestrel, arena.Durable]
        );
        var (memory, minimal, lean, kestrel, durable) = (samples[0], samples[1], samples[2], samples[3], samples[4]);
        return new CallbackPlain(
            depth,
            Median(minimal),
            Median(lean),
            Median(kestrel),
            Median(memory),
            Median(durable),
            Ratio(memory, minimal),
            Ratio(memory, lean),
            Ratio(durable, minimal)
        );
    }

    private static async Task<CallbackTls> TlsAsync(
        CallbackScale scale,
        string over,
        Contender minimal,
        Contender memory,
        Contender durable,
        Contender? nginx
    )
    {
        var samples = await Arena.MeasureAsync(
            scale,
            depth: 1,
            tls: true,
            nginx is null ? [memory, minimal, durable] : [memory, minimal, durable, nginx]
        );
        return new CallbackTls(
            over,
            Median(samples[1]),
            Median(samples[0]),
            Median(samples[2]),
            Ratio(samples[0], samples[1]),
            Ratio(samples[2], samples[1]),
            nginx is null ? null : Median(samples[3]),
            nginx is null ? null : Ratio(samples[2], samples[3])
        );
    }

    private static CallbackRate Median(IReadOnlyList<CallbackRate> runs) =>
        new(
            Math.Round(Middle(runs.Select(run => run.PerSecond))),
            Math.Round(Middle(runs.Select(run => run.CpuMicroseconds)), 2),
            Math.Round(Middle(runs.Select(run => run.AllocatedBytes))),
            Math.Round(Middle(runs.Select(run => run.CommitsPerCallback)), 4)
        );

    private static CallbackRatio Ratio(IReadOnlyList<CallbackRate> ours, IReadOnlyList<CallbackRate> theirs) =>
        new(
            Math.Round(Middle(ours.Zip(theirs, (our, their) => our.PerSecond / their.PerSecond)), 2),
            Math.Round(Middle(ours.Zip(theirs, (our, their) => their.CpuMicroseconds / our.CpuMicroseconds)), 2)
        );

    internal static double Middle(IEnumerable<double> values) => values.Order().ToArray() is var sorted ? sorted[sorted.Length / 2] : 0;

    private static string Text(CallbackFigures figures)
    {
        var text = new StringBuilder();
        foreach (var plain in figures.Plain)
        {
            text.AppendLine(
                CultureInfo.InvariantCulture,
                $"callback: {(plain.Pipelined == 1 ? "one at a time" : $"{plain.Pipelined} pipelined")}: {plain.Memory.PerSecond:N0}/s in memory ({plain.MemoryToMinimal.Rate} of M, {plain.MemoryToLean.Rate} of L), {plain.Durable.PerSecond:N0}/s durable ({plain.DurableToMinimal.Rate} of M, {plain.Durable.CommitsPerCallback} commits each); {plain.Memory.AllocatedBytes} B allocated (Kestrel alone {plain.Kestrel.AllocatedBytes}, M {plain.Minimal.AllocatedBytes})"
            );
        }
        foreach (var tls in figures.Tls)
        {
            text.AppendLine(
                CultureInfo.InvariantCulture,
                $"callback: TLS over {tls.Over}: {tls.Durable.PerSecond:N0}/s durable ({tls.DurableToMinimal.Rate} of M; in memory {tls.MemoryToMinimal.Rate}){(tls.DurableToNginx is { } nginx ? $", {nginx.Rate} of nginx's static answer" : tls.Over == "loopback" ? ", nginx is not installed" : "")}"
            );
        }
        text.AppendLine(
            CultureInfo.InvariantCulture,
            $"callback: {figures.Handshakes.Full:N0} full handshakes/s ({figures.Handshakes.FullToKestrel} of bare Kestrel), {figures.Handshakes.Resuming:N0} with clients that resume; resumption by default: {figures.Handshakes.ResumedByDefault?.ToString() ?? "openssl is missing"}"
        );
        text.AppendLine(
            CultureInfo.InvariantCulture,
            $"callback: {figures.Sessions.Count:N0} pending pushes: {figures.Sessions.BytesEach} B each, found in {figures.Sessions.NanosecondsAtAll} ns (among 1,000: {figures.Sessions.NanosecondsAtThousand} ns; one access to memory: {figures.Sessions.NanosecondsOfMemory} ns; a whole callback costs {figures.Sessions.CallbackRatio} times as much)"
        );
        return text.Append(
                CultureInfo.InvariantCulture,
                $"callback: killed under load: {figures.Killed.Found} of {figures.Killed.Acknowledged} acknowledged decisions found"
            )
            .ToString();
    }

    /// <summary>A measured server: its listener, the client's interface, and the rig whose logins it decides; no rig: any login.</summary>
    internal sealed record Contender(INic From, IPEndPoint To, CallbackRig? Rig);

    /// <summary>All that is compared, running.</summary>
    internal sealed class Arena : IAsyncDisposable
    {
        private readonly Stack<IAsyncDisposable> _running = new();
        private readonly List<CallbackPlace> _places = [];
        private readonly SimNetwork _network = new();

        internal static SslClientAuthenticationOptions Tls(bool resume = true) =>
            new()
            {
                TargetHost = "callback.test",
                AllowTlsResume = resume,
#pragma warning disable CA5359 // The server was created in this process.
                CertificateChainPolicy = TrustedPeer.NoPublicAuthorities(),
                RemoteCertificateValidationCallback = (_, _, _, _) => true,
#pragma warning restore CA5359
            };

        internal Contender Memory { get; private set; } = null!;
        internal Contender Durable { get; private set; } = null!;
        internal Contender Minimal { get; private set; } = null!;
        internal Contender Lean { get; private set; } = null!;
        internal Contender Kestrel { get; private set; } = null!;
        internal Contender MinimalTls { get; private set; } = null!;
        internal Contender KestrelTls { get; private set; } = null!;
        internal Contender MemoryTls { get; private set; } = null!;
        internal Contender DurableTls { get; private set; } = null!;
        internal Contender MinimalLoopback { get; private set; } = null!;
        internal Contender MemoryLoopback { get; private set; } = null!;
        internal Contender DurableLoopback { get; private set; } = null!;
        internal INic Loopback { get; } = new SocketNic("client", IPAddress.Loopback);

        internal static async Task<Arena> StartAsync(
            string folder,
            CallbackScale scale,
            DeviceCertificates certificates,
            CancellationToken cancellationToken
        )
        {
            var arena = new Arena();
            var server = new SimNic(arena._network, "port1", IPAddress.Parse("10.0.0.1"));
            var client = new SimNic(arena._network, "phones", IPAddress.Parse("10.0.0.9"));
            var loopback = new SocketNic("lo", IPAddress.Loopback);
            CallbackPlace Place(INic nic)
            {
                var place = new CallbackPlace(nic, 0, LabClock.Wall);
                arena._places.Add(place);
                return place;
            }
            async Task<Contender> With(INic nic, Func<CallbackPlace, Task<IAsyncDisposable>> start)
            {
                var place = Place(nic);
                arena._running.Push(await start(place));
                return new Contender(nic == server ? client : arena.Loopback, place.EndPoint, null);
            }
            async Task<(Contender Plain, Contender Tls, Contender Loopback)> Rig(string name, bool durable)
            {
                var (plain, tls, lo) = (Place(server), Place(server), Place(loopback));
                var rig = await CallbackRig.StartAsync(
                    Path.Combine(folder, name),
                    scale.Decisions,
                    durable,
                    [(plain, false), (tls, true), (lo, true)],
                    certificates,
                    cancellationToken
                );
                arena._running.Push(rig);
                return (new(client, plain.EndPoint, rig), new(client, tls.EndPoint, rig), new(arena.Loopback, lo.EndPoint, rig));
            }
            var certificate = certificates.For(CallbackPlace.Service, CallbackRig.Names).TargetCertificate;
            arena.Minimal = await With(server, place => CallbackBaselines.StartMinimalAsync(place.Transport, null, cancellationToken));
            arena.MinimalTls = await With(
                server,
                place => CallbackBaselines.StartMinimalAsync(place.Transport, certificate, cancellationToken)
            );
            arena.MinimalLoopback = await With(
                loopback,
                place => CallbackBaselines.StartMinimalAsync(place.Transport, certificate, cancellationToken)
            );
            arena.Lean = await With(server, place => CallbackBaselines.StartLeanAsync(place.Transport, cancellationToken));
            arena.Kestrel = await With(server, place => CallbackBaselines.StartBareAsync(place.Transport, null, cancellationToken));
            arena.KestrelTls = await With(
                server,
                place => CallbackBaselines.StartBareAsync(place.Transport, certificate, cancellationToken)
            );
            (arena.Memory, arena.MemoryTls, arena.MemoryLoopback) = await Rig("memory", durable: false);
            (arena.Durable, arena.DurableTls, arena.DurableLoopback) = await Rig("durable", durable: true);
            return arena;
        }

        /// <summary>Runs each in turn, again and again: the samples of each, without the first rounds.</summary>
        internal static async Task<IReadOnlyList<CallbackRate>[]> MeasureAsync(
            CallbackScale scale,
            int depth,
            bool tls,
            IReadOnlyList<Contender> contenders
        )
        {
            var samples = contenders.Select(_ => new List<CallbackRate>()).ToArray();
            CallbackLoad? load = null;
            for (var run = -scale.WarmUps; run < scale.Runs; run++)
            {
                for (var index = 0; index < contenders.Count; index++)
                {
                    var (contender, rig) = (contenders[index], contenders[index].Rig);
                    load = rig is null ? load : await rig.BeginLoginsAsync();
                    var lines = await ConnectAsync(contender, scale.Phones, tls);
                    GC.Collect();
                    var (cpu, allocated, commits, began) = (
                        Environment.CpuUsage.TotalTime,
                        GC.GetTotalAllocatedBytes(precise: true),
                        rig?.Commits ?? 0,
                        LabClock.Wall.GetTimestamp()
                    );
                    var accepted = await load!.RunAsync(lines, depth);
                    var took = LabClock.Wall.GetElapsedTime(began).TotalSeconds;
                    var sample = new CallbackRate(
                        load.Count / took,
                        (Environment.CpuUsage.TotalTime - cpu).TotalMicroseconds / load.Count,
                        (double)(GC.GetTotalAllocatedBytes(precise: true) - allocated) / load.Count,
                        (double)((rig?.Commits ?? 0) - commits) / load.Count
                    );
                    foreach (var line in lines)
                    {
                        await line.DisposeAsync();
                    }
                    if (accepted != load.Count)
                    {
                        throw new LabFailure(FailureKind.AssertionFailed, $"callback: {accepted} of {load.Count} answers were accepted");
                    }
                    if (run >= 0)
                    {
                        samples[index].Add(sample);
                    }
                }
            }
            return samples;
        }

        /// <summary>Opens as many connections at a time as a listener queues.</summary>
        private static async Task<List<CallbackPlace.Line>> ConnectAsync(Contender contender, int phones, bool tls)
        {
            const int AtOnce = 256;
            var lines = new List<CallbackPlace.Line>(phones);
            while (lines.Count < phones)
            {
                lines.AddRange(
                    await Task.WhenAll(
                        Enumerable
                            .Range(0, Math.Min(AtOnce, phones - lines.Count))
                            .Select(_ => CallbackPlace.ConnectAsync(contender.From, contender.To, tls ? Tls() : null, default))
                    )
                );
            }
            return lines;
        }

        public async ValueTask DisposeAsync()
        {
            foreach (var place in _places)
            {
                place.Dispose();
            }
            while (_running.TryPop(out var running))
            {
                await running.DisposeAsync();
            }
        }
    }
}
