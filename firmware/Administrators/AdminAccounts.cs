using Appliance.Firmware.Config;

namespace Appliance.Firmware.Administrators;

/// <summary>An administrator's account.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Profile">Its access profile; "" for none, which allows nothing.</param>
/// <param name="Password">Its password; "" for none, which is good at the console alone.</param>
/// <param name="Entry">The account's entry; null for the built-in one.</param>
internal sealed record AdminAccount(string Name, string Profile, string Password, ConfigObject? Entry);

/// <summary>The accounts of <c>system admin</c>. A configuration without any has the built-in one: <c>admin</c>, super_admin, no password.</summary>
internal static class AdminAccounts
{
    private const string BuiltIn = "admin";

    /// <summary>The account of exactly this name, or null.</summary>
    internal static AdminAccount? Find(ConfigTree config, string name)
    {
        var accounts = config.List("system admin");
        if (accounts.Count == 0)
        {
            return name == BuiltIn ? new AdminAccount(BuiltIn, Administrator.SuperAdmin, "", null) : null;
        }
        return accounts.Find(name) is { } entry
            ? new AdminAccount(name, entry.Text("accprofile"), entry.Text("password"), entry)
            : null;
    }
}
