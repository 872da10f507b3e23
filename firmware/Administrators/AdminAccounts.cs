using Appliance.Firmware.Config;

namespace Appliance.Firmware.Administrators;

/// <summary>An administrator's account.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Profile">Its access profile; "" for none, which allows nothing.</param>
/// <param name="Password">Its password; "" for none, which is good at the console alone.</param>
/// <param name="Entry">The account's entry.</param>
internal sealed record AdminAccount(string Name, string Profile, string Password, ConfigObject Entry);

/// <summary>The accounts of <c>system admin</c>. A configuration without any has none: no login succeeds, and the attached console alone is left.</summary>
internal static class AdminAccounts
{
    /// <summary>The account of exactly this name, or null.</summary>
    internal static AdminAccount? Find(ConfigTree config, string name) =>
        config.List("system admin").Find(name) is { } entry ? new AdminAccount(name, entry.Text("accprofile"), entry.Text("password"), entry) : null;
}
