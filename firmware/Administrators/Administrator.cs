using Appliance.Firmware.Config;

namespace Appliance.Firmware.Administrators;

/// <summary>The administrator of a session.</summary>
/// <param name="Name">The account name.</param>
/// <param name="Profile">The access profile at login. The rights in force are those of the current configuration.</param>
/// <param name="Ui">The access method as events spell it: <c>console</c>, <c>ssh(192.0.2.1)</c>.</param>
public sealed record Administrator(string Name, string Profile, string Ui)
{
    /// <summary>The profile with full rights. It is not an entry of the configuration and cannot be changed.</summary>
    public const string SuperAdmin = "super_admin";

    /// <summary>The administrator at the box's own console. It needs no account and cannot be locked out.</summary>
    public static readonly Administrator AttachedConsole = new("admin", SuperAdmin, "console") { IsAttached = true };

    /// <summary>The administrator of a session before login, without any rights.</summary>
    public static readonly Administrator Nobody = new("", "", "");

    /// <summary>True for the attached console, whose rights do not depend on the configuration.</summary>
    public bool IsAttached { get; private init; }

    /// <summary>Returns the author of this administrator's changes.</summary>
    public ConfigAuthor AuthorIn(ConfigTree config) =>
        new(Name, Ui, IsAttached ? Profile : AdminAccounts.Find(config, Name)?.Profile ?? "");

    /// <summary>Returns the administrator's rights in a configuration; none once the account is deleted.</summary>
    public AccessRights RightsIn(ConfigTree config) =>
        IsAttached ? AccessRights.Everything
        : AdminAccounts.Find(config, Name) is { } account ? AccessRights.Of(config, account.Profile)
        : AccessRights.Nothing;
}
