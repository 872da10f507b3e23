using System.Net;
using System.Net.Sockets;
using Appliance.Doubles.Clock;
using Appliance.Doubles.FortiAuthenticator;
using Appliance.Doubles.Inbox;
using Appliance.Doubles.LastHop;
using Appliance.Doubles.Phones;
using Appliance.Doubles.PushProxy;
using Appliance.Doubles.TunnelNetwork;
using Appliance.Doubles.Wire;
using Appliance.Firmware;
using Appliance.Firmware.Ftm;
using Appliance.Hal;
using Appliance.Lab.Units;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;

namespace Appliance.Lab.Composition;

/// <summary>A lab that runs.</summary>
/// <param name="Base">The parts that existed before the unit.</param>
/// <param name="Unit">The appliance; in a lab without one, the emulator in its place.</param>
/// <param name="Appliance">The appliance; null in a lab without one.</param>
/// <param name="Power">The power switch of the appliance; null in a lab without one.</param>
/// <param name="Authenticator">The FortiAuthenticator emulator; null for none.</param>
/// <param name="Push">Proxy and providers; null if pushes are sent to the phones directly.</param>
/// <param name="Broker">The broker between providers and phones; null for none.</param>
internal sealed record BuiltLab(
    LabBase Base,
    ILabUnit Unit,
    LabUnit? Appliance,
    UnitPower? Power,
    FacPower? Authenticator,
    PushPath? Push,
    MqttAddress? Broker
);

/// <summary>
/// Builds a lab: faults, phones and panel, path of pushes, FortiAuthenticator emulator, unit, mail server. This is the only place that
/// knows the order.
/// </summary>
internal static class LabBuilder
{
    /// <summary>Starts a lab; returns when every listener listens.</summary>
    /// <param name="parts">The lab's parts.</param>
    /// <param name="owned">Owns each part as soon as it has started, also if the start fails.</param>
    /// <param name="cancellationToken">Cancels the start.</param>
    internal static async Task<BuiltLab> StartAsync(LabParts parts, OwnedStack owned, CancellationToken cancellationToken = default)
    {
        var lab = new LabBase(parts, owned);
        if (parts.Opened is { } opened)
        {
            await opened(lab);
        }
        FacPower? authenticator = null;
        LabUnit? appliance = null;
        // Phones of another process are those of the appliance. It cannot have the emulator's own, so the lab serves these.
        var (push, broker) = parts.Push is { } options
            ? await PushPathAsync(parts, options, lab, phone => IsOfAuthenticatorAlone(phone, authenticator, appliance), owned)
            : (null, null);
        var cloud = push is null ? new PushCloud(lab.Phones, parts.Clock, lab.Faults) : null;
        authenticator = await AuthenticatorAsync(parts, lab, cloud, push, owned, cancellationToken);
        UnitPower? power = null;
        if (parts.Appliance is { } wanted)
        {
            var hosts = owned.Push(new TunnelHosts(LabClock.Wall));
            power = owned.Push(await UnitPower.StartAsync(OptionsOf(parts, wanted, lab, cloud, push, hosts), cancellationToken));
            hosts.Visitor = address => VisitorOf(power.Unit, address);
            appliance = owned.Push(new LabUnit(power.Unit, authenticator, parts.Clock));
            lab.Wire?.Attach(power.Unit);
            FollowClock(parts.Clock, appliance);
            FollowPower(power, appliance, wanted, lab.Wire);
        }
        ILabUnit unit = appliance is not null
            ? appliance
            : new FacAlone(
                authenticator ?? throw new ArgumentException("a lab has an appliance, an emulator, or both", nameof(parts)),
                parts.Clock
            );
        lab.Phones.Attach(unit);
        authenticator?.Resume();
        lab.Faults.Attach(unit.Faults.Get());
        lab.Faults.HasAuthenticator = authenticator is not null;
        lab.Faults.Set(parts.Faults);
        if (appliance is not null)
        {
            ReceiveMail(parts, lab, appliance, owned);
        }
        return new BuiltLab(lab, unit, appliance, power, authenticator, push, broker);
    }

    /// <summary>
    /// Sets the lab's clock (<c>execute date</c> and <c>execute time</c>), which fires every timer on the way. It never goes back. Returns
    /// the reason if it is unchanged.
    /// </summary>
    private static string? SetClock(LabParts parts, DateTimeOffset to)
    {
        var by = to - parts.Clock.GetUtcNow();
        if (by < TimeSpan.Zero)
        {
            return "the lab's clock cannot be set back";
        }
        if (to > LabClock.Latest)
        {
            return $"the lab's clock ends with the year {LabClock.Latest.Year - 1}";
        }
        try
        {
            (parts.Step ?? parts.Clock.Advance)(by);
            return null;
        }
        catch (IOException error)
        {
            return error.Message;
        }
    }

    /// <summary>Returns the session whose tunnel has an address; null if there is none.</summary>
    private static TunnelVisitor? VisitorOf(Unit unit, IPAddress address) =>
        unit.Tunnels.List().FirstOrDefault(tunnel => address.Equals(tunnel.Address) || address.Equals(tunnel.Address6)) is { } tunnel
            ? new TunnelVisitor(tunnel.Session.Grant.User, tunnel.Session.Grant.Group, tunnel.Session.TunnelId, tunnel.Address)
            : null;

    private static UnitOptions OptionsOf(
        LabParts parts,
        ApplianceParts appliance,
        LabBase lab,
        PushCloud? cloud,
        PushPath? push,
        TunnelHosts hosts
    ) =>
        new(
            parts.StateFolder,
            [.. appliance.Board.Nics.Select(nic => parts.Network.Nic(nic.Name, nic.Address))],
            parts.Clock,
            appliance.PushSender ?? cloud,
            appliance.Configuration,
            parts.Logs,
            appliance.Personality,
            push?.Options
        )
        {
            Strict = appliance.Strict,
            SetClock = to => SetClock(parts, to),
            Board = appliance.Board,
            Panel = lab.Panel is { } panel ? appliance.OverPanel?.Invoke(panel.Front) ?? panel.Front : null,
            Observer = lab.Wire,
            Connections = appliance.Connections,
            SerialNumber = appliance.SerialNumber,
            Numbers = appliance.Numbers,
            TunnelNetwork = hosts,
        };

    private static async Task<(PushPath? Path, MqttAddress? Broker)> PushPathAsync(
        LabParts parts,
        PushOptions options,
        LabBase lab,
        Func<Phone, bool> isOfAuthenticatorAlone,
        OwnedStack owned
    )
    {
        var (clock, phones) = (parts.Clock, lab.Phones);
        var broker = options.Broker ?? owned.Push(await MqttBroker.StartAsync()).Address;
        phones.IsElsewhere = options.LabPhones ? _ => false : phone => !isOfAuthenticatorAlone(phone);
        var listening = owned.Push(
            new MqttPhones(broker, phones, lab.Log, new PushDelivery(lab.Faults, clock).Deliver, phone => !phones.IsElsewhere(phone))
        );
        phones.OnlineChanged += listening.Look;
        var lastHop = owned.Push(new MqttLastHop(broker, clock, lab.Log));
        var path = await PushPath.StartAsync(
            parts.StateFolder,
            options.ProvidersFile,
            PhoneDevices.Of(phones),
            lastHop,
            clock,
            lab.Faults,
            phones.Wire
        );
        return (owned.Push(path), broker);
    }

    private static bool IsOfAuthenticatorAlone(Phone phone, FacPower? authenticator, LabUnit? appliance) =>
        authenticator is not null
        && appliance is not null
        && authenticator.Server.Activations().Any(token => token.Serial == phone.Serial)
        && appliance.OwnActivations().All(token => token.Serial != phone.Serial);

    /// <summary>Starts the FortiAuthenticator emulator, if the lab has one. It pushes on the same path as the appliance.</summary>
    private static async Task<FacPower?> AuthenticatorAsync(
        LabParts parts,
        LabBase lab,
        PushCloud? cloud,
        PushPath? push,
        OwnedStack owned,
        CancellationToken cancellationToken
    )
    {
        if (parts.Authenticator is not { } settings)
        {
            return null;
        }
        var nic = parts.Network.ServerNic("fac", settings.Address);
        IPushSender? sender = push is null
            ? cloud
            : owned.Push(new PushProxyClient(push.Options, [nic], FacServer.SerialNumber, parts.Clock));
        var folder = parts.AuthenticatorFolder ?? Path.Combine(parts.StateFolder, "fac");
        var options = new FacOptions(nic, folder, parts.Clock, lab.Log, lab.Faults);
        return owned.Push(await FacPower.StartAsync(settings, options, sender, cancellationToken));
    }

    /// <summary>Writes each step of the wall clock to the unit's event log, and the one that happened while the lab was closed.</summary>
    private static void FollowClock(LabClock clock, LabUnit unit)
    {
        clock.WallStepped += by => unit.WriteEvent(ClockEvents.Stepped(by));
        if (clock.SetBackWhileClosed > TimeSpan.Zero)
        {
            unit.WriteEvent(ClockEvents.Stepped(-clock.SetBackWhileClosed));
        }
    }

    private static void FollowPower(UnitPower power, LabUnit unit, ApplianceParts appliance, LabWire? wire)
    {
        power.GoingDown += () =>
        {
            appliance.GoingDown?.Invoke();
            unit.GoDown();
        };
        power.Up += next =>
        {
            wire?.Attach(next);
            unit.ComeUp(next);
            appliance.Up?.Invoke();
        };
        power.Off += failure => appliance.Off?.Invoke(failure);
    }

    /// <summary>
    /// Receives the appliance's e-mails if its first mail server is in this lab's network and the port is free. A server that is
    /// configured later is not the lab's.
    /// </summary>
    private static void ReceiveMail(LabParts parts, LabBase lab, LabUnit unit, OwnedStack owned)
    {
        if (unit.MailServer is not { } server || !parts.Network.IsLocal(server.Address))
        {
            return;
        }
        try
        {
            var nic = parts.Network.ServerNic("mail", server.Address);
            owned.Push(MailSink.Listen(nic, server.Port, lab.Inbox, () => unit.SmsDomains, parts.Clock, lab.Log));
        }
        catch (Exception failure) when (failure is AddressInUseException or SocketException)
        {
            lab.Log.LogWarning("{Server} accepts no mail for the lab's inbox: {Reason}", server, failure.Message);
        }
    }
}
