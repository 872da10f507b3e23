using System.Diagnostics.Metrics;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using Appliance.Doubles.Clock;
using Appliance.Doubles.Faults;
using Appliance.Doubles.FortiAuthenticator;
using Appliance.Firmware;
using Appliance.Firmware.Cli;
using Appliance.Firmware.Config;
using Appliance.Firmware.Enrolment;
using Appliance.Firmware.Events;
using Appliance.Firmware.Login.Journal;
using Appliance.Firmware.Login.Policy;
using Appliance.Firmware.Mail;
using Appliance.Hal;

namespace Appliance.Lab.Units;

/// <summary>The lab's interface to a <see cref="Unit"/>, and to the next one after <c>execute reboot</c>.</summary>
internal sealed class LabUnit : ILabUnit, IUnitConsole, IUnitPolicy, IUnitCables, IFaultTarget, IDisposable
{
    private readonly Lock _lock = new();
    private readonly HashSet<CliSession> _sessions = [];
    private TaskCompletionSource<Unit> _up = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private CancellationTokenSource _going = new();
    private readonly FacPower? _authenticator;
    private volatile Unit _unit;

    /// <param name="unit">The unit that runs.</param>
    /// <param name="authenticator">The lab's FortiAuthenticator emulator; null for none.</param>
    /// <param name="clock">The clock that the unit runs by; null if the lab cannot set it.</param>
    public LabUnit(Unit unit, FacPower? authenticator = null, LabClock? clock = null)
    {
        _unit = unit;
        _authenticator = authenticator;
        Clock = clock is null ? MissingPart.Here("this lab has no clock") : new Offer<LabClock>(clock);
        _up.SetResult(unit);
        // The unit disposes its own certificate; the CA is the same after a restart.
        DeviceCa = X509CertificateLoader.LoadCertificate(unit.DeviceCa.RawData);
    }

    public object Version => _unit.Config.Current;

    public X509Certificate2 DeviceCa { get; }

    public IReadOnlyList<X509Certificate2> Authorities => _authenticator is null ? [DeviceCa] : [DeviceCa, _authenticator.Authority];

    public IReadOnlyList<LabNic> Nics =>
        [
            .. _unit.Nics.Select(nic => new LabNic(
                nic.Name,
                nic.Addresses[0],
                AllowAccessWord.Of(nic.Access),
                nic.Inner.LinkUp,
                (nic.Inner as NicBase)?.AcceptedCount ?? 0,
                (nic.Inner as NicBase)?.LiveCount ?? 0
            )),
        ];

    /// <summary>The phones of the appliance, then those of the FortiAuthenticator emulator.</summary>
    public IReadOnlyList<BoundService> Services => [.. _unit.Services, .. _authenticator?.Server.Services() ?? []];

    public IReadOnlyList<string> Users =>
        [.. _unit.Config.Current.List("user local").Keys.Where(name => !FactoryObjects.Has("user local", name))];

    public IPEndPoint? MailServer =>
        MailSettings.Read(_unit.Config.Current) is { Server: var server, Port: var port } && IPAddress.TryParse(server, out var address)
            ? new IPEndPoint(address, port)
            : null;

    public IReadOnlySet<string> SmsDomains =>
        MailSettings.Read(_unit.Config.Current).SmsGateways.Values.ToHashSet(StringComparer.OrdinalIgnoreCase);

    public Task<EnrolmentAnswer> EnrolAsync(PhoneEnrolment phone) => _unit.Enrolment.EnrolAsync(phone);

    /// <summary>A token of the appliance and of the emulator is one phone, enrolled with the appliance.</summary>
    public IReadOnlyList<TokenActivation> Activations() =>
        [.. _unit.Activations().Concat(_authenticator?.Server.Activations() ?? []).DistinctBy(activation => activation.Serial)];

    public async Task<string> TranscriptAsync(string script, CancellationToken cancellationToken = default)
    {
        using var session = _unit.OpenConsole();
        return await ConsoleStream.TranscriptAsync(session, script, cancellationToken);
    }

    public async Task RunConsoleAsync(Stream input, Stream output, bool echo, bool login, CancellationToken cancellationToken)
    {
        using var session = await OpenAsync(login, cancellationToken);
        await ConsoleStream.RunAsync(session, input, output, echo, cancellationToken);
        Forget(session);
    }

    public async Task<ConsoleEnd> RunTerminalAsync(
        Stream input,
        Stream output,
        Func<TerminalSize> size,
        bool login,
        CancellationToken cancellationToken
    )
    {
        using var session = await OpenAsync(login, cancellationToken);
        var end = await ConsoleStream.RunTerminalAsync(session, input, output, size, cancellationToken);
        Forget(session);
        return end;
    }

    public IReadOnlyList<EventRecord> EventsAfter(long id, int limit) => _unit.Events.After(id, limit);

    public Offer<IUnitConsole> Console => new(this);

    public Offer<IUnitPolicy> Policy => new(this);

    public Offer<IUnitCables> Cables => new(this);

    public Offer<IFaultTarget> Faults => new(this);

    public Offer<LabClock> Clock { get; }

    public Offer<Meter> Metrics => new(_unit.Metrics.Meter);

    IUnitCables IFaultTarget.Links => this;

    IEnumerable<string> IUnitCables.Interfaces => _unit.Nics.Select(nic => nic.Name);

    public LoginJournal Logins => _unit.Logins;

    public void NoteLogin(string? pushSession, LoginFact fact) => _unit.NoteLogin(pushSession, fact);

    LabPolicy IUnitPolicy.Current => _unit.LabPolicy;

    Task IUnitPolicy.SetAsync(LabPolicy policy) => _unit.SetLabPolicyAsync(policy);

    public async Task WaitForEventAfterAsync(long id, CancellationToken cancellationToken)
    {
        while (true)
        {
            var (up, going) = State();
            var unit = await up.WaitAsync(cancellationToken);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, going);
            try
            {
                await unit.Events.WaitAfterAsync(id, either.Token);
                return;
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                // This unit stops: pending waits continue with the next unit.
            }
        }
    }

    public X509Certificate2? ServiceCertificate(string service) => _unit.ServiceCertificate(service);

    public void WriteEvent(EventEntry entry) => _unit.Events.Write(entry);

    public void SetLink(string nic, bool up) => _unit.Nics.First(known => known.Name == nic).Inner.SetLink(up);

    /// <summary>Disconnects the unit: its sessions end, and new ones wait for the next unit.</summary>
    public void GoDown()
    {
        CancellationTokenSource going;
        CliSession[] sessions;
        lock (_lock)
        {
            _up = new(TaskCreationOptions.RunContinuationsAsynchronously);
            (going, _going) = (_going, new CancellationTokenSource());
            sessions = [.. _sessions];
            _sessions.Clear();
        }
        going.Cancel();
        going.Dispose();
        foreach (var session in sessions)
        {
            session.Close("The unit is stopping.\n");
        }
    }

    /// <summary>Connects the next unit.</summary>
    public void ComeUp(Unit unit)
    {
        lock (_lock)
        {
            _unit = unit;
            _up.SetResult(unit);
        }
    }

    public void Dispose()
    {
        _going.Dispose();
        DeviceCa.Dispose();
    }

    /// <summary>The activations of the appliance's own tokens.</summary>
    internal IReadOnlyList<TokenActivation> OwnActivations() => _unit.Activations();

    private (Task<Unit> Up, CancellationToken Going) State()
    {
        lock (_lock)
        {
            return (_up.Task, _going.Token);
        }
    }

    private async Task<CliSession> OpenAsync(bool login, CancellationToken cancellationToken)
    {
        while (true)
        {
            var unit = await State().Up.WaitAsync(cancellationToken);
            lock (_lock)
            {
                if (ReferenceEquals(unit, _unit) && _up.Task.IsCompleted)
                {
                    var session = login ? unit.OpenLoginConsole() : unit.OpenConsole();
                    _sessions.Add(session);
                    return session;
                }
            }
        }
    }

    private void Forget(CliSession session)
    {
        lock (_lock)
        {
            _sessions.Remove(session);
        }
    }
}
