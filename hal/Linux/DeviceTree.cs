namespace Appliance.Hal.Linux;

/// <summary>The sysfs attributes of a network device: its location and its driver.</summary>
internal static class DeviceTree
{
    private const string Root = "/sys/class/net";

    /// <summary>Returns true if a device matches a board's description.</summary>
    internal static bool Suits(LinkDevice device, DeviceMatch match) =>
        (match.Device is null || match.Device == device.Name)
        && (match.Mac is null || match.Mac == device.Mac)
        && (match.Driver is null || match.Driver == DriverOf(device.Name))
        && (match.Path is null || IsPartOf(match.Path, PathOf(device.Name)));

    /// <summary>Returns true if the consecutive whole names of one path are a part of another path.</summary>
    internal static bool IsPartOf(string part, string? path) =>
        path is not null && $"/{path.Trim('/')}/".Contains($"/{part.Trim('/')}/", StringComparison.Ordinal);

    private static string? PathOf(string device) => Target($"{Root}/{device}");

    private static string? DriverOf(string device) =>
        Target($"{Root}/{device}/device/driver") is { } driver ? Path.GetFileName(driver) : null;

    /// <summary>Returns the full target of a link; null if the link does not exist. A device can be removed at any moment.</summary>
    private static string? Target(string link)
    {
        try
        {
            return Directory.ResolveLinkTarget(link, returnFinalTarget: true)?.FullName;
        }
        catch (IOException)
        {
            return null;
        }
    }
}
