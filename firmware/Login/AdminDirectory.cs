using System.Text;
using Appliance.Firmware.Config;

namespace Appliance.Firmware.Login;

/// <summary>
/// The administrators of one configuration (<c>system admin</c>). Without any entry there is no account, and each login is refused. Names are
/// compared exactly. An administrator whom only a remote server, a certificate or a wildcard could prove has no password here: refused.
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
        // An empty password is one, at the console: a fresh unit has it.
        return new Account(
            name, remote ? null : Encoding.UTF8.GetBytes(entry.Text("password")), remote ? new RemoteServer("group", entry.Text("remote-group")) : null, Enabled: true,
            UserDirectory.FactorOf(config, entry, UserDirectory.TokenOf(_tokens, entry)), [])
        {
            Networks = TrustedHosts.Networks(entry),
        };
    }

    /// <inheritdoc/>
    public NameMatch Resolve(string typed) => new(Find(typed), null);
}
