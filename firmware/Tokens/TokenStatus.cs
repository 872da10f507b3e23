namespace Appliance.Firmware.Tokens;

/// <summary>The status of a token in its lifecycle.</summary>
public enum TokenStatus
{
    /// <summary>Not assigned: available.</summary>
    New,

    /// <summary>A hardware token in use.</summary>
    Active,

    /// <summary>Assigned; pending activation by the app.</summary>
    Provisioning,

    /// <summary>Activated in the app, or used with a seed that the administrator typed.</summary>
    Provisioned,

    /// <summary>The activation code expired before it was used. The token must be provisioned again.</summary>
    ProvisionTimeout,

    /// <summary>A consumed activation code was presented again. The seed stays with the phone that has it.</summary>
    AlreadyActivated,

    /// <summary>A hardware token whose seed is not available.</summary>
    ActivationError,

    /// <summary>Locked by the administrator (<c>set status lock</c>).</summary>
    Locked,
}

/// <summary>The status in the device's words.</summary>
public static class TokenStatusText
{
    /// <summary>Returns the status as <c>diagnose fortitoken info</c> prints it.</summary>
    public static string Of(TokenStatus status) =>
        status switch
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
