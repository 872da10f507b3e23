using System.Globalization;
using System.Net;
using System.Text;
using Appliance.Firmware.Cli;
using Appliance.Firmware.Config;
using Appliance.Firmware.Login;

namespace Appliance.Firmware.Commands;

/// <summary>
/// <c>diagnose vpn ssl blocklist</c>: the sources with counted failures at the SSL VPN (<c>pending</c>) and the blocked sources
/// (<c>locked</c>). The words of the command and the two states are documented. The line is *assumed* after the device's debug output
/// (<c>host=…;fails=…;logintime=…</c>).
/// </summary>
internal sealed class BlocklistCommands(LoginService login, TimeProvider time)
{
    /// <summary>The number of the only virtual domain.</summary>
    private const string RootDomain = "0";

    internal IReadOnlyList<CliCommand> Commands =>
        [
            new("diagnose vpn ssl blocklist list", "List blocked sources.", call => None(call) ?? List()),
            new(
                "diagnose vpn ssl blocklist count",
                "Count blocked sources.",
                call => None(call) ?? login.BlockList().Count.ToString(CultureInfo.InvariantCulture) + "\n"
            ),
            new("diagnose vpn ssl blocklist del", "Delete blocked sources: all, a virtual domain's number, or an address.", Delete),
        ];

    private static CliReply? None(CliCall call) => call.Arguments.Count == 0 ? null : (CliReply)CliPaths.ParseError(call.Arguments[0]);

    private CliReply List()
    {
        var now = time.GetUtcNow();
        var text = new StringBuilder();
        foreach (var (entry, index) in login.BlockList().Select((entry, index) => (entry, index)))
        {
            var state = entry.Until is { } until
                ? string.Create(CultureInfo.InvariantCulture, $"locked,expires={WaitMessage.Seconds(until - now)}")
                : "pending";
            text.Append(
                CultureInfo.InvariantCulture,
                $"rowid={index + 1},host={entry.Key},status={state},fails={entry.Failures},logintime={entry.First.ToUnixTimeSeconds()}\n"
            );
        }
        return text.ToString();
    }

    private CliReply Delete(CliCall call)
    {
        if (call.Arguments is not [var which])
        {
            return call.Arguments.Count == 0
                ? new ConfigError(-160, "incomplete command in the end")
                : CliPaths.ParseError(call.Arguments[1]);
        }
        IPAddress? source = null;
        if (which is not ("all" or RootDomain) && !IPAddress.TryParse(which, out source))
        {
            return CliPaths.ParseError(which);
        }
        try
        {
            // Removed from disk before the reply.
            var count = login.UnblockAsync(source).GetAwaiter().GetResult();
            return count == 0 && source is not null ? new ConfigError(-3, "entry not found in table") : "";
        }
        catch (IOException failure)
        {
            return new ConfigError(-1, failure.Message);
        }
    }
}
