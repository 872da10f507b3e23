using Appliance.Firmware.Config;
using Appliance.Firmware.Login.Accounts;

namespace Appliance.Firmware.Login.Policy;

/// <summary>The parts of the configuration and the lab policy that decide logins.</summary>
/// <param name="Users">The users.</param>
/// <param name="Admins">The administrators.</param>
/// <param name="Policy">Portals, rules and limits.</param>
/// <param name="Deadlines">The time budget.</param>
/// <param name="Lab">The lab policy.</param>
public sealed record LoginRules(
    IAccountDirectory Users,
    IAccountDirectory Admins,
    LoginPolicy Policy,
    LoginDeadlines Deadlines,
    LabPolicy Lab
)
{
    /// <summary>Reads the rules from a configuration.</summary>
    public static LoginRules From(ConfigTree config, LabPolicy? lab = null) =>
        new(
            new UserDirectory(config),
            new AdminDirectory(config),
            new LoginPolicy(config),
            LoginDeadlines.From(config),
            lab ?? LabPolicy.Default
        );

    /// <summary>Returns the account directory of an access method.</summary>
    public IAccountDirectory Accounts(LoginKind kind) => kind == LoginKind.Admin ? Admins : Users;
}
