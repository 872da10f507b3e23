using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Appliance.Firmware.Config;

namespace Appliance.Firmware.Login;

/// <summary>
/// <c>trusthost1</c> to <c>trusthost10</c> and <c>ip6-trusthost1</c> to <c>ip6-trusthost10</c>: from where an administrator may come. All at
/// their defaults: from anywhere. One set: from the listed networks alone, and from no address of the other family (*assumed*).
/// </summary>
public static class TrustedHosts
{
    private const int Count = 10;

    /// <summary>Worked out once for each table of accounts: every answer of a phone asks.</summary>
    private static readonly ConditionalWeakTable<ConfigTable, List<IPNetwork>> Anyones = [];

    /// <summary>Whether an account may be used from an address.</summary>
    public static bool Allows(ConfigObject account, IPAddress from) => Allows(Networks(account), from);

    /// <summary>Whether a list of networks allows an address; an empty one allows all.</summary>
    internal static bool Allows(IReadOnlyList<IPNetwork> networks, IPAddress from)
    {
        var address = from.IsIPv4MappedToIPv6 ? from.MapToIPv4() : from;
        return networks.Count == 0 || networks.Any(network => network.Contains(address));
    }

    /// <summary>Whether any administrator may come from an address. Where none may, the unit's management does not exist for it.</summary>
    public static bool AnyoneFrom(ConfigTree config, IPAddress from)
    {
        var all = Anyones.GetValue(config.List("system admin"), Anyone);
        return Allows(all, from);
    }

    /// <summary>The networks of all accounts; none when one of them, or the lack of any, lets everybody come.</summary>
    private static List<IPNetwork> Anyone(ConfigTable accounts)
    {
        var each = accounts.Entries.Select(account => Networks(account.Entry)).ToList();
        return each.Exists(networks => networks.Count == 0) ? [] : [.. each.SelectMany(networks => networks)];
    }

    /// <summary>The networks of an account; none when it may be used from anywhere.</summary>
    internal static List<IPNetwork> Networks(ConfigObject account)
    {
        var networks = new List<IPNetwork>();
        for (var number = 1; number <= Count; number++)
        {
            if (account.IsSet($"trusthost{number}") && account.Words($"trusthost{number}") is [var address, var mask])
            {
                networks.Add(Network(IPAddress.Parse(address), IPAddress.Parse(mask)));
            }
            if (account.IsSet($"ip6-trusthost{number}") && IPNetwork.TryParse(account.Text($"ip6-trusthost{number}"), out var six) && six.BaseAddress.AddressFamily == AddressFamily.InterNetworkV6)
            {
                networks.Add(six);
            }
            else if (account.IsSet($"ip6-trusthost{number}"))
            {
                // Not readable as a network: it lets nobody in, and it restricts all the same.
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
