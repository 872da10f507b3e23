using System.Globalization;
using Appliance.Firmware.Administrators;
using Appliance.Firmware.Cli;
using Appliance.Firmware.Config;

namespace Appliance.Firmware.Commands;

/// <summary>
/// <c>execute date</c> and <c>execute time</c>: display the unit's clock, and set it if the host of the unit permits that.
/// </summary>
/// <param name="time">The clock.</param>
/// <param name="set">Sets the clock; returns null on success, otherwise the reason. Null if the unit may not set it.</param>
internal sealed class ClockCommands(TimeProvider time, Func<DateTimeOffset, string?>? set) : ICommandSource
{
    public IReadOnlyList<CliCommand> Commands =>
        [
            new(
                "execute date",
                "Set/get system date.",
                Permissions.System.Read,
                CliArguments.Optional,
                call => Run(call, "yyyy-MM-dd", (now, given) => given.Date + now.TimeOfDay, Date)
            ),
            new(
                "execute time",
                "Set/get system time.",
                Permissions.System.Read,
                CliArguments.Optional,
                call => Run(call, "H:mm:ss", (now, given) => now.Date + given.TimeOfDay, Time)
            ),
        ];

    private string Date() => string.Create(CultureInfo.InvariantCulture, $"current date is: {time.GetUtcNow():yyyy-MM-dd}\n");

    private string Time() =>
        string.Create(CultureInfo.InvariantCulture, $"current time is: {time.GetUtcNow():HH:mm:ss}\nlast ntp sync: never\n");

    private CliReply Run(CliCall call, string format, Func<DateTime, DateTime, DateTime> join, Func<string> show)
    {
        if (call.Arguments.Count == 0)
        {
            return show();
        }
        if (call.Session.Access.Needs(Permissions.System.Write) is { } denied)
        {
            return denied;
        }
        if (!DateTime.TryParseExact(call.Arguments[0], format, CultureInfo.InvariantCulture, DateTimeStyles.None, out var given))
        {
            return CliPaths.ParseError(call.Arguments[0]);
        }
        if (set is null)
        {
            return new ConfigError(-1, "the operating system sets the clock of this unit");
        }
        var to = new DateTimeOffset(join(time.GetUtcNow().UtcDateTime, given), TimeSpan.Zero);
        return set(to) is { } refused ? new ConfigError(-1, refused) : show();
    }
}
