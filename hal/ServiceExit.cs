namespace Appliance.Hal;

/// <summary>The exit codes that the simulator and the program on a box share; scripts and service managers depend on them.</summary>
public static class ServiceExit
{
    /// <summary>The command line is wrong.</summary>
    public const int Usage = 2;

    /// <summary>A configuration is invalid.</summary>
    public const int ConfigurationInvalid = 3;

    /// <summary>An address or a state folder is in use.</summary>
    public const int Busy = 4;

    /// <summary>The state is damaged or cannot be accessed.</summary>
    public const int StateDamaged = 5;

    /// <summary>A required resource is missing (EX_UNAVAILABLE).</summary>
    public const int Missing = 69;
}
