using System.Net;

namespace Appliance.Firmware.Login;

/// <summary>A first factor that somebody offers.</summary>
public sealed record LoginRequest(string User, string Password, string Realm, IPAddress Source);

/// <summary>Names one pending login to its client: echoed in every further request of it. Together more than 128 random bits.</summary>
/// <param name="RequestId">The <c>reqid</c>, decimal digits.</param>
/// <param name="Magic">The <c>magic</c>; <c>polid</c> is "1-" and this.</param>
public sealed record LoginHandle(string RequestId, string Magic)
{
    /// <summary>The <c>polid</c>.</summary>
    public string PolicyId => "1-" + Magic;
}

/// <summary>Why a login was refused, in the device's own keys where they are public.</summary>
public enum Refusal
{
    /// <summary>Wrong password, unknown or disabled user: one and the same to the outside.</summary>
    BadCredentials,
    /// <summary>The source is blocked by login-attempt-limit.</summary>
    Blocked,
    /// <summary>No portal or policy for the user.</summary>
    NoPolicy,
    /// <summary>The second factor cannot be satisfied: token missing, without a seed, or locked.</summary>
    TokenUnusable,
    /// <summary>Wrong code.</summary>
    WrongCode,
    /// <summary>Denied on the phone.</summary>
    Denied,
    /// <summary>A deadline passed.</summary>
    Expired,
    /// <summary>The push could not be sent.</summary>
    PushFailed,
    /// <summary>No such pending login.</summary>
    UnknownRequest,
    /// <summary>Superseded: a code was typed, or another request took over the wait.</summary>
    Superseded,
    /// <summary>Too many logins pending.</summary>
    Overloaded,
}

/// <summary>What the client of a login is told next.</summary>
public abstract record LoginAnswer
{
    private LoginAnswer() { }

    /// <summary>Logged in.</summary>
    public sealed record Success(LoginGrant Grant) : LoginAnswer;

    /// <summary>A second factor is wanted.</summary>
    /// <param name="Handle">Names this login.</param>
    /// <param name="Grant">Group and portal that it would give.</param>
    /// <param name="Push">True when a push is out and may be waited for.</param>
    /// <param name="Wait">Not null: nothing can be accepted before that time has passed.</param>
    public sealed record Challenge(LoginHandle Handle, LoginGrant Grant, bool Push, TimeSpan? Wait) : LoginAnswer;

    /// <summary>Refused.</summary>
    /// <param name="Reason">Why.</param>
    /// <param name="Retry">True when the same handle may be used again with another code.</param>
    public sealed record Refused(Refusal Reason, bool Retry = false) : LoginAnswer;
}

/// <summary>What a login gives: who, in which group, with which portal.</summary>
public sealed record LoginGrant(string User, string Group, string Portal, IPAddress Source, bool TwoFactor);

/// <summary>"Please wait x seconds to login again", x being the rest of the step: whole seconds, rounded up, so never 0 and never more than the step.</summary>
public static class WaitMessage
{
    /// <summary>The sentence.</summary>
    public static string Text(TimeSpan rest) => $"Please wait {Math.Max(1, (long)Math.Ceiling(rest.TotalSeconds))} seconds to login again";
}
