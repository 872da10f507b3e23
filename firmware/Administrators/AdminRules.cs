using Appliance.Firmware.Config;

namespace Appliance.Firmware.Administrators;

/// <summary>
/// The changes to accounts that no administrator may make. The device refuses the same ones; error codes and words are *assumed*.
/// </summary>
public static class AdminRules
{
    private const string Discard = "object check operator error, -45, discard the setting";

    /// <summary>Checks a change; returns null if it is allowed.</summary>
    public static ConfigError? Check(ConfigChange change)
    {
        var (before, after) = (change.Previous.List("system admin"), change.Next.List("system admin"));
        if (change.Next.List("system accprofile").Find(Administrator.SuperAdmin) is not null)
        {
            return new ConfigError(-37, $"profile {Administrator.SuperAdmin} cannot be changed");
        }
        if (ReferenceEquals(before, after))
        {
            return null;
        }
        if (
            after.Entries.FirstOrDefault(account =>
                account.Entry.Text("accprofile").Length == 0 && !ReferenceEquals(before.Find(account.Key), account.Entry)
            ) is
            ({ }, { })
        )
        {
            return new ConfigError(-56, "Attribute 'accprofile' MUST be set.");
        }
        if (
            change.Author.Profile != Administrator.SuperAdmin
            && before.Keys.Union(after.Keys).Any(name => Touches(before.Find(name), after.Find(name)))
        )
        {
            return new ConfigError(-37, "Permission denied.");
        }
        // Not required if the configuration had no such account before, because it could not be fixed then.
        return IsSuper(before) && !IsSuper(after)
            ? new ConfigError(-45, $"there must be an administrator with profile {Administrator.SuperAdmin}", Discard)
            : null;
    }

    /// <summary>Returns true if a change creates, removes or modifies an account with full rights.</summary>
    private static bool Touches(ConfigObject? before, ConfigObject? after) =>
        !ReferenceEquals(before, after)
        && (before?.Text("accprofile") == Administrator.SuperAdmin || after?.Text("accprofile") == Administrator.SuperAdmin);

    private static bool IsSuper(ConfigTable accounts) =>
        accounts.Entries.Any(account => account.Entry.Text("accprofile") == Administrator.SuperAdmin);
}
