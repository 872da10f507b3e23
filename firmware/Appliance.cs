using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Appliance.Firmware.Admin;
using Appliance.Firmware.Certificates;
using Appliance.Firmware.Cli;
using Appliance.Firmware.Config;
using Appliance.Firmware.Events;
using Appliance.Firmware.Ftm;
using Appliance.Firmware.Login;
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
/// <param name="PushSender">The way to the phones.</param>
/// <param name="FirstConfiguration">CLI text that a fresh state boots.</param>
/// <param name="Log">Where the framework's own diagnostics go.</param>
/// <param name="Personality">The release to behave like; null for the default one.</param>
public sealed record UnitOptions(
    string StateFolder, IReadOnlyList<INic> Nics, TimeProvider Time, IPushSender PushSender, string FirstConfiguration, ILoggerFactory Log, Personality? Personality = null);

/// <summary>What a phone receives when it is enrolled: never logged, never shown.</summary>
public sealed record TokenActivation(string Serial, byte[] Seed, TimeSpan Step, int Digits, string RegistrationId, string OsVersion, string? User);

/// <summary>The appliance: every service, built by hand in order; stop is the reverse.</summary>
public sealed class Unit : IAsyncDisposable
{
    private readonly Stack<IAsyncDisposable> _running = new();
    private NicTransport _transport = null!;
    private TimeProvider _time = TimeProvider.System;
    private DeviceCertificates _certificates = null!;
    private VpnSessions _sessions = null!;
    private RadiusClient _radius = null!;

    private Unit() { }

    /// <summary>The configuration in force.</summary>
    public ConfigStore Config { get; private set; } = null!;

    /// <summary>The event log.</summary>
    public EventLog Events { get; private set; } = null!;

    /// <summary>The interfaces with their access flags.</summary>
    public IReadOnlyList<GatedNic> Nics { get; private set; } = null!;

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
        string InState(string name) => Path.Combine(options.StateFolder, name);
        Directory.CreateDirectory(options.StateFolder);
        var state = Own(StateDatabase.Open(InState("state.db"), [EventLog.Table, TokenCore.Table, VpnSessions.Table]));
        _certificates = Own(DeviceCertificates.Open(InState("certificates"), "Appliance", options.Time));
        SerialNumber = "FGVMLAB" + Convert.ToHexString(SHA256.HashData(DeviceCa.PublicKey.ExportSubjectPublicKeyInfo()))[..9];
        Events = new EventLog(state, options.Time, SerialNumber);
        Config = ConfigStore.Open(ConfigSchema.Load(options.Personality ?? Personality.Default), InState("system.conf"), DeviceKey.Open(InState("device.key")), options.FirstConfiguration, ConfigRules.Values);
        Config.AddRule(ConfigRules.InterfacesOf(options.Nics));
        Config.AddRule(ConfigRules.CallbackAddress);
        _time = options.Time;

        var login = Own(new LoginService(new TokenCore(state), state, Events, options.Time));
        var radius = _radius = Own(new RadiusClient(options.Nics, options.Time));
        var push = Own(new PushService(login, options.PushSender, Events, options.Time));
        login.Connect(push);
        var sessions = _sessions = Own(new VpnSessions(state, Events, options.Time));
        var vpn = new VpnEndpoint(login, sessions, Events);
        var callback = new CallbackEndpoint(push);
        var admin = new AdminEndpoint();

        Nics = [.. options.Nics.Select(nic => Own(new GatedNic(nic)))];
        _transport = new NicTransport();
        var names = new ServiceNames(SerialNumber, Nics);
        Own(await HttpFront.StartAsync(_transport, new Dictionary<string, RequestDelegate>(StringComparer.Ordinal)
        {
            [Listeners.Ftm] = callback.ServeAsync,
            [Listeners.SslVpn] = vpn.ServeAsync,
            [Listeners.Admin] = admin.ServeAsync,
        }, service => _certificates.For(service, names.Of(service)), options.Log, cancellationToken).ConfigureAwait(false));
        // Stopped first of all: cuts off every connection, so that nobody waits for those who wait for a phone.
        Own(new Curtain(_transport));

        Follow(radius, login, push, sessions, vpn, admin, names, new Listeners(_transport, Nics));
        foreach (var service in Listeners.Services)
        {
            _certificates.For(service, names.Of(service));
        }
        Events.DeviceName = Config.Current.Object("system global").Text("hostname");
        Config.Committed += new ConfigJournal(Events).Record;
        if (Config.BootWarning is { } warning)
        {
            Events.Write(new EventEntry("0100032139", "system", EventLevel.Alert, "Configuration file damaged", ("msg", warning)));
        }
    }

    /// <summary>A new console session, as if a terminal were plugged in.</summary>
    public CliSession OpenConsole() => new(Config, [.. StatusCommands.For(this, _sessions, _time), .. RadiusCommands.For(this, _radius)]);

    /// <summary>What the phones of all mobile tokens get at enrolment; changes with the configuration.</summary>
    public IReadOnlyList<TokenActivation> Activations()
    {
        var config = Config.Current;
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
