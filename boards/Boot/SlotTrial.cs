using Appliance.Firmware;

namespace Appliance.Boot;

/// <summary>The trial of the slot that was booted: passed once every listener and service answers, as the sign of life wants it. Before, the boot loader counts.</summary>
internal static class SlotTrial
{
    private static readonly TimeSpan ProbeMax = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Between = TimeSpan.FromSeconds(1);

    /// <summary>Tries the unit that serves until it passes; says once what is wrong.</summary>
    /// <param name="probe">What is wrong with the unit that serves now; empty when all is well, null while there is none.</param>
    /// <param name="pass">Tells the boot loader.</param>
    /// <param name="time">The clock.</param>
    /// <param name="complain">Told what is wrong.</param>
    /// <param name="stop">Ends it.</param>
    internal static async Task RunAsync(Func<CancellationToken, Task<IReadOnlyList<string>?>> probe, Func<Task> pass, TimeProvider time, Action<string> complain, CancellationToken stop)
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
                Complain("this slot is on trial: it does not answer in time");
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

    /// <summary>The probe of whichever unit serves.</summary>
    internal static Func<CancellationToken, Task<IReadOnlyList<string>?>> Of(Func<Unit?> serving) => async stop => serving() is { } unit ? await unit.ProbeAsync(stop).ConfigureAwait(false) : null;
}
