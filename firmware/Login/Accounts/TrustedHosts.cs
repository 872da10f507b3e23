using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Appliance.Firmware.Config;

namespace Appliance.Firmware.Login.Accounts;

/// <summary>
/// <c>trusthost1</c> to <c>trusthost10</c> and <c>ip6-trusthost1</c> to <c>ip6-trusthost10</c>: the networks from which an administrator
/// may log in. If all have their defaults, every address is allowed. If one is set, only the listed networks are allowed, and no address of
/// the other family (*assumed*).
/// </summary>
public static class TrustedHosts
{
    private const int Count = 10;

    /// <summary>Computed once for each table of accounts, because every answer of a phone uses it.</summary>
    private static readonly ConditionalWeakTable<ConfigTable, List<IPNetwork>> Anyones = [];

    /// <summary>Returns true if an account may log in from an address.</summary>
    public static bool Allows(ConfigObject account, IPAddress from) => Allows(Networks(account), from);

    /// <summary>
    /// Returns true if any administrator may log in from an address. If none may, the unit's management does not exist for that address.
    /// </summary>
    public static bool AnyoneFrom(ConfigTree config, IPAddress from)
    {
        var all = Anyones.GetValue(config.List("system admin"), Anyone);
        return Allows(all, from);
    }

    /// <summary>Returns true if a list of networks allows an address; an empty list allows all.</summary>
    internal static bool Allows(IReadOnlyList<IPNetwork> networks, IPAddress from)
    {
        var address = from.IsIPv4MappedToIPv6 ? from.MapToIPv4() : from;
        return networks.Count == 0 || networks.Any(network => network.Contains(address));
    }

    /// <summary>
    /// Returns the networks of all accounts; empty if every address is allowed, because one account has no restriction or there is no
    /// account.
    /// </summary>
    private static List<IPNetwork> Anyone(ConfigTable accounts)
    {
        var each = accounts.Entries.Select(account => Networks(account.Entry)).ToList();
        return each.Exists(networks => networks.Count == 0) ? [] : [.. each.SelectMany(networks => networks)];
    }

    /// <summary>Returns the networks of an account; empty if it may log in from every address.</summary>
    internal static List<IPNetwork> Networks(ConfigObject account)
    {
        var networks = new List<IPNetwork>();
        for (var number = 1; number <= Count; number++)
        {
            if (account.IsSet($"trusthost{number}") && account.Words($"trusthost{number}") is [var address, var mask])
            {
                networks.Add(Network(IPAddress.Parse(address), IPAddress.Parse(mask)));
            }
            if (
                account.IsSet($"ip6-trusthost{number}")
                && IPNetwork.TryParse(account.Text($"ip6-trusthost{number}"), out var six)
                && six.BaseAddress.AddressFamily == AddressFamily.InterNetworkV6
            )
            {
                networks.Add(six);
            }
            else if (account.IsSet($"ip6-trusthost{number}"))
            {
                // A value that is not readable as a network allows no address, but still restricts.
                networks.Add(new IPNetwork(IPAddress.IPv6None, 128));
            }
        }
        return networks;
    }

    private static IPNetwork Network(IPAddress address, IPAddress mask)
    {
        var (bits, length) = (mask.GetAddressBytes(), 0);
        length = bits.Sum(part => System.Numerics.BitOperations.PopCount(part));
        var network = address.GetAddressBytes().Zip(bits, (part, masked) => (byte)(part & masked)).ToArray();
        return new IPNetwork(new IPAddress(network), length);
    }
}
