using System.Text;
using Appliance.Firmware.Config;

namespace Appliance.Firmware.Login.Accounts;

/// <summary>
/// The administrators of one configuration (<c>system admin</c>). Without an entry there is no account, and every login is refused. Names
/// are compared exactly. An administrator that only a remote server, a certificate or a wildcard could authenticate has no password here
/// and is refused.
/// </summary>
public sealed class AdminDirectory(ConfigTree config) : IAccountDirectory
{
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
        // At the console an empty password is valid: a fresh unit has one.
        return new Account(
            name,
            remote ? null : Encoding.UTF8.GetBytes(entry.Text("password")),
            remote ? new RemoteServer("group", entry.Text("remote-group")) : null,
            Enabled: true,
            UserDirectory.FactorOf(config, entry, UserDirectory.TokenOf(_tokens, entry)),
            []
        )
        {
            Networks = TrustedHosts.Networks(entry),
        };
    }

    /// <inheritdoc/>
    public NameMatch Resolve(string typed) => new(Find(typed), null);
}
