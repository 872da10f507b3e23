using System.Globalization;
using System.Net;
using System.Text;
using Appliance.Firmware.Config;

namespace Appliance.Firmware.Login;

/// <summary>By which way in somebody asks. The rules are the same for all; whose names count, and which limits, differ.</summary>
public enum LoginKind
{
    /// <summary>A user of the SSL VPN (<c>user local</c>, and remote users of the groups that a rule names).</summary>
    SslVpn,
    /// <summary>An administrator (<c>system admin</c>).</summary>
    Admin,
    /// <summary>A user whom a RADIUS client asks about (<c>user local</c>).</summary>
    Radius,
}

/// <summary>A first factor that somebody offers.</summary>
/// <param name="User">The name as typed.</param>
/// <param name="Password">The password as typed.</param>
/// <param name="Realm">The realm of the SSL VPN; "" for none.</param>
/// <param name="Source">From where; <see cref="IPAddress.None"/> for the console.</param>
/// <param name="Kind">By which way.</param>
public sealed record LoginRequest(string User, string Password, string Realm, IPAddress Source, LoginKind Kind = LoginKind.SslVpn)
{
    /// <summary>A code that came along with the password; "" when none did. With a code no push goes out.</summary>
    public string Code { get; init; } = "";

    /// <summary>The interface on which it came; "" when that is not known, which meets no rule that names interfaces.</summary>
    public string Nic { get; init; } = "";

    /// <summary>An administrator's way in as events spell it (<c>console</c>, <c>ssh(192.0.2.1)</c>); "" for users.</summary>
    public string Via { get; init; } = "";

    /// <summary>False when the client's form is not UTF-8 text: name and password are not compared, and the login is refused.</summary>
    public bool IsText { get; init; } = true;

    /// <summary>False when the client cannot wait for a phone: then no push goes out.</summary>
    public bool TakesPush { get; init; } = true;

    /// <summary>Says nothing of secrets.</summary>
    public override string ToString() => $"{Kind} login of {User} from {Source}";
}

/// <summary>Names one pending login to its client: echoed in every further request of it. Together more than 128 random bits.</summary>
/// <param name="RequestId">The <c>reqid</c>, decimal digits.</param>
/// <param name="Magic">The <c>magic</c>; <c>polid</c> is "1-" and this.</param>
public sealed record LoginHandle(string RequestId, string Magic)
{
    /// <summary>The <c>polid</c>.</summary>
    public string PolicyId => "1-" + Magic;
}

/// <summary>What a login needs of chance; the core has none of its own.</summary>
/// <param name="Handle">Fresh ids.</param>
/// <param name="MatchNumber">10 to 99: what has to be typed on the phone when the lab policy says <c>number-match</c>.</param>
/// <param name="OneTimeCode">Six random digits: the code that goes out by e-mail or SMS.</param>
public sealed record LoginDraw(LoginHandle Handle, int MatchNumber = 10, string OneTimeCode = "")
{
    /// <summary>Says nothing of secrets.</summary>
    public override string ToString() => nameof(LoginDraw);
}

/// <summary>Why a login was refused. The outside is told less.</summary>
public enum Refusal
{
    /// <summary>Wrong password, unknown or disabled user: one and the same to the outside.</summary>
    BadCredentials,
    /// <summary>The source is blocked: login-attempt-limit, auth-invalid-max, or admin-lockout-threshold.</summary>
    Blocked,
    /// <summary>The name is locked out by auth-lockout-threshold.</summary>
    LockedOut,
    /// <summary>An administrator from an address that none of his trusted hosts covers.</summary>
    UntrustedHost,
    /// <summary>No portal or rule for the user, or no such realm.</summary>
    NoPolicy,
    /// <summary>The account is not what it was when it gave its first factor: password, status, type, name.</summary>
    UserChanged,
    /// <summary>The second factor cannot be satisfied: token missing, without a seed, locked, or a way that is not served.</summary>
    TokenUnusable,
    /// <summary>FortiToken Cloud is asked for, and is not licensed.</summary>
    NotLicensed,
    /// <summary>Wrong code.</summary>
    WrongCode,
    /// <summary>Too many wrong codes for this token: none is looked at before a wait has passed.</summary>
    Throttled,
    /// <summary>Denied on the phone.</summary>
    Denied,
    /// <summary>Another number than the one shown was typed on the phone.</summary>
    WrongNumber,
    /// <summary>A deadline passed.</summary>
    Expired,
    /// <summary>The push, e-mail or SMS could not be sent.</summary>
    PushFailed,
    /// <summary>The remote server could not be asked.</summary>
    RemoteUnavailable,
    /// <summary>The remote server said no while a phone was asked: denied there, or too late.</summary>
    RemoteDenied,
    /// <summary>No such pending login.</summary>
    UnknownRequest,
    /// <summary>Superseded: a code was typed, or another request took over the wait.</summary>
    Superseded,
    /// <summary>The client closed its connection before it got its session.</summary>
    ClientGone,
    /// <summary>Too many logins pending, or too many sessions.</summary>
    Overloaded,
    /// <summary>The decision could not be written to the disk.</summary>
    Storage,
}

/// <summary>What a challenge asks for.</summary>
public enum ChallengeReason
{
    /// <summary>The code that the token shows.</summary>
    TokenCode,
    /// <summary>The code that was sent by e-mail.</summary>
    EmailCode,
    /// <summary>The code that was sent by SMS.</summary>
    SmsCode,
    /// <summary>What a remote server asks, in its own words.</summary>
    Remote,
    /// <summary>The token's clock has drifted: its next code.</summary>
    NextCode,
    /// <summary>To wait for the next time step.</summary>
    Wait,
    /// <summary>To wait because of many wrong codes.</summary>
    Throttled,
}

/// <summary>What the client of a login is told next.</summary>
public abstract record LoginAnswer
{
    private LoginAnswer() { }

    /// <summary>Logged in. A login by SSL VPN is only complete with its session: the caller reports it by <see cref="LoginService.Complete"/>.</summary>
    public sealed record Success(LoginGrant Grant) : LoginAnswer
    {
        /// <summary>The login in the journal.</summary>
        internal long LoginId { get; init; }

        /// <summary>The step that decides the login, which is noted when its session is open; null when everything is noted already.</summary>
        internal LoginFact? Deciding { get; init; }
    }

    /// <summary>A second factor is wanted.</summary>
    /// <param name="Handle">Names this login.</param>
    /// <param name="Grant">Group and portal that it would give.</param>
    /// <param name="Reason">What is asked for.</param>
    /// <param name="Push">True when a push is out and may be waited for.</param>
    public sealed record Challenge(LoginHandle Handle, LoginGrant Grant, ChallengeReason Reason, bool Push) : LoginAnswer
    {
        /// <summary>With <see cref="ChallengeReason.Wait"/> and <see cref="ChallengeReason.Throttled"/>: nothing is accepted before that time has passed.</summary>
        public TimeSpan Rest { get; init; }

        /// <summary>With <see cref="ChallengeReason.NextCode"/>: the code that the client typed, for its eyes only.</summary>
        public string TypedCode { get; init; } = "";

        /// <summary>With <see cref="ChallengeReason.Remote"/>: the remote server's words; may hold anything.</summary>
        public string RemoteText { get; init; } = "";

        /// <summary>The number that must be typed on the phone; null when none must.</summary>
        public int? Number { get; init; }

        /// <summary>What is asked of the person, in one sentence or two; never with a comma, which would end it in a challenge line.</summary>
        public string Text => Reason switch
        {
            ChallengeReason.Wait => WaitMessage.Text(Rest),
            ChallengeReason.Throttled => $"Too many wrong codes. Please wait {WaitMessage.Seconds(Rest)} seconds before the next one",
            ChallengeReason.NextCode => $"FortiToken clock drift detected (code: {TypedCode}). Please input the next code and continue",
            ChallengeReason.Remote => RemoteWords(RemoteText),
            ChallengeReason.EmailCode => "Please enter the code that was sent to you by e-mail",
            ChallengeReason.SmsCode => "Please enter the code that was sent to you by SMS",
            _ when Push && Number is { } number => string.Create(CultureInfo.InvariantCulture, $"Please enter your token code or type the number {number} on your phone"),
            _ => Push ? "Please enter your token code or approve the login on your phone" : "Please enter your token code",
        };

        /// <summary>Says nothing of codes.</summary>
        public override string ToString() => $"Challenge {Reason}";

        /// <summary>One line, not too long, without what would end a field of a challenge line or what a terminal would obey.</summary>
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
                        words.Append(Rune.IsControl(rune) || Rune.GetUnicodeCategory(rune) is UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator ? " " : rune.ToString());
                        break;
                }
            }
            return words.ToString().Trim() is { Length: > 0 } said ? said : "Please enter your token code";
        }
    }

    /// <summary>Refused.</summary>
    /// <param name="Reason">Why.</param>
    /// <param name="Retry">True when the same handle may be used again with another code.</param>
    public sealed record Refused(Refusal Reason, bool Retry = false) : LoginAnswer;
}

/// <summary>What a login gives: who, in which group, with which portal.</summary>
/// <param name="User">The account's name as configured, whatever spelling was typed.</param>
/// <param name="Group">The group that decided; "" for none.</param>
/// <param name="Portal">The portal of the SSL VPN; "" for other ways in.</param>
/// <param name="Source">From where.</param>
/// <param name="TwoFactor">True when a second factor was asked and given.</param>
public sealed record LoginGrant(string User, string Group, string Portal, IPAddress Source, bool TwoFactor)
{
    /// <summary>By which way in.</summary>
    public LoginKind Kind { get; init; }

    /// <summary>The account when it was proved or last evaluated; null for a session of before a restart until it is evaluated.</summary>
    public Account? Account { get; init; }

    /// <summary>The realm of the SSL VPN; "" for none.</summary>
    public string Realm { get; init; } = "";

    /// <summary>The interface on which the client came; "" when it is not known.</summary>
    public string Nic { get; init; } = "";

    /// <summary>What a remote server told when it accepted; null when none was asked.</summary>
    public RemoteVerdict.Accepted? Told { get; init; }

    /// <summary>True for a user who is not known here, but by the remote server of the group.</summary>
    public bool IsRemote { get; init; }

    /// <summary>An administrator's way in as events spell it; "" for users.</summary>
    public string Via { get; init; } = "";
}

/// <summary>"Please wait x seconds to login again", x being the rest of the step: whole seconds, rounded up, so never 0 and never more than the step.</summary>
public static class WaitMessage
{
    /// <summary>The sentence.</summary>
    public static string Text(TimeSpan rest) => $"Please wait {Seconds(rest)} seconds to login again";

    /// <summary>Whole seconds, rounded up, at least 1.</summary>
    public static long Seconds(TimeSpan rest) => Math.Max(1, (rest.Ticks + TimeSpan.TicksPerSecond - 1) / TimeSpan.TicksPerSecond);
}
