namespace Appliance.Firmware.Administrators;

/// <summary>
/// The permission of each table. The groups are the schema's. The assignment is *assumed* where no public source documents it. The longest
/// matching prefix of a path decides. A command states its own permission.
/// </summary>
public static class PermissionMap
{
    private static readonly Dictionary<string, Permission> Tables = new(StringComparer.Ordinal)
    {
        ["system"] = Permissions.System,
        ["system admin"] = Permissions.Administration,
        ["system accprofile"] = Permissions.Administration,
        ["system api-user"] = Permissions.Administration,
        ["system password-policy"] = Permissions.Administration,
        ["system vdom"] = Permissions.Administration,
        ["system fortiguard"] = Permissions.Updates,
        ["system interface"] = Permissions.Network,
        ["system dns"] = Permissions.Network,
        ["system dhcp server"] = Permissions.Network,
        ["router"] = Permissions.Routes,
        ["firewall"] = Permissions.Firewall,
        ["firewall policy"] = Permissions.Policies,
        ["firewall local-in-policy"] = Permissions.Policies,
        ["firewall address"] = Permissions.Addresses,
        ["firewall addrgrp"] = Permissions.Addresses,
        ["user"] = Permissions.Users,
        ["vpn"] = Permissions.Vpn,
        ["certificate"] = Permissions.Vpn,
        ["log"] = Permissions.Logs,
    };

    /// <summary>Returns the permission that a table requires, by its path as typed.</summary>
    public static Permission OfTable(string path)
    {
        for (var beginning = path; ; beginning = beginning[..beginning.LastIndexOf(' ')])
        {
            if (Tables.TryGetValue(beginning, out var found))
            {
                return found;
            }
            if (!beginning.Contains(' ', StringComparison.Ordinal))
            {
                return Permissions.SuperAdminOnly;
            }
        }
    }
}
