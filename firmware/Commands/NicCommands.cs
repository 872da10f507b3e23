using System.Globalization;
using System.Net.NetworkInformation;
using System.Text;
using Appliance.Firmware.Administrators;
using Appliance.Firmware.Cli;
using Appliance.Firmware.Config;
using Appliance.Hal;

namespace Appliance.Firmware.Commands;

/// <summary>
/// <c>get hardware nic</c>, <c>diagnose hardware deviceinfo nic</c> and <c>get system interface transceiver</c>. The layout of a port is
/// that of public captures. Values that an interface does not have (a speed, counters) are 0 or omitted.
/// </summary>
internal sealed class NicCommands(ConfigStore config, IReadOnlyList<GatedNic> nics) : ICommandSource
{
    public IReadOnlyList<CliCommand> Commands =>
        [
            new(
                "get hardware nic",
                "Show the network cards, or one of them: [NAME].",
                Permissions.Network.Read,
                CliArguments.Optional,
                Describe
            ),
            new(
                "diagnose hardware deviceinfo nic",
                "Show the network cards, or one of them: [NAME].",
                Permissions.System.Read,
                CliArguments.Optional,
                Describe
            ),
            new(
                "get system interface transceiver",
                "Show the transceivers.",
                Permissions.Network.Read,
                CliArguments.None,
                _ => Transceivers()
            ),
        ];

    private CliReply Describe(CliCall call)
    {
        if (call.Arguments.Count == 0)
        {
            return "The following NICs are available:\n" + string.Concat(nics.Select(nic => $"        {nic.Name}\n"));
        }
        var at = nics.Select(nic => nic.Name).ToList().IndexOf(call.Arguments[0]);
        return at < 0 ? CliPaths.ParseError(call.Arguments[0]) : One(nics[at], at);
    }

    private string One(GatedNic nic, int at)
    {
        var device = KernelDevice.Of(nic);
        var entry = config.Current.List("system interface").Find(nic.Name);
        var (link, speed) = (nic.Inner.LinkUp, Speed(device));
        var text = new StringBuilder();
        void Line(string key, object value) => text.Append(key.PadRight(16)).Append(':').Append(CultureInfo.InvariantCulture, $"{value}\n");
        Line("Description", device?.Description ?? "address of the system, no device");
        Line("Driver Name", KernelDevice.Driver(device));
        Line("Board", Personality.Platform);
        Line("lif id", at);
        Line("lif oid", at);
        Line("netdev oid", at);
        text.Append($"Current_HWaddr   {KernelDevice.HardwareAddress(device)}\nPermanent_HWaddr {KernelDevice.HardwareAddress(device)}\n");
        text.Append("========== Link Status ==========\n");
        Line("Admin", entry?.Text("status") ?? "up");
        Line("netdev status", link ? "up" : "down");
        Line("autonego_setting", entry?.Text("speed") is null or "" or "auto" ? 1 : 0);
        Line("Speed", link ? speed : 0);
        Line("Duplex", link && speed > 0 ? "Full" : "N/A");
        Line("link_status", link ? "Up" : "Down");
        if (device is not null)
        {
            Count(device.GetIPStatistics(), Line, text);
        }
        return text.ToString();
    }

    private static void Count(IPInterfaceStatistics counted, Action<string, object> line, StringBuilder text)
    {
        text.Append("============ Counters ===========\n");
        line("Rx Pkts", counted.UnicastPacketsReceived);
        line("Rx Bytes", counted.BytesReceived);
        line("Tx Pkts", counted.UnicastPacketsSent);
        line("Tx Bytes", counted.BytesSent);
        if (OperatingSystem.IsLinux())
        {
            line("Host Tx dropped", counted.OutgoingPacketsDiscarded);
        }
    }

    /// <summary>The speed in Mbit/s; 0 if it is unknown.</summary>
    private static long Speed(NetworkInterface? device) => Math.Max(0, device?.Speed ?? 0) / 1_000_000;

    private string Transceivers() => string.Concat(nics.Select(nic => $"Interface {nic.Name} - Transceiver is not detected.\n"));
}
