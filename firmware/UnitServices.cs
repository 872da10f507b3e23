using System.Security.Cryptography;
using Appliance.Firmware.Admin;
using Appliance.Firmware.Administrators;
using Appliance.Firmware.Certificates;
using Appliance.Firmware.Commands;
using Appliance.Firmware.Config;
using Appliance.Firmware.Enrolment;
using Appliance.Firmware.Events;
using Appliance.Firmware.Ftm;
using Appliance.Firmware.Http;
using Appliance.Firmware.Login;
using Appliance.Firmware.Login.Accounts;
using Appliance.Firmware.Mail;
using Appliance.Firmware.Monitoring;
using Appliance.Firmware.Network;
using Appliance.Firmware.Radius;
using Appliance.Firmware.Storage;
using Appliance.Firmware.Tokens;
using Appliance.Firmware.Tunnels;
using Appliance.Firmware.Validation;
using Appliance.Firmware.Vpn;
using Appliance.Hal;
using Microsoft.AspNetCore.Connections;

namespace Appliance.Firmware;

/// <summary>The stored data of a unit: state database, keys, certificates, events and configuration.</summary>
internal sealed class UnitData
{
    /// <summary>Opens everything, and creates what a first boot needs.</summary>
    internal UnitData(UnitOptions options, OwnedStack owned)
    {
        string InState(string name) => Path.Combine(options.StateFolder, name);
        OwnerOnly.Enforce(options.StateFolder);
        State = owned.Push(OpenState(InState("state.db")));
        Certificates = owned.Push(DeviceCertificates.Open(InState("certificates"), "Appliance", options.Time));
        SerialNumber = options.SerialNumber ?? SerialNumberOf(Certificates);
        Events = new EventLog(
            State,
            options.Time,
            SerialNumber,
            EventDevice.IsTimeFirst((options.Personality ?? Personality.Default).Release)
        );
        Life = new TokenLife(State);
        IsFresh = !File.Exists(InState("system.conf"));
        Addresses = new InterfaceAddresses(options.Nics);
        Key = DeviceKey.Open(InState("device.key"));
        Config = OpenConfig(options, InState("system.conf"), Key, Addresses);
        Passwords = new PasswordHistory(State, options.Time);
        Config.AddRule(Passwords.Check);
        Ended = owned.Push(EndedSessions.Open(InState("sessions.ended")));
        Usb = new UsbStick(InState("usb"));
    }

    internal StateDatabase State { get; }

    internal DeviceCertificates Certificates { get; }

    internal string SerialNumber { get; }

    internal EventLog Events { get; }

    internal TokenLife Life { get; }

    /// <summary>True on the first boot from this state folder.</summary>
    internal bool IsFresh { get; }

    internal InterfaceAddresses Addresses { get; }

    /// <summary>The key that seals the secrets.</summary>
    internal DeviceKey Key { get; }

    internal ConfigStore Config { get; }

    internal PasswordHistory Passwords { get; }

    /// <summary>The ended sessions that the database could not store yet.</summary>
    internal EndedSessions Ended { get; }

    internal UsbStick Usb { get; }

    private static StateDatabase OpenState(string file) =>
        StateDatabase.Open(
            file,
            [EventLog.Table, .. LoginCore.Tables, TokenLife.Table, VpnSessions.Table, PasswordHistory.Table, PowerCommands.Table]
        );

    private static string SerialNumberOf(DeviceCertificates certificates) =>
        "FGVMLAB" + Convert.ToHexString(SHA256.HashData(certificates.Authority.PublicKey.ExportSubjectPublicKeyInfo()))[..9];

    private static ConfigStore OpenConfig(UnitOptions options, string file, DeviceKey key, InterfaceAddresses addresses)
    {
        string[] interfaces = [.. options.Nics.Select(nic => nic.Name)];
        var first = ConfigRules.First(interfaces, options.Strict);
        return ConfigStore.Open(
            ConfigSchema.Load(options.Personality ?? Personality.Default),
            file,
            key,
            options.FirstConfiguration,
            ConfigRules.ValuesOn(interfaces),
            options.Time,
            first with
            {
                Rules = [.. first.Rules, ConfigRules.OfTree(addresses.StaticOnly)],
            }
        );
    }
}

/// <summary>The services of a unit, constructed in order on its data. None of them listens yet.</summary>
internal sealed class UnitServices
{
    private EnrolmentService? _enrolment;

    /// <summary>Constructs the services and connects each to those that it calls.</summary>
    internal UnitServices(UnitOptions options, UnitData data, OwnedStack owned)
    {
        var (time, events) = (options.Time, data.Events);
        Power = new PowerCommands(data.State, events, Request);
        ReportStorageFaults(data);
        // Outgoing traffic of the unit's own clients passes the tap, too. Listeners have the tap at their gates.
        IReadOnlyList<INic> clients = [.. options.Nics.Select(nic => new TappedNic(nic, Tap))];
        Radius = owned.Push(new RadiusClient(clients, time, Debug));
        if (options.Observer is { } observer)
        {
            Radius.Traffic += observer.Radius;
        }
        Mail = owned.Push(new MailService(clients, time));
        Letters = new CodeLetters(Mail, events, time);
        var gateways = new LoginGateways(Letters, new RadiusGateway(Radius, () => data.Config.Current, events));
        Login = owned.Push(new LoginService(new TokenCore(data.State), data.State, events, time, Debug, gateways));
        AdminLogin = new AdminLogin(data.Config, Login, data.Passwords, events, time);
        var sender = options.PushSender ?? ProxyOf(options, data, clients, owned);
        var loss = new RegistrationLoss(data.Config, events, serial => Enrolment.ProvisionAsync(serial));
        Push = owned.Push(new PushService(Login, sender, events, time, Debug, loss.RemoveAsync));
        gateways.Push = Push;
        var descriptors = owned.Push(new DescriptorAlarm(events, time, options.Nics));
        Metrics = owned.Push(new UnitMetrics(Login, Push, Radius, data.State, descriptors));
        Sessions = owned.Push(new VpnSessions(data.State, events, time, data.Key, options.Numbers, data.Ended));
    }

    /// <summary>Raised when an administrator requests a restart or a stop.</summary>
    internal event Action<PowerRequest>? PowerRequested;

    internal ConsoleAlarms Alarms { get; } = new();

    internal DebugTap Debug { get; } = new();

    internal PacketTap Tap { get; } = new();

    internal PowerCommands Power { get; }

    internal LoginService Login { get; }

    internal AdminLogin AdminLogin { get; }

    internal PushService Push { get; }

    internal RadiusClient Radius { get; }

    internal UnitMetrics Metrics { get; }

    internal MailService Mail { get; }

    internal CodeLetters Letters { get; }

    internal VpnSessions Sessions { get; }

    /// <summary>The token service. It starts after the listeners, because it follows the configuration in force.</summary>
    internal EnrolmentService Enrolment => _enrolment ?? throw new InvalidOperationException("the token service has not started");

    /// <summary>Starts the token service, which enters the trial tokens on a first boot without tokens.</summary>
    internal void StartEnrolment(UnitOptions options, UnitData data)
    {
        var (config, time) = (data.Config, options.Time);
        _enrolment = new EnrolmentService(config, data.Life, Login, data.State, data.Events, Letters, time, options.Numbers);
        if (data.IsFresh && config.Current.List("user fortitoken").Count == 0)
        {
            _enrolment.ImportTrial();
        }
    }

    private static IPushSender ProxyOf(UnitOptions options, UnitData data, IReadOnlyList<INic> clients, OwnedStack owned) =>
        options.PushProxy is { } proxy
            ? owned.Push(new PushProxyClient(proxy, clients, data.SerialNumber, options.Time))
            : new NoPushProxy();

    private bool Request(PowerRequest request)
    {
        PowerRequested?.Invoke(request);
        return PowerRequested is not null;
    }

    private void ReportStorageFaults(UnitData data) =>
        data.State.FaultChanged += fault =>
        {
            var entry = StorageEvents.Of(fault, data.State.Lost);
            data.Events.Write(entry);
            Alarms.Raise(entry.Fields.Single(field => field.Name == "msg").Value);
        };
}

/// <summary>The listening side of a unit: its interfaces with their access flags, and the services that HTTP clients reach.</summary>
internal sealed class UnitFront
{
    private UnitFront(IReadOnlyList<GatedNic> nics, NicTransport transport, TunnelService tunnels)
    {
        Nics = nics;
        Transport = transport;
        Tunnels = tunnels;
    }

    /// <summary>The interfaces with their access flags.</summary>
    internal IReadOnlyList<GatedNic> Nics { get; }

    /// <summary>The listeners of all services.</summary>
    internal NicTransport Transport { get; }

    /// <summary>The tunnels of the SSL VPN.</summary>
    internal TunnelService Tunnels { get; }

    /// <summary>Starts the HTTP front end, then applies the configuration to every service; returns when every listener listens.</summary>
    /// <exception cref="AddressInUseException">A port is in use.</exception>
    internal static async Task<UnitFront> StartAsync(
        UnitOptions options,
        UnitData data,
        UnitServices services,
        OwnedStack owned,
        CancellationToken cancellationToken
    )
    {
        var (config, events, time, debug) = (data.Config, data.Events, options.Time, services.Debug);
        var tunnels = new TunnelService(services.Sessions, events, debug, time, options.TunnelNetwork ?? new NoTunnelNetwork());
        var vpn = new VpnEndpoint(services.Login, services.Sessions, events, debug, tunnels);
        var callback = new CallbackEndpoint(services.Push, new TrustedCallers(config, events, time), debug);
        var admin = new AdminEndpoint(from => TrustedHosts.AnyoneFrom(config.Current, from), debug);
        var front = new UnitFront(
            [.. options.Nics.Select(nic => owned.Push(new GatedNic(nic, services.Tap)))],
            new NicTransport(time),
            tunnels
        );
        var names = new ServiceNames(data.SerialNumber, front.Nics);
        IHttpService login = new ContextService(vpn.ServeAsync);
        owned.Push(
            await HttpFront
                .StartAsync(
                    front.Transport,
                    new Dictionary<string, IHttpService>(StringComparer.Ordinal)
                    {
                        [Listeners.Ftm] = callback,
                        [Listeners.SslVpn] = options.Observer?.Over(Listeners.SslVpn, login) ?? login,
                        [Listeners.Admin] = new ContextService(admin.ServeAsync),
                    },
                    service => data.Certificates.For(service, names.Of(service)),
                    options.Log,
                    cancellationToken
                )
                .ConfigureAwait(false)
        );
        // Stopped first: it aborts every connection, so that the stop does not wait for logins that are pending on a phone.
        owned.Push(new ConnectionCutoff(front.Transport));
        // Stopped before that: clients are notified of the end.
        owned.Push(tunnels);
        var listeners = new Listeners(front.Transport, front.Nics, options.Connections);
        Follow(
            config,
            [
                services.Login,
                services.Push,
                services.Radius,
                services.Mail,
                services.Sessions,
                vpn,
                tunnels,
                admin,
                data.Addresses,
                names,
                listeners,
            ]
        );
        foreach (var service in Listeners.Services)
        {
            data.Certificates.For(service, names.Of(service));
        }
        return front;
    }

    private static void Follow(ConfigStore config, ReadOnlySpan<IConfigSubscriber> services)
    {
        foreach (var service in services)
        {
            if (config.Subscribe(service) is { } error)
            {
                // Only a port in use can refuse a configuration that was valid when it was saved.
                throw new AddressInUseException(error.Lines[0]);
            }
        }
    }

    private sealed class ConnectionCutoff(NicTransport transport) : IDisposable
    {
        public void Dispose() => transport.Apply([]);
    }
}
