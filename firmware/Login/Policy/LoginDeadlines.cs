using Appliance.Firmware.Config;
using Appliance.Firmware.Login.Accounts;

namespace Appliance.Firmware.Login.Policy;

/// <summary>The deadline that ended a login.</summary>
public enum DeadlineName
{
    /// <summary><c>remoteauthtimeout</c>: a remote server did not answer the first factor.</summary>
    RemoteAnswer,

    /// <summary>10 x <c>remoteauthtimeout</c> + 30 s, at most 5 minutes.</summary>
    SecondFactorWindow,

    /// <summary><c>two-factor-ftk-expiry</c>.</summary>
    FortiTokenExpiry,

    /// <summary><c>two-factor-email-expiry</c>.</summary>
    EmailExpiry,

    /// <summary><c>two-factor-sms-expiry</c>.</summary>
    SmsExpiry,

    /// <summary><c>two-factor-fac-expiry</c>.</summary>
    FacExpiry,

    /// <summary>The life of a push (lab policy <c>push-life</c>).</summary>
    PushLife,

    /// <summary><c>login-timeout</c>: the client did not fetch a decided login.</summary>
    LoginTimeout,
}

/// <summary>The kind of second factor, as far as its deadline is concerned.</summary>
public enum FactorKind
{
    /// <summary>A FortiToken's code, or its phone's approval.</summary>
    FortiToken,

    /// <summary>A code sent by e-mail.</summary>
    Email,

    /// <summary>A code sent by SMS.</summary>
    Sms,

    /// <summary>The challenge of a FortiAuthenticator.</summary>
    FortiAuthenticator,
}

/// <summary>The time budget of logins, from the configuration. docs/reference/login.md describes what each number bounds.</summary>
public sealed record LoginDeadlines
{
    private static readonly TimeSpan WindowMax = TimeSpan.FromMinutes(5);
    private static readonly Version ExpiryWins = new(7, 4, 1);

    /// <summary>
    /// The time that a user needs to reach a phone. With less for an answer, the timeline reports it (the vendor's documents advise 60 s).
    /// </summary>
    internal static readonly TimeSpan PhoneTakes = TimeSpan.FromSeconds(30);

    /// <summary>The time that one remote server has for one answer: to the first factor, or to a reply to its challenge.</summary>
    public required TimeSpan RemoteAnswer { get; init; }

    /// <summary>The SSL VPN's window for a second factor.</summary>
    public required TimeSpan SecondFactorWindow { get; init; }

    /// <summary>The expiry of this kind of factor.</summary>
    public required TimeSpan FortiTokenExpiry { get; init; }

    /// <inheritdoc cref="FortiTokenExpiry"/>
    public required TimeSpan EmailExpiry { get; init; }

    /// <inheritdoc cref="FortiTokenExpiry"/>
    public required TimeSpan SmsExpiry { get; init; }

    /// <inheritdoc cref="FortiTokenExpiry"/>
    public required TimeSpan FacExpiry { get; init; }

    /// <summary>The time that an approved login waits for its client to fetch it.</summary>
    public required TimeSpan LoginTimeout { get; init; }

    /// <summary>True from 7.4.1: an expiry larger than the window applies in full.</summary>
    public required bool LargerExpiryWins { get; init; }

    /// <summary>Reads the timers of <c>system global</c> and <c>vpn ssl settings</c>.</summary>
    public static LoginDeadlines From(ConfigTree config)
    {
        var global = config.Object("system global");
        TimeSpan Seconds(string attribute) => TimeSpan.FromSeconds(global.Number(attribute));
        var window = (10 * Seconds("remoteauthtimeout")) + TimeSpan.FromSeconds(30);
        return new()
        {
            // In 6.2.0 to 6.2.6, 0 meant "none". Here a limit applies even so.
            RemoteAnswer = Seconds("remoteauthtimeout") is var answer && answer > TimeSpan.Zero ? answer : WindowMax,
            SecondFactorWindow = window < WindowMax ? window : WindowMax,
            FortiTokenExpiry = Seconds("two-factor-ftk-expiry"),
            EmailExpiry = Seconds("two-factor-email-expiry"),
            SmsExpiry = Seconds("two-factor-sms-expiry"),
            FacExpiry = Seconds("two-factor-fac-expiry"),
            LoginTimeout = TimeSpan.FromSeconds(config.Object("vpn ssl settings").Number("login-timeout")),
            LargerExpiryWins = config.Schema.Personality.Release >= ExpiryWins,
        };
    }

    /// <summary>
    /// Returns the deadline of a second factor that is requested now, and the timer that sets it. Only the SSL VPN has the window.
    /// </summary>
    public (DateTimeOffset At, DeadlineName Name) SecondFactor(FactorKind factor, LoginKind kind, DateTimeOffset now)
    {
        var (expiry, name) = factor switch
        {
            FactorKind.Email => (EmailExpiry, DeadlineName.EmailExpiry),
            FactorKind.Sms => (SmsExpiry, DeadlineName.SmsExpiry),
            FactorKind.FortiAuthenticator => (FacExpiry, DeadlineName.FacExpiry),
            _ => (FortiTokenExpiry, DeadlineName.FortiTokenExpiry),
        };
        return kind == LoginKind.SslVpn && expiry > SecondFactorWindow && !LargerExpiryWins
            ? (now + SecondFactorWindow, DeadlineName.SecondFactorWindow)
            : (now + expiry, name);
    }

    /// <summary>Returns the setting that moves a deadline: its word for events, and the console line.</summary>
    public static (string Word, string Change) Setting(DeadlineName deadline) =>
        deadline switch
        {
            DeadlineName.RemoteAnswer or DeadlineName.SecondFactorWindow => (
                "remoteauthtimeout",
                "config system global / set remoteauthtimeout"
            ),
            DeadlineName.FortiTokenExpiry => ("two-factor-ftk-expiry", "config system global / set two-factor-ftk-expiry"),
            DeadlineName.EmailExpiry => ("two-factor-email-expiry", "config system global / set two-factor-email-expiry"),
            DeadlineName.SmsExpiry => ("two-factor-sms-expiry", "config system global / set two-factor-sms-expiry"),
            DeadlineName.FacExpiry => ("two-factor-fac-expiry", "config system global / set two-factor-fac-expiry"),
            DeadlineName.PushLife => ("push_life", "PUT /lab/policy pushLifeSeconds"),
            _ => ("login-timeout", "config vpn ssl settings / set login-timeout"),
        };
}
