using Appliance.Firmware.Config;

namespace Appliance.Firmware.Administrators;

/// <summary>Who sits at a session.</summary>
/// <param name="Name">The account.</param>
/// <param name="Profile">The access profile at login; what counts is what the configuration says now.</param>
/// <param name="Ui">The way in, as events spell it: <c>console</c>, <c>ssh(192.0.2.1)</c>.</param>
public sealed record Administrator(string Name, string Profile, string Ui)
{
    /// <summary>The profile that may do everything; it is no entry of the configuration and cannot be changed.</summary>
    public const string SuperAdmin = "super_admin";

    /// <summary>Whoever holds the box's own console: no account is asked for, and none can shut it out.</summary>
    public static readonly Administrator AttachedConsole = new("admin", SuperAdmin, "console") { IsAttached = true };

    /// <summary>Nobody yet: may do nothing.</summary>
    public static readonly Administrator Nobody = new("", "", "");

    /// <summary>True for the attached console: its rights do not depend on the configuration.</summary>
    public bool IsAttached { get; private init; }

    /// <summary>The author of what this administrator changes.</summary>
    public ConfigAuthor AuthorIn(ConfigTree config) => new(Name, Ui, IsAttached ? Profile : AdminAccounts.Find(config, Name)?.Profile ?? "");

    /// <summary>What he may do by this configuration; nothing once his account is gone.</summary>
    public AccessRights RightsIn(ConfigTree config) =>
        IsAttached ? AccessRights.Everything
        : AdminAccounts.Find(config, Name) is { } account ? AccessRights.Of(config, account.Profile)
        : AccessRights.Nothing;
}
