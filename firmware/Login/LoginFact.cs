namespace Appliance.Firmware.Login;

/// <summary>
/// One step of a login, told as data: what was looked at, what came of it, and what would change it. Never a password, a code, an
/// id of the wire, or a number that is typed on a phone.
/// </summary>
/// <param name="Check">What was looked at, for example <c>source limit</c>.</param>
/// <param name="Result">What came of it, for example <c>free</c>.</param>
/// <param name="Change">The console's line (or the lab's call) that would change it; "" when nothing would.</param>
public sealed record LoginFact(string Check, string Result, string Change = "")
{
    /// <summary>The check whose fact says that somebody is in.</summary>
    internal const string Login = "login";

    /// <summary>Names that belong to it: a user, a group, a token; "" for none.</summary>
    public string Subject { get; init; } = "";

    /// <summary>The deadline that it sets or that fired; null when it has none.</summary>
    public DateTimeOffset? At { get; init; }

    /// <summary>True for the step that decided the login.</summary>
    public bool Decides { get; init; }
}

/// <summary>The console's lines that change how logins are decided.</summary>
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
