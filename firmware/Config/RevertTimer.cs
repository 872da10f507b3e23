using System.Globalization;
using Appliance.Firmware.Config;
using Appliance.Firmware.Events;

namespace Appliance.Firmware.Config;

/// <summary>
/// <c>set cfg-save revert</c>: reverts changes that are not saved within <c>cfg-revert-timeout</c> of the last change. A device restarts
/// to revert; here the saved configuration is applied without a restart, and unaffected sessions continue.
/// </summary>
internal sealed class RevertTimer : IDisposable
{
    private static readonly TimeSpan TimerMax = TimeSpan.FromDays(40); // The longest timer; the rest is waited for with another one.
    private readonly Lock _lock = new();
    private readonly ConfigStore _config;
    private readonly EventLog _events;
    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private DateTimeOffset? _due;

    /// <summary>Creates a timer that follows a store.</summary>
    internal RevertTimer(ConfigStore config, EventLog events, TimeProvider time)
    {
        _config = config;
        _events = events;
        _time = time;
        _timer = time.CreateTimer(_ => Tick(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        config.Committed += _ => Follow();
        config.Saved += Stop;
    }

    /// <inheritdoc/>
    public void Dispose() => _timer.Dispose();

    /// <summary>Creates the event of a revert, by the timer or on request.</summary>
    internal static EventEntry Reverted(string admin, string why, ConfigError? error) =>
        error is null
            ? new(
                "0100036881",
                "system",
                EventLevel.Notice,
                "Configuration reverted to the saved one",
                ("user", admin),
                ("action", "revert"),
                ("status", "success"),
                ("msg", why)
            )
            : new(
                "0100036881",
                "system",
                EventLevel.Alert,
                "Configuration reverted to the saved one",
                ("user", admin),
                ("action", "revert"),
                ("status", "failure"),
                ("msg", why),
                ("reason", error.Lines[0])
            );

    /// <summary>Restarts the timer after a commit. Called under the store's lock.</summary>
    private void Follow()
    {
        var global = _config.Current.Object("system global");
        lock (_lock)
        {
            _due =
                _config.HasUnsaved && global.Text("cfg-save") == "revert"
                    ? _time.GetUtcNow() + TimeSpan.FromSeconds(global.Number("cfg-revert-timeout"))
                    : null;
            Wind();
        }
    }

    private void Stop()
    {
        lock (_lock)
        {
            _due = null;
            Wind();
        }
    }

    private void Wind() =>
        _timer.Change(_due is { } due ? Shorter(Longer(due - _time.GetUtcNow())) : Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

    private void Tick()
    {
        lock (_lock)
        {
            if (_due is null || _time.GetUtcNow() < _due)
            {
                Wind();
                return;
            }
        }
        var unsaved = false;
        var error = _config.Revert(() => unsaved = IsDue());
        if (!unsaved)
        {
            return; // Saved or changed again in the meantime.
        }
        _events.Write(
            Reverted(
                "daemon",
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"not saved within {_config.Current.Object("system global").Number("cfg-revert-timeout")} seconds"
                ),
                error
            )
        );
        if (error is not null)
        {
            // Retried after the same time, because the obstacle may be gone by then.
            Follow();
        }
    }

    private bool IsDue()
    {
        lock (_lock)
        {
            return _due is { } due && _time.GetUtcNow() >= due;
        }
    }

    private static TimeSpan Longer(TimeSpan left) => left > TimeSpan.Zero ? left : TimeSpan.Zero;

    private static TimeSpan Shorter(TimeSpan left) => left < TimerMax ? left : TimerMax;
}
