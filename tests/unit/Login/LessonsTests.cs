using Appliance.Firmware.Events;
using Appliance.Firmware.Ftm;
using Appliance.Firmware.Login;
using Appliance.Firmware.Storage;
using Appliance.Firmware.Tokens;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Appliance.Tests.Login;

/// <summary>Failures of other products as permanent tests: one for each incident that touches a login.</summary>
public sealed class LessonsTests
{
    /// <summary>CVE-2020-12812: another letter case of the name skipped the token.</summary>
    [Theory]
    [MemberData(nameof(NameTests.Spellings), MemberType = typeof(NameTests))]
    public void AnotherSpellingOfTheNameSkipsNoToken(string spelling)
    {
        using var rig = new LoginRig(NameTests.Fallback);
        Assert.IsType<LoginAnswer.Refused>(rig.Login(spelling, "ann-password", remote: LoginRig.Accepted));
    }

    /// <summary>
    /// CVE-2019-12887 and multiOTP 261: a consumed code was accepted again after a resynchronization, or after a drift that was not a
    /// whole step.
    /// </summary>
    [Fact]
    public void NoUsedCodeComesBackByResynchronization()
    {
        using var rig = new LoginRig(durable: true);
        rig.CanPush = false;
        var used = new[] { rig.Ann(0), rig.Ann(1) };
        Assert.IsType<LoginAnswer.Success>(rig.Code(rig.Challenge().Handle, used[0]));
        Assert.IsType<LoginAnswer.Success>(rig.Code(rig.Challenge().Handle, used[1]));
        rig.Restart();
        var seed = rig.Rules.Users.Find("ann")!.Token!.Seed!;
        for (var minute = 0; minute < 70; minute++)
        {
            Assert.NotEqual(ResyncOutcome.Synced, rig.Core.Resync(seed, used[0], used[1], rig.Now).Verdict.Outcome);
            Assert.NotEqual(
                ResyncOutcome.Synced,
                rig.Core.Resync(seed, used[1], LoginRig.AnnCode(LoginRig.Start, 2), rig.Now).Verdict.Outcome
            );
            foreach (var code in used)
            {
                Assert.IsNotType<LoginAnswer.Success>(rig.Login(code: code));
                Assert.IsNotType<LoginAnswer.Success>(rig.Code(rig.Challenge().Handle, code, next: used[1]));
            }
            rig.Advance(60);
        }
    }

    /// <summary>The failure of a provider must be visible immediately, and must not delay a code.</summary>
    [Fact]
    public async Task AFailingProviderIsAnAlarmAndHoldsUpNothing()
    {
        var folder = Directory.CreateTempSubdirectory("appliance-lessons-");
        try
        {
            var time = new FakeTimeProvider(LoginRig.Start);
            await using var state = StateDatabase.Open(Path.Combine(folder.FullName, "state.db"), [EventLog.Table, .. LoginCore.Tables]);
            var events = new EventLog(state, time, "X");
            using var login = new LoginService(new TokenCore(state), state, events, time, new DebugTap());
            await using var push = new PushService(login, new ExpiredCertificate(), events, time, new DebugTap(), _ => Task.CompletedTask);
            login.Gateways.Push = push;
            var tree = LoginRig.TreeOf(LoginRig.Patient);
            login.InForce(tree, tree);
            push.Apply(tree, tree);
            var challenge = Assert.IsType<LoginAnswer.Challenge>(
                await login.StartAsync(new LoginRequest("ann", "ann-password", "", LoginRig.Home))
            );
            Assert.True(challenge.Push);
            Assert.Equal(
                new LoginAnswer.Refused(Refusal.PushFailed, Retry: true),
                await login.AwaitPushAsync(challenge.Handle, LoginRig.Home, CancellationToken.None)
            );
            Assert.Contains(events.After(0), record => record.Entry is { LogId: "0100032161", Level: EventLevel.Alert });
            Assert.IsType<LoginAnswer.Success>(
                await login.SubmitCodeAsync(challenge.Handle, LoginRig.AnnCode(LoginRig.Start), LoginRig.Home, CancellationToken.None)
            );
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>privacyIDEA 2738 and 2323: an old unanswered push must not block the new one.</summary>
    [Fact]
    public void AStalePushDoesNotHoldUpANewOne()
    {
        using var rig = new LoginRig();
        var stale = rig.Challenge().Handle;
        rig.Advance(50);
        var fresh = rig.Challenge().Handle;
        rig.Advance(20);
        Assert.False(rig.Approve(stale));
        Assert.True(rig.Approve(fresh));
    }

    /// <summary>authentik 22816: a push was sent although a code had been typed.</summary>
    [Fact]
    public void ACodeThatComesAlongSendsNoPush()
    {
        using var rig = new LoginRig();
        rig.Login(code: "000000");
        rig.Login(code: rig.Ann());
        Assert.DoesNotContain(rig.Steps, step => step.Push is not null);
    }

    /// <summary>privacyIDEA 1671: the clock went back while a login was pending.</summary>
    [Fact]
    public void AClockThatGoesBackLetsNobodyInTwiceAndKeepsTheWaitAlive()
    {
        using var rig = new LoginRig();
        var handle = rig.Challenge().Handle;
        Assert.Null(rig.Await(handle));
        rig.Now = rig.Now.AddMinutes(-10);
        Assert.Empty(rig.Advance(0).Released);
        var early = rig.Ann();
        Assert.True(rig.Approve(handle, early));
        // A consumed step stays consumed when its time comes again.
        rig.Now = LoginRig.Start.AddMinutes(-10);
        Assert.IsNotType<LoginAnswer.Success>(rig.Login(code: early));
        rig.Now = LoginRig.Start.AddMinutes(-30);
        Assert.IsNotType<LoginAnswer.Success>(rig.Login(code: rig.Ann()));
        rig.Now = LoginRig.Start;
        Assert.IsType<LoginAnswer.Success>(rig.Login(code: rig.Ann()));
    }

    /// <summary>pi-authenticator 283: one login prompted the user twice.</summary>
    [Fact]
    public void OneLoginIsOnePushHoweverOftenItsClientComesBack()
    {
        using var rig = new LoginRig();
        var handle = rig.Challenge().Handle;
        for (var again = 0; again < 5; again++)
        {
            Assert.Null(rig.Await(handle));
            Assert.Null(rig.Code(handle, ""));
        }
        Assert.Single(rig.Steps, step => step.Push is not null);
        Assert.True(rig.Approve(handle));
        Assert.False(rig.Approve(handle));
        Assert.False(rig.Deny(handle));
    }

    private sealed class ExpiredCertificate : IPushSender
    {
        public ValueTask<PushResult> SendAsync(PushMessage message, CancellationToken cancellationToken) =>
            ValueTask.FromResult(PushResult.Failed(PushOutcome.Unavailable, "the provider's certificate has expired"));
    }
}
