namespace Appliance.Firmware.Administrators;

/// <summary>
/// The permission that a table or command requires: a group of <c>system accprofile</c>, and its part if the group is <c>custom</c>.
/// </summary>
/// <param name="Group">The group, for example <c>sysgrp</c>.</param>
/// <param name="Part">The part, for example <c>admin</c>; "" if the group has none.</param>
public readonly record struct Permission(string Group, string Part = "")
{
    /// <summary>The requirement to have read access to this permission.</summary>
    public RequiredAccess Read => new(this, Access.Read);

    /// <summary>The requirement to have write access to this permission.</summary>
    public RequiredAccess Write => new(this, Access.Write);

    /// <summary>Returns the group and its part, as the documentation writes them.</summary>
    public override string ToString() => $"{Group} {Part}".TrimEnd();
}

/// <summary>The access to one permission that a command requires.</summary>
/// <param name="Permission">The permission.</param>
/// <param name="Level">The lowest sufficient level.</param>
public readonly record struct RequiredAccess(Permission Permission, Access Level);

/// <summary>The permissions of <c>system accprofile</c> that tables and commands require.</summary>
public static class Permissions
{
    /// <summary>Administrators and access profiles.</summary>
    public static readonly Permission Administration = new("sysgrp", "admin");

    /// <summary>Updates.</summary>
    public static readonly Permission Updates = new("sysgrp", "upd");

    /// <summary>The configuration and the state of the system.</summary>
    public static readonly Permission System = new("sysgrp", "cfg");

    /// <summary>Backup, restore, restart.</summary>
    public static readonly Permission Maintenance = new("sysgrp", "mnt");

    /// <summary>Interfaces and connections.</summary>
    public static readonly Permission Network = new("netgrp", "cfg");

    /// <summary>Routes.</summary>
    public static readonly Permission Routes = new("netgrp", "route-cfg");

    /// <summary>Firewall policies.</summary>
    public static readonly Permission Policies = new("fwgrp", "policy");

    /// <summary>Firewall addresses.</summary>
    public static readonly Permission Addresses = new("fwgrp", "address");

    /// <summary>All other tables of the firewall.</summary>
    public static readonly Permission Firewall = new("fwgrp", "others");

    /// <summary>The configuration of logs.</summary>
    public static readonly Permission Logs = new("loggrp", "config");

    /// <summary>The content of logs.</summary>
    public static readonly Permission LogData = new("loggrp", "data-access");

    /// <summary>Users, groups, tokens and authentication servers.</summary>
    public static readonly Permission Users = new("authgrp");

    /// <summary>VPN, and its certificates.</summary>
    public static readonly Permission Vpn = new("vpngrp");

    /// <summary>The permission that no group grants: super_admin alone.</summary>
    public static readonly Permission SuperAdminOnly = new("");
}
