using System.Net;
using System.Security.Cryptography.X509Certificates;
using Appliance.Firmware.Administrators;
using Appliance.Firmware.Cli;
using Appliance.Firmware.Commands;
using Appliance.Firmware.Config;
using Appliance.Firmware.Enrolment;
using Appliance.Firmware.Events;
using Appliance.Firmware.Login.Journal;
using Appliance.Firmware.Login.Policy;
using Appliance.Firmware.Monitoring;
using Appliance.Firmware.Network;
using Appliance.Firmware.Storage;
using Appliance.Firmware.Tunnels;
using Appliance.Hal;
using Microsoft.AspNetCore.Connections;

namespace Appliance.Firmware;

/// <summary>The appliance: constructs every service in order and stops them in reverse.</summary>
public sealed class Unit : IAsyncDisposable
{
    private readonly OwnedStack _owned;
    private readonly UnitOptions _options;
    private readonly UnitData _data;
    private readonly UnitServices _services;
    private readonly UnitFront _front;
    private readonly IReadOnlyList<CliCommand> _commands;

    private Unit(OwnedStack owned, UnitOptions options, UnitData data, UnitServices services, UnitFront front)
    {
        _owned = owned;
        _options = options;
        _data = data;
        _services = services;
        _front = front;
        _commands = Commands();
    }

    /// <summary>
    /// Raised when an administrator requests a restart or a stop, which the host of the unit performs. Handlers must return immediately.
    /// </summary>
    public event Action<PowerRequest>? PowerRequested
    {
        add => _services.PowerRequested += value;
        remove => _services.PowerRequested -= value;
    }

    /// <summary>The configuration in force.</summary>
    public ConfigStore Config => _data.Config;

    /// <summary>The event log.</summary>
    public EventLog Events => _data.Events;

    /// <summary>The interfaces with their access flags.</summary>
    public IReadOnlyList<GatedNic> Nics => _front.Nics;

    /// <summary>The metrics for monitoring.</summary>
    public UnitMetrics Metrics => _services.Metrics;

    /// <summary>The token service, which enrols phones.</summary>
    public EnrolmentService Enrolment => _services.Enrolment;

    /// <summary>The active listeners.</summary>
    public IReadOnlyList<BoundService> Services => _front.Transport.Bound;

    /// <summary>
    /// Completes when the unit is ready: it listens, and the sessions that ended while it was off are deleted from disk. A full disk delays
    /// it; an event and the console name the disk.
    /// </summary>
    public Task Ready => _services.Sessions.EndsDurable;

    /// <summary>The tunnels of the SSL VPN.</summary>
    public TunnelService Tunnels => _front.Tunnels;

    /// <summary>The public certificate of the device CA, which phones trust from their enrolment on.</summary>
    public X509Certificate2 DeviceCa => _data.Certificates.Authority;

    /// <summary>The serial number, generated on first boot and never changed.</summary>
    public string SerialNumber => _data.SerialNumber;

    /// <summary>The newest logins, with the steps of each.</summary>
    public LoginJournal Logins => _services.Login.Journal;

    /// <summary>The lab policy for logins.</summary>
    public LabPolicy LabPolicy => _services.Login.LabPolicy;

    /// <summary>
    /// Returns the certificate that a service (<c>ftm</c>, <c>sslvpn</c>, <c>admin</c>) presents; null if it presents none.
    /// </summary>
    public X509Certificate2? ServiceCertificate(string service) => _data.Certificates.Shown(service);

    /// <summary>Boots a unit; returns when every listener listens.</summary>
    /// <exception cref="FormatException">The first configuration is invalid; the message names the line.</exception>
    /// <exception cref="InvalidDataException">The saved configuration or the keys are damaged.</exception>
    /// <exception cref="StateDamagedException">The state database is damaged.</exception>
    /// <exception cref="AddressInUseException">A port is in use.</exception>
    public static Task<Unit> StartAsync(UnitOptions options, CancellationToken cancellationToken = default) =>
        OwnedStack.StartAsync(async owned =>
        {
            options.Panel?.Show(new PanelState(PanelPhase.Starting, PanelAlarm.None, new HashSet<string>(), ["Starting"]));
            var data = new UnitData(options, owned);
            var services = new UnitServices(options, data, owned);
            var front = await UnitFront.StartAsync(options, data, services, owned, cancellationToken).ConfigureAwait(false);
            services.StartEnrolment(options, data);
            var unit = new Unit(owned, options, data, services, front);
            await unit.BeginAsync().ConfigureAwait(false);
            return unit;
        });

    /// <summary>
    /// Checks every listener and service; returns the faults in words for the operator, empty if there are none. Leaves no trace in events
    /// or logs.
    /// </summary>
    public Task<IReadOnlyList<string>> ProbeAsync(CancellationToken cancellationToken) =>
        new Liveness(_front.Transport, service => _data.Certificates.Shown(service)?.RawDataMemory).ProbeAsync(
            Listeners.Services,
            cancellationToken
        );

    /// <summary>Returns the journal number of the login that a push belongs to; null if the login is decided or unknown.</summary>
    public long? LoginOf(string pushSession) => _services.Push.LoginOf(pushSession);

    /// <summary>
    /// Adds a fact from outside the unit to the login of a push, if it is still pending; without a push (null), to every pending login.
    /// </summary>
    public void NoteLogin(string? pushSession, LoginFact fact)
    {
        var touched =
            pushSession is null ? Logins.Pending()
            : LoginOf(pushSession) is { } login ? [login]
            : [];
        foreach (var id in touched)
        {
            Logins.Note(id, fact, _options.Time.GetUtcNow());
        }
    }

    /// <summary>Sets the lab policy for logins; completes when it is durable and in force.</summary>
    public Task SetLabPolicyAsync(LabPolicy policy) => _services.Login.SetLabPolicyAsync(policy);

    /// <summary>Opens a session of the console that is part of the box, without a login. The caller disposes it.</summary>
    public CliSession OpenConsole() => OpenConsole(Administrator.AttachedConsole);

    /// <summary>Opens a session for an authenticated administrator. The caller disposes it.</summary>
    public CliSession OpenConsole(Administrator who) =>
        _services.Alarms.On(new(Config, _commands, who, sessions: _services.AdminLogin.Sessions));

    /// <summary>Opens a session that begins with a login. The caller disposes it.</summary>
    /// <param name="ui">The access method, as events spell it.</param>
    /// <param name="source">The client's address; null at the console.</param>
    public CliSession OpenLoginConsole(string ui = "console", IPAddress? source = null) =>
        _services.Alarms.On(
            new(Config, _commands, login: new ConsoleLogin(_services.AdminLogin, Config, _options.Time, ui, source))
        );

    /// <summary>Returns the enrolment data of all mobile tokens, which changes with the configuration.</summary>
    public IReadOnlyList<TokenActivation> Activations() => TokenActivation.Of(Config.Current);

    /// <summary>Stops in reverse order. Every acknowledged write is on disk.</summary>
    public ValueTask DisposeAsync() => _owned.DisposeAsync();

    /// <summary>Begins to record and to report: from here on the database is written.</summary>
    private async Task BeginAsync()
    {
        Events.DeviceName = Config.Current.Object("system global").Text("hostname");
        Config.Committed += new ConfigJournal(Events).Record;
        Config.Committed += _data.Passwords.Record;
        // All state has been read.
        _data.Passwords.Reconcile(Config.Current);
        await _services.Sessions.StartAsync().ConfigureAwait(false);
        _services.Power.Started();
        _owned.Push(new RevertTimer(Config, Events, _options.Time));
        if (Config.BootWarning is { } warning)
        {
            Events.Write(new EventEntry("0100032139", "system", EventLevel.Alert, "Configuration file damaged", ("msg", warning)));
        }
        if (_options.Panel is { } panel)
        {
            var sources = new PanelSources(
                Config,
                Events,
                Nics,
                _data.State,
                _services.Login,
                _services.Push,
                () => _services.Power.RequestAsync(PowerRequest.Reboot, "admin", "panel", "factory reset")
            );
            _owned.Push(new PanelReporter(panel, sources, _options.Time));
        }
        ConfigurationCommands.TellIgnored(
            Events,
            "daemon",
            Config.IsFirst ? "the first configuration" : "the saved configuration",
            Config.Ignored
        );
    }

    /// <summary>Every part of the unit with console commands.</summary>
    private CliCommand[] Commands()
    {
        var (transport, power, time) = (_front.Transport, _services.Power, _options.Time);
        ICommandSource[] sources =
        [
            new StatusCommands(Config, Nics, SerialNumber, transport, power, time),
            new SessionCommands(_services.Sessions, _front.Tunnels, transport, time),
            new LogCommands(Events),
            new DebugCommands(_services.Debug, time),
            new ClockCommands(time, _options.SetClock),
            power,
            new PingCommand(Nics),
            new TokenCommands(Enrolment, _data.Usb),
            new BlocklistCommands(_services.Login, time),
            new ConfigurationCommands(Config, Events, _data.Usb),
            new RadiusCommands(Config, _services.Radius),
            new HardwareCommands(_options.Board, _options.Cooling, _options.Slots, _options.Panel),
            new NicCommands(Config, Nics),
            new RouteCommands(Config, Nics),
            new TopCommand(time),
            new SnifferCommand(_services.Tap, Nics, time),
            new FlowCommands(),
            new AdminCommands(_services.AdminLogin.Sessions),
            new ApiUserCommands(),
            new ImageCommands(_options.Slots, Events, power),
        ];
        return [.. sources.SelectMany(source => source.Commands)];
    }
}
