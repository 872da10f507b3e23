using System.Net;
using Xunit;

namespace Appliance.Tests.EndToEnd;

/// <summary>
/// openfortivpn, as Debian ships it, logs in. Without /dev/ppp it cannot open a tunnel. Its line "Authenticated." decides the result.
/// </summary>
[Trait("Peer", "openfortivpn")]
public sealed class OpenfortivpnTests
{
    [Fact]
    public async Task NoSecondFactor()
    {
        await using var lab = await TestLab.StartAsync();
        var run = await lab.OpenfortivpnAsync("bob", "bob-password");
        Assert.True(run.Authenticated, run.ToString());
        Assert.Contains(
            lab.EventLines(),
            line =>
                line.Contains("logid=\"0101039424\"", StringComparison.Ordinal) && line.Contains("user=\"bob\"", StringComparison.Ordinal)
        );
    }

    [Fact]
    public async Task Code()
    {
        await using var lab = await TestLab.StartAsync();
        var run = await lab.OpenfortivpnAsync("cat", "cat-password", "-o", lab.Code(TestLab.CatSeed));
        Assert.True(run.Authenticated, run.ToString());
    }

    [Fact]
    public async Task CodeThoughAPushIsOut()
    {
        await using var lab = await TestLab.StartAsync();
        var run = await lab.OpenfortivpnAsync("ann", "ann-password", "-o", lab.Code(TestLab.AnnSeed));
        Assert.True(run.Authenticated, run.ToString());
        // The phone has not noticed yet; its late answer is refused.
        Assert.Equal(401, await lab.AnswerStatusAsync("approve"));
    }

    [Fact]
    public async Task PushApproved()
    {
        await using var lab = await TestLab.StartAsync();
        var running = lab.OpenfortivpnAsync("ann", "ann-password");
        await lab.PushPendingAsync();
        Assert.Equal(HttpStatusCode.OK, await lab.AnswerAsync("approve"));
        var run = await running;
        Assert.True(run.Authenticated, run.ToString());
        Assert.Contains(lab.EventLines(), line => line.Contains("logid=\"0100032160\"", StringComparison.Ordinal));
    }

    [Fact]
    public async Task PushDenied()
    {
        await using var lab = await TestLab.StartAsync();
        var running = lab.OpenfortivpnAsync("ann", "ann-password");
        await lab.PushPendingAsync();
        Assert.Equal(HttpStatusCode.OK, await lab.AnswerAsync("deny"));
        var run = await running;
        Assert.False(run.Authenticated, run.ToString());
        Assert.Contains("Could not authenticate to gateway", run.Output, StringComparison.Ordinal);
        Assert.Contains(lab.EventLines(), line => line.Contains("push_denied", StringComparison.Ordinal));
    }

    [Fact]
    public async Task PushIgnoredUntilItExpires()
    {
        await using var lab = await TestLab.StartAsync();
        var running = lab.OpenfortivpnAsync("ann", "ann-password");
        await lab.PushPendingAsync();
        await lab.AdvanceAsync(59);
        Assert.False(running.IsCompleted);
        await lab.AdvanceAsync(1);
        var run = await running;
        Assert.False(run.Authenticated || run.TimedOut, run.ToString());
        Assert.Contains(lab.EventLines(), line => line.Contains("deadline_push_life", StringComparison.Ordinal));
        Assert.Equal(HttpStatusCode.NotFound, await lab.AnswerAsync("approve"));
    }

    [Fact]
    public async Task WrongPassword()
    {
        await using var lab = await TestLab.StartAsync();
        var run = await lab.OpenfortivpnAsync("bob", "not-his-password");
        Assert.False(run.Authenticated || run.TimedOut, run.ToString());
        Assert.Contains("Could not authenticate to gateway", run.Output, StringComparison.Ordinal);
        Assert.Contains(
            lab.EventLines(),
            line =>
                line.Contains("logid=\"0101039426\"", StringComparison.Ordinal)
                && line.Contains("reason=\"sslvpn_login_permission_denied\"", StringComparison.Ordinal)
        );
    }

    [Fact]
    public async Task WrongCode()
    {
        await using var lab = await TestLab.StartAsync();
        var run = await lab.OpenfortivpnAsync("cat", "cat-password", "-o", lab.Code(TestLab.CatSeed, secondsAhead: 6000));
        Assert.False(run.Authenticated || run.TimedOut, run.ToString());
        Assert.Contains("Could not authenticate to gateway", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task CodeUsedTwice()
    {
        await using var lab = await TestLab.StartAsync();
        var code = lab.Code(TestLab.CatSeed);
        Assert.True((await lab.OpenfortivpnAsync("cat", "cat-password", "-o", code)).Authenticated);
        await lab.AdvanceAsync(23);
        var again = await lab.OpenfortivpnAsync("cat", "cat-password", "-o", code);
        Assert.False(again.Authenticated || again.TimedOut, again.ToString());
        // The user at the prompt is notified that they have to wait, and for how long.
        var asked = await lab.OpenfortivpnAsync("cat", "cat-password");
        Assert.Contains("Please wait 37 seconds to login again", asked.Output, StringComparison.Ordinal);
        await lab.AdvanceAsync(37);
        Assert.True((await lab.OpenfortivpnAsync("cat", "cat-password", "-o", lab.Code(TestLab.CatSeed))).Authenticated);
    }

    [Fact]
    public async Task AnApprovedPushUsesUpItsStep()
    {
        await using var lab = await TestLab.StartAsync();
        await lab.PhoneModeAsync(new { mode = "approve" });
        Assert.True((await lab.OpenfortivpnAsync("ann", "ann-password")).Authenticated);
        var again = await lab.OpenfortivpnAsync("ann", "ann-password");
        Assert.Contains("Please wait 60 seconds to login again", again.Output, StringComparison.Ordinal);
        await lab.AdvanceAsync(60);
        Assert.True((await lab.OpenfortivpnAsync("ann", "ann-password")).Authenticated);
    }
}
