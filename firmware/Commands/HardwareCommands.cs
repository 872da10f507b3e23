using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Appliance.Firmware.Cli;

namespace Appliance.Firmware.Commands;

/// <summary><c>get hardware status</c>: what the box is and has, true figures only. The first lines are the device's own; what it has no word for is *assumed*.</summary>
internal sealed class HardwareCommands(UnitOptions options)
{
    internal CliCommand Status => new("get hardware status", "Show the hardware of the unit.", _ => Describe());

    private string Describe()
    {
        var text = new StringBuilder();
        void Line(string key, string value) => text.Append(key).Append(": ").Append(value).Append('\n');
        Line("Model name", options.Board?.Model ?? "unknown");
        Line("ASIC version", "not available");
        Line("CPU", RuntimeInformation.ProcessArchitecture switch { Architecture.Arm64 => "ARMv8", Architecture.X64 => "x86-64", var other => other.ToString() });
        Line("Number of CPUs", Environment.ProcessorCount.ToString(CultureInfo.InvariantCulture));
        Line("RAM", $"{GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / (1024 * 1024)} MB");
        Line("Hard disk", "not available");
        Line("Network Card chipset", options.Board is { } board ? string.Join(", ", board.Nics.Select(nic => $"{nic.Name} ({nic.Match?.ToString() ?? "address of the system"})")) : "unknown");
        if (options.Slots?.Slot is { } slot)
        {
            Line("Firmware", $"slot {slot.Name}, version {slot.Version}{(slot.OnTrial ? ", on trial" : "")}{(slot.Next is { } next ? $"; slot {next} from the next start on" : slot.Failed is { } failed ? $"; slot {failed} did not come up" : "")}");
        }
        if (options.Cooling?.Celsius() is { } celsius)
        {
            Line("Temperature", string.Create(CultureInfo.InvariantCulture, $"{celsius:0.0} C"));
        }
        if (options.Cooling?.FanRuns is { } runs)
        {
            Line("Fan", runs ? "running" : "stopped");
        }
        if (options.Panel?.View() is { } panel)
        {
            foreach (var led in panel.Leds)
            {
                Line($"LED {led.Name}", led.Pattern.IsSteady ? led.Pattern.ToString() : $"blinking ({led.Pattern} ms)");
            }
            foreach (var button in panel.Buttons)
            {
                Line($"Button {button.Name}", button.Pressed ? "pressed" : "not pressed");
            }
            if (panel.DisplayFault is { } fault)
            {
                Line("Display", fault);
            }
        }
        return text.ToString();
    }
}
