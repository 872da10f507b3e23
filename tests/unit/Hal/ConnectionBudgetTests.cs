using Appliance.Firmware;
using Appliance.Firmware.Network;
using Appliance.Hal;
using Xunit;

namespace Appliance.Tests.Hal;

/// <summary>The number of connections within a limit of open files, and its division among services.</summary>
public sealed class ConnectionBudgetTests
{
    [Theory]
    [InlineData(1024, 524)]
    [InlineData(516, 16)]
    [InlineData(21_000, 20_000)]
    [InlineData(null, 20_000)]
    public void Connections_are_what_open_files_and_the_reserve_leave(int? limit, int expected) =>
        Assert.Equal(expected, ConnectionBudget.Of(limit, open: 200, reserve: 300, most: 20_000));

    [Fact]
    public void Fewer_than_16_connections_are_refused_with_the_number_that_is_needed()
    {
        var refused = Assert.Throws<TooFewDescriptorsException>(() => ConnectionBudget.Of(515, open: 200, reserve: 300, most: 20_000));
        Assert.Equal(516, refused.Needed);
        Assert.Contains("515", refused.Message, StringComparison.Ordinal);
        Assert.Contains("516", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(12, 4, 4, 4)]
    [InlineData(560, 140, 70, 350)]
    [InlineData(20_000, 2000, 1000, 17_000)]
    public void Services_share_all_connections_and_no_more(int connections, int callback, int admin, int sslVpn)
    {
        var limits = new ServiceLimits(connections);
        Assert.Equal((callback, admin, sslVpn), (limits.Callback.Total, limits.Admin.Total, limits.SslVpn.Total));
        Assert.Equal(connections, limits.Callback.Total + limits.Admin.Total + limits.SslVpn.Total);
        Assert.Equal(64, limits.Callback.PerSource);
    }
}
