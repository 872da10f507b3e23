using System.Net;
using Appliance.Firmware.Events;

namespace Appliance.Firmware.Login;

/// <summary>The events of the login core: 43008, 43009 and 43010 of the vendor's list, with the fields given there.</summary>
internal static class LoginEvents
{
    internal static EventEntry Succeeded(LoginGrant grant) => Authentication("0102043008", EventLevel.Notice, "Authentication success", grant.User, grant.Source, grant.Group, "success", "N/A",
        grant.TwoFactor ? $"User {grant.User} succeeded in authentication with a second factor" : $"User {grant.User} succeeded in authentication");

    internal static EventEntry Refused(string user, IPAddress source, Refusal reason) => Authentication("0102043009", EventLevel.Notice, "Authentication failed", user, source, "N/A", "failure", Word(reason),
        $"User {user} failed in authentication");

    internal static EventEntry Expired(LoginGrant grant, DeadlineName deadline) => Authentication("0102043009", EventLevel.Notice, "Authentication failed", grant.User, grant.Source, grant.Group, "failure", "deadline_" + Setting(deadline),
        $"User {grant.User} gave no second factor in time: {Setting(deadline)}");

    internal static EventEntry Blocked(IPAddress source, TimeSpan blockTime) => Authentication("0102043010", EventLevel.Warning, "Authentication lockout", "N/A", source, "N/A", "locked_out", "login-attempt-limit",
        $"Source blocked for {(long)blockTime.TotalSeconds} seconds by vpn ssl settings login-attempt-limit");

    internal static EventEntry PushAnswered(LoginGrant grant, string decision) => Authentication("0102043008", EventLevel.Notice, "FortiToken mobile push answered", grant.User, grant.Source, grant.Group, decision, "N/A",
        $"The phone of user {grant.User} {decision} the login");

    /// <summary>A refusal as one word for logs; the client is told less.</summary>
    internal static string Word(Refusal reason) => reason switch
    {
        Refusal.BadCredentials => "bad_credentials",
        Refusal.Blocked => "source_blocked",
        Refusal.NoPolicy => "sslvpn_login_no_matching_policy",
        Refusal.TokenUnusable => "token_unusable",
        Refusal.WrongCode => "wrong_token_code",
        Refusal.Denied => "push_denied",
        Refusal.Expired => "second_factor_expired",
        Refusal.PushFailed => "push_failed",
        Refusal.UnknownRequest => "no_such_request",
        Refusal.Superseded => "superseded",
        _ => "overloaded",
    };

    private static string Setting(DeadlineName deadline) => deadline switch
    {
        DeadlineName.PushLife => "push_life",
        DeadlineName.TokenStep => "two-factor-ftk-expiry",
        _ => "remoteauthtimeout",
    };

    private static EventEntry Authentication(string id, EventLevel level, string description, string user, IPAddress source, string group, string status, string reason, string message) => new(id, "user", level, description,
        ("srcip", source.ToString()), ("user", user), ("group", group.Length == 0 ? "N/A" : group), ("authproto", $"SSLVPN({source})"), ("action", "authentication"), ("status", status), ("reason", reason), ("msg", message));
}
