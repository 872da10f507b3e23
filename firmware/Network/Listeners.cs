using Appliance.Firmware.Config;
using Appliance.Firmware.Ftm;
using Appliance.Hal;
using Microsoft.AspNetCore.Connections;

namespace Appliance.Firmware.Network;

/// <summary>
/// Places the services on interfaces and ports, and applies the interfaces' flags and link states as configured. If a change cannot be
/// applied completely (a port is in use), everything stays as it was.
/// </summary>
internal sealed class Listeners(NicTransport transport, IReadOnlyList<GatedNic> nics, int connections) : IConfigSubscriber
{
    internal const string Ftm = "ftm";
    internal const string SslVpn = "sslvpn";
    internal const string Admin = "admin";

    /// <summary>Every interface, in the SSL VPN's <c>source-interface</c>.</summary>
    private const string AnyInterface = "any";

    /// <summary>All services that can listen; Kestrel binds each once.</summary>
    internal static readonly IReadOnlyList<string> Services = [Ftm, SslVpn, Admin];

    private readonly ServiceLimits _limits = new(connections);

    /// <inheritdoc/>
    public ConfigError? Apply(ConfigTree previous, ConfigTree next)
    {
        try
        {
            PutInForce(next);
            return null;
        }
        catch (Exception error) when (error is PlacementException or AddressInUseException or NicException)
        {
            PutInForce(previous);
            return new ConfigError(-1, error.Message);
        }
    }

    private void PutInForce(ConfigTree config)
    {
        var interfaces = config.List("system interface");
        var wanted = nics.Select(nic =>
                (Nic: nic, Access: AccessOf(interfaces.Find(nic.Name)), Up: interfaces.Find(nic.Name)?.Text("status") != "down")
            )
            .ToArray();
        // Steps that can fail come first, so that a refused change closes no connection. Withdrawals cannot fail.
        try
        {
            transport.Apply(Placements(config));
        }
        catch (PlacementException) when (wanted.Any(of => (of.Nic.Access & ~of.Access) != 0 || !of.Up))
        {
            // The port may be one that a withdrawn flag releases.
            Withdraw(wanted);
            transport.Apply(Placements(config));
        }
        foreach (var (nic, access, up) in wanted)
        {
            if (up)
            {
                nic.Inner.SetStatus(true);
            }
            nic.SetAccess(nic.Access | access);
        }
        Withdraw(wanted);
    }

    private static void Withdraw(IEnumerable<(GatedNic Nic, AllowAccess Access, bool Up)> wanted)
    {
        foreach (var (nic, access, up) in wanted)
        {
            nic.SetAccess(nic.Access & access);
            if (!up)
            {
                nic.Inner.SetStatus(false);
            }
        }
    }

    /// <summary>
    /// Resolves ports that two services claim on one interface. The administrators' page takes precedence over the callback, and then also
    /// opens with <c>ftm</c>, because the flag opens the port for any service on it. The SSL VPN takes precedence over the page, unless
    /// <c>port-precedence</c> says otherwise. The callback and the SSL VPN cannot share: the second one is refused.
    /// </summary>
    private List<Placement> Placements(ConfigTree config)
    {
        var placements = new List<Placement>();
        var push = FtmPushSettings.From(config);
        var vpn = config.Object("vpn ssl settings");
        var (vpnPort, vpnFirst, sources) = ((int)vpn.Number("port"), vpn.Enabled("port-precedence"), vpn.Words("source-interface"));
        var adminPort = (int)config.Object("system global").Number("admin-sport");
        foreach (var nic in nics)
        {
            var hasVpn = sources.Contains(nic.Name) || sources.Contains(AnyInterface);
            if (push.Enabled && push.ServerPort != adminPort)
            {
                placements.Add(new(Ftm, nic, push.ServerPort, AllowAccess.Ftm) { Limit = _limits.Callback });
            }
            if (hasVpn && (vpnPort != adminPort || vpnFirst))
            {
                placements.Add(new(SslVpn, nic, vpnPort, AllowAccess.None) { Limit = _limits.SslVpn });
            }
            if (!hasVpn || vpnPort != adminPort || !vpnFirst)
            {
                var access = AccessOf(config.List("system interface").Find(nic.Name));
                var byCallback =
                    push.Enabled && push.ServerPort == adminPort && access.HasFlag(AllowAccess.Ftm) && !access.HasFlag(AllowAccess.Https);
                placements.Add(new(Admin, nic, adminPort, byCallback ? AllowAccess.Ftm : AllowAccess.Https) { Limit = _limits.Admin });
            }
        }
        return placements;
    }

    private static AllowAccess AccessOf(ConfigObject? entry) =>
        entry is null
            ? AllowAccess.None
            : entry.Words("allowaccess").Aggregate(AllowAccess.None, (access, word) => access | AllowAccessWord.Parse(word));
}
