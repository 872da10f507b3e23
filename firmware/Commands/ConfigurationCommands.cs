using System.Globalization;
using System.Text;
using Appliance.Firmware.Administrators;
using Appliance.Firmware.Cli;
using Appliance.Firmware.Config;
using Appliance.Firmware.Events;
using Appliance.Firmware.Text;

namespace Appliance.Firmware.Commands;

/// <summary>The console commands for the configuration as a whole: backups, revisions, transactions, saving.</summary>
internal sealed class ConfigurationCommands(ConfigStore config, EventLog events, UsbStick usb) : ICommandSource
{
    private const string ContinueQuestion = "Do you want to continue? (y/n)";
    private const int TransactionMinutes = 5;
    private const int TransactionMinutesMax = 60;

    /// <summary>
    /// The maximum number of events and console lines about unknown parts of a restored file. <c>./run restore FILE --check</c> lists all
    /// of them.
    /// </summary>
    private const int IgnoredMax = 100;

    private static readonly string[] Servers = ["ftp", "sftp", "tftp", "scp"];

    /// <summary>The maximum size of a configuration file, in bytes.</summary>
    private const int RestoreSizeMax = 16 * 1024 * 1024;

    public IReadOnlyList<CliCommand> Commands =>
        [
            new(
                "execute backup config flash",
                "Store the configuration as a revision.",
                Permissions.Maintenance.Write,
                CliArguments.Rest,
                BackUpToFlash
            ),
            new(
                "execute backup config usb",
                "Back up the configuration to the USB disk.",
                Permissions.Maintenance.Write,
                CliArguments.One,
                call => BackUpToUsb(call, full: false)
            ),
            new(
                "execute backup full-config usb",
                "Back up the configuration with all defaults to the USB disk.",
                Permissions.Maintenance.Write,
                CliArguments.One,
                call => BackUpToUsb(call, full: true)
            ),
            new("execute restore config flash", "Restore a revision.", Permissions.Maintenance.Write, CliArguments.One, RestoreFromFlash),
            new(
                "execute restore config usb",
                "Restore a backup from the USB disk.",
                Permissions.Maintenance.Write,
                CliArguments.One,
                RestoreFromUsb
            ),
            .. Servers.SelectMany(way =>
                new CliCommand[]
                {
                    new(
                        $"execute backup config {way}",
                        $"Back up the configuration to a server by {way}.",
                        Permissions.Maintenance.Write,
                        CliArguments.AtLeast(2),
                        call => Unreachable(call, way, "Send config file to")
                    ),
                    new(
                        $"execute backup full-config {way}",
                        $"Back up the configuration with all defaults to a server by {way}.",
                        Permissions.Maintenance.Write,
                        CliArguments.AtLeast(2),
                        call => Unreachable(call, way, "Send config file to")
                    ),
                    new(
                        $"execute restore config {way}",
                        $"Restore a backup from a server by {way}.",
                        Permissions.Maintenance.Write,
                        CliArguments.AtLeast(2),
                        call => AskToFetch(call, way)
                    ),
                }
            ),
            new("execute revision list config", "List the revisions.", Permissions.Maintenance.Write, CliArguments.None, _ => List()),
            new("execute revision delete config", "Delete a revision.", Permissions.Maintenance.Write, CliArguments.One, Delete),
            new(
                "execute factoryreset",
                "Go back to the first configuration.",
                Permissions.Maintenance.Write,
                CliArguments.None,
                call => OutsideTransaction(call) ?? Reset(call)
            ),
            new(
                "execute cfg save",
                "Save the configuration.",
                Permissions.Maintenance.Write,
                CliArguments.None,
                call => OutsideTransaction(call) ?? Save(call)
            ),
            new(
                "execute cfg reload",
                "Go back to the saved configuration.",
                Permissions.Maintenance.Write,
                CliArguments.None,
                call => OutsideTransaction(call) ?? Reload(call)
            ),
            new("execute config-transaction start", "Start a transaction.", Permissions.System.Write, CliArguments.Optional, Start),
            new(
                "execute config-transaction commit",
                "Apply a transaction.",
                Permissions.System.Write,
                CliArguments.None,
                call => End(call, "committed", call.Session.Workspace.CommitTransaction)
            ),
            new(
                "execute config-transaction abort",
                "Discard a transaction.",
                Permissions.System.Write,
                CliArguments.None,
                call => End(call, "aborted", call.Session.Workspace.AbortTransaction)
            ),
        ];

    private static CliReply? OutsideTransaction(CliCall call) =>
        call.Session.Workspace.Transaction == 0
            ? (CliReply?)null
            : new ConfigError(-1, $"the command cannot be used in a config transaction (id={call.Session.Workspace.Transaction})");

    /// <summary>The reply for a server that cannot be reached, in the device's words. A lab of one appliance has no server.</summary>
    private static CliReply Unreachable(CliCall call, string way, string what) =>
        new(
            $"Please wait...\nConnect to {way} server {call.Arguments[1]} ...\n",
            new ConfigError(-1, $"{what} {way} server via vdom root failed.")
        );

    /// <summary>Asks for confirmation before a restore from a server, as before every restore.</summary>
    private static CliReply AskToFetch(CliCall call, string way) =>
        OutsideTransaction(call)
        ?? new CliReply($"This operation will overwrite the current setting and could possibly reboot the system!\n{ContinueQuestion}")
        {
            OnYes = () => Unreachable(call, way, "Get config file from"),
        };

    private static CliReply Start(CliCall call)
    {
        var minutes = TransactionMinutes;
        if (
            call.Arguments is [var typed, ..]
            && (
                !int.TryParse(typed, NumberStyles.None, CultureInfo.InvariantCulture, out minutes)
                || minutes is < 1 or > TransactionMinutesMax
            )
        )
        {
            return new ConfigError(
                -651,
                $"the timeout is {1} to {TransactionMinutesMax} minutes",
                "",
                $"value parse error before '{Clean(typed)}'"
            );
        }
        return call.Session.InBatch ? new ConfigError(-1, "a config transaction cannot be started in batch mode")
            : call.Session.Workspace.Start(TimeSpan.FromMinutes(minutes)) is { } error ? error
            : string.Create(CultureInfo.InvariantCulture, $"config transaction id={call.Session.Workspace.Transaction} started\n");
    }

    private static CliReply End(CliCall call, string done, Func<ConfigError?> end)
    {
        var number = call.Session.Workspace.Transaction;
        return end() is { } error ? error : string.Create(CultureInfo.InvariantCulture, $"config transaction id={number} {done}\n");
    }

    private CliReply BackUpToFlash(CliCall call)
    {
        var comment = string.Join(' ', call.Arguments);
        if (comment.Length > ConfigRevision.CommentMax)
        {
            return new ConfigError(-1, $"string value is too long. the size is {comment.Length}, the limit is {ConfigRevision.CommentMax}");
        }
        if (config.Keep(call.Session.Workspace.Author(), comment) is { } error)
        {
            return error;
        }
        Tell("0100032142", EventLevel.Notice, "Configuration backed up", call, "backup", "Configuration backed up to flash");
        return "Please wait...\nConfig backed up to flash disk done.\n";
    }

    private CliReply BackUpToUsb(CliCall call, bool full)
    {
        var name = call.Arguments[0];
        if (usb.Write(name, config.BackupText(full, call.Session.Administrator.Name)) is { } error)
        {
            return error;
        }
        Tell("0100032142", EventLevel.Notice, "Configuration backed up", call, "backup", $"Configuration backed up to USB disk as {name}");
        return $"Please wait...\nCopy config {name} to USB disk ...\nCopy config file to USB disk OK.\n";
    }

    private CliReply RestoreFromFlash(CliCall call)
    {
        return !TryRevision(call.Arguments[0], out var number, out var wrong) ? wrong
            : config.Revision(number) is { } text ? AskToRestore(call, text, $"revision {number}")
            : new ConfigError(-3, $"there is no intact revision {number}");
    }

    private CliReply RestoreFromUsb(CliCall call)
    {
        var name = call.Arguments[0];
        var (content, error) = usb.Read(name, RestoreSizeMax);
        return error is not null ? error : AskToRestore(call, ConfigStore.TextOf(content!), $"USB disk file {name}");
    }

    private CliReply AskToRestore(CliCall call, string text, string source) =>
        OutsideTransaction(call)
        ?? new CliReply($"This operation will overwrite the current setting and could possibly reboot the system!\n{ContinueQuestion}")
        {
            OnYes = () => Restore(call, text, source),
        };

    /// <summary>Restores a configuration as one commit, which takes effect immediately. The device restarts for the same purpose.</summary>
    private CliReply Restore(CliCall call, string text, string source)
    {
        var (ignored, error) = config.Restore(text, call.Session.Workspace.Author(), $"restored from {source}");
        if (error is not null)
        {
            Tell(
                "0100032143",
                EventLevel.Alert,
                "Configuration restore failed",
                call,
                "restore",
                $"Configuration not restored from {source}: {error.Lines[0]}"
            );
            return error;
        }
        var shown = new StringBuilder("Please wait...\nFile check OK.\n");
        TellIgnored(events, call.Session.Administrator.Name, source, ignored);
        foreach (var line in ignored.Take(IgnoredMax))
        {
            shown.Append(line).Append('\n');
        }
        if (ignored.Count > IgnoredMax)
        {
            shown.Append(CultureInfo.InvariantCulture, $"and {ignored.Count - IgnoredMax} further lines or blocks\n");
        }
        Tell(
            "0100032143",
            EventLevel.Notice,
            "Configuration restored",
            call,
            "restore",
            $"Configuration restored from {source}, {ignored.Count} lines or blocks ignored"
        );
        return shown.Append("Configuration restored.\n").ToString();
    }

    /// <summary>Logs an event for each line or block that has no effect, up to a maximum.</summary>
    internal static void TellIgnored(EventLog events, string admin, string source, IReadOnlyList<IgnoredLine> ignored)
    {
        foreach (var line in ignored.Take(IgnoredMax))
        {
            events.Write(
                new EventEntry(
                    "0100032144",
                    "system",
                    EventLevel.Warning,
                    "Configuration line ignored",
                    ("user", admin),
                    ("action", "ignore"),
                    ("msg", line.Number == 0 ? $"{source}: {line.Why}" : $"{source}, {line.Where}: {line.Why}")
                )
            );
        }
    }

    private string List()
    {
        var text = new StringBuilder(
            "Last Firmware Version: V0.0.0-build000-REL0\nID TIME                 ADMIN                FIRMWARE VERSION             COMMENT\n"
        );
        foreach (var revision in config.Revisions())
        {
            text.Append(
                    string.Create(
                            CultureInfo.InvariantCulture,
                            $"{revision.Number,2} {revision.Time:yyyy-MM-dd HH:mm:ss}  {revision.Admin,-20} {"V" + revision.Release + "-REL0",-28} {revision.Comment}"
                        )
                        .TrimEnd()
                )
                .Append('\n');
        }
        return text.ToString();
    }

    private CliReply Delete(CliCall call)
    {
        if (!TryRevision(call.Arguments[0], out var number, out var wrong))
        {
            return wrong;
        }
        try
        {
            return config.DeleteRevision(number) ? "" : new ConfigError(-3, $"there is no revision {number}");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return new ConfigError(-1, $"revision {number} could not be deleted: {error.Message}");
        }
    }

    private CliReply Reset(CliCall call) =>
        new($"This operation will reset the system to factory default!\n{ContinueQuestion}")
        {
            OnYes = () =>
            {
                if (config.Reset(call.Session.Workspace.Author()) is { } error)
                {
                    return error;
                }
                Tell(
                    "0100032145",
                    EventLevel.Alert,
                    "Factory default restored",
                    call,
                    "factory-reset",
                    "Configuration reset to factory default"
                );
                return "System is resetting to factory default...\n";
            },
        };

    private CliReply Save(CliCall call)
    {
        if (!config.HasUnsaved)
        {
            return "no config to be saved.\n";
        }
        return config.SaveNow(call.Session.Workspace.Author()) is { } error ? error : "config saved.\n";
    }

    private CliReply Reload(CliCall call)
    {
        if (!config.HasUnsaved)
        {
            return "no config to be reloaded.\n";
        }
        var error = config.Revert();
        events.Write(RevertTimer.Reverted(call.Session.Administrator.Name, "execute cfg reload", error));
        return error is not null ? error : "configs reloaded.\n";
    }

    private static bool TryRevision(string typed, out long number, out CliReply wrong)
    {
        wrong = new ConfigError(-651, $"invalid unsigned integer value: {Clean(typed)}", "", $"value parse error before '{Clean(typed)}'");
        return long.TryParse(typed, NumberStyles.None, CultureInfo.InvariantCulture, out number);
    }

    private static string Clean(string word) => string.Concat(word.Where(c => !ControlCharacters.Includes(c)).Take(64));

    private void Tell(string id, EventLevel level, string description, CliCall call, string action, string message) =>
        events.Write(
            new EventEntry(
                id,
                "system",
                level,
                description,
                ("user", call.Session.Administrator.Name),
                ("ui", "console"),
                ("action", action),
                ("msg", message)
            )
        );
}
