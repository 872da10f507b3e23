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
            foreach (var fault in faults.Where(fault => fault.Word.At == FaultPoint.Schedule))
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
    internal FaultFiring? Callback(PushMessage push, bool approve) =>
        Take(SubjectOf(push), approve ? FaultPoint.Approval : FaultPoint.Denial);

    /// <summary>Returns the fault of a push that arrives at a phone; null for none.</summary>
    internal Fault? Arrival(PushMessage push) => Take(SubjectOf(push), FaultPoint.Arrival)?.Fault;

    /// <summary>Returns the fault of a request that arrived at the RADIUS server from a client's address; null for none.</summary>
    internal FaultFiring? RadiusRequest(string? user, IPAddress client) =>
        Take(new FaultSubject(user, client, null), FaultPoint.RadiusRequest);

    /// <summary>Returns the fault of an answer that the RADIUS server is about to send to a client's address; null for none.</summary>
    internal FaultFiring? RadiusAnswer(string? user, IPAddress client) =>
        Take(new FaultSubject(user, client, null), FaultPoint.RadiusReply);

    private static bool IsRadius(Fault fault) => fault.Word.Domain == FaultDomain.Radius;

    /// <summary>Returns the subject of a push for matching.</summary>
    internal static FaultSubject SubjectOf(PushMessage? push) => new(push?.User, push?.ClientAddress, push?.TokenSerial, push?.SessionId);

    /// <summary>
    /// Returns the first fault that fires for a subject at an opportunity, after writing its event and its login's step. Null for none.
    /// </summary>
    internal FaultFiring? Take(FaultSubject subject, FaultPoint at, FaultWord? only = null)
    {
        FaultFiring? firing;
        lock (_lock)
        {
            firing = _board.Take(subject, clock.GetUtcNow(), at, only);
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
            ("fault", firing.Fault.Word.Name),
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
                        time < (fault.Word == FaultWord.NicFlap ? fault.Times : 1)
                            && Take(new FaultSubject(null, null, null), FaultPoint.Schedule, fault.Word) is { } firing;
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
        if (fault.Word == FaultWord.ClockStep)
        {
            StepClock(fault.Step!.Value);
            return;
        }
        if (fault.Word == FaultWord.ClockFreeze)
        {
            clock.SetRate(ClockRate.Frozen);
            return;
        }
        var flaps = fault.Word == FaultWord.NicFlap;
        _unit?.Links?.SetLink(fault.Nic!, up: false);
        if ((fault.Delay ?? (flaps ? FlapDefault : (TimeSpan?)null)) is { } down)
        {
            await WorkTracker.DelayAsync(down, clock);
            _unit?.Links?.SetLink(fault.Nic!, up: true);
            if (flaps)
            {
                await WorkTracker.DelayAsync(down, clock);
            }
        }
    }
}
