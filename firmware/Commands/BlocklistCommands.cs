using System.Globalization;
using System.Net;
using System.Text;
using Appliance.Firmware.Administrators;
using Appliance.Firmware.Cli;
using Appliance.Firmware.Config;
using Appliance.Firmware.Login;

namespace Appliance.Firmware.Commands;

/// <summary>
/// <c>diagnose vpn ssl blocklist</c>: the sources with counted failures at the SSL VPN (<c>pending</c>) and the blocked sources
/// (<c>locked</c>). The words of the command and the two states are documented. The line is *assumed* after the device's debug output
/// (<c>host=…;fails=…;logintime=…</c>).
/// </summary>
internal sealed class BlocklistCommands(LoginService login, TimeProvider time) : ICommandSource
{
    /// <summary>The number of the only virtual domain.</summary>
    private const string RootDomain = "0";

    public IReadOnlyList<CliCommand> Commands =>
        [
            new("diagnose vpn ssl blocklist list", "List blocked sources.", Permissions.Vpn.Read, CliArguments.None, _ => List()),
            new(
                "diagnose vpn ssl blocklist count",
                "Count blocked sources.",
                Permissions.Vpn.Read,
                CliArguments.None,
                _ => login.Operator.BlockList().Count.ToString(CultureInfo.InvariantCulture) + "\n"
            ),
            new(
                "diagnose vpn ssl blocklist del",
                "Delete blocked sources: all, a virtual domain's number, or an address.",
                Permissions.Vpn.Write,
                CliArguments.One,
                Delete
            ),
        ];

    private CliReply List()
    {
        var now = time.GetUtcNow();
        var text = new StringBuilder();
        foreach (var (entry, index) in login.Operator.BlockList().Select((entry, index) => (entry, index)))
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
        var which = call.Arguments[0];
        IPAddress? source = null;
        if (which is not ("all" or RootDomain) && !IPAddress.TryParse(which, out source))
        {
            return CliPaths.ParseError(which);
        }
        return new CliReply("") { Later = _ => DeleteAsync(source) };
    }

    private async Task<CliReply> DeleteAsync(IPAddress? source)
    {
        try
        {
            // Removed from disk before the reply.
            var count = await login.Operator.UnblockAsync(source).ConfigureAwait(false);
            return count == 0 && source is not null ? new ConfigError(-3, "entry not found in table") : "";
        }
        catch (IOException failure)
        {
            return new ConfigError(-1, failure.Message);
        }
    }
}
