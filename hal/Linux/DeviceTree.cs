namespace Appliance.Hal.Linux;

/// <summary>What sysfs tells of a network device: where it is, and what drives it.</summary>
internal static class DeviceTree
{
    private const string Root = "/sys/class/net";

    /// <summary>Whether a device is what a board describes.</summary>
    internal static bool Suits(LinkDevice device, DeviceMatch match) =>
        (match.Device is null || match.Device == device.Name)
        && (match.Mac is null || match.Mac == device.Mac)
        && (match.Driver is null || match.Driver == DriverOf(device.Name))
        && (match.Path is null || IsPartOf(match.Path, PathOf(device.Name)));

    /// <summary>Whether whole names of a path, one after the other, are a part of another path.</summary>
    internal static bool IsPartOf(string part, string? path) => path is not null && $"/{path.Trim('/')}/".Contains($"/{part.Trim('/')}/", StringComparison.Ordinal);

    private static string? PathOf(string device) => Target($"{Root}/{device}");

    private static string? DriverOf(string device) => Target($"{Root}/{device}/device/driver") is { } driver ? Path.GetFileName(driver) : null;

    /// <summary>Where a link leads, whole; null when it is not there. (A device can go at any moment.)</summary>
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
