using System.Diagnostics;
using System.Net;
using Appliance.Doubles.Clock;
using Appliance.Doubles.Nics;
using Appliance.Firmware.Certificates;
using Appliance.Firmware.Storage;
using Appliance.Firmware.Tokens;

namespace Appliance.Bench.Callback;

/// <summary>Verifies that acknowledged decisions are on disk: kills a process that decides under load, and inspects its state.</summary>
internal static class CallbackKill
{
    /// <summary>The option of <c>bench callback</c> that is the process to be killed.</summary>
    internal const string Option = "--killed";

    private const int Phones = 64;

    /// <summary>Starts a process, kills it when about half of its callbacks are acknowledged, and counts.</summary>
    internal static async Task<CallbackKilled> MeasureAsync(string folder, int tokens, CancellationToken cancellationToken)
    {
        using var child = Process.Start(
            new ProcessStartInfo(
                "dotnet",
                [typeof(CallbackKill).Assembly.Location, "bench", "callback", Option, folder, "--tokens", $"{tokens}"]
            )
            {
                RedirectStandardOutput = true,
            }
        )!;
        List<int> acknowledged = [];
        long step;
        try
        {
            await using var output = child.StandardOutput.BaseStream;
            var number = new byte[sizeof(long)];
            await output.ReadExactlyAsync(number, cancellationToken);
            step = BitConverter.ToInt64(number);
            while (
                await output.ReadAtLeastAsync(number.AsMemory(0, sizeof(int)), sizeof(int), throwOnEndOfStream: false, cancellationToken)
                == sizeof(int)
            )
            {
                acknowledged.Add(BitConverter.ToInt32(number));
                if (acknowledged.Count == tokens / 2)
                {
                    child.Kill(); // SIGKILL; earlier output is still read from the pipe.
                }
            }
        }
        finally
        {
            if (!child.HasExited)
            {
                child.Kill();
            }
            await child.WaitForExitAsync(CancellationToken.None);
        }
        await using var state = StateDatabase.Open(Path.Combine(folder, "state.db"), []);
        var used = TokenCore.LastSteps(state).ToHashSet();
        return new CallbackKilled(acknowledged.Count, acknowledged.Count(token => used.Contains((CallbackRig.Identity(token), step))));
    }

    /// <summary>
    /// Runs the process to be killed. It writes the time step, then the number of each token whose decision was acknowledged.
    /// </summary>
    internal static async Task DecideAsync(string folder, int tokens, CancellationToken cancellationToken)
    {
        var network = new SimNetwork();
        using var place = new CallbackPlace(new SimNic(network, "port1", IPAddress.Parse("10.0.0.1")), 0, LabClock.Wall);
        using var certificates = DeviceCertificates.Open(Path.Combine(folder, "certificates"), "bench", LabClock.Wall);
        await using var rig = await CallbackRig.StartAsync(
            folder,
            tokens,
            durable: true,
            [(place, false)],
            certificates,
            cancellationToken
        );
        var load = await rig.BeginLoginsAsync();
        var client = new SimNic(network, "phones", IPAddress.Parse("10.0.0.9"));
        var lines = await Task.WhenAll(
            Enumerable.Range(0, Phones).Select(_ => CallbackPlace.ConnectAsync(client, place.EndPoint, null, cancellationToken))
        );
        await using var output = Console.OpenStandardOutput();
        var gate = new Lock();
        output.Write(BitConverter.GetBytes(rig.Now.ToUnixTimeSeconds() / (long)CallbackRig.Step.TotalSeconds));
        await load.RunAsync(
            lines,
            1,
            token =>
            {
                lock (gate)
                {
                    output.Write(BitConverter.GetBytes(token));
                }
            }
        );
    }
}
