using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Appliance.Firmware.Admin;
using Appliance.Firmware.Administrators;
using Appliance.Firmware.Certificates;
using Appliance.Firmware.Cli;
using Appliance.Firmware.Commands;
using Appliance.Firmware.Config;
using Appliance.Firmware.Enrolment;
using Appliance.Firmware.Events;
using Appliance.Firmware.Ftm;
using Appliance.Firmware.Http;
using Appliance.Firmware.Login;
using Appliance.Firmware.Mail;
using Appliance.Firmware.Monitoring;
using Appliance.Firmware.Network;
using Appliance.Firmware.Radius;
using Appliance.Firmware.Storage;
using Appliance.Firmware.Tokens;
using Appliance.Firmware.Vpn;
using Appliance.Hal;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Appliance.Firmware;

/// <summary>The appliance: constructs every service in order and stops them in reverse.</summary>
public sealed class Unit : IAsyncDisposable
{
    private readonly Stack<IAsyncDisposable> _running = new();
    private NicTransport _transport = null!;
    private TimeProvider _time = TimeProvider.System;
    private readonly ConsoleAlarms _alarms = new();
    private StateDatabase _state = null!;
    private DeviceCertificates _certificates = null!;
    private LoginService _login = null!;
    private AdminLogin _logins = null!;
    private PushService _push = null!;
    private IReadOnlyList<CliCommand> _commands = [];

    private Unit() { }

    /// <summary>
    /// Raised when an administrator requests a restart or a stop, which the host of the unit performs. Handlers must return immediately.
    /// </summary>
    public event Action<PowerRequest>? PowerRequested;

    /// <summary>The configuration in force.</summary>
    public ConfigStore Config { get; private set; } = null!;

    /// <summary>The event log.</summary>
    public EventLog Events { get; private set; } = null!;

    /// <summary>The interfaces with their access flags.</summary>
    public IReadOnlyList<GatedNic> Nics { get; private set; } = null!;

    /// <summary>The metrics for monitoring.</summary>
    public UnitMetrics Metrics { get; private set; } = null!;

    /// <summary>The token service, which enrols phones.</summary>
    public EnrolmentService Enrolment { get; private set; } = null!;

    /// <summary>The active listeners.</summary>
    public IReadOnlyList<BoundService> Services => _transport.Bound;

    /// <summary>The public certificate of the device CA, which phones trust from their enrolment on.</summary>
    public X509Certificate2 DeviceCa => _certificates.Authority;

    /// <summary>The serial number, generated on first boot and never changed.</summary>
    public string SerialNumber { get; private set; } = "";

    /// <summary>
    /// Returns the certificate that a service (<c>ftm</c>, <c>sslvpn</c>, <c>admin</c>) presents; null if it presents none.
    /// </summary>
    public X509Certificate2? ServiceCertificate(string service) => _certificates.Shown(service);

    /// <summary>Boots a unit; returns when every listener listens.</summary>
    /// <exception cref="FormatException">The first configuration is invalid; the message names the line.</exception>
    /// <exception cref="InvalidDataException">The saved configuration or the keys are damaged.</exception>
    /// <exception cref="StateDamagedException">The state database is damaged.</exception>
    /// <exception cref="AddressInUseException">A port is in use.</exception>
    public static async Task<Unit> StartAsync(UnitOptions options, CancellationToken cancellationToken = default)
    {
        var unit = new Unit();
        try
        {
            await unit.BootAsync(options, cancellationToken).ConfigureAwait(false);
            return unit;
        }
        catch
        {
            await unit.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private async Task BootAsync(UnitOptions options, CancellationToken cancellationToken)
    {
        options.Panel?.Show(new PanelState(PanelPhase.Starting, PanelAlarm.None, new HashSet<string>(), ["Starting"]));
        string InState(string name) => Path.Combine(options.StateFolder, name);
        OwnerOnly.Enforce(options.StateFolder);
        var state = _state = Own(
            StateDatabase.Open(
                InState("state.db"),
                [EventLog.Table, .. LoginCore.Tables, TokenLife.Table, VpnSessions.Table, PasswordHistory.Table, PowerCommands.Table]
            )
        );
        _certificates = Own(DeviceCertificates.Open(InState("certificates"), "Appliance", options.Time));
        SerialNumber =
            options.SerialNumber ?? "FGVMLAB" + Convert.ToHexString(SHA256.HashData(DeviceCa.PublicKey.ExportSubjectPublicKeyInfo()))[..9];
        Events = new EventLog(
            state,
            options.Time,
            SerialNumber,
            EventDevice.IsTimeFirst((options.Personality ?? Personality.Default).Release)
        );
        var life = new TokenLife(state);
        var fresh = !File.Exists(InState("system.conf"));
        var addresses = new InterfaceAddresses(options.Nics);
        string[] interfaces = [.. options.Nics.Select(nic => nic.Name)];
        var first = ConfigRules.First(interfaces, options.Strict);
        var key = DeviceKey.Open(InState("device.key"));
        Config = ConfigStore.Open(
            ConfigSchema.Load(options.Personality ?? Personality.Default),
            InState("system.conf"),
            key,
            options.FirstConfiguration,
            ConfigRules.ValuesOn(interfaces),
            options.Time,
            first with
            {
                Rules = [.. first.Rules, ConfigRules.OfTree(addresses.StaticOnly)],
            }
        );
        var passwords = new PasswordHistory(state, options.Time);
        Config.AddRule(passwords.Check);
        var power = new PowerCommands(
            state,
            Events,
            request =>
            {
                PowerRequested?.Invoke(request);
                return PowerRequested is not null;
            }
        );
        _time = options.Time;

        state.FaultChanged += fault =>
        {
            var entry = StorageEvents.Of(fault, state.Lost);
            Events.Write(entry);
            _alarms.Raise(entry.Fields.Single(field => field.Name == "msg").Value);
        };

        var debug = new DebugTap();
        // Outgoing traffic of the unit's own clients passes the tap, too. Listeners have the tap at their gates.
        var tap = new PacketTap();
        IReadOnlyList<INic> clients = [.. options.Nics.Select(nic => new TappedNic(nic, tap))];
        var login = _login = Own(new LoginService(new TokenCore(state), state, Events, options.Time, debug));
        _logins = new AdminLogin(Config, login, passwords, Events, options.Time);
        var sender =
            options.PushSender
            ?? (options.PushProxy is { } proxy ? Own(new PushProxyClient(proxy, clients, SerialNumber, options.Time)) : new NoPushProxy());
        var push = _push = Own(
            new PushService(
                login,
                sender,
                Events,
                options.Time,
                debug,
                new RegistrationLoss(Config, Events, serial => Enrolment.Provision(serial)).Remove
            )
        );
        login.Connect(push);
        var radius = Own(new RadiusClient(clients, options.Time, debug));
        if (options.Observer is { } observer)
        {
            radius.Traffic += observer.Radius;
        }
        login.Connect(new RadiusGateway(radius, () => Config.Current, Events));
        Metrics = Own(new UnitMetrics(login, push, radius, state, Own(new DescriptorAlarm(Events, options.Time, options.Nics))));
        var mail = Own(new MailService(clients, options.Time));
        var letters = new CodeLetters(mail, Events, options.Time);
        login.Connect(letters);
        var sessions = Own(
            new VpnSessions(state, Events, options.Time, key, options.Numbers, Own(EndedSessions.Open(InState("sessions.ended"))))
        );
        var vpn = new VpnEndpoint(login, sessions, Events, debug);
        var callback = new CallbackEndpoint(push, new TrustedCallers(Config, Events, options.Time), debug);
        var admin = new AdminEndpoint(from => TrustedHosts.AnyoneFrom(Config.Current, from), debug);

        Nics = [.. options.Nics.Select(nic => Own(new GatedNic(nic, tap)))];
        _transport = new NicTransport(options.Time);
        var names = new ServiceNames(SerialNumber, Nics);
        Own(
            await HttpFront
                .StartAsync(
                    _transport,
                    new Dictionary<string, IHttpService>(StringComparer.Ordinal)
                    {
                        [Listeners.Ftm] = callback,
                        [Listeners.SslVpn] =
                            options.Observer?.Over(Listeners.SslVpn, new ContextService(vpn.ServeAsync))
                            ?? new ContextService(vpn.ServeAsync),
                        [Listeners.Admin] = new ContextService(admin.ServeAsync),
                    },
                    service => _certificates.For(service, names.Of(service)),
                    options.Log,
                    cancellationToken
                )
                .ConfigureAwait(false)
        );
        // Stopped first: it aborts every connection, so that the stop does not wait for logins that are pending on a phone.
        Own(new ConnectionCutoff(_transport));

        Follow(login, push, radius, mail, sessions, vpn, admin, addresses, names, new Listeners(_transport, Nics, options.Connections));
        foreach (var service in Listeners.Services)
        {
            _certificates.For(service, names.Of(service));
        }
        Enrolment = new EnrolmentService(Config, life, login, state, Events, letters, options.Time, options.Numbers);
        if (fresh && Config.Current.List("user fortitoken").Count == 0)
        {
            Enrolment.ImportTrial();
        }
        Events.DeviceName = Config.Current.Object("system global").Text("hostname");
        Config.Committed += new ConfigJournal(Events).Record;
        Config.Committed += passwords.Record;
        // All state has been read; from here on the database is written.
        passwords.Reconcile(Config.Current);
        await sessions.StartAsync().ConfigureAwait(false);
        power.Started();
        var usb = new UsbStick(InState("usb"));
        _commands =
        [
            .. StatusCommands.For(Config, Nics, SerialNumber, _transport, power, options.Time),
            .. new SessionCommands(sessions, _transport, options.Time).Commands,
            .. new LogCommands(Events).Commands,
            .. new DebugCommands(debug, options.Time).Commands,
            .. new ClockCommands(options.Time, options.SetClock).Commands,
            .. power.Commands,
            .. new PingCommand(Nics).Commands,
            .. TokenCommands.For(Enrolment, usb),
            .. new BlocklistCommands(login, options.Time).Commands,
            .. ConfigurationCommands.For(Config, Events, usb),
            .. RadiusCommands.For(Config, radius),
            .. new HardwareCommands(options.Board, options.Cooling, options.Slots, options.Panel).Commands,
            .. new NicCommands(Config, Nics).Commands,
            .. new RouteCommands(Config, Nics).Commands,
            new TopCommand(options.Time).Command,
            new SnifferCommand(tap, Nics, options.Time).Command,
            .. new FlowCommands().Commands,
            .. new AdminCommands(_logins.Sessions).Commands,
            ApiUserCommands.GenerateKey,
            new ImageCommands(options.Slots, Events, power).Restore,
        ];
        Own(new RevertTimer(Config, Events, options.Time));
        if (Config.BootWarning is { } warning)
        {
            Events.Write(new EventEntry("0100032139", "system", EventLevel.Alert, "Configuration file damaged", ("msg", warning)));
        }
        if (options.Panel is { } panel)
        {
            Own(new PanelReporter(panel, this, login, push, power, options.Time));
        }
        ConfigurationCommands.TellIgnored(
            Events,
            "daemon",
            Config.IsFirst ? "the first configuration" : "the saved configuration",
            Config.Ignored
        );
    }

    /// <summary>
    /// Checks every listener and service; returns the faults in words for the operator, empty if there are none. Leaves no trace in events
    /// or logs.
    /// </summary>
    public Task<IReadOnlyList<string>> ProbeAsync(CancellationToken cancellationToken) =>
        new Liveness(_transport, service => _certificates.Shown(service)?.RawDataMemory).ProbeAsync(Listeners.Services, cancellationToken);

    /// <summary>The reason why the state's disk cannot be written; null while it can.</summary>
    public string? StorageFault => _state.Fault;

    /// <summary>The newest logins, with the steps of each.</summary>
    public LoginJournal Logins => _login.Journal;

    /// <summary>Returns the journal number of the login that a push belongs to; null if the login is decided or unknown.</summary>
    public long? LoginOf(string pushSession) => _push.LoginOf(pushSession);

    /// <summary>
    /// Adds a fact from outside the unit to the login of a push, if it is still pending; without a push (null), to every pending login.
    /// </summary>
    public void NoteLogin(string? pushSession, LoginFact fact)
    {
        var touched =
            pushSession is null ? _login.Journal.Pending()
            : _push.LoginOf(pushSession) is { } login ? [login]
            : [];
        foreach (var id in touched)
        {
            _login.Journal.Note(id, fact, _time.GetUtcNow());
        }
    }

    /// <summary>The lab policy for logins.</summary>
    public LabPolicy LabPolicy => _login.LabPolicy;

    /// <summary>Sets the lab policy for logins; completes when it is durable and in force.</summary>
    public Task SetLabPolicyAsync(LabPolicy policy) => _login.SetLabPolicyAsync(policy);

    /// <summary>Opens a session of the console that is part of the box, without a login. The caller disposes it.</summary>
    public CliSession OpenConsole() => OpenConsole(Administrator.AttachedConsole);

    /// <summary>Opens a session for an authenticated administrator. The caller disposes it.</summary>
    public CliSession OpenConsole(Administrator who) => _alarms.On(new(Config, _commands, who, sessions: _logins.Sessions));

    /// <summary>Opens a session that begins with a login. The caller disposes it.</summary>
    /// <param name="ui">The access method, as events spell it.</param>
    /// <param name="source">The client's address; null at the console.</param>
    public CliSession OpenLoginConsole(string ui = "console", IPAddress? source = null) =>
        _alarms.On(new(Config, _commands, login: new ConsoleLogin(_logins, Config, _time, ui, source)));

    /// <summary>Returns the enrolment data of all mobile tokens, which changes with the configuration.</summary>
    public IReadOnlyList<TokenActivation> Activations() => ActivationsOf(Config.Current);

    /// <summary>Returns the enrolment data of any configuration.</summary>
    public static IReadOnlyList<TokenActivation> ActivationsOf(ConfigTree config)
    {
        var users = config
            .List("user local")
            .Entries.Where(user => user.Entry.Text("two-factor") == "fortitoken")
            .ToLookup(user => user.Entry.Text("fortitoken"), user => user.Key, StringComparer.Ordinal);
        return
        [
            .. config
                .List("user fortitoken")
                .Entries.Where(entry => entry.Key.StartsWith("FTKMOB", StringComparison.Ordinal))
                .Select(entry => Token.From(entry.Key, entry.Entry))
                .Where(token => token.Seed is not null)
                .Select(token => new TokenActivation(
                    token.Serial,
                    [.. token.Seed!.Secret],
                    token.Seed.Step,
                    token.Seed.Digits,
                    token.RegistrationId,
                    token.OsVersion,
                    users[token.Serial].FirstOrDefault()
                )),
        ];
    }

    /// <summary>Stops in reverse order. Every acknowledged write is on disk.</summary>
    public async ValueTask DisposeAsync()
    {
        while (_running.TryPop(out var service))
        {
            await service.DisposeAsync().ConfigureAwait(false);
        }
    }

    private void Follow(params ReadOnlySpan<IConfigSubscriber> services)
    {
        foreach (var service in services)
        {
            if (Config.Subscribe(service) is { } error)
            {
                // Only a port in use can refuse a configuration that was valid when it was saved.
                throw new AddressInUseException(error.Lines[0]);
            }
        }
    }

    private T Own<T>(T service)
        where T : class
    {
        _running.Push(service as IAsyncDisposable ?? new Synchronous((IDisposable)service));
        return service;
    }

    private sealed class Synchronous(IDisposable service) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            service.Dispose();
            return ValueTask.CompletedTask;
        }
    }

    private sealed class ConnectionCutoff(NicTransport transport) : IDisposable
    {
        public void Dispose() => transport.Apply([]);
    }
}
