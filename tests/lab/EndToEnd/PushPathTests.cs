using Appliance.Lab.Composition;
using Xunit;

namespace Appliance.Tests.EndToEnd;

/// <summary>The whole way of a push: unit, proxy over TLS, APNs or FCM, phone, callback.</summary>
public sealed class PushPathTests
{
    private static readonly PushOptions Full = new();

    [Theory]
    [InlineData("ios 17.5")]
    [InlineData("Android 14")]
    public async Task ALoginByPushThroughTheProviderOfThePhone(string phone)
    {
        await using var lab = await TestLab.StartAsync(push: Full);
        await lab.CliAsync("config user fortitoken", $"edit {TestLab.AnnSerial}", $"set os-ver \"{phone}\"", "next", "end");
        using var web = new Web(lab);
        var waiting = await PushLogin.BeginAsync(lab, web);
        await lab.PushPendingAsync();
        Assert.Equal(200, await lab.AnswerStatusAsync("approve"));
        Assert.Equal("ret=1,redir=/remote/index", await waiting);
        await lab.EventAsync("0100032160");
    }

    [Fact]
    public async Task APushThatIsTooLateForItsProviderIsNotSent()
    {
        // An offline phone: the provider accepted the push, so the unit receives "sent". The phone gets it when it is online again.
        await using var lab = await TestLab.StartAsync(push: Full);
        await lab.PhoneModeAsync(new { online = false });
        using var web = new Web(lab);
        var waiting = await PushLogin.BeginAsync(lab, web);
        await lab.EventAsync("0100032160");
        await lab.PhoneModeAsync(new { online = true });
        await lab.PushPendingAsync();
        Assert.Equal(200, await lab.AnswerStatusAsync("deny"));
        Assert.DoesNotContain("ret=1", await waiting, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AStateWithKeysIsUsedAgain()
    {
        await using var lab = await TestLab.StartAsync(push: Full);
        var key = await File.ReadAllTextAsync(Path.Combine(lab.State, "providers", "apns.p8"));
        await lab.RestartAsync();
        Assert.Equal(key, await File.ReadAllTextAsync(Path.Combine(lab.State, "providers", "apns.p8")));
        using var web = new Web(lab);
        _ = PushLogin.BeginAsync(lab, web);
        await lab.PushPendingAsync();
    }
}
