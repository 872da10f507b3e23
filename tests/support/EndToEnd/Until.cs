using Appliance.Doubles.Clock;

namespace Appliance.Tests.EndToEnd;

/// <summary>Waits for a state with a deadline, never for a fixed time.</summary>
internal static class Until
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Between = TimeSpan.FromMilliseconds(5);

    public static async Task TrueAsync(Func<Task<bool>> state, string what)
    {
        using var patience = new CancellationTokenSource(Deadline, BusyMachine.Time);
        while (!await state())
        {
            if (patience.IsCancellationRequested)
            {
                throw new TimeoutException($"waited in vain for {what}");
            }
            await Task.Delay(Between, LabClock.Wall);
        }
    }

    public static Task TrueAsync(Func<bool> state, string what) => TrueAsync(() => Task.FromResult(state()), what);
}
