namespace Appliance.Firmware.Administrators;

/// <summary>
/// The permission group of each table and command. The groups are the schema's. The assignment is *assumed* where no public source
/// documents it. The longest matching prefix of a path decides.
/// </summary>
public static class PermissionMap
{
    private static readonly Permission Administration = new("sysgrp", "admin");
    private static readonly Permission Updates = new("sysgrp", "upd");
    private static readonly Permission System = new("sysgrp", "cfg");
    private static readonly Permission Maintenance = new("sysgrp", "mnt");
    private static readonly Permission Network = new("netgrp", "cfg");
    private static readonly Permission Routes = new("netgrp", "route-cfg");
    private static readonly Permission Policies = new("fwgrp", "policy");
    private static readonly Permission Addresses = new("fwgrp", "address");
    private static readonly Permission Logs = new("loggrp", "config");
    private static readonly Permission LogData = new("loggrp", "data-access");
    private static readonly Permission Users = new("authgrp");
    private static readonly Permission Vpn = new("vpngrp");

    /// <summary>The permission that no group grants: super_admin alone.</summary>
    private static readonly Permission Unknown = new("");

    private static readonly Dictionary<string, Permission> Tables = new(StringComparer.Ordinal)
    {
        ["system"] = System,
        ["system admin"] = Administration,
        ["system accprofile"] = Administration,
        ["system api-user"] = Administration,
        ["system password-policy"] = Administration,
        ["system vdom"] = Administration,
        ["system fortiguard"] = Updates,
        ["system interface"] = Network,
        ["system dns"] = Network,
        ["system dhcp server"] = Network,
        ["router"] = Routes,
        ["firewall"] = new("fwgrp", "others"),
        ["firewall policy"] = Policies,
        ["firewall local-in-policy"] = Policies,
        ["firewall address"] = Addresses,
        ["firewall addrgrp"] = Addresses,
        ["user"] = Users,
        ["vpn"] = Vpn,
        ["certificate"] = Vpn,
        ["log"] = Logs,
    };

    private static readonly Dictionary<string, (Permission Permission, Access Needed)> Commands = new(StringComparer.Ordinal)
    {
        ["get"] = (System, Access.Read),
        ["get system interface"] = (Network, Access.Read),
        ["get system admin"] = (Administration, Access.Read),
        ["get system arp"] = (Network, Access.Read),
        ["get hardware nic"] = (Network, Access.Read),
        ["get router"] = (Routes, Access.Read),
        ["get vpn"] = (Vpn, Access.Read),
        ["execute"] = (Maintenance, Access.Write),
        ["execute date"] = (System, Access.Read),
        ["execute time"] = (System, Access.Read),
        ["execute ping"] = (Network, Access.Read),
        ["execute ping-options"] = (Network, Access.Read),
        ["execute traceroute"] = (Network, Access.Read),
        ["execute sensor"] = (System, Access.Read),
        ["execute dhcp lease-list"] = (Network, Access.Read),
        ["execute api-user"] = (Administration, Access.Write),
        ["execute disconnect-admin-session"] = (Administration, Access.Write),
        ["execute log"] = (LogData, Access.Read),
        ["execute fortitoken"] = (Users, Access.Write),
        ["execute fortitoken-mobile"] = (Users, Access.Write),
        ["execute fortitoken-cloud"] = (Users, Access.Write),
        ["execute config-transaction"] = (System, Access.Write),
        ["execute vpn sslvpn"] = (Vpn, Access.Write),
        ["execute vpn sslvpn list"] = (Vpn, Access.Read),
        ["diagnose"] = (System, Access.Read),
        ["diagnose fortitoken"] = (Users, Access.Read),
        ["diagnose sys session"] = (Network, Access.Read),
        ["diagnose firewall auth"] = (Users, Access.Read),
        // It shows the data of every connection.
        ["diagnose sniffer"] = (Network, Access.Write),
        ["diagnose log test"] = (Logs, Access.Write),
        ["diagnose vpn"] = (Vpn, Access.Read),
        ["diagnose vpn ssl blocklist del"] = (Vpn, Access.Write),
    };

    /// <summary>Returns the permission that a table requires, by its path as typed.</summary>
    public static Permission OfTable(string path) => Longest(Tables, path, out var permission) ? permission : Unknown;

    /// <summary>Returns the permission and the access level that a command requires, by its full words, the verb first.</summary>
    public static (Permission Permission, Access Needed) OfCommand(string words) =>
        Longest(Commands, words, out var needed) ? needed : (Unknown, Access.Write);

    private static bool Longest<T>(Dictionary<string, T> map, string path, out T found)
    {
        for (var beginning = path; ; beginning = beginning[..beginning.LastIndexOf(' ')])
        {
            if (map.TryGetValue(beginning, out found!))
            {
                return true;
            }
            if (!beginning.Contains(' ', StringComparison.Ordinal))
            {
                return false;
            }
        }
    }
}
