using Appliance.Firmware.Config;
using Appliance.Firmware.Ftm;
using Appliance.Hal;
using Microsoft.AspNetCore.Connections;

namespace Appliance.Firmware;

/// <summary>
/// Which service listens where: puts the interfaces' flags, link states and ports in force as the configuration says. A change that
/// cannot be had whole (a port is taken) leaves everything as it was.
/// </summary>
internal sealed class Listeners(NicTransport transport, IReadOnlyList<GatedNic> nics) : IConfigSubscriber
{
    internal const string Ftm = "ftm";
    internal const string SslVpn = "sslvpn";
    internal const string Admin = "admin";

    /// <summary>Everything that ever listens; Kestrel binds each once.</summary>
    internal static readonly IReadOnlyList<string> Services = [Ftm, SslVpn, Admin];

    /// <inheritdoc/>
    public ConfigError? Apply(ConfigTree previous, ConfigTree next)
    {
        try
        {
            PutInForce(next);
            return null;
        }
        catch (Exception error) when (error is PlacementException or AddressInUseException)
        {
            PutInForce(previous);
            return new ConfigError(-1, error.Message);
        }
    }

    private void PutInForce(ConfigTree config)
    {
        var interfaces = config.List("system interface");
        var wanted = nics.Select(nic => (Nic: nic, Access: AccessOf(interfaces.Find(nic.Name)), Up: interfaces.Find(nic.Name)?.Text("status") != "down")).ToArray();
        // Withdrawn flags first: a port that they free may be wanted by what comes.
        foreach (var (nic, access, up) in wanted)
        {
            nic.SetAccess(nic.Access & access);
            if (nic.Inner.LinkUp && !up)
            {
                nic.Inner.SetLink(false);
            }
        }
        transport.Apply(Placements(config));
        foreach (var (nic, access, up) in wanted)
        {
            if (!nic.Inner.LinkUp && up)
            {
                nic.Inner.SetLink(true);
            }
            nic.SetAccess(access);
        }
    }

    private List<Placement> Placements(ConfigTree config)
    {
        var placements = new List<Placement>();
        var push = FtmPushSettings.From(config);
        if (push.Enabled)
        {
            placements.AddRange(nics.Select(nic => new Placement(Ftm, nic, push.ServerPort, AllowAccess.Ftm)));
        }
        var vpn = config.Object("vpn ssl settings");
        var sources = vpn.Words("source-interface");
        placements.AddRange(nics.Where(nic => sources.Contains(nic.Name)).Select(nic => new Placement(SslVpn, nic, (int)vpn.Number("port"), AllowAccess.None)));
        var adminPort = (int)config.Object("system global").Number("admin-sport");
        placements.AddRange(nics.Select(nic => new Placement(Admin, nic, adminPort, AllowAccess.Https)));
        return placements;
    }

    private static AllowAccess AccessOf(ConfigObject? entry) =>
        entry is null ? AllowAccess.None : entry.Words("allowaccess").Aggregate(AllowAccess.None, (access, word) => access | AllowAccessWord.Parse(word));
}
