using Appliance.Firmware.Config;

namespace Appliance.Firmware.Login;

/// <summary>Which deadline ended a login.</summary>
public enum DeadlineName
{
    /// <summary>A remote server did not answer the first factor: <c>remoteauthtimeout</c>.</summary>
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
    /// <summary><c>login-timeout</c>: a login that is decided was not fetched by its client.</summary>
    LoginTimeout,
}

/// <summary>How a second factor is given, as far as its deadline goes.</summary>
public enum FactorKind
{
    /// <summary>The code of a FortiToken, or its phone's approval.</summary>
    FortiToken,
    /// <summary>A code sent by e-mail.</summary>
    Email,
    /// <summary>A code sent by SMS.</summary>
    Sms,
    /// <summary>The challenge of a FortiAuthenticator.</summary>
    FortiAuthenticator,
}

/// <summary>The time budget of logins, from the configuration. What each number bounds is in docs/login.md.</summary>
public sealed record LoginDeadlines
{
    private static readonly TimeSpan WindowMax = TimeSpan.FromMinutes(5);
    private static readonly Version ExpiryWins = new(7, 4, 1);

    /// <summary>With less than this for an answer, nobody gets to his phone: what the timeline says so of (the vendor's documents advise 60 s).</summary>
    internal static readonly TimeSpan PhoneTakes = TimeSpan.FromSeconds(30);

    /// <summary>How long one remote server may take over one answer: the first factor, or what answers its challenge.</summary>
    public required TimeSpan RemoteAnswer { get; init; }

    /// <summary>The SSL VPN's window for a second factor.</summary>
    public required TimeSpan SecondFactorWindow { get; init; }

    /// <summary>The expiry of each kind of factor.</summary>
    public required TimeSpan FortiTokenExpiry { get; init; }

    /// <inheritdoc cref="FortiTokenExpiry"/>
    public required TimeSpan EmailExpiry { get; init; }

    /// <inheritdoc cref="FortiTokenExpiry"/>
    public required TimeSpan SmsExpiry { get; init; }

    /// <inheritdoc cref="FortiTokenExpiry"/>
    public required TimeSpan FacExpiry { get; init; }

    /// <summary>How long an approved login waits for its client to come for it.</summary>
    public required TimeSpan LoginTimeout { get; init; }

    /// <summary>True from 7.4.1 on: an expiry that is larger than the window is obeyed all the same.</summary>
    public required bool LargerExpiryWins { get; init; }

    /// <summary>Reads the timers of <c>system global</c> and <c>vpn ssl settings</c>.</summary>
    public static LoginDeadlines From(ConfigTree config)
    {
        var global = config.Object("system global");
        TimeSpan Seconds(string attribute) => TimeSpan.FromSeconds(global.Number(attribute));
        var window = (10 * Seconds("remoteauthtimeout")) + TimeSpan.FromSeconds(30);
        return new()
        {
            // 0 was "none" in 6.2.0 to 6.2.6: an end there is all the same.
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

    /// <summary>When a login whose second factor is asked now must have it, and which timer says so. The window is the SSL VPN's alone.</summary>
    public (DateTimeOffset At, DeadlineName Name) SecondFactor(FactorKind factor, LoginKind kind, DateTimeOffset now)
    {
        var (expiry, name) = factor switch
        {
            FactorKind.Email => (EmailExpiry, DeadlineName.EmailExpiry),
            FactorKind.Sms => (SmsExpiry, DeadlineName.SmsExpiry),
            FactorKind.FortiAuthenticator => (FacExpiry, DeadlineName.FacExpiry),
            _ => (FortiTokenExpiry, DeadlineName.FortiTokenExpiry),
        };
        return kind == LoginKind.SslVpn && expiry > SecondFactorWindow && !LargerExpiryWins ? (now + SecondFactorWindow, DeadlineName.SecondFactorWindow) : (now + expiry, name);
    }

    /// <summary>The setting that moves a deadline: its word for events, and the line of the console.</summary>
    public static (string Word, string Change) Setting(DeadlineName deadline) => deadline switch
    {
        DeadlineName.RemoteAnswer or DeadlineName.SecondFactorWindow => ("remoteauthtimeout", "config system global / set remoteauthtimeout"),
        DeadlineName.FortiTokenExpiry => ("two-factor-ftk-expiry", "config system global / set two-factor-ftk-expiry"),
        DeadlineName.EmailExpiry => ("two-factor-email-expiry", "config system global / set two-factor-email-expiry"),
        DeadlineName.SmsExpiry => ("two-factor-sms-expiry", "config system global / set two-factor-sms-expiry"),
        DeadlineName.FacExpiry => ("two-factor-fac-expiry", "config system global / set two-factor-fac-expiry"),
        DeadlineName.PushLife => ("push_life", "PUT /lab/policy pushLifeSeconds"),
        _ => ("login-timeout", "config vpn ssl settings / set login-timeout"),
    };
}
