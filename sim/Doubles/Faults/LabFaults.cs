using System.Globalization;
using System.Net;
using Appliance.Doubles.Clock;
using Appliance.Firmware.Events;
using Appliance.Firmware.Ftm;
using Appliance.Firmware.Login.Journal;

namespace Appliance.Doubles.Faults;

/// <summary>
/// The faults of a running lab. The affected components query this class. Each fault that fires is an event (subtype <c>lab</c>) and a step
/// of the login that it touches. Faults of the clock and of interfaces are executed here at their time. Thread-safe.
/// </summary>
public sealed class LabFaults(LabClock clock) : IDisposable
{
    /// <summary>The subtype and id of the lab's own events, in the unit's log and sequence; no device has them.</summary>
    private const string FiredId = "0199000001";

    private static readonly TimeSpan FlapDefault = TimeSpan.FromSeconds(1);
    private static readonly string[] Scheduled = ["clock.step", "clock.freeze", "nic.down", "nic.flap"];

    private readonly Lock _lock = new();
    private readonly FaultBoard _board = new();
    private readonly List<ITimer> _timers = [];
    private IFaultTarget? _unit;
    private volatile bool _hasRadius;

    /// <summary>True if the lab has a RADIUS server for the <c>radius.*</c> faults.</summary>
    public bool HasAuthenticator { get; set; }

    /// <summary>The current state of all faults.</summary>
    public IReadOnlyList<FaultState> Faults
    {
        get
        {
            lock (_lock)
            {
                return _board.Faults;
            }
        }
    }

    /// <summary>Sets the unit that receives events and has the interfaces.</summary>
    public void Attach(IFaultTarget unit) => _unit = unit;

    /// <summary>Replaces all faults.</summary>
    /// <exception cref="FormatException">A fault is not applicable in this lab; nothing changed.</exception>
    public void Set(IReadOnlyList<Fault> faults)
    {
        if (!HasAuthenticator && faults.FirstOrDefault(IsRadius) is { } homeless)
        {
            throw new FormatException($"{homeless.Word} needs a lab with the FortiAuthenticator emulator");
        }
        if (_unit is { Links: var links } && faults.FirstOrDefault(fault => fault.Nic is { } nic && !Has(links, nic)) is { } stray)
        {
            throw new FormatException($"{stray.Word}: interface '{stray.Nic}' does not exist");
        }
        lock (_lock)
        {
            _timers.ForEach(timer => timer.Dispose());
            _timers.Clear();
            _board.Set(faults, clock.GetUtcNow());
            _hasRadius = faults.Any(IsRadius);
            foreach (var fault in faults.Where(fault => Scheduled.Contains(fault.Word)))
            {
                _timers.Add(clock.CreateTimer(_ => RunScheduled(fault), null, fault.After, Timeout.InfiniteTimeSpan));
            }
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _timers.ForEach(timer => timer.Dispose());
            _timers.Clear();
        }
    }

    /// <summary>Advances the lab's clock for <c>clock.step</c>; null uses the clock directly.</summary>
    internal Action<TimeSpan>? Step { get; init; }

    /// <summary>True while the board has a fault of RADIUS. If false, the server skips the query for each packet.</summary>
    internal bool HasRadius => _hasRadius;

    /// <summary>Returns the fault of a phone's answer that is about to be sent; null for none.</summary>
    internal FaultFiring? Callback(PushMessage push, bool approve)
    {
        string[] always =
        [
            "callback.never",
            "callback.late",
            "callback.twice",
            "callback.wrong-session",
            "callback.slow",
            "callback.cert-missing",
            "callback.cert-expired",
            "callback.cert-wrong-name",
            "nat.blackhole",
        ];
        // Only a denial carries a signature, only an approval a code.
        return Take(SubjectOf(push), [.. always, approve ? "phone.skew" : "callback.bad-hmac"]);
    }

    /// <summary>Returns the fault of a push that arrives at a phone; null for none.</summary>
    internal PushArrival? Arrival(PushMessage push) =>
        Take(SubjectOf(push), "push.drop", "push.delay", "push.duplicate", "push.reorder", "phone.offline") is { Fault: var fault }
            ? new PushArrival(fault.Word, fault.Delay)
            : null;

    /// <summary>Returns the fault of a request that arrived at the RADIUS server from a client's address; null for none.</summary>
    internal FaultFiring? RadiusRequest(string? user, IPAddress client) =>
        Take(new FaultSubject(user, client, null), "radius.drop", "radius.restart");

    /// <summary>Returns the fault of an answer that the RADIUS server is about to send to a client's address; null for none.</summary>
    internal FaultFiring? RadiusAnswer(string? user, IPAddress client) =>
        Take(new FaultSubject(user, client, null), "radius.dup", "radius.delay", "radius.no-message-authenticator", "radius.forged");

    private static bool IsRadius(Fault fault) => fault.Word.StartsWith("radius.", StringComparison.Ordinal);

    /// <summary>Returns the subject of a push for matching.</summary>
    internal static FaultSubject SubjectOf(PushMessage? push) => new(push?.User, push?.ClientAddress, push?.TokenSerial, push?.SessionId);

    /// <summary>
    /// Returns the first fault of these words that fires for a subject now, after writing its event and its login's step. Null for none.
    /// </summary>
    internal FaultFiring? Take(FaultSubject subject, params string[] words)
    {
        FaultFiring? firing;
        lock (_lock)
        {
            firing = _board.Take(subject, clock.GetUtcNow(), words);
        }
        if (firing is not null)
        {
            Tell(firing);
        }
        return firing;
    }

    private void Tell(FaultFiring firing)
    {
        var fields = new List<(string, string)>
        {
            ("fault", firing.Fault.Word),
            ("number", firing.Number.ToString(CultureInfo.InvariantCulture)),
        };
        foreach (
            var (name, value) in new[]
            {
                ("user", firing.Subject.User),
                ("srcip", firing.Subject.Source?.ToString()),
                ("serialno", firing.Subject.Phone),
                ("interface", firing.Fault.Nic),
            }
        )
        {
            if (value is not null)
            {
                fields.Add((name, value));
            }
        }
        fields.Add(("msg", $"Fault {firing.Fault.Word} was injected"));
        if (_unit is not { } unit)
        {
            return;
        }
        // The login is noted first, so that a reader of the event also finds the step in the login.
        unit.NoteLogin(
            firing.Subject.Session,
            new LoginFact("lab fault", $"{firing.Fault.Word} fired ({firing.Number})", "PUT /lab/faults")
            {
                Subject = firing.Fault.Nic ?? firing.Subject.Phone ?? "",
            }
        );
        unit.WriteEvent(new EventEntry(FiredId, "system", EventLevel.Notice, "Fault injected", [.. fields]));
    }

    private static bool Has(IUnitCables? links, string nic) => links is not null && links.Interfaces.Contains(nic);

    private void RunScheduled(Fault fault)
    {
        // Not on the clock's own thread, because a step from within a step would wait for itself.
        WorkTracker.Run(
            clock.Work,
            () =>
                Task.Run(async () =>
                {
                    for (
                        var time = 0;
                        time < (fault.Word == "nic.flap" ? fault.Times : 1)
                            && Take(new FaultSubject(null, null, null), fault.Word) is { } firing;
                        time++
                    )
                    {
                        await DoAsync(firing.Fault);
                    }
                })
        );
    }

    private void StepClock(TimeSpan by)
    {
        if (Step is { } step)
        {
            step(by);
            return;
        }
        // An advance waits for work in progress, and this is part of it: not counted meanwhile.
        clock.Work.End();
        try
        {
            clock.Advance(by);
        }
        finally
        {
            clock.Work.Begin();
        }
    }

    private async Task DoAsync(Fault fault)
    {
        switch (fault.Word)
        {
            case "clock.step":
                StepClock(fault.Step!.Value);
                break;
            case "clock.freeze":
                clock.SetRate(ClockRate.Frozen);
                break;
            default:
                _unit?.Links?.SetLink(fault.Nic!, up: false);
                if ((fault.Delay ?? (fault.Word == "nic.flap" ? FlapDefault : (TimeSpan?)null)) is { } down)
                {
                    await WorkTracker.DelayAsync(down, clock);
                    _unit?.Links?.SetLink(fault.Nic!, up: true);
                    if (fault.Word == "nic.flap")
                    {
                        await WorkTracker.DelayAsync(down, clock);
                    }
                }
                break;
        }
    }
}

/// <summary>The effect of a fault on a push that arrives at a phone.</summary>
internal sealed record PushArrival(string Word, TimeSpan? Delay);
