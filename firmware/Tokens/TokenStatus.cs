namespace Appliance.Firmware.Tokens;

/// <summary>Where a token stands in its life.</summary>
public enum TokenStatus
{
    /// <summary>Assigned to nobody: available.</summary>
    New,
    /// <summary>A hardware token in use.</summary>
    Active,
    /// <summary>Assigned; waits for the app to activate it.</summary>
    Provisioning,
    /// <summary>Activated in the app, or used with a seed that the administrator typed.</summary>
    Provisioned,
    /// <summary>The activation code ran out before it was used; must be provisioned again.</summary>
    ProvisionTimeout,
    /// <summary>An activation code that had been used was presented once more; the seed stays with the phone that has it.</summary>
    AlreadyActivated,
    /// <summary>A hardware token whose seed nobody knows.</summary>
    ActivationError,
    /// <summary>By the administrator (<c>set status lock</c>).</summary>
    Locked,
}

/// <summary>The status in the device's words.</summary>
public static class TokenStatusText
{
    /// <summary>As <c>diagnose fortitoken info</c> prints it.</summary>
    public static string Of(TokenStatus status) => status switch
    {
        TokenStatus.New => "new",
        TokenStatus.Active => "active",
        TokenStatus.Provisioning => "provisioning",
        TokenStatus.Provisioned => "provisioned",
        TokenStatus.ProvisionTimeout => "provision timeout",
        TokenStatus.AlreadyActivated => "token already activated, and seed won't be returned",
        TokenStatus.ActivationError => "activation error (token not exist in FortiGuard)",
        _ => "locked",
    };
}
