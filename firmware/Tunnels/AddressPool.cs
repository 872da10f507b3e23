using System.Net;
using System.Net.Sockets;
using Appliance.Firmware.Tunnels.Policy;

namespace Appliance.Firmware.Tunnels;

/// <summary>Assigns addresses of pools to sessions. An address is assigned to at most one session. Not thread-safe.</summary>
internal sealed class AddressPool
{
    /// <summary>The largest number of addresses of one range that are assigned.</summary>
    internal const int RangeMax = 65_536;

    private readonly HashSet<IPAddress> _assigned = [];
    private IPAddress? _last;

    /// <summary>The number of assigned addresses.</summary>
    internal int Assigned => _assigned.Count;

    /// <summary>Assigns a free address.</summary>
    /// <param name="ranges">The pool, in the order of the configuration.</param>
    /// <param name="roundRobin">True to go on behind the last assigned address, false to take the first free one.</param>
    /// <returns>Null if every address is assigned.</returns>
    internal IPAddress? Take(IReadOnlyList<AddressRange> ranges, bool roundRobin)
    {
        var addresses = ranges.SelectMany(Addresses);
        var free =
            roundRobin && _last is { } last && ranges.Any(range => range.Contains(last))
                ? addresses.SkipWhile(address => !address.Equals(last)).Skip(1).Concat(addresses).FirstOrDefault(IsFree)
                : addresses.FirstOrDefault(IsFree);
        if (free is not null)
        {
            _assigned.Add(free);
            _last = free;
        }
        return free;
    }

    /// <summary>Returns an address to the pool.</summary>
    internal void Release(IPAddress address) => _assigned.Remove(address);

    private bool IsFree(IPAddress address) => !_assigned.Contains(address);

    private static IEnumerable<IPAddress> Addresses(AddressRange range)
    {
        // The all-zero host of an IPv6 prefix is the address of its routers (RFC 4291, section 2.6.1).
        var isPrefix6 = range.First.AddressFamily == AddressFamily.InterNetworkV6 && range.Span > 0 && !range.Prefixes().Skip(1).Any();
        for (var offset = isPrefix6 ? UInt128.One : UInt128.Zero; offset <= range.Span && offset < RangeMax; offset++)
        {
            yield return range.At(offset);
        }
    }
}
