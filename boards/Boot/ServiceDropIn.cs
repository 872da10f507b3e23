using System.Globalization;
using System.Text;
using Appliance.Hal;

namespace Appliance.Boot;

/// <summary>
/// The systemd settings of one board in addition to <c>appliance.service</c>: the devices that it may open, and its console terminal.
/// </summary>
internal static class ServiceDropIn
{
    private const string Program = "/usr/lib/appliance";

    /// <summary>Builds the text of <c>appliance.service.d/board.conf</c>. Names the devices of the board and no others.</summary>
    internal static string For(Board board)
    {
        var text = new StringBuilder();
        void Line(FormattableString line) => text.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');
        Line($"# What boards/{board.Name}/board.json declares; written by scripts/board-package.");
        if (board.Console is { } port)
        {
            Line($"[Unit]\nConflicts=serial-getty@{Path.GetFileName(port.Device)}.service");
        }
        Line(
            $"[Service]\nExecStart=\nExecStart={Program}/Appliance.Boot --board {Program}/boards/{board.Name}/board.json --state /var/lib/appliance{(board.Console is null ? "" : " --console")}"
        );
        if (board.Console is { } console)
        {
            // systemd opens the terminal but does not set its speed.
            Line($"ExecStartPre=+/usr/bin/stty -F {console.Device} sane {console.Baud}");
            Line(
                $"StandardInput=tty-force\nStandardOutput=tty\nStandardError=journal\nTTYPath={console.Device}\nDeviceAllow={console.Device} rw"
            );
        }
        if (board.GpioChip is not null)
        {
            Line($"DeviceAllow=char-gpiochip rw");
        }
        if (board.Display is { } display)
        {
            Line($"DeviceAllow=/dev/i2c-{display.Bus} rw");
        }
        if (board.Watchdog is { } watchdog)
        {
            Line($"DeviceAllow={watchdog.Device} rw");
        }
        return text.ToString();
    }
}
