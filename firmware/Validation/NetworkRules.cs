using System.Buffers.Binary;
using System.Net;
using Appliance.Firmware.Config;

namespace Appliance.Firmware.Validation;

/// <summary>The device's rules across its network tables, with the device's own words and codes.</summary>
internal static class NetworkRules
{
    /// <summary>All rules. A violation that the configuration in force already has does not block a change.</summary>
    internal static IReadOnlyList<Func<ConfigChange, ConfigError?>> All { get; } =
    [
        .. new Func<ConfigTree, ConfigError?>[] { SubnetOverlap, OperationMode }.Select<
            Func<ConfigTree, ConfigError?>,
            Func<ConfigChange, ConfigError?>
        >(rule => change => rule(change.Next) is { } error && rule(change.Previous) is null ? error : null),
        SisterNames.Check,
    ];

    /// <summary>Two interfaces in one subnet are refused unless <c>system settings allow-subnet-overlap</c> is on.</summary>
    private static ConfigError? SubnetOverlap(ConfigTree tree)
    {
        if (tree.Object("system settings").Enabled("allow-subnet-overlap"))
        {
            return null;
        }
        var subnets = tree.List("system interface")
            .Entries.Select(entry => entry.Entry.Words("ip"))
            .Where(ip => ip is [not "0.0.0.0", not "0.0.0.0"])
            .Select(ip => (Address: Bits(ip[0]), Mask: Bits(ip[1])))
            .ToArray();
        return subnets
            .Where((one, at) => subnets.Skip(at + 1).Any(other => ((one.Address ^ other.Address) & one.Mask & other.Mask) == 0))
            .Any()
            ? new ConfigError(-54, "object set operator error, -54 discard the setting")
            : null;
    }

    /// <summary>Refuses transparent mode, because this unit routes.</summary>
    private static ConfigError? OperationMode(ConfigTree tree) =>
        tree.Object("system settings").Text("opmode") == "transparent"
            ? new ConfigError(-7610, "Attribute 'opmode' value 'transparent' checking fail -7610")
            : null;

    private static uint Bits(string address) => BinaryPrimitives.ReadUInt32BigEndian(IPAddress.Parse(address).GetAddressBytes());
}
