using Appliance.Firmware;

namespace Appliance.Boot;

/// <summary>
/// The trial of the booted slot. It passes once every listener and service answers the liveness probe of the heartbeat. Until then the
/// boot loader counts the attempts.
/// </summary>
internal static class SlotTrial
{
    private static readonly TimeSpan ProbeMax = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Between = TimeSpan.FromSeconds(1);

    /// <summary>Probes the serving unit until the trial passes. Reports each failure once.</summary>
    /// <param name="probe">Returns the faults of the unit that serves now; empty if there are none, null while there is no unit.</param>
    /// <param name="pass">Notifies the boot loader.</param>
    /// <param name="time">The clock.</param>
    /// <param name="complain">Receives the faults.</param>
    /// <param name="stop">Ends the trial.</param>
    internal static async Task RunAsync(
        Func<CancellationToken, Task<IReadOnlyList<string>?>> probe,
        Func<Task> pass,
        TimeProvider time,
        Action<string> complain,
        CancellationToken stop
    )
    {
        var told = "";
        while (!stop.IsCancellationRequested)
        {
            try
            {
                using var late = new CancellationTokenSource(ProbeMax, time);
                using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, late.Token);
                var faults = await probe(either.Token).ConfigureAwait(false);
                if (faults is { Count: 0 })
                {
                    await pass().ConfigureAwait(false);
                    return;
                }
                Complain(faults is null ? "" : $"this slot is on trial: {string.Join("; ", faults)}");
            }
            catch (IOException error)
            {
                Complain(error.Message);
            }
            catch (OperationCanceledException) when (!stop.IsCancellationRequested)
            {
                Complain("this slot is on trial and does not answer in time");
            }
            catch (OperationCanceledException)
            {
                return;
            }
            await Task.Delay(Between, time, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        void Complain(string what)
        {
            if (what.Length > 0 && what != told)
            {
                complain(told = what);
            }
        }
    }

    /// <summary>The probe of the unit that serves at the time of the call.</summary>
    internal static Func<CancellationToken, Task<IReadOnlyList<string>?>> Of(Func<Unit?> serving) =>
        async stop => serving() is { } unit ? await unit.ProbeAsync(stop).ConfigureAwait(false) : null;
}
