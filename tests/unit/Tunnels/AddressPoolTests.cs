using System.Net;
using Appliance.Firmware.Tunnels;
using Appliance.Firmware.Tunnels.Policy;
using Xunit;

namespace Appliance.Tests.Tunnels;

/// <summary>The assignment of tunnel addresses from the pools of a portal.</summary>
public sealed class AddressPoolTests
{
    private static readonly IReadOnlyList<AddressRange> Three = [Range("10.0.0.1", "10.0.0.2"), Range("10.0.9.9", "10.0.9.9")];
    private readonly AddressPool _pool = new();

    [Fact]
    public void The_first_free_address_is_assigned_and_a_pool_that_is_used_up_assigns_none()
    {
        Assert.Equal(["10.0.0.1", "10.0.0.2", "10.0.9.9", null], Take(4, roundRobin: false));
        _pool.Release(IPAddress.Parse("10.0.0.2"));
        Assert.Equal(["10.0.0.2", null], Take(2, roundRobin: false));
        Assert.Equal(3, _pool.Assigned);
    }

    [Fact]
    public void Round_robin_goes_on_behind_the_last_assigned_address()
    {
        Assert.Equal(["10.0.0.1", "10.0.0.2"], Take(2, roundRobin: true));
        _pool.Release(IPAddress.Parse("10.0.0.1"));
        Assert.Equal(["10.0.9.9", "10.0.0.1", null], Take(3, roundRobin: true));
    }

    [Fact]
    public void An_ipv6_prefix_starts_behind_the_address_of_its_routers()
    {
        Assert.Equal("fdff:ffff::1", _pool.Take([Range("fdff:ffff::", "fdff:ffff::ff")], roundRobin: false)!.ToString());
    }

    [Theory]
    [InlineData("10.0.0.0", "10.0.0.255", "10.0.0.0/24")]
    [InlineData("10.0.0.5", "10.0.0.5", "10.0.0.5/32")]
    [InlineData("10.0.0.1", "10.0.0.6", "10.0.0.1/32 10.0.0.2/31 10.0.0.4/31 10.0.0.6/32")]
    [InlineData("0.0.0.0", "255.255.255.255", "0.0.0.0/0")]
    [InlineData("::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::/0")]
    public void A_range_is_covered_by_its_smallest_list_of_prefixes(string first, string last, string prefixes) =>
        Assert.Equal(prefixes, string.Join(' ', Range(first, last).Prefixes()));

    private static AddressRange Range(string first, string last) => new(IPAddress.Parse(first), IPAddress.Parse(last));

    private string?[] Take(int count, bool roundRobin) =>
        Enumerable.Range(0, count).Select(_ => _pool.Take(Three, roundRobin)?.ToString()).ToArray();
}
