using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Appliance.Firmware.Config;

namespace Appliance.Firmware.Tunnels.Policy;

/// <summary>A range of addresses of one family, both ends included.</summary>
internal readonly record struct AddressRange(IPAddress First, IPAddress Last)
{
    private readonly UInt128 _first = AddressSet.Number(First);
    private readonly UInt128 _last = AddressSet.Number(Last);

    /// <summary>True if the address is in the range.</summary>
    internal bool Contains(IPAddress address) =>
        address.AddressFamily == First.AddressFamily && AddressSet.Number(address) is var number && number >= _first && number <= _last;

    /// <summary>The number of addresses minus one.</summary>
    internal UInt128 Span => _last - _first;

    /// <summary>Returns the address at an offset from the first.</summary>
    internal IPAddress At(UInt128 offset) => AddressSet.Address(_first + offset, First.AddressFamily);

    private static UInt128 EndOf(UInt128 first, int size) => size == 128 ? UInt128.MaxValue : first + (UInt128.One << size) - 1;

    /// <summary>The smallest list of prefixes that covers the range exactly.</summary>
    internal IEnumerable<IPNetwork> Prefixes()
    {
        var bits = First.AddressFamily == AddressFamily.InterNetwork ? 32 : 128;
        var (next, last) = (_first, _last);
        while (true)
        {
            var size = 0;
            while (
                size < bits
                && ((next >> size) & UInt128.One) == UInt128.Zero
                && EndOf(next, size + 1) is var end
                && end >= next
                && end <= last
            )
            {
                size++;
            }
            yield return new IPNetwork(AddressSet.Address(next, First.AddressFamily), bits - size);
            var after = EndOf(next, size);
            if (after >= last)
            {
                yield break;
            }
            next = after + 1;
        }
    }
}

/// <summary>The addresses of named <c>firewall address</c> and <c>addrgrp</c> objects. Immutable.</summary>
internal sealed class AddressSet(IReadOnlyList<AddressRange> ranges)
{
    private const int GroupDepthMax = 8;

    /// <summary>The ranges in the order of the configuration.</summary>
    internal IReadOnlyList<AddressRange> Ranges => ranges;

    /// <summary>True if the address is in one of the ranges.</summary>
    internal bool Contains(IPAddress address)
    {
        foreach (var range in ranges)
        {
            if (range.Contains(address))
            {
                return true;
            }
        }
        return false;
    }

    /// <summary>
    /// Resolves names of <c>firewall address</c> or <c>addrgrp</c>, or of <c>firewall address6</c>. Types without addresses here (FQDN,
    /// geography, MAC …) contain no address.
    /// </summary>
    internal static AddressSet Of(ConfigTree config, IEnumerable<string> names, bool v6 = false)
    {
        var ranges = new List<AddressRange>();
        foreach (var name in names)
        {
            Add(config, name, v6, ranges, 0);
        }
        return new AddressSet(ranges);
    }

    /// <summary>The address as a number.</summary>
    internal static UInt128 Number(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out var length);
        UInt128 number = 0;
        foreach (var part in bytes[..length])
        {
            number = (number << 8) | part;
        }
        return number;
    }

    /// <summary>The number as an address.</summary>
    internal static IPAddress Address(UInt128 number, AddressFamily family)
    {
        var bytes = new byte[family == AddressFamily.InterNetwork ? 4 : 16];
        for (var at = bytes.Length - 1; at >= 0; at--)
        {
            (bytes[at], number) = ((byte)(number & 0xff), number >> 8);
        }
        return new IPAddress(bytes);
    }

    /// <summary>Reads <c>ADDRESS MASK</c> as a prefix; null if it is none.</summary>
    internal static AddressRange? Subnet(string address, string mask)
    {
        if (!IPAddress.TryParse(address, out var network) || !IPAddress.TryParse(mask, out var bits))
        {
            return null;
        }
        var (number, wild) = (Number(network), ~Number(bits) & uint.MaxValue);
        return new AddressRange(Address(number & ~wild, AddressFamily.InterNetwork), Address(number | wild, AddressFamily.InterNetwork));
    }

    private static void Add(ConfigTree config, string name, bool v6, List<AddressRange> ranges, int depth)
    {
        if (v6)
        {
            if (config.List("firewall address6").Find(name) is { } entry)
            {
                ranges.AddRange(Of6(entry));
            }
        }
        else if (config.List("firewall address").Find(name) is { } address)
        {
            ranges.AddRange(Of4(address));
        }
        else if (depth < GroupDepthMax && config.List("firewall addrgrp").Find(name) is { } group)
        {
            foreach (var member in group.Words("member"))
            {
                Add(config, member, v6, ranges, depth + 1);
            }
        }
    }

    private static IEnumerable<AddressRange> Of4(ConfigObject address)
    {
        switch (address.Text("type"))
        {
            case "ipmask" when address.Words("subnet") is [var network, var mask] && Subnet(network, mask) is { } subnet:
                yield return subnet;
                break;
            case "iprange"
                when IPAddress.TryParse(address.Text("start-ip"), out var first)
                    && IPAddress.TryParse(address.Text("end-ip"), out var last):
                yield return new AddressRange(first, last);
                break;
        }
    }

    private static IEnumerable<AddressRange> Of6(ConfigObject address)
    {
        if (
            address.Text("type") == "iprange"
            && IPAddress.TryParse(address.Text("start-ip"), out var first)
            && IPAddress.TryParse(address.Text("end-ip"), out var last)
        )
        {
            yield return new AddressRange(first, last);
        }
        else if (
            address.Text("ip6").Split('/') is [var network, var length]
            && IPAddress.TryParse(network, out var prefix)
            && int.TryParse(length, NumberStyles.None, CultureInfo.InvariantCulture, out var bits)
            && bits <= 128
        )
        {
            var wild = bits == 0 ? UInt128.MaxValue : (UInt128.One << (128 - bits)) - 1;
            var number = Number(prefix);
            yield return new AddressRange(
                Address(number & ~wild, AddressFamily.InterNetworkV6),
                Address(number | wild, AddressFamily.InterNetworkV6)
            );
        }
    }
}
