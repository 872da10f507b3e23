using Appliance.Doubles.Clock;

namespace Appliance.Bench.Soak;

/// <summary>
/// The speed of the machine during a soak: a request that is independent of logins, four times a second. On an idle machine it takes a
/// millisecond. While it takes more than <see cref="SlowFrom"/>, deadlines of logins may pass without a fault of the unit.
/// </summary>
internal sealed class SoakProbe(HttpClient lab)
{
    /// <summary>A request that takes longer than this found a slow machine.</summary>
    public static readonly TimeSpan SlowFrom = TimeSpan.FromMilliseconds(500);

    private static readonly TimeSpan Between = TimeSpan.FromMilliseconds(250);
    private readonly Lock _lock = new();
    private readonly List<(long Began, long Ended)> _slow = [];

    /// <summary>True if any request was slow.</summary>
    public bool WasSlow
    {
        get
        {
            lock (_lock)
            {
                return _slow.Count > 0;
            }
        }
    }

    /// <summary>True if the machine was slow at some time between two time stamps of the wall clock.</summary>
    public bool WasSlowBetween(long began, long ended)
    {
        lock (_lock)
        {
            return _slow.Any(probe => probe.Began <= ended && probe.Ended >= began);
        }
    }

    /// <summary>Probes until it is cancelled. A failed request is no evidence about the machine.</summary>
    public async Task RunAsync(CancellationToken told)
    {
        while (!told.IsCancellationRequested)
        {
            var began = LabClock.Wall.GetTimestamp();
            try
            {
                using var answer = await lab.GetAsync("/lab/ready", CancellationToken.None);
                Take(began, LabClock.Wall.GetTimestamp());
            }
            catch (Exception failure) when (failure is HttpRequestException or TaskCanceledException)
            {
                // The lab has ended, or its answer was late beyond all measure: the logins show it.
            }
            await Task.Delay(Between, LabClock.Wall, told).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Takes the time of one request.</summary>
    internal void Take(long began, long ended)
    {
        if (LabClock.Wall.GetElapsedTime(began, ended) > SlowFrom)
        {
            lock (_lock)
            {
                _slow.Add((began, ended));
            }
        }
    }
}
