using Appliance.Firmware.Config;

namespace Appliance.Firmware.Login;

/// <summary>Which deadline ended a login: its name is the setting that an operator would change.</summary>
public enum DeadlineName
{
    /// <summary>10 x remoteauthtimeout + 30 s, at most 5 minutes.</summary>
    SecondFactorWindow,
    /// <summary>two-factor-ftk-expiry.</summary>
    TokenStep,
    /// <summary>The life of a push.</summary>
    PushLife,
}

/// <summary>The time budget of a login with a token, from the configuration.</summary>
public sealed record LoginDeadlines(TimeSpan SecondFactorWindow, TimeSpan TokenStep)
{
    /// <summary>*Assumed*: the vendor's debug output shows a context with <c>timeout = 60</c>.</summary>
    public static readonly TimeSpan PushLife = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan WindowMax = TimeSpan.FromMinutes(5);

    /// <summary>Reads the timers of <c>system global</c>.</summary>
    public static LoginDeadlines From(ConfigTree config)
    {
        var global = config.Object("system global");
        var window = TimeSpan.FromSeconds((10 * global.Number("remoteauthtimeout")) + 30);
        return new(window < WindowMax ? window : WindowMax, TimeSpan.FromSeconds(global.Number("two-factor-ftk-expiry")));
    }

    /// <summary>When a login that began now must have its second factor, and which timer says so.</summary>
    public (DateTimeOffset At, DeadlineName Name) SecondFactor(DateTimeOffset now) =>
        TokenStep <= SecondFactorWindow ? (now + TokenStep, DeadlineName.TokenStep) : (now + SecondFactorWindow, DeadlineName.SecondFactorWindow);
}
