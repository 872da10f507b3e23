using System.Globalization;
using System.Text;
using Appliance.Firmware.Administrators;
using Appliance.Firmware.Cli;
using Appliance.Firmware.Config;

namespace Appliance.Firmware.Commands;

/// <summary><c>get system admin list</c> and <c>execute disconnect-admin-session INDEX</c>.</summary>
internal sealed class AdminCommands(AdminSessions sessions) : ICommandSource
{
    public IReadOnlyList<CliCommand> Commands =>
        [
            new(
                "get system admin list",
                "Show the administrators that are logged in.",
                Permissions.Administration.Read,
                CliArguments.None,
                _ => List()
            ),
            new(
                "execute disconnect-admin-session",
                "Disconnect a logged in administrator: INDEX.",
                Permissions.Administration.Write,
                CliArguments.Optional,
                Disconnect
            ),
        ];

    private string List()
    {
        var text = new StringBuilder();
        void Line(string user, string local, string device, string remote, string started) =>
            text.Append(CultureInfo.InvariantCulture, $"{user,-9} {local,-18} {device,-34} {remote,-34} {started}\n");
        Line("username", "local", "device", "remote", "started");
        foreach (var session in sessions.List())
        {
            Line(
                session.User,
                session.Method,
                session.Device,
                session.Remote,
                session.Started.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture)
            );
        }
        return text.ToString();
    }

    /// <summary>
    /// Ends a session by its index. Without an index, lists the sessions with their indexes, as <c>?</c> does on the device.
    /// </summary>
    private CliReply Disconnect(CliCall call)
    {
        var connected = sessions.List();
        if (call.Arguments.Count == 0)
        {
            return new CliReply(Connected(connected), ConfigError.Incomplete);
        }
        if (!CallArguments.TryNumber(call.Arguments[0], 0, int.MaxValue, out var index))
        {
            return CliPaths.ParseError(call.Arguments[0]);
        }
        return index >= connected.Count
            ? new ConfigError(-3, "entry not found in table")
            : new CliReply("")
            {
                Later = async _ =>
                {
                    await sessions.EndAsync(connected[index]).ConfigureAwait(false);
                    return "";
                },
            };
    }

    private static string Connected(IReadOnlyList<AdminSession> connected)
    {
        var text = new StringBuilder("Connected:\nINDEX USERNAME TYPE FROM TIME\n");
        for (var at = 0; at < connected.Count; at++)
        {
            var session = connected[at];
            var from = session.Method == "console" ? "console" : $"{session.Method}({session.Remote})";
            text.Append(
                CultureInfo.InvariantCulture,
                $"{at} {session.User} CLI {from} {session.Started:ddd MMM} {session.Started.Day,2} {session.Started:HH:mm:ss yyyy}\n"
            );
        }
        return text.ToString();
    }
}
