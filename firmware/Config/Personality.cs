namespace Appliance.Firmware.Config;

/// <summary>Which release of the device this unit behaves like. The one place that says so.</summary>
public static class Personality
{
    /// <summary>The model word of configuration headers and of the clients' XML.</summary>
    public const string Platform = "FGVM64";
    /// <summary>Major version.</summary>
    public const int Major = 6;
    /// <summary>Minor version.</summary>
    public const int Minor = 4;
    /// <summary>Patch level.</summary>
    public const int Patch = 0;
    /// <summary>Build number.</summary>
    public const int Build = 1579;
    /// <summary>Build date, as the headers spell it.</summary>
    public const string BuildDate = "200330";
    /// <summary>The version as the schema data spells it.</summary>
    public const string Version = "6.4.0";
}
