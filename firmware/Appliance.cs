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
using Appliance.Firmware.Radius;
using Appliance.Firmware.Storage;
using Appliance.Firmware.Tokens;
using Appliance.Firmware.Vpn;
using Appliance.Hal;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Appliance.Firmware;

/// <summary>Everything that a unit gets from the place where it runs.</summary>
/// <param name="StateFolder">Where configuration, keys and the state database live; made when missing.</param>
/// <param name="Nics">The interfaces of the board, in order.</param>
/// <param name="Time">The only clock.</param>
/// <param name="PushSender">A way to the phones beside the push proxy; null for the proxy.</param>
/// <param name="FirstConfiguration">CLI text that a fresh state boots.</param>
/// <param name="Log">Where the framework's own diagnostics go.</param>
/// <param name="Personality">The release to behave like; null for the default one.</param>
/// <param name="PushProxy">Where the push proxy is; null when the unit knows none.</param>
public sealed record UnitOptions(
    string StateFolder, IReadOnlyList<INic> Nics, TimeProvider Time, IPushSender? PushSender, string FirstConfiguration, ILoggerFactory Log, Personality? Personality = null,
    PushProxyOptions? PushProxy = null)
{
    /// <summary>
    /// True: the first mistake in <see cref="FirstConfiguration"/> ends the start. False: it is read like a file that is restored, and what of it has no
    /// effect is in <see cref="ConfigStore.Ignored"/>.
    /// </summary>
    public bool Strict { get; init; } = true;

    /// <summary>Sets the clock (<c>execute date</c>): null when done, else why not. Null where the unit may not.</summary>
    public Func<DateTimeOffset, string?>? SetClock { get; init; }

    /// <summary>Where numbers come from that stand in the log (tunnels, trial tokens); null for the system's. No secret ever comes from here.</summary>
    public RandomNumberGenerator? Numbers { get; init; }

    /// <summary>The unit's serial number; null for one that is made on first boot.</summary>
    public string? SerialNumber { get; init; }

    /// <summary>What the box is made of; null where it does not matter.</summary>
    public Board? Board { get; init; }

    /// <summary>How many connections its services may hold in all; at least 12.</summary>
    public int Connections { get; init; } = ConnectionsMost;

    /// <summary>The most connections of a unit, however many descriptors there are.</summary>
    public const int ConnectionsMost = 20_000;

    /// <summary>The box's panel; null without one. It stays the caller's.</summary>
    public IFrontPanel? Panel { get; init; }

    /// <summary>The box's temperature and fan; null without them. They stay the caller's.</summary>
    public Cooling? Cooling { get; init; }

    /// <summary>The slots of the box's firmware; null where it has none.</summary>
    public IFirmwareSlots? Slots { get; init; }

    /// <summary>Who looks on at the unit's own messages; null on a box.</summary>
    public IWireObserver? Observer { get; init; }
}

/// <summary>Somebody who looks on at what a unit says and hears: a lab. What it sees is not masked.</summary>
public interface IWireObserver
{
    /// <summary>The service itself, or what stands before it and hands each request on.</summary>
    IHttpService Over(string service, IHttpService inner);

    /// <summary>A packet to or from a RADIUS server; returns at once.</summary>
    void Radius(RadiusTraffic traffic);
}

/// <summary>What a phone receives when it is enrolled: never logged, never shown.</summary>
public sealed record TokenActivation(string Serial, byte[] Seed, TimeSpan Step, int Digits, string RegistrationId, string OsVersion, string? User);

/// <summary>The appliance: every service, built by hand in order; stop is the reverse.</summary>
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

    /// <summary>Raised when an administrator wants the unit restarted or stopped; whoever runs it does so. Handlers return at once.</summary>
    public event Action<PowerRequest>? PowerRequested;

    /// <summary>The configuration in force.</summary>
    public ConfigStore Config { get; private set; } = null!;

    /// <summary>The event log.</summary>
    public EventLog Events { get; private set; } = null!;

    /// <summary>The interfaces with their access flags.</summary>
    public IReadOnlyList<GatedNic> Nics { get; private set; } = null!;

    /// <summary>What monitoring looks at.</summary>
    public UnitMetrics Metrics { get; private set; } = null!;

    /// <summary>The life of the tokens; phones are enrolled there.</summary>
    public EnrolmentService Enrolment { get; private set; } = null!;

    /// <summary>What listens now.</summary>
    public IReadOnlyList<BoundService> Services => _transport.Bound;

    /// <summary>The public certificate of the device CA: phones trust it from their enrolment on.</summary>
    public X509Certificate2 DeviceCa => _certificates.Authority;

    /// <summary>The serial number, made on first boot and never changed.</summary>
    public string SerialNumber { get; private set; } = "";

    /// <summary>The certificate that a service (<c>ftm</c>, <c>sslvpn</c>, <c>admin</c>) shows, or null while it shows none.</summary>
    public X509Certificate2? ServiceCertificate(string service) => _certificates.Shown(service);

    /// <summary>Boots a unit; returns when every listener listens.</summary>
    /// <exception cref="FormatException">The first configuration is wrong; the message names the line.</exception>
    /// <exception cref="InvalidDataException">The saved configuration or the keys are damaged.</exception>
    /// <exception cref="StateDamagedException">The state database is damaged.</exception>
    /// <exception cref="AddressInUseException">A port is taken.</exception>
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
        var state = _state = Own(StateDatabase.Open(InState("state.db"), [EventLog.Table, .. LoginCore.Tables, TokenLife.Table, VpnSessions.Table, PasswordHistory.Table, PowerCommands.Table]));
        _certificates = Own(DeviceCertificates.Open(InState("certificates"), "Appliance", options.Time));
        SerialNumber = options.SerialNumber ?? "FGVMLAB" + Convert.ToHexString(SHA256.HashData(DeviceCa.PublicKey.ExportSubjectPublicKeyInfo()))[..9];
        Events = new EventLog(state, options.Time, SerialNumber, EventDevice.IsTimeFirst((options.Personality ?? Personality.Default).Release));
        var life = new TokenLife(state);
        var fresh = !File.Exists(InState("system.conf"));
        var addresses = new InterfaceAddresses(options.Nics);
        string[] interfaces = [.. options.Nics.Select(nic => nic.Name)];
        var first = ConfigRules.First(interfaces, options.Strict);
        var key = DeviceKey.Open(InState("device.key"));
        Config = ConfigStore.Open(
            ConfigSchema.Load(options.Personality ?? Personality.Default), InState("system.conf"), key, options.FirstConfiguration, ConfigRules.ValuesOn(interfaces), options.Time,
            first with { Rules = [.. first.Rules, ConfigRules.OfTree(addresses.StaticOnly)] });
        var passwords = new PasswordHistory(state, options.Time);
        Config.AddRule(passwords.Check);
        var power = new PowerCommands(state, Events, request =>
        {
            PowerRequested?.Invoke(request);
            return PowerRequested is not null;
        });
        _time = options.Time;

        state.FaultChanged += fault =>
        {
            var entry = StorageEvents.Of(fault, state.Lost);
            Events.Write(entry);
            _alarms.Raise(entry.Fields.Single(field => field.Name == "msg").Value);
        };

        var debug = new DebugTap();
        // What the unit's own clients send is seen, too; its listeners have the tap at their gates.
        var tap = new PacketTap();
        IReadOnlyList<INic> clients = [.. options.Nics.Select(nic => new TappedNic(nic, tap))];
        var login = _login = Own(new LoginService(new TokenCore(state), state, Events, options.Time, debug));
        _logins = new AdminLogin(Config, login, passwords, Events, options.Time);
        var sender = options.PushSender ?? (options.PushProxy is { } proxy ? Own(new PushProxyClient(proxy, clients, SerialNumber, options.Time)) : new NoPushProxy());
        var push = _push = Own(new PushService(login, sender, Events, options.Time, debug, new RegistrationLoss(Config, Events, serial => Enrolment.Provision(serial)).Remove));
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
        var sessions = Own(new VpnSessions(state, Events, options.Time, key, options.Numbers, Own(EndedSessions.Open(InState("sessions.ended")))));
        var vpn = new VpnEndpoint(login, sessions, Events, debug);
        var callback = new CallbackEndpoint(push, new TrustedCallers(Config, Events, options.Time), debug);
        var admin = new AdminEndpoint(from => TrustedHosts.AnyoneFrom(Config.Current, from), debug);

        Nics = [.. options.Nics.Select(nic => Own(new GatedNic(nic, tap)))];
        _transport = new NicTransport(options.Time);
        var names = new ServiceNames(SerialNumber, Nics);
        Own(await HttpFront.StartAsync(_transport, new Dictionary<string, IHttpService>(StringComparer.Ordinal)
        {
            [Listeners.Ftm] = callback,
            [Listeners.SslVpn] = options.Observer?.Over(Listeners.SslVpn, new ContextService(vpn.ServeAsync)) ?? new ContextService(vpn.ServeAsync),
            [Listeners.Admin] = new ContextService(admin.ServeAsync),
        }, service => _certificates.For(service, names.Of(service)), options.Log, cancellationToken).ConfigureAwait(false));
        // Stopped first of all: cuts off every connection, so that nobody waits for those who wait for a phone.
        Own(new Curtain(_transport));

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
        // Reads are over: from here on the database is written.
        passwords.Reconcile(Config.Current);
        await sessions.StartAsync().ConfigureAwait(false);
        power.Started();
        var usb = new UsbStick(InState("usb"));
        _commands =
        [
            .. StatusCommands.For(this, _transport, power, options.Time), .. new SessionCommands(sessions, _transport, options.Time).Commands,
            .. new LogCommands(Events).Commands, .. new DebugCommands(debug, options.Time).Commands, .. new ClockCommands(options.Time, options.SetClock).Commands,
            .. power.Commands, .. new PingCommand(Nics).Commands, .. TokenCommands.For(Enrolment, usb), .. new BlocklistCommands(login, options.Time).Commands,
            .. ConfigurationCommands.For(this, usb), .. RadiusCommands.For(this, radius), .. new HardwareCommands(options).Commands,
            .. new NicCommands(this).Commands, .. new RouteCommands(this).Commands, new TopCommand(options.Time).Command, new SnifferCommand(tap, Nics, options.Time).Command,
            .. new FlowCommands().Commands, .. new AdminCommands(_logins.Sessions).Commands, ApiUserCommands.GenerateKey,
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
        ConfigurationCommands.TellIgnored(Events, "daemon", Config.IsFirst ? "the first configuration" : "the saved configuration", Config.Ignored);
    }

    /// <summary>
    /// Whether every listener and service works: what is wrong, in the operator's words; empty when all is well. Leaves no trace in events or logs.
    /// </summary>
    public Task<IReadOnlyList<string>> ProbeAsync(CancellationToken cancellationToken) =>
        new Liveness(_transport, service => _certificates.Shown(service)?.RawDataMemory).ProbeAsync(Listeners.Services, cancellationToken);

    /// <summary>Why the disk of the state cannot be written; null while it can.</summary>
    public string? StorageFault => _state.Fault;

    /// <summary>The newest logins, step by step.</summary>
    public LoginJournal Logins => _login.Journal;

    /// <summary>The login that a push belongs to, by its number in the journal; null when it is decided, or never was.</summary>
    public long? LoginOf(string pushSession) => _push.LoginOf(pushSession);

    /// <summary>Adds what somebody outside knows to the login of a push, if that is pending still; without one (null) to every login that is.</summary>
    public void NoteLogin(string? pushSession, LoginFact fact)
    {
        var touched = pushSession is null ? _login.Journal.Pending() : _push.LoginOf(pushSession) is { } login ? [login] : [];
        foreach (var id in touched)
        {
            _login.Journal.Note(id, fact, _time.GetUtcNow());
        }
    }

    /// <summary>The lab's own rules for logins.</summary>
    public LabPolicy LabPolicy => _login.LabPolicy;

    /// <summary>Sets the lab's own rules for logins; completes when they are durable and in force.</summary>
    public Task SetLabPolicyAsync(LabPolicy policy) => _login.SetLabPolicyAsync(policy);

    /// <summary>A new session of the console that is part of the box: nobody is asked who he is. The caller disposes it.</summary>
    public CliSession OpenConsole() => OpenConsole(Administrator.AttachedConsole);

    /// <summary>A new session of an administrator who is known already. The caller disposes it.</summary>
    public CliSession OpenConsole(Administrator who) => _alarms.On(new(Config, _commands, who, sessions: _logins.Sessions));

    /// <summary>A new session that asks who it is. The caller disposes it.</summary>
    /// <param name="ui">The way in, as events spell it.</param>
    /// <param name="source">From where; null at the console.</param>
    public CliSession OpenLoginConsole(string ui = "console", IPAddress? source = null) =>
        _alarms.On(new(Config, _commands, login: new ConsoleLogin(_logins, Config, _time, ui, source)));

    /// <summary>What the phones of all mobile tokens get at enrolment; changes with the configuration.</summary>
    public IReadOnlyList<TokenActivation> Activations() => ActivationsOf(Config.Current);

    /// <summary>The same, of any configuration.</summary>
    public static IReadOnlyList<TokenActivation> ActivationsOf(ConfigTree config)
    {
        var users = config.List("user local").Entries.Where(user => user.Entry.Text("two-factor") == "fortitoken").ToLookup(user => user.Entry.Text("fortitoken"), user => user.Key, StringComparer.Ordinal);
        return [.. config.List("user fortitoken").Entries
            .Where(entry => entry.Key.StartsWith("FTKMOB", StringComparison.Ordinal))
            .Select(entry => Token.From(entry.Key, entry.Entry))
            .Where(token => token.Seed is not null)
            .Select(token => new TokenActivation(token.Serial, [.. token.Seed!.Secret], token.Seed.Step, token.Seed.Digits, token.RegistrationId, token.OsVersion, users[token.Serial].FirstOrDefault()))];
    }

    /// <summary>Stops in reverse order; everything acknowledged is on disk.</summary>
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
                // Only a port that is taken can stop a configuration that was valid when it was saved.
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

    private sealed class Curtain(NicTransport transport) : IDisposable
    {
        public void Dispose() => transport.Apply([]);
    }
}
