using Appliance.Firmware;
using Appliance.Hal;
using Appliance.Hal.Linux;

namespace Appliance.Boot;

/// <summary>
/// The heartbeat for systemd and the hardware watchdog. It is sent only after a liveness probe of every listener and service of the unit
/// succeeded. Between two units (<c>execute reboot</c>) it continues for one minute, the longest time that a unit may take to start.
/// </summary>
internal sealed class Heartbeat : IDisposable
{
    private static readonly TimeSpan StartMax = TimeSpan.FromMinutes(1);

    private readonly TaskCompletionSource _beating = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ServiceManager _manager;
    private readonly BoardWatchdog? _board;
    private readonly TimeProvider _time;
    private readonly Action<string> _complain;
    private readonly TimeSpan? _interval;
    private HardwareWatchdog? _hardware;
    private volatile Unit? _unit;
    private long _since;
    private bool _begun;
    private bool _followed;
    private string _wrong = "";

    internal Heartbeat(ServiceManager manager, BoardWatchdog? board, TimeProvider time, Action<string> complain)
    {
        _manager = manager;
        _board = board;
        _time = time;
        _complain = complain;
        _since = time.GetTimestamp();
        var longest = new[] { manager.WatchdogInterval, board?.Timeout }.Min();
        _interval = longest / 3; // Two may be missed.
    }

    /// <summary>Disarms the hardware watchdog, because this end is intended.</summary>
    public void Dispose() => _hardware?.Dispose();

    /// <summary>The unit that serves; null while there is none.</summary>
    internal Unit? Unit => _unit;

    /// <summary>Fails with a programming error in the heartbeat; otherwise never completes.</summary>
    internal Task Beating => _beating.Task;

    /// <summary>Sets the unit to probe from now on; null for none. True the first time.</summary>
    internal bool Follow(Unit? unit)
    {
        _since = _time.GetTimestamp();
        _unit = unit;
        var first = !_followed;
        _followed = true;
        return first;
    }

    /// <summary>Arms the hardware watchdog and starts the heartbeat, once. Later calls do nothing.</summary>
    internal void Begin(CancellationToken stop)
    {
        if (_begun || _interval is not { } interval)
        {
            return;
        }
        _begun = true;
        try
        {
            _hardware = _board is { } board ? HardwareWatchdog.Open(board) : null;
        }
        catch (IOException error)
        {
            _complain(error.Message);
        }
        _ = BeatAsync(interval, stop);
    }

    private async Task BeatAsync(TimeSpan interval, CancellationToken stop)
    {
        try
        {
            while (true)
            {
                var wrong = string.Join("; ", await ProbeAsync(interval, stop).ConfigureAwait(false));
                if (wrong.Length == 0)
                {
                    _manager.Alive();
                    _hardware?.Alive();
                }
                if (wrong != _wrong)
                {
                    _wrong = wrong;
                    _manager.Status(wrong.Length == 0 ? "Serves again" : wrong);
                    _complain(wrong.Length == 0 ? "every probe succeeded again" : $"probe failed: {wrong}");
                }
                await Task.Delay(interval, _time, stop).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The box stops.
        }
        catch (Exception mistake)
        {
            _beating.TrySetException(mistake);
        }
    }

    private async Task<IReadOnlyList<string>> ProbeAsync(TimeSpan within, CancellationToken stop)
    {
        if (_unit is not { } unit)
        {
            return _time.GetElapsedTime(_since) < StartMax ? [] : ["no unit has started"];
        }
        using var late = new CancellationTokenSource(within, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, late.Token);
        var faults = await unit.ProbeAsync(either.Token).ConfigureAwait(false);
        stop.ThrowIfCancellationRequested();
        // A unit that ended meanwhile is no fault of its successor.
        return ReferenceEquals(unit, _unit) ? faults : [];
    }
}
