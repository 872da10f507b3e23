using Appliance.Firmware.Login.Accounts;
using Appliance.Firmware.Login.Limits;

namespace Appliance.Firmware.Login.Journal;

/// <summary>
/// One step of a login as data: the check, its result, and the setting that would change it. It never contains a password, a code, an
/// identifier of the wire, or a number that is typed on a phone.
/// </summary>
/// <param name="Check">The check, for example <c>source limit</c>.</param>
/// <param name="Result">The result, for example <c>free</c>.</param>
/// <param name="Change">The console line (or lab call) that would change the result; "" if none would.</param>
public sealed record LoginFact(string Check, string Result, string Change = "")
{
    /// <summary>The check whose fact records that a login succeeded.</summary>
    internal const string Login = "login";

    /// <summary>The names that belong to the step: a user, a group, a token; "" for none.</summary>
    public string Subject { get; init; } = "";

    /// <summary>The deadline that the step sets or that fired; null if there is none.</summary>
    public DateTimeOffset? At { get; init; }

    /// <summary>True for the step that decided the login.</summary>
    public bool Decides { get; init; }
}

/// <summary>The console lines that change how logins are decided.</summary>
internal static class LoginSetting
{
    internal const string AttemptLimit = "config vpn ssl settings / set login-attempt-limit";
    internal const string BlackoutTime = "config user setting / set auth-blackout-time";
    internal const string LockoutDuration = "config user setting / set auth-lockout-duration";
    internal const string AdminLockout = "config system global / set admin-lockout-threshold";
    internal const string User = "config user local / edit <name>";
    internal const string UserPassword = "config user local / edit <name> / set passwd";
    internal const string UserStatus = "config user local / edit <name> / set status";
    internal const string TwoFactor = "config user local / edit <name> / set two-factor";
    internal const string TokenStatus = "config user fortitoken / edit <serial> / set status";
    internal const string Admin = "config system admin / edit <name>";
    internal const string TrustedHosts = "config system admin / edit <name> / set trusthost1";
    internal const string AuthenticationRule = "config vpn ssl settings / config authentication-rule";
    internal const string GroupMatch = "config user group / edit <name> / config match";
    internal const string ForceSecondFactor = "config vpn ssl settings / set force-two-factor-auth";
    internal const string Push = "config system ftm-push / set status";
    internal const string PushLimit = "PUT /lab/policy pushLimit";
    internal const string NumberMatch = "PUT /lab/policy numberMatch";
    internal const string NameSpellingBug = "PUT /lab/policy nameSpellingBug";
    internal const string Disk = "free space on the disk of the state folder";
    internal const string Sync = "execute fortitoken sync <serial> <code> <next code>";
}
