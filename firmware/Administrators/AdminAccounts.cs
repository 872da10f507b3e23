using Appliance.Firmware.Config;

namespace Appliance.Firmware.Administrators;

/// <summary>An administrator's account.</summary>
/// <param name="Name">The name.</param>
/// <param name="Profile">The access profile; "" for none, which allows nothing.</param>
/// <param name="Password">The password; "" for none, which is accepted at the console alone.</param>
/// <param name="Entry">The configuration entry.</param>
internal sealed record AdminAccount(string Name, string Profile, string Password, ConfigObject Entry);

/// <summary>The accounts of <c>system admin</c>. Without any, no login succeeds and only the attached console remains.</summary>
internal static class AdminAccounts
{
    /// <summary>Returns the account of exactly this name, or null.</summary>
    internal static AdminAccount? Find(ConfigTree config, string name) =>
        config.List("system admin").Find(name) is { } entry
            ? new AdminAccount(name, entry.Text("accprofile"), entry.Text("password"), entry)
            : null;
}
