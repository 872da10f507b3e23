using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using Appliance.Firmware.Events;
using Appliance.Firmware.Login.Accounts;
using Appliance.Firmware.Login.Limits;
using Appliance.Firmware.Login.Policy;

namespace Appliance.Firmware.Login;

/// <summary>
/// The events of the login core: 43008, 43009 and 43010 of the vendor's list for users, 32002 and 32021 for administrators, with the
/// fields given there.
/// </summary>
internal static class LoginEvents
{
    /// <summary>
    /// Creates the event of a user's successful login. An administrator's is logged when the session begins, which may be after a new
    /// password.
    /// </summary>
    internal static EventEntry Succeeded(LoginGrant grant) =>
        new(
            "0102043008",
            "user",
            EventLevel.Notice,
            "Authentication success",
            () =>
                UserFields(
                    grant.Kind,
                    grant.User,
                    grant.Source,
                    grant.Group,
                    "success",
                    "N/A",
                    $"User {grant.User} succeeded in authentication{(grant.TwoFactor ? " with a second factor" : "")}"
                )
        );

    internal static EventEntry Refused(LoginRequest request, string user, Refusal reason, bool unknownName = false, string detail = "") =>
        request.Kind == LoginKind.Admin
            ? Admin(
                user,
                request.Via,
                request.Source,
                unknownName ? "name_invalid" : AdminWord(reason),
                $"Administrator {user} login failed from {request.Via} because of {(unknownName ? "invalid user name" : Because(reason))}"
            )
            : User(
                "0102043009",
                EventLevel.Notice,
                "Authentication failed",
                request.Kind,
                user,
                request.Source,
                "N/A",
                "failure",
                Word(reason),
                $"User {user} failed in authentication{(detail.Length > 0 ? ": " + detail : "")}"
            );

    /// <summary>
    /// Creates the event of a replay: an already consumed token code that was typed or sent by the phone. The login may continue.
    /// </summary>
    internal static EventEntry Replayed(PendingLogin attempt)
    {
        const string Reason = "token_code_replayed",
            Because = "a replayed token code";
        var (request, user) = (attempt.Request, attempt.Account.Name);
        return request.Kind == LoginKind.Admin
            ? Admin(user, request.Via, request.Source, Reason, $"Administrator {user} login failed from {request.Via} because of {Because}")
            : User(
                "0102043009",
                EventLevel.Notice,
                "Authentication failed",
                request.Kind,
                user,
                request.Source,
                attempt.Grant.Group,
                "failure",
                Reason,
                $"User {user} failed in authentication because of {Because}"
            );
    }

    /// <summary>Creates the event of an expired login. It names the deadline and the setting that moves it.</summary>
    internal static EventEntry Expired(PendingLogin attempt, DeadlineName deadline, string causes = "")
    {
        var (word, change) = LoginDeadlines.Setting(deadline);
        var what = deadline switch
        {
            DeadlineName.RemoteAnswer => "no remote server answered in time",
            DeadlineName.LoginTimeout => "the client did not fetch its approved login in time",
            _ => "no second factor in time",
        };
        // The life of a push is not a setting of the unit.
        var setting = deadline == DeadlineName.PushLife ? word : $"{word} ({change})";
        var (grant, message) = (attempt.Grant, $"User {attempt.Grant.User}: {what}: {setting}{(causes.Length > 0 ? ": " + causes : "")}");
        return grant.Kind == LoginKind.Admin
            ? Admin(grant.User, grant.Via, grant.Source, "deadline_" + word, message)
            : User(
                "0102043009",
                EventLevel.Notice,
                "Authentication failed",
                grant.Kind,
                grant.User,
                grant.Source,
                grant.Group,
                "failure",
                "deadline_" + word,
                message
            );
    }

    internal static EventEntry SourceBlocked(LoginRequest request, string setting, TimeSpan block) =>
        User(
            "0102043010",
            EventLevel.Warning,
            "Authentication lockout",
            request.Kind,
            "N/A",
            request.Source,
            "N/A",
            "locked_out",
            setting,
            $"Source blocked for {(long)block.TotalSeconds} seconds by {setting}"
        );

    internal static EventEntry AdminsBlocked(LoginRequest request, FailureRule rule) =>
        new(
            "0100032021",
            "system",
            EventLevel.Alert,
            "Admin login disabled",
            ("ui", request.Via),
            ("action", "login"),
            ("status", "failed"),
            ("reason", "exceed_limit"),
            (
                "msg",
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"Login disabled from {(request.Source.Equals(IPAddress.None) ? request.Via : $"IP {request.Source}")} for {(long)rule.Block.TotalSeconds} seconds because of {rule.Limit} bad attempts"
                )
            )
        );

    internal static EventEntry UserLockedOut(LoginRequest request, string user, TimeSpan block) =>
        User(
            "0102043010",
            EventLevel.Warning,
            "Authentication lockout",
            request.Kind,
            user,
            request.Source,
            "N/A",
            "locked_out",
            "auth-lockout-threshold",
            $"User {user} locked out for {(long)block.TotalSeconds} seconds by user setting auth-lockout-threshold"
        );

    internal static EventEntry FactorThrottled(PendingLogin attempt, TimeSpan wait) =>
        User(
            "0102043010",
            EventLevel.Warning,
            "Authentication lockout",
            attempt.Request.Kind,
            attempt.Account.Name,
            attempt.Request.Source,
            attempt.Grant.Group,
            "locked_out",
            "token_guessing",
            $"No code of user {attempt.Account.Name} is evaluated for {(long)wait.TotalSeconds} seconds after many wrong ones"
        );

    internal static EventEntry PushAnswered(LoginGrant grant, string decision) =>
        new(
            "0102043008",
            "user",
            EventLevel.Notice,
            "FortiToken mobile push answered",
            () =>
                UserFields(
                    grant.Kind,
                    grant.User,
                    grant.Source,
                    grant.Group,
                    decision,
                    "N/A",
                    $"The phone of user {grant.User} {decision} the login"
                )
        );

    /// <summary>
    /// Creates the event of a remote server's acceptance that arrived while no client request was waiting. The client has yet to fetch it.
    /// </summary>
    internal static EventEntry RemoteAccepted(PendingLogin attempt) =>
        User(
            "0102043008",
            EventLevel.Notice,
            "Remote server accepted",
            attempt.Request.Kind,
            attempt.Account.Name,
            attempt.Request.Source,
            "N/A",
            "accepted",
            "N/A",
            $"The remote server accepted user {attempt.Account.Name}; its client must fetch the login"
        );

    /// <summary>Creates the event of a changed lab rule, which no table of the configuration contains. The path is *assumed*.</summary>
    internal static EventEntry PolicyChanged(string changes) =>
        new(
            "0100044546",
            "system",
            EventLevel.Information,
            "Attribute configured",
            ("user", "N/A"),
            ("ui", "api"),
            ("action", "Edit"),
            ("cfgpath", "login.policy"),
            ("cfgattr", changes),
            ("msg", "Edit login.policy ")
        );

    internal static EventEntry PushHeldBack(PendingLogin attempt, LabPolicy policy) =>
        new(
            "0100032161",
            "system",
            EventLevel.Alert,
            "FortiToken mobile push message failed",
            (
                "msg",
                $"No push to user {attempt.Account.Name}: {policy.PushLimit} are unanswered within {(long)policy.PushWindow.TotalSeconds} seconds"
            )
        );

    internal static EventEntry Drifted(PendingLogin attempt, int drift) =>
        new(
            "0102032157",
            "user",
            EventLevel.Notice,
            "FortiToken synchronized",
            ("user", attempt.Account.Name),
            ("ui", Word(attempt.Request.Kind)),
            ("action", "sync"),
            ("status", "success"),
            ("serialno", attempt.Account.Token!.Serial),
            ("msg", $"FortiToken clock drift is {drift} steps")
        );

    internal static EventEntry SpellingBug(LoginRequest request, string alike) =>
        User(
            "0102043009",
            EventLevel.Warning,
            "Second factor may be skipped",
            request.Kind,
            request.User,
            request.Source,
            "N/A",
            "warning",
            "name_spelling",
            $"Name {request.User} is authenticated as a remote user although it is a spelling of local user {alike} (CVE-2020-12812)"
        );

    /// <summary>Returns a refusal as one word for logs. Clients receive less detail.</summary>
    internal static string Word(Refusal reason) =>
        reason switch
        {
            Refusal.BadCredentials => "bad_credentials",
            Refusal.Blocked => "source_blocked",
            Refusal.LockedOut => "user_locked_out",
            Refusal.UntrustedHost => "untrusted_host",
            Refusal.NoPolicy => "sslvpn_login_no_matching_policy",
            Refusal.UserChanged => "user_changed",
            Refusal.TokenUnusable => "token_unusable",
            Refusal.NotLicensed => CloudFactor.Reason,
            Refusal.WrongCode => "wrong_token_code",
            Refusal.Throttled => "token_guessing",
            Refusal.Denied => "push_denied",
            Refusal.WrongNumber => "push_wrong_number",
            Refusal.Expired => "second_factor_expired",
            Refusal.PushFailed => "push_failed",
            Refusal.RemoteUnavailable => "remote_server_unavailable",
            Refusal.RemoteDenied => "remote_server_denied",
            Refusal.UnknownRequest => "no_such_request",
            Refusal.Superseded => "superseded",
            Refusal.ClientGone => "client_gone",
            Refusal.Storage => "storage",
            _ => "overloaded",
        };

    internal static string Word(LoginKind kind) =>
        kind switch
        {
            LoginKind.Admin => "admin",
            LoginKind.Radius => "radius",
            _ => "sslvpn",
        };

    internal static string Word(FactorKind factor) =>
        factor switch
        {
            FactorKind.Email => "e-mail",
            FactorKind.Sms => "SMS",
            FactorKind.FortiAuthenticator => "FortiAuthenticator",
            _ => "FortiToken",
        };

    /// <summary>Returns the words that public samples have for administrators; those of a second factor are *assumed*.</summary>
    private static string AdminWord(Refusal reason) =>
        reason switch
        {
            Refusal.BadCredentials => "passwd_invalid",
            Refusal.Blocked => "exceed_limit",
            Refusal.UntrustedHost => "ip_trusted_host",
            _ => Word(reason),
        };

    private static string Because(Refusal reason) =>
        reason switch
        {
            Refusal.BadCredentials => "invalid password",
            Refusal.UntrustedHost => "an address outside the trusted hosts",
            Refusal.TokenUnusable or Refusal.NotLicensed => "a second factor that cannot be evaluated",
            Refusal.WrongCode => "invalid token code",
            Refusal.Throttled => "many invalid token codes",
            Refusal.UnknownRequest => "an answer to no login",
            Refusal.UserChanged => "an account that has changed",
            Refusal.Storage => "a disk that cannot be written",
            _ => Word(reason),
        };

    private static EventEntry Admin(string user, string ui, IPAddress source, string reason, string message) =>
        new(
            "0100032002",
            "system",
            EventLevel.Alert,
            "Admin login failed",
            [
                ("sn", "0"),
                ("user", user),
                ("ui", ui),
                ("method", ui.Split('(')[0]),
                .. source.Equals(IPAddress.None) ? ((string, string)[])[] : [("srcip", source.ToString())],
                ("action", "login"),
                ("status", "failed"),
                ("reason", reason),
                ("msg", message),
            ]
        );

    private static EventEntry User(
        string id,
        EventLevel level,
        string description,
        LoginKind kind,
        string user,
        IPAddress source,
        string group,
        string status,
        string reason,
        string message
    ) => new(id, "user", level, description, UserFields(kind, user, source, group, status, reason, message));

    private static ImmutableArray<(string Name, string Value)> UserFields(
        LoginKind kind,
        string user,
        IPAddress source,
        string group,
        string status,
        string reason,
        string message
    ) =>
        [
            ("srcip", source.ToString()),
            ("user", Named(user)),
            ("group", Named(group)),
            ("authproto", $"{(kind == LoginKind.Radius ? "RADIUS" : kind == LoginKind.Admin ? "HTTPS" : "SSLVPN")}({source})"),
            ("action", "authentication"),
            ("status", status),
            ("reason", reason),
            ("msg", message),
        ];

    private static string Named(string name) => name.Length == 0 ? "N/A" : name;
}
