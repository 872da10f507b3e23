using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Text.Json;
using System.Text.Json.Serialization;
using Appliance.Doubles.Clock;
using Appliance.Doubles.LastHop;
using Appliance.Doubles.Nics;
using Appliance.Firmware.Certificates;
using Appliance.Firmware.Ftm;
using Appliance.Firmware.Login;
using Appliance.Hal;
using Appliance.Hal.Linux;

namespace Appliance.Bench.PushLogin;

/// <summary>
/// Whole push logins (two posts, push, callback, cookie; every decision durable before its answer): medians of interleaved rounds, after
/// ten
/// that are not counted.
/// </summary>
/// <param name="Bench">Its name.</param>
/// <param name="Rounds">How many.</param>
/// <param name="CallbacksPerSecond">Callbacks alone, on an interface in memory without TLS, one at a time on 64 connections, each
/// durable.</param>
/// <param name="LoginsPerSecond">Logins on the same interface, 64 at a time, the phones reached by a call.</param>
/// <param name="OfCallbacks">The ratio of the two.</param>
/// <param name="MqttLoginsPerSecond">Logins whose push goes over the lab's own MQTT broker.</param>
/// <param name="MqttOfLogins">The ratio to those without.</param>
/// <param name="TlsLoginsPerSecond">Logins over TLS on real sockets, with a new connection and handshake for each login and callback, 32
/// at a time.</param>
/// <param name="TlsKeptLoginsPerSecond">The same on connections that are kept.</param>
/// <param name="Waiting">The concurrent logins that wait for a phone.</param>
/// <param name="WaitingBytesEach">The managed heap of each, including its client's pending request as a task.</param>
/// <param name="WaitingThreads">By how many threads the process grew.</param>
/// <param name="WaitingHttpBytesEach">The same with an HTTP connection in memory each, both of its ends.</param>
/// <param name="TlsMicrosecondsCpu">Processor time of both sides for one login over TLS with new connections.</param>
/// <param name="MicrosecondsCpu">Processor time of both sides for one login on the interface in memory.</param>
/// <param name="BytesAllocated">What one login allocates, both sides.</param>
internal sealed record PushLoginFigures(
    string Bench,
    int Rounds,
    double CallbacksPerSecond,
    double LoginsPerSecond,
    double OfCallbacks,
    double MqttLoginsPerSecond,
    double MqttOfLogins,
    double TlsLoginsPerSecond,
    double TlsKeptLoginsPerSecond,
    double TlsMicrosecondsCpu,
    int Waiting,
    double WaitingBytesEach,
    int WaitingThreads,
    double WaitingHttpBytesEach,
    double MicrosecondsCpu,
    double BytesAllocated
);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(PushLoginFigures))]
internal sealed partial class PushLoginBenchJson : JsonSerializerContext;

/// <summary><c>bench push-login</c>.</summary>
internal static class PushLoginBench
{
    private const int Rounds = 5;
    private const int WarmRounds = 10;
    private const int Users = 8192;
    private const int MqttUsers = 1024;
    private const int TlsUsers = 256;
    private const int AtOnce = 64;
    private const int TlsAtOnce = 32;
    private const int WaitingUsers = 10_000;

    public static async Task<string> RunAsync(bool json, CancellationToken cancellationToken)
    {
        var folder = Directory.CreateTempSubdirectory("appliance-bench-");
        try
        {
            var figures = await MeasureAsync(folder.FullName, cancellationToken);
            return json
                ? JsonSerializer.Serialize(figures, PushLoginBenchJson.Default.PushLoginFigures)
                : string.Create(
                    CultureInfo.InvariantCulture,
                    $"""
                    push-login: {figures.LoginsPerSecond:0} logins/s in memory, {figures.OfCallbacks} of {figures.CallbacksPerSecond:0} callbacks/s ({figures.MicrosecondsCpu} µs, {figures.BytesAllocated:0} bytes a login, both sides)
                    by MQTT: {figures.MqttLoginsPerSecond:0} logins/s, {figures.MqttOfLogins} of those without
                    over TLS and sockets: {figures.TlsLoginsPerSecond:0} logins/s with new connections ({figures.TlsMicrosecondsCpu:0} µs of processor each, both sides), {figures.TlsKeptLoginsPerSecond:0} on kept ones
                    {figures.Waiting} logins that wait: {figures.WaitingBytesEach:0} bytes each, {figures.WaitingThreads} more threads; with an HTTP connection in memory {figures.WaitingHttpBytesEach:0} bytes each
                    """
                );
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task<PushLoginFigures> MeasureAsync(string folder, CancellationToken cancellationToken)
    {
        Task<PushLoginRig> RigAsync(string name, int users, PushLoginPlace place, IPushSender phones) =>
            PushLoginRig.StartAsync(Path.Combine(folder, name), users, place, phones, cancellationToken);

        var place = InMemory();
        var (callbacks, logins, mqtt) = (new PushLoginRounds(Users), new PushLoginRounds(Users), new PushLoginRounds(MqttUsers));
        var (tls, kept) = (new PushLoginRounds(TlsUsers), new PushLoginRounds(TlsUsers));
        var callbackLoad = new CallbackOnlyLoad(Users);
        await using var callbackRig = await RigAsync("callback", Users, place, callbackLoad);
        var direct = InMemory();
        await using var phones = new BenchPhones(direct, null);
        await using var directRig = await RigAsync("direct", Users, direct, phones);
        var directLoad = new PushLoginLoad(directRig, direct, null);
        var hop = InMemory();
        await using var broker = await MqttBroker.StartAsync();
        await using var mqttPhones = new MqttBenchPhones(hop, broker.Address, MqttUsers);
        await using var mqttRig = await RigAsync("mqtt", MqttUsers, hop, mqttPhones);
        var mqttLoad = new PushLoginLoad(mqttRig, hop, null);
        var sockets = Sockets();
        await using var newPhones = new BenchPhones(sockets, Any) { Reconnect = true };
        await using var newRig = await RigAsync("new", TlsUsers, sockets, newPhones);
        var newLoad = new PushLoginLoad(newRig, sockets, Any, reconnect: true);
        var keptSockets = Sockets();
        await using var keptPhones = new BenchPhones(keptSockets, Any);
        await using var keptRig = await RigAsync("kept", TlsUsers, keptSockets, keptPhones);
        var keptLoad = new PushLoginLoad(keptRig, keptSockets, Any);
        foreach (var (each, rig) in new[] { (phones, directRig), (mqttPhones, mqttRig), (newPhones, newRig), (keptPhones, keptRig) })
        {
            each.Codes = rig.Codes;
        }
        while (mqttPhones.Connected < MqttUsers)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(20), LabClock.Wall, cancellationToken);
        }
        for (var round = -WarmRounds; round < Rounds; round++)
        {
            // While the platform still compiles what turns out to be hot, nothing is counted.
            var counts = round >= 0;
            await callbacks.MeasureAsync(counts, () => callbackLoad.RunAsync(callbackRig, place, AtOnce, cancellationToken));
            await logins.MeasureAsync(counts, () => directLoad.RunAsync(AtOnce, cancellationToken));
            await mqtt.MeasureAsync(counts, () => mqttLoad.RunAsync(AtOnce, cancellationToken));
            await tls.MeasureAsync(counts, () => newLoad.RunAsync(TlsAtOnce, cancellationToken));
            await kept.MeasureAsync(counts, () => keptLoad.RunAsync(TlsAtOnce, cancellationToken));
        }
        foreach (var load in new[] { directLoad, mqttLoad, newLoad, keptLoad })
        {
            await load.EndAsync();
        }
        var (bare, http, threads) = await WaitAsync(Path.Combine(folder, "waiting"), cancellationToken);
        return new PushLoginFigures(
            "push-login",
            Rounds,
            Rate(callbacks.PerSecond),
            Rate(logins.PerSecond),
            Ratio(logins.PerSecond, callbacks.PerSecond),
            Rate(mqtt.PerSecond),
            Ratio(mqtt.PerSecond, logins.PerSecond),
            Rate(tls.PerSecond),
            Rate(kept.PerSecond),
            Math.Round(Median(tls.Microseconds)),
            WaitingUsers,
            Math.Round(bare),
            threads,
            Math.Round(http),
            Math.Round(Median(logins.Microseconds), 1),
            Math.Round(Median(logins.Bytes))
        );
    }

    /// <summary>
    /// Begins 10,000 concurrent logins whose phones never answer. Measures the memory of each, without and with an HTTP connection.
    /// </summary>
    private static async Task<(double Bare, double Http, int Threads)> WaitAsync(string folder, CancellationToken cancellationToken)
    {
        var place = InMemory();
        await using var rig = await PushLoginRig.StartAsync(folder, WaitingUsers, place, new NoAnswer(), cancellationToken);
        // Once beforehand: journal and event log are as full as they ever get.
        await BeginAsync(rig, [], cancellationToken);
        rig.NextStep();
        await rig.DrainAsync();
        var (waiting, before, threadsBefore) = (new List<Task>(WaitingUsers), Heap(), Threads());
        await BeginAsync(rig, waiting, cancellationToken);
        await rig.DrainAsync();
        var (bare, threads) = ((Heap() - before) / (double)WaitingUsers, Threads() - threadsBefore);
        rig.NextStep();
        await Task.WhenAll(waiting);
        waiting.Clear();
        await rig.DrainAsync();
        before = Heap();
        var lines = new List<(BenchLine Line, Task Answer)>(WaitingUsers);
        var vpn = new IPEndPoint(place.Server.Addresses[0], PushLoginRig.VpnPort);
        foreach (var users in Enumerable.Range(0, WaitingUsers).Chunk(AtOnce))
        {
            lines.AddRange(await Task.WhenAll(users.Select(user => PushLoginLoad.WaitAsync(place, vpn, user, cancellationToken))));
        }
        await rig.DrainAsync();
        var http = (Heap() - before) / (double)WaitingUsers;
        rig.NextStep();
        foreach (var (line, answer) in lines)
        {
            await answer;
            await line.DisposeAsync();
        }
        return (bare, http, threads);
    }

    private static async Task BeginAsync(PushLoginRig rig, List<Task> waiting, CancellationToken cancellationToken)
    {
        foreach (var users in Enumerable.Range(0, WaitingUsers).Chunk(512))
        {
            var begun = await Task.WhenAll(
                users.Select(user =>
                    rig.Login.StartAsync(new LoginRequest(PushLoginRig.User(user), "p", "", IPAddress.Loopback) { Nic = "port1" })
                )
            );
            waiting.AddRange(
                begun.Select(answer =>
                    rig.Login.AwaitPushAsync(((LoginAnswer.Challenge)answer).Handle, IPAddress.Loopback, cancellationToken)
                )
            );
        }
    }

    private static PushLoginPlace InMemory()
    {
        var network = new SimNetwork();
        return new PushLoginPlace(
            new SimNic(network, "port1", IPAddress.Parse("10.0.0.1")),
            new SimNic(network, "client", IPAddress.Parse("10.0.0.100")),
            Tls: false
        );
    }

    /// <summary>A loopback address for this process only.</summary>
    private static PushLoginPlace Sockets()
    {
        var nic = new SocketNic(
            "port1",
            new IPAddress([127, 90, (byte)(1 + (Environment.ProcessId % 250)), (byte)Interlocked.Increment(ref _nextAddress)])
        );
        return new PushLoginPlace(nic, nic, Tls: true);
    }

    private static int _nextAddress;

#pragma warning disable CA5359 // The unit was created in this process.
    private static SslClientAuthenticationOptions Any { get; } =
        new()
        {
            TargetHost = "bench.test",
            CertificateChainPolicy = TrustedPeer.NoPublicAuthorities(),
            RemoteCertificateValidationCallback = (_, _, _, _) => true,
        };
#pragma warning restore CA5359

    private static long Heap()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return GC.GetTotalMemory(forceFullCollection: true);
    }

    private static int Threads()
    {
        using var process = Process.GetCurrentProcess();
        return process.Threads.Count;
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    private static double Rate(List<double> values) => Math.Round(Median(values));

    /// <summary>The median of the rounds' own ratios: what disturbs a round disturbs both.</summary>
    private static double Ratio(List<double> values, List<double> of) =>
        Math.Round(Median([.. values.Zip(of, (value, whole) => value / whole)]), 3);

    /// <summary>Phones that get every push and answer none.</summary>
    private sealed class NoAnswer : IPushSender
    {
        public ValueTask<PushResult> SendAsync(PushMessage message, CancellationToken cancellationToken) =>
            ValueTask.FromResult(PushResult.Sent);
    }
}
