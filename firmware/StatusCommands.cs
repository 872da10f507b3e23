using System.Globalization;
using Appliance.Firmware.Cli;
using Appliance.Firmware.Config;

namespace Appliance.Firmware;

/// <summary>The read-only commands of the console that look at the unit as a whole.</summary>
internal static class StatusCommands
{
    /// <summary>The commands of a unit.</summary>
    internal static IReadOnlyList<CliCommand> For(Unit unit, TimeProvider time) =>
    [
        new CliCommand("get system status", "Show the state of the unit.", _ => Status(unit, unit.Config.Current.Schema.Personality, time)),
    ];

    private static string Status(Unit unit, Personality personality, TimeProvider time) => string.Create(CultureInfo.InvariantCulture, $"""
        Version: {Personality.Platform} v{personality.Release},build{personality.Build:0000},{personality.BuildDate} (GA)
        Serial-Number: {unit.SerialNumber}
        Hostname: {unit.Config.Current.Object("system global").Text("hostname")}
        Operation Mode: NAT
        Current virtual domain: root
        Virtual domain configuration: disable
        System time: {time.GetUtcNow():ddd MMM d HH:mm:ss yyyy}

        """);
}
