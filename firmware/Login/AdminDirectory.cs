using System.Collections.Immutable;
using System.Net;
using System.Text;
using Appliance.Firmware.Config;

namespace Appliance.Firmware.Login;

/// <summary>
/// The administrators of one configuration (<c>system admin</c>). Names are compared exactly. An administrator whom only a remote server, a
/// certificate or a wildcard could prove has no password here: refused.
/// </summary>
public sealed class AdminDirectory(ConfigTree config) : IAccountDirectory
{
    private const int TrustedHostsMax = 10;
    private readonly ConfigTable _admins = config.List("system admin");
    private readonly ConfigTable _tokens = config.List("user fortitoken");

    /// <inheritdoc/>
    public Account? Find(string name)
    {
        if (_admins.Find(name) is not { } entry)
        {
            return null;
        }
        var remote = entry.Enabled("remote-auth") || entry.Enabled("peer-auth") || entry.Enabled("wildcard");
        // An empty password is one: a fresh unit has it.
        return new Account(
            name, remote ? null : Encoding.UTF8.GetBytes(entry.Text("password")), remote ? new RemoteServer("group", entry.Text("remote-group")) : null, Enabled: true,
            UserDirectory.FactorOf(config, entry, UserDirectory.TokenOf(_tokens, entry)), [])
        {
            TrustedHosts = TrustedHostsOf(entry),
        };
    }

    /// <inheritdoc/>
    public NameMatch Resolve(string typed) => new(Find(typed), null);

    /// <summary>Those that are set; 0.0.0.0/0 is how an unset one reads.</summary>
    private static ImmutableArray<(uint Network, uint Mask)> TrustedHostsOf(ConfigObject entry) =>
    [
        .. Enumerable.Range(1, TrustedHostsMax).Select(number => entry.Words($"trusthost{number}"))
            .Where(words => words is [_, _] && words[1] != "0.0.0.0")
            .Select(words => (Network: Number(words[0]), Mask: Number(words[1]))),
    ];

    private static uint Number(string address) => IPAddress.TryParse(address, out var parsed) && Account.Number(parsed) is { } number ? number : uint.MaxValue;
}
