using System.Globalization;
using System.Net;
using System.Text;
using Appliance.Firmware.Config;
using Appliance.Firmware.Login.Accounts;
using Appliance.Firmware.Login.Journal;
using Appliance.Firmware.Login.Remote;

namespace Appliance.Firmware.Login;

/// <summary>A login request with its first factor.</summary>
/// <param name="User">The name as typed.</param>
/// <param name="Password">The password as typed.</param>
/// <param name="Realm">The realm of the SSL VPN; "" for none.</param>
/// <param name="Source">The client's address; <see cref="IPAddress.None"/> for the console.</param>
/// <param name="Kind">The access method.</param>
public sealed record LoginRequest(string User, string Password, string Realm, IPAddress Source, LoginKind Kind = LoginKind.SslVpn)
{
    /// <summary>A code that was sent together with the password; "" if there is none. A login with a code sends no push.</summary>
    public string Code { get; init; } = "";

    /// <summary>The interface that received the request; "" if unknown, which matches no rule that names interfaces.</summary>
    public string Nic { get; init; } = "";

    /// <summary>An administrator's access method as events spell it (<c>console</c>, <c>ssh(192.0.2.1)</c>); "" for users.</summary>
    public string Via { get; init; } = "";

    /// <summary>False if the client's form is not UTF-8 text. Name and password are then not compared, and the login is refused.</summary>
    public bool IsText { get; init; } = true;

    /// <summary>False if the client cannot wait for a phone. No push is sent then.</summary>
    public bool TakesPush { get; init; } = true;

    /// <summary>Returns a description without secrets.</summary>
    public override string ToString() => $"{Kind} login of {User} from {Source}";
}

/// <summary>
/// The identifiers of one pending login, which its client echoes in every further request. Together they have more than 128 random bits.
/// </summary>
/// <param name="RequestId">The <c>reqid</c>, in decimal digits.</param>
/// <param name="Magic">The <c>magic</c>; <c>polid</c> is "1-" followed by it.</param>
public sealed record LoginHandle(string RequestId, string Magic)
{
    /// <summary>The <c>polid</c>.</summary>
    public string PolicyId => "1-" + Magic;
}

/// <summary>The random values of a login. The core generates none itself.</summary>
/// <param name="Handle">Fresh identifiers.</param>
/// <param name="MatchNumber">10 to 99: the number to type on the phone if the lab policy sets <c>number-match</c>.</param>
/// <param name="OneTimeCode">Six random digits: the code that is sent by e-mail or SMS.</param>
public sealed record LoginRandomness(LoginHandle Handle, int MatchNumber = 10, string OneTimeCode = "")
{
    /// <summary>Returns the type name only, without secrets.</summary>
    public override string ToString() => nameof(LoginRandomness);
}

/// <summary>The reason for which a login was refused. Clients receive less detail.</summary>
public enum Refusal
{
    /// <summary>Wrong password, or unknown or disabled user. Clients cannot distinguish these.</summary>
    BadCredentials,

    /// <summary>The source is blocked: login-attempt-limit, auth-invalid-max, or admin-lockout-threshold.</summary>
    Blocked,

    /// <summary>The name is locked out by auth-lockout-threshold.</summary>
    LockedOut,

    /// <summary>An administrator whose address is not covered by a trusted host.</summary>
    UntrustedHost,

    /// <summary>No portal or rule applies to the user, or the realm does not exist.</summary>
    NoPolicy,

    /// <summary>The account changed after its first factor was verified: password, status, type or name.</summary>
    UserChanged,

    /// <summary>
    /// The second factor cannot be satisfied: the token is missing, locked or has no seed, or the delivery method is not supported.
    /// </summary>
    TokenUnusable,

    /// <summary>FortiToken Cloud is required and is not licensed.</summary>
    NotLicensed,

    /// <summary>Wrong code.</summary>
    WrongCode,

    /// <summary>Too many wrong codes for this token. No code is evaluated until a wait has passed.</summary>
    Throttled,

    /// <summary>Denied on the phone.</summary>
    Denied,

    /// <summary>The number typed on the phone is not the one that was displayed.</summary>
    WrongNumber,

    /// <summary>A deadline passed.</summary>
    Expired,

    /// <summary>The push, e-mail or SMS could not be sent.</summary>
    PushFailed,

    /// <summary>The remote server could not be queried.</summary>
    RemoteUnavailable,

    /// <summary>The remote server rejected the request while it waited for a phone: denied there, or too late.</summary>
    RemoteDenied,

    /// <summary>No pending login has these identifiers.</summary>
    UnknownRequest,

    /// <summary>Superseded: a code was typed, or another request took over the wait.</summary>
    Superseded,

    /// <summary>The client closed its connection before it received its session.</summary>
    ClientGone,

    /// <summary>Too many pending logins, or too many sessions.</summary>
    Overloaded,

    /// <summary>The decision could not be written to disk.</summary>
    Storage,
}

/// <summary>The input or action that a challenge requests.</summary>
public enum ChallengeReason
{
    /// <summary>The code that the token displays.</summary>
    TokenCode,

    /// <summary>The code that was sent by e-mail.</summary>
    EmailCode,

    /// <summary>The code that was sent by SMS.</summary>
    SmsCode,

    /// <summary>The remote server's prompt, in its own words.</summary>
    Remote,

    /// <summary>The next code of the token, because its clock has drifted.</summary>
    NextCode,

    /// <summary>A wait for the next time step.</summary>
    Wait,

    /// <summary>A wait because of many wrong codes.</summary>
    Throttled,
}

/// <summary>The answer to the client of a login.</summary>
public abstract record LoginAnswer
{
    private LoginAnswer() { }

    /// <summary>
    /// Logged in. An SSL VPN login completes only with its session, which the caller reports through <see cref="LoginService.Complete"/>.
    /// </summary>
    public sealed record Success(LoginGrant Grant) : LoginAnswer
    {
        /// <summary>The login's number in the journal.</summary>
        internal long LoginId { get; init; }

        /// <summary>The step that decides the login, recorded when its session opens; null if everything is already recorded.</summary>
        internal LoginFact? Deciding { get; init; }
    }

    /// <summary>A second factor is required.</summary>
    /// <param name="Handle">The identifiers of this login.</param>
    /// <param name="Grant">The group and portal that the login would give.</param>
    /// <param name="Reason">The input or action that is requested.</param>
    /// <param name="Push">True if a push was sent and the client may wait for it.</param>
    public sealed record Challenge(LoginHandle Handle, LoginGrant Grant, ChallengeReason Reason, bool Push) : LoginAnswer
    {
        /// <summary>
        /// For <see cref="ChallengeReason.Wait"/> and <see cref="ChallengeReason.Throttled"/>: the time during which no code is accepted.
        /// </summary>
        public TimeSpan Rest { get; init; }

        /// <summary>For <see cref="ChallengeReason.NextCode"/>: the code that the client typed, to be shown to that client only.</summary>
        public string TypedCode { get; init; } = "";

        /// <summary>
        /// For <see cref="ChallengeReason.Remote"/>: the remote server's words. Untrusted: they may contain any character.
        /// </summary>
        public string RemoteText { get; init; } = "";

        /// <summary>The number that the user must type on the phone; null if none is required.</summary>
        public int? Number { get; init; }

        /// <summary>The prompt for the user, one or two sentences. It never has a comma, which would end it in a challenge line.</summary>
        public string Text =>
            Reason switch
            {
                ChallengeReason.Wait => WaitMessage.Text(Rest),
                ChallengeReason.Throttled => $"Too many wrong codes. Please wait {WaitMessage.Seconds(Rest)} seconds before the next one",
                ChallengeReason.NextCode => $"FortiToken clock drift detected (code: {TypedCode}). Please input the next code and continue",
                ChallengeReason.Remote => RemoteWords(RemoteText),
                ChallengeReason.EmailCode => "Please enter the code that was sent to you by e-mail",
                ChallengeReason.SmsCode => "Please enter the code that was sent to you by SMS",
                _ when Push && Number is { } number => string.Create(
                    CultureInfo.InvariantCulture,
                    $"Please enter your token code or type the number {number} on your phone"
                ),
                _ => Push ? "Please enter your token code or approve the login on your phone" : "Please enter your token code",
            };

        /// <summary>Returns a description without codes.</summary>
        public override string ToString() => $"Challenge {Reason}";

        /// <summary>
        /// Returns the text as one short line, without the characters that end a field of a challenge line or control a terminal.
        /// </summary>
        private static string RemoteWords(string text)
        {
            const int Most = 200;
            var words = new StringBuilder(Math.Min(text.Length, Most));
            foreach (var rune in text.EnumerateRunes())
            {
                if (words.Length >= Most)
                {
                    break;
                }
                switch (rune.Value)
                {
                    case ',':
                        break;
                    case '&':
                        words.Append("and");
                        break;
                    default:
                        words.Append(
                            Rune.IsControl(rune)
                            || Rune.GetUnicodeCategory(rune)
                                is UnicodeCategory.Format
                                    or UnicodeCategory.LineSeparator
                                    or UnicodeCategory.ParagraphSeparator
                                ? " "
                                : rune.ToString()
                        );
                        break;
                }
            }
            return words.ToString().Trim() is { Length: > 0 } said ? said : "Please enter your token code";
        }
    }

    /// <summary>The login was refused; <c>Reason</c> says why.</summary>
    /// <param name="Reason">The reason.</param>
    /// <param name="Retry">True if the same handle may be used again with another code.</param>
    public sealed record Refused(Refusal Reason, bool Retry = false) : LoginAnswer;
}

/// <summary>The result of a login: the user, the deciding group and the portal.</summary>
/// <param name="User">The account's name as configured, whatever spelling was typed.</param>
/// <param name="Group">The group that decided; "" for none.</param>
/// <param name="Portal">The portal of the SSL VPN; "" for other access methods.</param>
/// <param name="Source">The client's address.</param>
/// <param name="TwoFactor">True if a second factor was requested and given.</param>
public sealed record LoginGrant(string User, string Group, string Portal, IPAddress Source, bool TwoFactor)
{
    /// <summary>The access method.</summary>
    public LoginKind Kind { get; init; }

    /// <summary>The account as it was last evaluated; null for a session from before a restart until it is evaluated.</summary>
    public Account? Account { get; init; }

    /// <summary>The realm of the SSL VPN; "" for none.</summary>
    public string Realm { get; init; } = "";

    /// <summary>The interface that received the client's request; "" if unknown.</summary>
    public string Nic { get; init; } = "";

    /// <summary>The remote server's attributes from its acceptance; null if no server was queried.</summary>
    public RemoteVerdict.Accepted? Told { get; init; }

    /// <summary>True for a user that is not configured here but exists on the remote server of the group.</summary>
    public bool IsRemote { get; init; }

    /// <summary>An administrator's access method as events spell it; "" for users.</summary>
    public string Via { get; init; } = "";
}

/// <summary>
/// The message "Please wait x seconds to login again", where x is the rest of the time step in whole seconds, rounded up: never 0 and never
/// more than the step.
/// </summary>
public static class WaitMessage
{
    /// <summary>Returns the message.</summary>
    public static string Text(TimeSpan rest) => $"Please wait {Seconds(rest)} seconds to login again";

    /// <summary>Returns whole seconds, rounded up, at least 1.</summary>
    public static long Seconds(TimeSpan rest) => Math.Max(1, (rest.Ticks + TimeSpan.TicksPerSecond - 1) / TimeSpan.TicksPerSecond);
}
