using System.Globalization;
using System.Net;
using Appliance.Firmware.Events;
using Appliance.Firmware.Ftm;
using Appliance.Firmware.Login;
using Appliance.Sim.Clock;
using Appliance.Sim.Lab;
using Appliance.Sim.Phones;
using Appliance.Sim.Providers;
using Appliance.Sim.PushProxy;

namespace Appliance.Sim.Faults;

/// <summary>
/// The faults of a running lab: the places where things happen ask here, each fault that fires is an event (subtype <c>lab</c>) and a step of
/// the login that it touches, and what concerns clock and interfaces is done from here at its time. Thread-safe.
/// </summary>
public sealed class LabFaults(LabClock clock) : IDisposable
{
    /// <summary>Subtype and id of the lab's own events, in the unit's log and sequence; no device has them.</summary>
    private const string FiredId = "0199000001";

    private static readonly TimeSpan FlapDefault = TimeSpan.FromSeconds(1);
    private static readonly string[] Scheduled = ["clock.step", "clock.freeze", "nic.down", "nic.flap"];

    private readonly Lock _lock = new();
    private readonly FaultBoard _board = new();
    private readonly List<ITimer> _timers = [];
    private ILabUnit? _unit;
    private volatile bool _hasRadius;

    /// <summary>What moves the lab's clock on for <c>clock.step</c>; null for the clock itself.</summary>
    internal Action<TimeSpan>? Step { get; init; }

    /// <summary>True when the lab has a RADIUS server to do <c>radius.*</c>.</summary>
    public bool HasAuthenticator { get; set; }

    /// <summary>True while the board has a word of RADIUS: without one nobody needs to ask at each packet.</summary>
    internal bool HasRadius => _hasRadius;

    /// <summary>The board now.</summary>
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

    /// <summary>Where events go and interfaces are.</summary>
    public void Attach(ILabUnit unit) => _unit = unit;

    /// <summary>Replaces all faults.</summary>
    /// <exception cref="FormatException">One of them means nothing in this lab; nothing changed.</exception>
    public void Set(IReadOnlyList<Fault> faults)
    {
        if (!HasAuthenticator && faults.FirstOrDefault(IsRadius) is { } homeless)
        {
            throw new FormatException($"{homeless.Word} means something only in a lab with a FortiAuthenticator stand-in");
        }
        if (_unit is { } unit && faults.FirstOrDefault(fault => fault.Nic is { } nic && unit.Nics.All(known => known.Name != nic)) is { } stray)
        {
            throw new FormatException($"{stray.Word}: there is no interface '{stray.Nic}'");
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

    /// <summary>A provider is about to serve a push.</summary>
    public ProviderFault? Provider(string provider, string deviceToken, PushMessage? push, Devices? devices)
    {
        var firing = Take(SubjectOf(push), "provider.401", "provider.403", "provider.410", "provider.413", "provider.429", "provider.500", "provider.503", "provider.hang", "phone.reinstalled");
        switch (firing?.Fault.Word)
        {
            case null:
                return null;
            case "provider.hang":
                return new ProviderFault(0);
            case "phone.reinstalled":
                // For good: the old token never comes back. The rules tell so themselves where there are any.
                devices?.Put(new Device(deviceToken, GoneSince: clock.GetUtcNow()));
                return devices is null ? new ProviderFault(410) : null;
            default:
                return new ProviderFault(int.Parse(firing.Fault.Word.AsSpan("provider.".Length), CultureInfo.InvariantCulture), firing.Fault.RetryAfter);
        }
    }

    /// <summary>The proxy is about to call a provider.</summary>
    internal WayFault? Way(PushProxyRequest push) =>
        Take(SubjectOf(push), "provider.tls", "provider.dns")?.Fault.Word switch
        {
            null => null,
            "provider.tls" => WayFault.Tls,
            _ => WayFault.Dns,
        };

    /// <summary>The proxy looks up a registration: a second phone that it may stand for, whose app is long gone.</summary>
    internal Registration? SecondPhone(PushProxyRequest push, Devices devices)
    {
        if (!HasSecondPhone(push))
        {
            return null;
        }
        var stale = new Registration(push.Platform, DeviceTokens.Of(push.Platform, "stale " + push.Recipient));
        devices.Put(new Device(stale.Token, GoneSince: clock.GetUtcNow()));
        return stale;
    }

    /// <summary>True when the registration of a push stands for a second phone too, whose app is long gone.</summary>
    internal bool HasSecondPhone(PushProxyRequest push) => Take(SubjectOf(push), "phone.two-devices") is not null;

    /// <summary>A phone is about to answer.</summary>
    internal FaultFiring? Callback(PushMessage push, bool approve)
    {
        string[] always = ["callback.never", "callback.late", "callback.twice", "callback.wrong-session", "callback.slow", "callback.cert-missing", "callback.cert-expired", "callback.cert-wrong-name", "nat.blackhole"];
        // A signature stands only on a denial, a code only on an approval.
        return Take(SubjectOf(push), [.. always, approve ? "phone.skew" : "callback.bad-hmac"]);
    }

    /// <summary>A push has come to a phone.</summary>
    internal PushArrival? Arrival(PushMessage push) => Take(SubjectOf(push), "push.drop", "push.delay", "push.duplicate", "push.reorder", "phone.offline") is { Fault: var fault }
        ? new PushArrival(fault.Word, fault.Delay) : null;

    /// <summary>A request came to the RADIUS server, from a client's address.</summary>
    internal FaultFiring? RadiusRequest(string? user, IPAddress client) => Take(new FaultSubject(user, client, null), "radius.drop", "radius.restart");

    /// <summary>An answer is about to leave the RADIUS server, to a client's address.</summary>
    internal FaultFiring? RadiusAnswer(string? user, IPAddress client) => Take(new FaultSubject(user, client, null), "radius.dup", "radius.delay", "radius.no-message-authenticator", "radius.forged");

    public void Dispose()
    {
        lock (_lock)
        {
            _timers.ForEach(timer => timer.Dispose());
            _timers.Clear();
        }
    }

    private static bool IsRadius(Fault fault) => fault.Word.StartsWith("radius.", StringComparison.Ordinal);

    private static FaultSubject SubjectOf(PushMessage? push) => new(push?.User, push?.ClientAddress, push?.TokenSerial, push?.SessionId);

    private static FaultSubject SubjectOf(PushProxyRequest push) => new(push.User, IPAddress.TryParse(push.ClientIp, out var source) ? source : null, push.Token, push.Session);

    private FaultFiring? Take(FaultSubject subject, params string[] words)
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
        var fields = new List<(string, string)> { ("fault", firing.Fault.Word), ("number", firing.Number.ToString(CultureInfo.InvariantCulture)) };
        foreach (var (name, value) in new[] { ("user", firing.Subject.User), ("srcip", firing.Subject.Source?.ToString()), ("serialno", firing.Subject.Phone), ("interface", firing.Fault.Nic) })
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
        // The login first: who sees the event finds it told there, too.
        unit.NoteLogin(firing.Subject.Session, new LoginFact("lab fault", $"{firing.Fault.Word} fired ({firing.Number})", "PUT /lab/faults") { Subject = firing.Fault.Nic ?? firing.Subject.Phone ?? "" });
        unit.WriteEvent(new EventEntry(FiredId, "system", EventLevel.Notice, "Fault injected", [.. fields]));
    }

    private void RunScheduled(Fault fault)
    {
        // Not on the clock's own thread: a step from within a step would wait for itself.
        WorkInHand.Run(clock.Work, () => Task.Run(async () =>
        {
            for (var time = 0; time < (fault.Word == "nic.flap" ? fault.Times : 1) && Take(new FaultSubject(null, null, null), fault.Word) is { } firing; time++)
            {
                await DoAsync(firing.Fault);
            }
        }));
    }

    private void StepClock(TimeSpan by)
    {
        if (Step is { } step)
        {
            step(by);
            return;
        }
        // An advance waits for what is under way, and this is part of it: counted out meanwhile.
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
                _unit?.SetLink(fault.Nic!, up: false);
                if ((fault.Delay ?? (fault.Word == "nic.flap" ? FlapDefault : (TimeSpan?)null)) is { } down)
                {
                    await WorkInHand.DelayAsync(down, clock);
                    _unit?.SetLink(fault.Nic!, up: true);
                    if (fault.Word == "nic.flap")
                    {
                        await WorkInHand.DelayAsync(down, clock);
                    }
                }
                break;
        }
    }
}

/// <summary>What happens to a push as it comes to a phone.</summary>
internal sealed record PushArrival(string Word, TimeSpan? Delay);
