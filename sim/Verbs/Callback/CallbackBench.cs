using System.Diagnostics;
using System.Net;
using Appliance.Firmware.Certificates;
using Appliance.Sim.Clock;
using Appliance.Sim.Nics;

namespace Appliance.Sim.Verbs.Callback;

internal static class CallbackBench
{
    public static async Task<string> RunAsync(bool json, CancellationToken cancellationToken)
    {
        var folder = Directory.CreateTempSubdirectory("appliance-bench-");
        var tokens = 65536; var phones = 256;
        try
        {
            var network = new SimNetwork();
            var server = new SimNic(network, "port1", IPAddress.Parse("10.0.0.1"));
            var client = new SimNic(network, "phone", IPAddress.Parse("10.0.0.9"));
            var time = LabClock.Wall;
            CallbackPlace P(int port) => new(server, port, time);
            var (m, l, k, o, d) = (P(1), P(2), P(3), P(4), P(5));
            using var certificates = DeviceCertificates.Open(Path.Combine(folder.FullName, "c"), "x", time);
            await using var sm = await CallbackBaselines.StartMinimalAsync(m.Transport, null, cancellationToken);
            await using var sl = await CallbackBaselines.StartLeanAsync(l.Transport, cancellationToken);
            await using var sk = await CallbackBaselines.StartBareAsync(k.Transport, null, cancellationToken);
            await using var ro = await CallbackRig.StartAsync(Path.Combine(folder.FullName, "o"), tokens, false, [(o, false)], certificates, cancellationToken);
            await using var rd = await CallbackRig.StartAsync(Path.Combine(folder.FullName, "d"), tokens, true, [(d, false)], certificates, cancellationToken);
            var process = Process.GetCurrentProcess();
            foreach (var pipelined in new[] { 1, 16 })
            {
                for (var round = 0; round < 4; round++)
                {
                    CallbackLoad? load = null;
                    foreach (var (name, place, rig) in new (string, CallbackPlace, CallbackRig?)[] { ("O", o, ro), ("M", m, null), ("L", l, null), ("K", k, null), ("D", d, rd) })
                    {
                        var w = LabClock.Wall.GetTimestamp();
                        if (rig is not null) { load = await rig.BeginLoginsAsync(); }
                        var prime = LabClock.Wall.GetElapsedTime(w).TotalMilliseconds;
                        var lines = new List<CallbackPlace.Line>();
                        for (var n = 0; n < phones; n++) { lines.Add(await CallbackPlace.ConnectAsync(client, place.EndPoint, null, cancellationToken)); }
                        GC.Collect();
                        process.Refresh();
                        var (cpu, alloc, commits, began) = (process.TotalProcessorTime, GC.GetTotalAllocatedBytes(true), rig?.Commits ?? 0, LabClock.Wall.GetTimestamp());
                        var ok = await load!.RunAsync(lines, pipelined);
                        var took = LabClock.Wall.GetElapsedTime(began).TotalSeconds;
                        process.Refresh();
                        Console.Error.WriteLine($"{pipelined} {name}: {load.Count / took:N0}/s, cpu {(process.TotalProcessorTime - cpu).TotalMicroseconds / load.Count:N2} us, alloc {(GC.GetTotalAllocatedBytes(true) - alloc) / load.Count} B, ok {ok} of {load.Count}, commits {(rig?.Commits ?? 0) - commits}, primed {prime:N0} ms");
                        foreach (var line in lines) { await line.DisposeAsync(); }
                    }
                }
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }
        return "";
    }
}
