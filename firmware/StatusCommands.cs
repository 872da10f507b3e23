using System.Globalization;
using System.Text;
using Appliance.Firmware.Cli;
using Appliance.Firmware.Config;
using Appliance.Firmware.Vpn;

namespace Appliance.Firmware;

/// <summary>The commands of the console that look at the unit as a whole. They change nothing.</summary>
internal static class StatusCommands
{
    private const int LogLines = 10;

    /// <summary>The commands of a unit.</summary>
    internal static IReadOnlyList<CliCommand> For(Unit unit, VpnSessions sessions, TimeProvider time) =>
    [
        new("get system status", "Show the state of the unit.", _ => Status(unit, unit.Config.Current.Schema.Personality, time)),
        new("get system interface physical", "Show the physical interfaces.", _ => Interfaces(unit)),
        new("get vpn ssl monitor", "Show the sessions of the SSL VPN.", _ => Monitor(sessions)),
        new("execute date", "Show the date.", call => NoArguments(call) ?? $"current date is: {time.GetUtcNow().ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)}\n"),
        new("execute time", "Show the time.", call => NoArguments(call) ?? $"current time is: {time.GetUtcNow().ToString("HH:mm:ss", CultureInfo.InvariantCulture)}\nlast ntp sync:never\n"),
        new("execute log display", "Show the newest events.", call => NoArguments(call) ?? Log(unit)),
    ];

    private static CliReply? NoArguments(CliCall call) => call.Arguments.Count == 0 ? (CliReply?)null : CliPaths.ParseError(call.Arguments[0]);

    private static string Status(Unit unit, Personality personality, TimeProvider time) => string.Create(CultureInfo.InvariantCulture, $"""
        Version: {Personality.Platform} v{personality.Release},build{personality.Build:0000},{personality.BuildDate} (GA)
        Serial-Number: {unit.SerialNumber}
        Hostname: {unit.Config.Current.Object("system global").Text("hostname")}
        Operation Mode: NAT
        Current virtual domain: root
        Virtual domain configuration: disable
        System time: {time.GetUtcNow():ddd MMM d HH:mm:ss yyyy}

        """);

    /// <summary>The layout of the reference; the speed of an interface without a cable is not known and not shown.</summary>
    private static string Interfaces(Unit unit)
    {
        var text = new StringBuilder("== [onboard]\n");
        foreach (var nic in unit.Nics)
        {
            var entry = unit.Config.Current.List("system interface").Find(nic.Name);
            text.Append("\t==[").Append(nic.Name).Append("]\n\t\tmode: static\n\t\tip: ").Append(nic.Addresses[0]).Append(' ').Append(entry?.Words("ip") is [_, var mask] ? mask : "255.255.255.255")
                .Append("\n\t\tipv6: ::/0\n\t\tstatus: ").Append(nic.Inner.LinkUp ? "up" : "down").Append('\n');
        }
        return text.ToString();
    }

    private static string Monitor(VpnSessions sessions)
    {
        var text = new StringBuilder("SSL VPN Login Users:\n Index   User    Group   Auth Type      Timeout         Auth-Timeout    From     HTTP in/out    HTTPS in/out    Two-factor Auth\n");
        foreach (var ((session, idleLeft, authLeft), index) in sessions.List().Select((row, index) => (row, index)))
        {
            text.Append(CultureInfo.InvariantCulture, $" {index}       {session.Grant.User}       {session.Grant.Group}       1(1)       {(long)idleLeft.TotalSeconds}       {(long)authLeft.TotalSeconds}       {session.Grant.Source}       0/0       0/0       {(session.Grant.TwoFactor ? 1 : 0)}\n");
        }
        return text.Append("\nSSL VPN sessions:\n Index   User    Group   Source IP      Duration        I/O Bytes       Tunnel/Dest IP\n").ToString();
    }

    private static string Log(Unit unit)
    {
        var newest = unit.Events.After(Math.Max(0, unit.Events.LastId - LogLines), LogLines);
        return string.Create(CultureInfo.InvariantCulture, $"{unit.Events.LastId} logs found.\n{newest.Count} logs returned.\n\n")
            + string.Concat(newest.Reverse().Select(record => $"{record.Id}: {record.Line}\n"));
    }
}
