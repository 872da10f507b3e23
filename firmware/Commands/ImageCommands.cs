using Appliance.Firmware.Administrators;
using Appliance.Firmware.Cli;
using Appliance.Firmware.Config;
using Appliance.Firmware.Events;
using Appliance.Hal;

namespace Appliance.Firmware.Commands;

/// <summary>
/// <c>execute restore image usb FILE</c>: installs a firmware on a box with two slots. The words are the device's for other sources, and
/// *assumed* for USB.
/// </summary>
internal sealed class ImageCommands(IFirmwareSlots? slots, EventLog events, PowerCommands power) : ICommandSource
{
    public IReadOnlyList<CliCommand> Commands =>
        [
            new(
                "execute restore image usb",
                "Restore the firmware from the USB disk.",
                Permissions.Maintenance.Write,
                CliArguments.One,
                Ask
            ),
        ];

    private CliReply Ask(CliCall call)
    {
        var file = call.Arguments[0];
        return UsbStick.Refuse(file) is { } refused ? refused
            : slots is null ? new ConfigError(-1, "this unit has no firmware slots: update it through its operating system")
            : new CliReply("This operation will replace the current firmware version!\nDo you want to continue? (y/n)")
            {
                OnYes = () =>
                    new CliReply($"Please wait...\nCopy image {file} from USB disk ...\n")
                    {
                        Later = _ => RestoreAsync(slots, call.Session, file),
                    },
            };
    }

    private async Task<CliReply> RestoreAsync(IFirmwareSlots to, CliSession session, string file)
    {
        var (user, ui) = (session.Administrator.Name, session.Administrator.Ui);
        void Tell(EventLevel level, string description, string message) =>
            events.Write(
                new EventEntry(
                    "0100032146",
                    "system",
                    level,
                    description,
                    ("user", user),
                    ("ui", ui),
                    ("action", "restore-image"),
                    ("msg", message)
                )
            );
        if (await to.InstallAsync(file).ConfigureAwait(false) is { } refused)
        {
            Tell(EventLevel.Alert, "Firmware restore failed", $"Firmware not restored from USB disk file {file}: {refused}");
            return new ConfigError(-1, $"image {file}: {refused}");
        }
        Tell(EventLevel.Warning, "Firmware restored", $"Firmware restored from USB disk file {file} into slot {to.Slot.Next}");
        if (!await power.RequestAsync(PowerRequest.Reboot, user, ui, "firmware upgrade").ConfigureAwait(false))
        {
            return new CliReply("Check image OK.\n", new ConfigError(-1, "this unit cannot reboot itself"));
        }
        // The session stays open for this reply and ends with the unit.
        return "Check image OK.\nPlease wait for system to restart.\n\nSystem is rebooting...\n";
    }
}
