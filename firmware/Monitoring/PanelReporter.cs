using Appliance.Firmware.Config;
using Appliance.Firmware.Events;
using Appliance.Firmware.Ftm;
using Appliance.Firmware.Login;
using Appliance.Firmware.Storage;
using Appliance.Hal;

namespace Appliance.Firmware.Monitoring;

/// <summary>The parts of a unit that its panel displays or controls.</summary>
/// <param name="Config">The configuration.</param>
/// <param name="Events">The event log.</param>
/// <param name="Nics">The interfaces, in order; at least one.</param>
/// <param name="State">The state database.</param>
/// <param name="Login">The login service.</param>
/// <param name="Push">The push service.</param>
/// <param name="Restart">Requests the restart after a reset to the factory configuration.</param>
internal sealed record PanelSources(
    ConfigStore Config,
    EventLog Events,
    IReadOnlyList<GatedNic> Nics,
    StateDatabase State,
    LoginService Login,
    PushService Push,
    Func<Task> Restart
);

/// <summary>
/// Displays the state of a serving unit on its panel, and handles the reset button: factory configuration, then a restart. It updates the
/// panel after each event, commit or link change, and when a lockout ends, but never on the thread that caused it.
/// </summary>
internal sealed class PanelReporter : IDisposable
{
    private readonly Lock _lock = new();
    private readonly IFrontPanel _panel;
    private readonly PanelSources _unit;
    private readonly TimeProvider _time;
    private readonly WorkTracker? _work;
    private readonly ITimer _timer;
    private int _waiting;
    private volatile bool _resetting;
    private bool _ended;

    /// <summary>Shows the state of a unit that listens, and follows it.</summary>
    internal PanelReporter(IFrontPanel panel, PanelSources unit, TimeProvider time)
    {
        _panel = panel;
        _unit = unit;
        _time = time;
        _work = WorkTracker.Of(time);
        _timer = time.CreateTimer(_ => Look(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        unit.Config.Committed += Committed;
        unit.Events.Written += Written;
        foreach (var nic in unit.Nics)
        {
            nic.Inner.LinkChanged += LinkChanged;
        }
        panel.ResetHeld += Reset;
        Report();
    }

    public void Dispose()
    {
        _panel.ResetHeld -= Reset;
        _unit.Config.Committed -= Committed;
        _unit.Events.Written -= Written;
        foreach (var nic in _unit.Nics)
        {
            nic.Inner.LinkChanged -= LinkChanged;
        }
        lock (_lock)
        {
            _ended = true;
            _timer.Dispose();
            _panel.Show(new PanelState(PanelPhase.Stopping, PanelAlarm.None, new HashSet<string>(), [HostName, "Stopping"]));
        }
    }

    private string HostName => _unit.Config.Current.Object("system global").Text("hostname");

    private void Committed(ConfigChange change) => Look();

    private void Written(EventRecord record) => Look();

    private void LinkChanged(INic nic) => Look();

    /// <summary>Schedules one update, for any number of reasons.</summary>
    private void Look()
    {
        if (Interlocked.Exchange(ref _waiting, 1) == 0)
        {
            Later(Report);
        }
    }

    /// <summary>Runs an action on a thread that holds no lock, and reports it as pending work to a clock that tracks such work.</summary>
    private void Later(Action what)
    {
        if (_work is null)
        {
            ThreadPool.UnsafeQueueUserWorkItem(static what => what(), what, preferLocal: false);
            return;
        }
        _work.Resume(() =>
            ThreadPool.UnsafeQueueUserWorkItem(
                static piece =>
                {
                    piece.What();
                    piece.Work.End();
                },
                (What: what, Work: _work),
                preferLocal: false
            )
        );
    }

    private void Report()
    {
        Volatile.Write(ref _waiting, 0);
        lock (_lock)
        {
            if (_ended)
            {
                return;
            }
            var locked = _unit.Login.Operator.LockedOutUntil();
            var state = new PanelState(
                _resetting ? PanelPhase.Resetting
                    : IsUnconfigured(_unit.Config.Current) ? PanelPhase.NoConfiguration
                    : PanelPhase.Ready,
                locked is not null ? PanelAlarm.LockedOut
                    : _unit.State.Fault is not null || _unit.Config.BootWarning is not null || _unit.Push.Degraded ? PanelAlarm.Degraded
                    : PanelAlarm.None,
                _unit.Nics.Where(nic => nic.Inner.LinkUp).Select(nic => nic.Name).ToHashSet(),
                []
            );
            _panel.Show(state with { Lines = [HostName, LineOf(state)] });
            _timer.Change(UntilNextLook(locked, _time.GetUtcNow()), Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>
    /// Returns the time until the displayed lockout ends. If it has ended already, that is zero, because no other event would cause an
    /// update.
    /// </summary>
    internal static TimeSpan UntilNextLook(DateTimeOffset? lockedUntil, DateTimeOffset now) =>
        lockedUntil is not { } until ? Timeout.InfiniteTimeSpan
        : until > now ? until - now
        : TimeSpan.Zero;

    /// <summary>Returns true if there are no users except the factory's and no administrator has a password.</summary>
    private static bool IsUnconfigured(ConfigTree config) =>
        config.List("user local").Keys.All(name => FactoryObjects.Has("user local", name))
        && config.List("system admin").Entries.All(admin => admin.Entry.Text("password").Length == 0);

    private string LineOf(PanelState state) =>
        state switch
        {
            _ when _unit.State.Fault is not null => "Disk full",
            { Alarm: PanelAlarm.LockedOut } => "Locked out",
            { Alarm: PanelAlarm.Degraded } => "Degraded",
            { Phase: PanelPhase.NoConfiguration } => "Not configured",
            _ => _unit.Nics[0].Addresses[0].ToString(),
        };

    private void Reset()
    {
        _resetting = true;
        // Not on the panel's own thread, which drives the LEDs.
        Later(RestoreFactoryDefault);
    }

    private void RestoreFactoryDefault()
    {
        if (_unit.Config.Reset(new ConfigAuthor("admin", "panel", "super_admin")) is { } error)
        {
            _unit.Events.Write(
                new EventEntry(
                    "0100032145",
                    "system",
                    EventLevel.Alert,
                    "Factory default not restored",
                    ("user", "admin"),
                    ("ui", "panel"),
                    ("action", "factory-reset"),
                    ("status", "failure"),
                    ("msg", error.Lines[0])
                )
            );
            _resetting = false;
            Look();
            return;
        }
        _unit.Events.Write(
            new EventEntry(
                "0100032145",
                "system",
                EventLevel.Alert,
                "Factory default restored",
                ("user", "admin"),
                ("ui", "panel"),
                ("action", "factory-reset"),
                ("msg", "Configuration reset to factory default")
            )
        );
        WorkTracker.Run(_work, RestartAsync);
    }

    private async Task RestartAsync()
    {
        try
        {
            await _unit.Restart().ConfigureAwait(false);
        }
        catch (IOException)
        {
            // The disk's fault has its own event and alarm. The unit continues with the factory default, and the button works again.
            _resetting = false;
            Look();
        }
    }
}
