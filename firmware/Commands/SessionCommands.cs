using System.Globalization;
using System.Net;
using System.Text;
using Appliance.Firmware.Administrators;
using Appliance.Firmware.Cli;
using Appliance.Firmware.Config;
using Appliance.Firmware.Tunnels;
using Appliance.Firmware.Vpn;
using Appliance.Hal;

namespace Appliance.Firmware.Commands;

/// <summary>The commands that list connections and logins, and end them.</summary>
internal sealed class SessionCommands(VpnSessions sessions, TunnelService tunnels, NicTransport transport, TimeProvider time)
    : ICommandSource
{
    /// <summary>
    /// The reply about firewall users: no policy of this unit authenticates, and SSL VPN sessions are not firewall users.
    /// </summary>
    private const string NoFirewallUsers = "\n----- 0 listed, 0 filtered ------\n";

    /// <summary>The reply about DHCP leases: the unit has no DHCP server, so there are none.</summary>
    private const string NoLeases =
        "  IP            MAC-Address             Hostname            VCI                 SSID                AP                  Expiry\n";

    public IReadOnlyList<CliCommand> Commands =>
        [
            new("get vpn ssl monitor", "Show the sessions of the SSL VPN.", Permissions.Vpn.Read, CliArguments.None, _ => Monitor()),
            new("execute vpn sslvpn list", "List current connections.", Permissions.Vpn.Read, CliArguments.None, _ => Monitor()),
            new("execute vpn sslvpn del-tunnel", "Delete a tunnel connection.", Permissions.Vpn.Write, CliArguments.One, DeleteTunnel),
            new("execute vpn sslvpn del-web", "Delete a web connection.", Permissions.Vpn.Write, CliArguments.One, DeleteWeb),
            new("diagnose vpn ssl list", "List SSL VPN sessions.", Permissions.Vpn.Read, CliArguments.None, _ => List()),
            new(
                "diagnose sys session list",
                "List the connections to this unit.",
                Permissions.Network.Read,
                CliArguments.None,
                _ => Connections()
            ),
            new(
                "diagnose sys session stat",
                "Show the statistics of the sessions.",
                Permissions.Network.Read,
                CliArguments.None,
                _ => Statistics()
            ),
            new(
                "diagnose firewall auth list",
                "List the authenticated users of the firewall.",
                Permissions.Users.Read,
                CliArguments.None,
                _ => NoFirewallUsers
            ),
            new(
                "execute dhcp lease-list",
                "List the leases of the DHCP servers.",
                Permissions.Network.Read,
                CliArguments.None,
                _ => NoLeases
            ),
        ];

    private string Monitor()
    {
        var text = new StringBuilder(
            "SSL VPN Login Users:\n Index   User    Group   Auth Type      Timeout         Auth-Timeout    From     HTTP in/out    HTTPS in/out    Two-factor Auth\n"
        );
        foreach (var ((session, idleLeft, authLeft), index) in sessions.List().Select((row, index) => (row, index)))
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $" {index}       {session.Grant.User}       {session.Grant.Group}       1(1)       {(long)idleLeft.TotalSeconds}       {(long)authLeft.TotalSeconds}       {session.Grant.Source}       0/0       0/0       {(session.Grant.TwoFactor ? 1 : 0)}\n"
            );
        }
        text.Append("\nSSL VPN sessions:\n Index   User    Group   Source IP      Duration        I/O Bytes       Tunnel/Dest IP\n");
        foreach (var (tunnel, index) in tunnels.List().Select((row, index) => (row, index)))
        {
            var duration = (long)(time.GetUtcNow() - tunnel.Began).TotalSeconds;
            text.Append(
                CultureInfo.InvariantCulture,
                $" {index}       {tunnel.Session.Grant.User}       {tunnel.Session.Grant.Group}       {tunnel.Session.Grant.Source}       "
                    + $"{duration}       {tunnel.Traffic.SentBytes}/{tunnel.Traffic.ReceivedBytes}       {Addresses(tunnel)}\n"
            );
        }
        return text.ToString();
    }

    private static string Addresses(TunnelStatus tunnel) =>
        tunnel.Address6 is null ? tunnel.Address.ToString() : $"{tunnel.Address},{tunnel.Address6}";

    private string List()
    {
        var text = new StringBuilder();
        foreach (var ((session, _, _), index) in sessions.List().Select((row, index) => (row, index)))
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $"[{index}] user={session.Grant.User} group={session.Grant.Group} portal={session.Grant.Portal} from={session.Grant.Source} tunnelid={session.TunnelId} two-factor={(session.Grant.TwoFactor ? 1 : 0)} duration={(long)(time.GetUtcNow() - session.Began).TotalSeconds}\n"
            );
        }
        return text.Append(CultureInfo.InvariantCulture, $"total {sessions.Count}\n").ToString();
    }

    private CliReply DeleteWeb(CliCall call) => Delete(call, [.. sessions.List().Select(row => row.Session)]);

    /// <summary>Ends a tunnel by its index in the second table. Its session ends with it.</summary>
    private CliReply DeleteTunnel(CliCall call) => Delete(call, [.. tunnels.List().Select(row => row.Session)]);

    private CliReply Delete(CliCall call, VpnSession[] all)
    {
        if (!CallArguments.TryNumber(call.Arguments[0], 0, int.MaxValue, out var index))
        {
            return CliPaths.ParseError(call.Arguments[0]);
        }
        return index >= all.Length
            ? new ConfigError(-3, "entry not found in table")
            : new CliReply("") { Later = _ => DeleteAsync(all[index]) };
    }

    /// <summary>Ends a session; it is removed from disk before the reply. A session that ended by itself meanwhile is no error.</summary>
    private async Task<CliReply> DeleteAsync(VpnSession session) =>
        await sessions.EndAsync(session, "admin").ConfigureAwait(false) == VpnEnding.NotDurable
            ? new ConfigError(-1, "the session has ended; its end is stored when the disk can be written")
            : "";

    private string Connections()
    {
        var text = new StringBuilder();
        var connections = transport.Connections;
        foreach (var connection in connections)
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $"session info: proto=6 proto_state=01 duration={(long)(time.GetUtcNow() - connection.Since).TotalSeconds} service={connection.Service} dev={connection.Nic}\nhook=pre dir=org act=noop {connection.Peer}->{connection.Local}\n"
            );
        }
        return text.Append(CultureInfo.InvariantCulture, $"total session {connections.Count}\n").ToString();
    }

    /// <summary>
    /// The layout of public captures. The rate is that of the last second's connections that are still open. Figures that are not counted
    /// here are 0.
    /// </summary>
    private string Statistics()
    {
        var connections = transport.Connections;
        var now = time.GetUtcNow();
        var rate = connections.Count(connection => now - connection.Since < TimeSpan.FromSeconds(1));
        var text = new StringBuilder();
        text.Append(
            CultureInfo.InvariantCulture,
            $"misc info:       session_count={connections.Count} setup_rate={rate} exp_count=0 clash=0\n"
        );
        text.Append(
            "        memory_tension_drop=0 ephemeral=0/65536 removeable=0\ndelete=0, flush=0, dev_down=0/0 ses_walkers=0\nTCP sessions:\n"
        );
        text.Append(
            connections.Count > 0 ? string.Create(CultureInfo.InvariantCulture, $"         {connections.Count} in ESTABLISHED state\n") : ""
        );
        text.Append(
            "firewall error stat:\nerror1=00000000\nerror2=00000000\nerror3=00000000\nerror4=00000000\ntt=00000000\ncont=00000000\n"
        );
        text.Append("ids_recv=00000000\nurl_recv=00000000\nav_recv=00000000\nfqdn_count=00000000\nfqdn6_count=00000000\n");
        return text.Append("global: ses_limit=0 ses6_limit=0 rt_limit=0 rt6_limit=0\n").ToString();
    }
}
