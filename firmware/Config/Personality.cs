namespace Appliance.Firmware.Config;

/// <summary>A release profile: the device release whose behaviour a unit has.</summary>
/// <param name="Name">The name by which it is selected, for example <c>6.4</c>.</param>
/// <param name="Release">The version, for example 6.4.0.</param>
/// <param name="Build">The build number.</param>
/// <param name="BuildDate">Year, month and day, as the headers spell it.</param>
public sealed record Personality(string Name, Version Release, int Build, string BuildDate)
{
    /// <summary>The model identifier in configuration headers and in the clients' XML.</summary>
    public const string Platform = "FGVM64";

    /// <summary>The model as <c>get system status</c> spells it.</summary>
    public const string Model = "FortiGate-VM64";

    /// <summary>6.4.0, the default, whose syntax the lab uses (<c>server-ip</c> works).</summary>
    public static readonly Personality Default = new("6.4", new Version(6, 4, 0), 1579, "200330");

    /// <summary>Every selectable release, oldest first. Builds and dates other than the first are *assumed*.</summary>
    public static readonly IReadOnlyList<Personality> All =
    [
        Default,
        new("7.0", new Version(7, 0, 12), 523, "230606"),
        new("7.2", new Version(7, 2, 4), 1396, "230131"),
        new("7.4", new Version(7, 4, 7), 2731, "250120"),
        new("7.6", new Version(7, 6, 4), 3596, "250821"),
    ];

    private static readonly Version TunnelModeRemovedIn = new(7, 6, 3);

    /// <summary>False in a release that has no tunnel mode of the SSL VPN: 7.6.3 removed it.</summary>
    public bool HasTunnelMode => Release < TunnelModeRemovedIn;

    /// <summary>Returns the release with a name, or null.</summary>
    public static Personality? Find(string name) => All.FirstOrDefault(personality => personality.Name == name);
}
