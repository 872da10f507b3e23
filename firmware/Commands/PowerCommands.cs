using Appliance.Firmware.Cli;
using Appliance.Firmware.Events;
using Appliance.Firmware.Storage;

namespace Appliance.Firmware.Commands;

/// <summary>What an administrator wants of the whole unit.</summary>
public enum PowerRequest
{
    /// <summary>Stop, and start again from the state.</summary>
    Reboot,
    /// <summary>Stop.</summary>
    Shutdown,
}

/// <summary><c>execute reboot</c> and <c>execute shutdown</c>. The unit only asks: whoever runs it stops it.</summary>
internal sealed class PowerCommands
{
    /// <summary>Why the unit went down last: one row while it is down on purpose.</summary>
    internal const string Table = "CREATE TABLE IF NOT EXISTS power (id INTEGER PRIMARY KEY, reason TEXT NOT NULL)";

    private readonly StateDatabase _state;
    private readonly EventLog _events;
    private readonly Func<PowerRequest, bool> _request;

    /// <summary>Reads why the unit went down last.</summary>
    /// <param name="state">Remembers it.</param>
    /// <param name="events">Where it is told.</param>
    /// <param name="request">Passes a request on; false when nobody takes it.</param>
    internal PowerCommands(StateDatabase state, EventLog events, Func<PowerRequest, bool> request)
    {
        (_state, _events, _request) = (state, events, request);
        LastReason = state.Read("SELECT reason FROM power", row => row.GetString(0)).FirstOrDefault() ?? "power cycle";
    }

    /// <summary>The unit is up: an end from now on is one that nobody asked for. Not before everything was read.</summary>
    internal void Started() => _state.Post(new StateWrite("DELETE FROM power"));

    /// <summary>warm reboot, shutdown, or power cycle for an end that nobody asked for (*assumed* words).</summary>
    internal string LastReason { get; }

    internal IReadOnlyList<CliCommand> Commands =>
    [
        new("execute reboot", "Reboot now.", call => Ask(call, PowerRequest.Reboot, "reboot", "warm reboot")),
        new("execute shutdown", "Shutdown now.", call => Ask(call, PowerRequest.Shutdown, "shutdown", "shutdown")),
    ];

    /// <summary>Asks for it, on behalf of somebody. False when nobody takes it.</summary>
    internal bool Request(PowerRequest request, string user, string ui, string reason)
    {
        var reboot = request == PowerRequest.Reboot;
        _events.Write(new EventEntry("0100032138", "system", EventLevel.Warning, reboot ? "Device rebooted" : "Device shut down",
            ("user", user), ("ui", ui), ("action", reboot ? "reboot" : "shutdown"), ("msg", $"User {user} {(reboot ? "rebooted" : "shut down")} the device from {ui}")));
        // On disk before anything stops, and with it every event before.
        _state.CommitAsync(new StateWrite("INSERT OR REPLACE INTO power (id, reason) VALUES (1, $0)", reason)).AsTask().GetAwaiter().GetResult();
        return _request(request);
    }

    private CliReply Ask(CliCall call, PowerRequest request, string word, string reason) => call.Arguments.Count > 0
        ? CliPaths.ParseError(call.Arguments[0])
        : new CliReply($"This operation will {word} the system !\nDo you want to continue? (y/n)") { OnYes = () => Go(call.Session, request, word, reason) };

    private CliReply Go(CliSession session, PowerRequest request, string word, string reason)
    {
        if (!Request(request, session.Administrator.Name, session.Administrator.Ui, reason))
        {
            return new Config.ConfigError(-1, $"nothing here can {word} the unit");
        }
        session.Close();
        return request == PowerRequest.Reboot ? "\nSystem is rebooting...\n" : "\nSystem is shutting down...\n";
    }
}
