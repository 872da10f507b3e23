using Appliance.Firmware.Config;
using Appliance.Firmware.Login.Accounts;
using Appliance.Firmware.Login.Policy;
using Appliance.Firmware.Tunnels;
using Appliance.Tests.Login;
using Xunit;

namespace Appliance.Tests.Tunnels;

/// <summary>The tunnel settings of a portal by release, and the logins that it accepts.</summary>
public sealed class TunnelPortalTests
{
    private const string TunnelOnly = "config vpn ssl web portal\nedit full-access\nset web-mode disable\nset tunnel-mode enable\nnext\nend\n";
    private const string Neither = "config vpn ssl web portal\nedit full-access\nset web-mode disable\nset tunnel-mode disable\nnext\nend\n";

    [Theory]
    [InlineData(TunnelOnly, true)]
    [InlineData(Neither, false)]
    public void A_portal_with_tunnel_mode_and_without_web_mode_accepts_logins(string change, bool accepts)
    {
        var tree = LoginRig.TreeOf(change);
        var bob = new UserDirectory(tree).Find("bob")!;
        Assert.Equal(accepts, new LoginPolicy(tree).PortalFor(bob) is not null);
    }

    [Theory]
    [InlineData("6.4", true)]
    [InlineData("7.0", true)]
    [InlineData("7.2", true)]
    [InlineData("7.4", true)]
    [InlineData("7.6", false)]
    public void Release_7_6_has_no_tunnel_mode(string release, bool has)
    {
        var tree = LoginRig.TreeOf(has ? TunnelOnly : "", Personality.Find(release)!);
        Assert.Equal(has, TunnelPortal.From(tree, "full-access").IsEnabled);
        Assert.Equal(has, TunnelConfiguration.From(tree).IsSupported);
    }
}
