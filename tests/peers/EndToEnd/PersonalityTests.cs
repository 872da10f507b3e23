using Appliance.Firmware.Config;
using Xunit;

namespace Appliance.Tests.EndToEnd;

/// <summary>Each release with its own words, and a push login in each.</summary>
[Trait("Peer", "openfortivpn")]
public sealed class PersonalityTests
{
    [Theory]
    [InlineData("6.4")]
    [InlineData("7.0")]
    [InlineData("7.2")]
    [InlineData("7.4")]
    [InlineData("7.6")]
    public async Task APushLoginInEveryRelease(string name)
    {
        var personality = Personality.Find(name)!;
        await using var lab = await TestLab.StartAsync(personality: personality);
        await lab.PhoneModeAsync(new { mode = "approve" });
        Assert.True((await lab.OpenfortivpnAsync("ann", "ann-password")).Authenticated);
        Assert.Contains(
            $"Version: FortiGate-VM64 v{personality.Release},build{personality.Build:0000}",
            await lab.CliAsync("get system status"),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task ASettingOutsideItsReleasesIsRefused()
    {
        await using var lab = await TestLab.StartAsync(personality: Personality.Find("7.4"));
        Assert.Contains(
            "command parse error before 'server-ip'\nCommand fail. Return code -61",
            await lab.CliAsync("config system ftm-push", "set server-ip 127.0.1.1", "abort"),
            StringComparison.Ordinal
        );
        await using var old = await TestLab.StartAsync();
        Assert.Contains(
            "command parse error before 'proxy'\nCommand fail. Return code -61",
            await old.CliAsync("config system ftm-push", "set proxy enable", "abort"),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task WithoutAServerAddressTheLaterReleasesRefuse()
    {
        await using var lab = await TestLab.StartAsync(personality: Personality.Find("7.0"));
        Assert.Contains(
            "Missing server address.\nobject check operator error, -56, discard the setting\nCommand fail. Return code -56",
            await lab.CliAsync("config system ftm-push", "unset server", "set server-ip 127.0.1.1", "end"),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "Command fail. Return code -45",
            await lab.CliAsync("config system ftm-push", "set server-ip 127.0.1.1", "end"),
            StringComparison.Ordinal
        );
        Assert.Contains($"server              : {lab.Port1} \n", await lab.CliAsync("get system ftm-push"), StringComparison.Ordinal);
    }
}
