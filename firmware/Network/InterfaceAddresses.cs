using System.Net;
using System.Numerics;
using Appliance.Firmware.Config;
using Appliance.Hal;

namespace Appliance.Firmware.Network;

/// <summary>
/// Applies the addresses of <c>system interface</c> to the interfaces of a box. Interfaces whose address belongs to the system are not
/// changed. If one address cannot be set, every interface stays as it was.
/// </summary>
internal sealed class InterfaceAddresses(IReadOnlyList<INic> nics) : IConfigSubscriber
{
    private readonly IAddressedNic[] _nics = [.. nics.OfType<IAddressedNic>()];

    /// <inheritdoc/>
    public ConfigError? Apply(ConfigTree previous, ConfigTree next)
    {
        var done = new List<(IAddressedNic Nic, IPAddress Address, int PrefixLength)>();
        foreach (var nic in _nics)
        {
            var (before, after) = (Of(previous, nic.Name), Of(next, nic.Name));
            if (before == after)
            {
                continue;
            }
            try
            {
                nic.SetAddress(after.Address, after.PrefixLength);
                done.Add((nic, before.Address, before.PrefixLength));
            }
            catch (NicException error)
            {
                done.Reverse();
                done.ForEach(undo => undo.Nic.SetAddress(undo.Address, undo.PrefixLength));
                return new ConfigError(-1, error.Message);
            }
        }
        return null;
    }

    /// <summary>
    /// Refuses DHCP and PPPoE where they would leave an interface without an address, because the unit has no client for them (*assumed*
    /// code and words).
    /// </summary>
    internal ConfigError? StaticOnly(ConfigTree tree) =>
        _nics
            .Select(nic => (nic.Name, Mode: tree.List("system interface").Find(nic.Name)?.Text("mode") ?? "static"))
            .FirstOrDefault(nic => nic.Mode != "static")
            is { Name: { } name } found
            ? new ConfigError(
                -45,
                $"mode {found.Mode} is not served on this board: interface {name} needs its own address (set mode static)",
                "object check operator error, -45, discard the setting"
            )
            : null;

    private static (IPAddress Address, int PrefixLength) Of(ConfigTree tree, string name) =>
        tree.List("system interface").Find(name) is { } entry
        && entry.Text("mode") == "static"
        && entry.Words("ip") is [var address, var mask]
        && IPAddress.TryParse(address, out var parsed)
        && !parsed.Equals(IPAddress.Any)
        && IPAddress.TryParse(mask, out var bits)
            ? (parsed, bits.GetAddressBytes().Sum(part => BitOperations.PopCount(part)))
            : (IPAddress.Any, 0);
}
