using System.Net;
using Xunit;

namespace Appliance.Tests.EndToEnd;

/// <summary>openconnect, as Debian ships it, logs in. Version 9.01 does not support push: its empty code waits for the phone.</summary>
[Trait("Peer", "openfortivpn")]
[Trait("Peer", "openconnect")]
public sealed class OpenconnectTests
{
    [Fact]
    public async Task NoSecondFactor()
    {
        await using var lab = await TestLab.StartAsync();
        var run = await lab.OpenconnectAsync("bob", "bob-password");
        Assert.True(run.HasCookie, run.ToString());
    }

    [Fact]
    public async Task Code()
    {
        await using var lab = await TestLab.StartAsync();
        var run = await lab.OpenconnectAsync("cat", "cat-password", lab.Code(TestLab.CatSeed));
        Assert.True(run.HasCookie, run.ToString());
        Assert.Contains("Please enter your token code", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task PushApproved()
    {
        await using var lab = await TestLab.StartAsync();
        var running = lab.OpenconnectAsync("ann", "ann-password", "");
        await lab.PushPendingAsync();
        Assert.Equal(HttpStatusCode.OK, await lab.AnswerAsync("approve"));
        var run = await running;
        Assert.True(run.HasCookie, run.ToString());
    }

    [Fact]
    public async Task PushDenied()
    {
        await using var lab = await TestLab.StartAsync();
        var running = lab.OpenconnectAsync("ann", "ann-password", "");
        await lab.PushPendingAsync();
        Assert.Equal(HttpStatusCode.OK, await lab.AnswerAsync("deny"));
        AssertRefusedAndEnded(await running);
        Assert.Contains(lab.EventLines(), line => line.Contains("push_denied", StringComparison.Ordinal));
    }

    [Fact]
    public async Task PushIgnoredUntilItExpires()
    {
        await using var lab = await TestLab.StartAsync();
        var running = lab.OpenconnectAsync("ann", "ann-password", "");
        await lab.PushPendingAsync();
        await lab.AdvanceAsync(60);
        AssertRefusedAndEnded(await running);
        Assert.Contains(lab.EventLines(), line => line.Contains("deadline_push_life", StringComparison.Ordinal));
    }

    [Fact]
    public async Task WrongPassword()
    {
        await using var lab = await TestLab.StartAsync();
        AssertRefusedAndEnded(await lab.OpenconnectAsync("bob", "not-his-password"));
        // It posted again and again by itself: the block bit, and the log has a handful of lines, not thousands.
        Assert.Contains(lab.EventLines(), line => line.Contains("logid=\"0102043010\"", StringComparison.Ordinal));
        Assert.InRange(lab.EventLines().Count, 1, 50);
        // The block is of the source, and ends.
        Assert.False((await lab.OpenfortivpnAsync("bob", "bob-password")).Authenticated);
        await lab.AdvanceAsync(61);
        Assert.True((await lab.OpenfortivpnAsync("bob", "bob-password")).Authenticated);
    }

    [Fact]
    public async Task WrongCode()
    {
        await using var lab = await TestLab.StartAsync();
        AssertRefusedAndEnded(await lab.OpenconnectAsync("cat", "cat-password", lab.Code(TestLab.CatSeed, secondsAhead: 6000)));
    }

    [Fact]
    public async Task CodeUsedTwice()
    {
        await using var lab = await TestLab.StartAsync();
        var code = lab.Code(TestLab.CatSeed);
        Assert.True((await lab.OpenconnectAsync("cat", "cat-password", code)).HasCookie);
        await lab.AdvanceAsync(23);
        var again = await lab.OpenconnectAsync("cat", "cat-password", code);
        AssertRefusedAndEnded(again);
        Assert.Contains("Please wait 37 seconds to login again", again.Output, StringComparison.Ordinal);
    }

    private static void AssertRefusedAndEnded(PeerRun run)
    {
        Assert.False(run.HasCookie, run.ToString());
        Assert.False(run.TimedOut, run.ToString());
        Assert.NotEqual(0, run.ExitCode);
    }
}
