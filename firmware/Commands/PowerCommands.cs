using Appliance.Firmware.Administrators;
using Appliance.Firmware.Cli;
using Appliance.Firmware.Events;
using Appliance.Firmware.Storage;

namespace Appliance.Firmware.Commands;

/// <summary>An administrator's request for the whole unit.</summary>
public enum PowerRequest
{
    /// <summary>Stop, then start again from the stored state.</summary>
    Reboot,

    /// <summary>Stop.</summary>
    Shutdown,
}

/// <summary><c>execute reboot</c> and <c>execute shutdown</c>. The unit only requests it; the host of the unit stops it.</summary>
internal sealed class PowerCommands : ICommandSource
{
    /// <summary>The schema of the table for the reason of the last stop. It has one row while the unit is stopped on purpose.</summary>
    internal const string Table = "CREATE TABLE IF NOT EXISTS power (id INTEGER PRIMARY KEY, reason TEXT NOT NULL)";

    private readonly StateDatabase _state;
    private readonly EventLog _events;
    private readonly Func<PowerRequest, bool> _request;

    /// <summary>Reads the reason of the last stop.</summary>
    /// <param name="state">Stores the reason.</param>
    /// <param name="events">Receives the event.</param>
    /// <param name="request">Forwards a request to the host; false if it has no handler.</param>
    internal PowerCommands(StateDatabase state, EventLog events, Func<PowerRequest, bool> request)
    {
        _state = state;
        _events = events;
        _request = request;
        LastReason = state.Read("SELECT reason FROM power", row => row.GetString(0)).FirstOrDefault() ?? "power cycle";
    }

    public IReadOnlyList<CliCommand> Commands =>
        [
            new(
                "execute reboot",
                "Reboot now.",
                Permissions.Maintenance.Write,
                CliArguments.None,
                call => Ask(call, PowerRequest.Reboot, "reboot", "warm reboot")
            ),
            new(
                "execute shutdown",
                "Shutdown now.",
                Permissions.Maintenance.Write,
                CliArguments.None,
                call => Ask(call, PowerRequest.Shutdown, "shutdown", "shutdown")
            ),
        ];

    /// <summary>Marks the unit as running: a stop from now on is unrequested. Must not be called before everything has been read.</summary>
    internal void Started() => _state.Post(new StateWrite("DELETE FROM power"));

    /// <summary>The reason of the last stop: warm reboot, shutdown, or power cycle for an unrequested one (*assumed* words).</summary>
    internal string LastReason { get; }

    /// <summary>Requests a restart or a stop on behalf of a user. Returns false if the host has no handler.</summary>
    internal async Task<bool> RequestAsync(PowerRequest request, string user, string ui, string reason)
    {
        var reboot = request == PowerRequest.Reboot;
        _events.Write(
            new EventEntry(
                "0100032138",
                "system",
                EventLevel.Warning,
                reboot ? "Device rebooted" : "Device shut down",
                ("user", user),
                ("ui", ui),
                ("action", reboot ? "reboot" : "shutdown"),
                ("msg", $"User {user} {(reboot ? "rebooted" : "shut down")} the device from {ui}")
            )
        );
        // On disk before anything stops, along with every earlier event.
        await _state
            .CommitAsync(new StateWrite("INSERT OR REPLACE INTO power (id, reason) VALUES (1, $0)", reason))
            .ConfigureAwait(false);
        return _request(request);
    }

    private CliReply Ask(CliCall call, PowerRequest request, string word, string reason) =>
        new($"This operation will {word} the system !\nDo you want to continue? (y/n)")
        {
            OnYes = () => new CliReply("") { Later = _ => GoAsync(call.Session, request, word, reason) },
        };

    private async Task<CliReply> GoAsync(CliSession session, PowerRequest request, string word, string reason)
    {
        if (!await RequestAsync(request, session.Administrator.Name, session.Administrator.Ui, reason).ConfigureAwait(false))
        {
            return new Config.ConfigError(-1, $"this unit cannot {word} itself");
        }
        session.Close();
        return request == PowerRequest.Reboot ? "\nSystem is rebooting...\n" : "\nSystem is shutting down...\n";
    }
}
