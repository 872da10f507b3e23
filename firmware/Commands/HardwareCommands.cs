using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Appliance.Firmware.Administrators;
using Appliance.Firmware.Cli;
using Appliance.Hal;

namespace Appliance.Firmware.Commands;

/// <summary>
/// <c>get hardware status</c> and the commands about parts of the box. They display the hardware inventory with true figures only. The
/// first lines are the device's own; lines that the device does not have are *assumed*.
/// </summary>
internal sealed class HardwareCommands(Board? board, Cooling? cooling, IFirmwareSlots? slots, IFrontPanel? panel) : ICommandSource
{
    /// <summary>Databases that a vendor's unit updates. This unit has none of them.</summary>
    private static readonly string[] Databases =
    [
        "AV Engine",
        "Virus Definitions",
        "Attack Definitions",
        "IPS Attack Engine",
        "Application Definitions",
        "FDS Address",
    ];

    /// <summary>The reply about power supplies: no board has a sensor in its power supply.</summary>
    private const string PowerSupplies = "Power Supply         Status\nnone                 no sensor\n";

    public IReadOnlyList<CliCommand> Commands =>
        [
            new("get hardware status", "Show the hardware of the unit.", Permissions.System.Read, CliArguments.None, _ => Describe()),
            new(
                "diagnose hardware deviceinfo psu",
                "Show the power supplies.",
                Permissions.System.Read,
                CliArguments.None,
                _ => PowerSupplies
            ),
            new(
                "diagnose hardware sysinfo memory",
                "Show the memory of the machine.",
                Permissions.System.Read,
                CliArguments.None,
                _ => MachineMemory.Describe()
            ),
            new(
                "diagnose autoupdate versions",
                "Show the versions of FortiGuard updates.",
                Permissions.System.Read,
                CliArguments.None,
                _ => Versions()
            ),
            new("execute sensor list", "List the sensors.", Permissions.System.Read, CliArguments.None, _ => Sensors()),
        ];

    /// <summary>
    /// The versions of the databases. The layout is public; version 0 for a database that was never installed is *assumed*.
    /// </summary>
    private static string Versions() =>
        string.Concat(
            Databases.Select(name =>
                $"{name}\n---------\n"
                + (
                    name == "FDS Address"
                        ? "\n"
                        : "Version: 0.00000\nContract Expiry Date: n/a\nLast Updated using manual update on n/a\nLast Update Attempt: n/a\nResult: No Updates\n\n"
                )
            )
        );

    /// <summary>Returns the temperature and the fan of the board, in the device's columns.</summary>
    private string Sensors()
    {
        var text = new StringBuilder();
        var number = 0;
        void Line(string name, string value) =>
            text.Append(CultureInfo.InvariantCulture, $"{++number,2} {name,-17} alarm=0  value={value}  threshold_status=0\n");
        if (cooling?.Celsius() is { } celsius)
        {
            Line("CPU Temp", celsius.ToString("0.0", CultureInfo.InvariantCulture));
        }
        if (cooling?.FanRuns is { } runs)
        {
            Line("Fan", runs ? "1" : "0");
        }
        return number > 0 ? text.ToString() : "no sensor on this board\n";
    }

    private string Describe()
    {
        var text = new StringBuilder();
        void Line(string key, string value) => text.Append(key).Append(": ").Append(value).Append('\n');
        Line("Model name", board?.Model ?? "unknown");
        Line("ASIC version", "not available");
        Line(
            "CPU",
            RuntimeInformation.ProcessArchitecture switch
            {
                Architecture.Arm64 => "ARMv8",
                Architecture.X64 => "x86-64",
                var other => other.ToString(),
            }
        );
        Line("Number of CPUs", Environment.ProcessorCount.ToString(CultureInfo.InvariantCulture));
        Line("RAM", $"{GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / (1024 * 1024)} MB");
        Line("Hard disk", "not available");
        Line(
            "Network Card chipset",
            board is not null
                ? string.Join(", ", board.Nics.Select(nic => $"{nic.Name} ({nic.Match?.ToString() ?? "address of the system"})"))
                : "unknown"
        );
        if (slots?.Slot is { } slot)
        {
            Line(
                "Firmware",
                $"slot {slot.Name}, version {slot.Version}{(slot.OnTrial ? ", on trial" : "")}{(slot.Next is { } next ? $"; slot {next} from the next start on" : slot.Failed is { } failed ? $"; slot {failed} did not come up" : "")}"
            );
        }
        if (cooling?.Celsius() is { } celsius)
        {
            Line("Temperature", string.Create(CultureInfo.InvariantCulture, $"{celsius:0.0} C"));
        }
        if (cooling?.FanRuns is { } runs)
        {
            Line("Fan", runs ? "running" : "stopped");
        }
        if (panel?.View() is { } view)
        {
            foreach (var led in view.Leds)
            {
                Line($"LED {led.Name}", led.Pattern.IsSteady ? led.Pattern.ToString() : $"blinking ({led.Pattern} ms)");
            }
            foreach (var button in view.Buttons)
            {
                Line($"Button {button.Name}", button.Pressed ? "pressed" : "not pressed");
            }
            if (view.DisplayFault is { } fault)
            {
                Line("Display", fault);
            }
        }
        return text.ToString();
    }
}
