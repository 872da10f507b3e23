using System.Globalization;
using System.Text;
using Appliance.Firmware.Administrators;
using Appliance.Firmware.Cli;
using Appliance.Firmware.Config;
using Appliance.Firmware.Monitoring;
using Appliance.Hal;

namespace Appliance.Firmware.Commands;

/// <summary>The console commands that display the unit as a whole. They change nothing.</summary>
/// <param name="config">The configuration store.</param>
/// <param name="nics">The unit's interfaces.</param>
/// <param name="serialNumber">The unit's serial number.</param>
/// <param name="transport">Supplies the open connections.</param>
/// <param name="power">Supplies the reason of the last start.</param>
/// <param name="time">The unit's clock. Its current time is taken as the start time.</param>
internal sealed class StatusCommands(
    ConfigStore config,
    IReadOnlyList<GatedNic> nics,
    string serialNumber,
    NicTransport transport,
    PowerCommands power,
    TimeProvider time
) : ICommandSource
{
    private readonly UnitLoad _load = new(time);

    public IReadOnlyList<CliCommand> Commands =>
        [
            new("get system status", "Show the state of the unit.", Permissions.System.Read, CliArguments.None, _ => Status()),
            new(
                "get system interface physical",
                "Show the physical interfaces.",
                Permissions.Network.Read,
                CliArguments.None,
                _ => PhysicalInterfaces()
            ),
            new(
                "get system performance status",
                "Show the load of the unit.",
                Permissions.System.Read,
                CliArguments.None,
                _ => _load.Describe(transport.Connections.Count)
            ),
            new(
                "get system ha status",
                "Show the status of high availability.",
                Permissions.System.Read,
                CliArguments.None,
                _ => HighAvailability(config.Current)
            ),
        ];

    /// <summary>
    /// Returns the reference's lines, in its order, that are true of a unit in the lab. Lines about parts that it does not have are omitted
    /// (signatures, security databases, a licence, a BIOS, a part number).
    /// </summary>
    private string Status()
    {
        var now = time.GetUtcNow();
        var personality = config.Current.Schema.Personality;
        var text = new StringBuilder();
        void Line(string key, string value) => text.Append(key).Append(": ").Append(value).Append('\n');
        Line(
            "Version",
            string.Create(
                CultureInfo.InvariantCulture,
                $"{Personality.Model} v{personality.Release},build{personality.Build:0000},{personality.BuildDate} ({Maturity(personality)})"
            )
        );
        Line("Serial-Number", serialNumber);
        Line("Log hard disk", "Not available");
        Line("Hostname", config.Current.Object("system global").Text("hostname"));
        if (personality.Release.Major >= 7)
        {
            Line("Private Encryption", "Disable");
        }
        Line("Operation Mode", "NAT");
        Line("Current virtual domain", "root");
        Line("Max number of virtual domains", "1");
        Line("Virtual domains status", "1 in NAT mode, 0 in TP mode");
        Line("Virtual domain configuration", "disable");
        Line("FIPS-CC mode", "disable");
        Line("Current HA mode", "standalone");
        Line("Branch point", personality.Build.ToString("0000", CultureInfo.InvariantCulture));
        Line("Release Version Information", "GA");
        Line("System time", string.Create(CultureInfo.InvariantCulture, $"{now:ddd MMM} {now.Day,2} {now:HH:mm:ss yyyy}"));
        if (personality.Release.Major >= 7)
        {
            Line("Last reboot reason", power.LastReason);
        }
        return text.ToString();
    }

    /// <summary>
    /// The reply of a unit without a cluster, as in public captures. The same form in every release is *assumed*. There is no peer, for any
    /// value of <c>system ha mode</c>.
    /// </summary>
    private static string HighAvailability(ConfigTree config)
    {
        var ha = config.Object("system ha");
        var group = ha.Text("group-id") is { Length: > 0 } number ? number : "0";
        return $"HA Health Status: OK\nModel: {Personality.Model}\nMode: Standalone\nGroup: {group}\nDebug: 0\nCluster Uptime: 0 days 0:0:0\nCluster state change time: N/A\n"
            + $"ses_pickup: {ha.Text("session-pickup")}, ses_pickup_delay={ha.Text("session-pickup-delay")}\noverride: {ha.Text("override")}\n"
            + "System Usage stats:\nHBDEV stats:\nnumber of vcluster: 0\n";
    }

    /// <summary>
    /// The maturity of a release. 7.4.7 is a mature release; for the others it is *assumed* (from 7.2 on the word has two parts).
    /// </summary>
    private static string Maturity(Personality personality) =>
        personality.Release switch
        {
            { Major: 7, Minor: 4 } => "GA.M",
            { Major: 7, Minor: >= 2 } => "GA.F",
            _ => "GA",
        };

    /// <summary>
    /// Lists the interfaces in the reference's layout. The speed of an interface without a cable is unknown and not displayed.
    /// </summary>
    private string PhysicalInterfaces()
    {
        var text = new StringBuilder("== [onboard]\n");
        foreach (var nic in nics)
        {
            text.Append("\t==[")
                .Append(nic.Name)
                .Append("]\n\t\tmode: static\n\t\tip: ")
                .Append(AddressOf(nic))
                .Append("\n\t\tipv6: ::/0\n\t\tstatus: ")
                .Append(nic.Inner.LinkUp ? "up" : "down")
                .Append('\n');
        }
        return text.ToString();
    }

    /// <summary>Returns the board's address and the configured mask.</summary>
    private string AddressOf(GatedNic nic) =>
        $"{nic.Addresses[0]} {(config.Current.List("system interface").Find(nic.Name)?.Words("ip") is [_, var mask] ? mask : "255.255.255.255")}";
}
