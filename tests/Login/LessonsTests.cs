using Appliance.Firmware.Events;
using Appliance.Firmware.Ftm;
using Appliance.Firmware.Login;
using Appliance.Firmware.Storage;
using Appliance.Firmware.Tokens;
using Appliance.Tests.EndToEnd;
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

    /// <summary>CVE-2018-13379: an encoded path read session files.</summary>
    [Fact]
    public async Task NoEncodedPathReadsAFile()
    {
        await using var lab = await TestLab.StartAsync();
        await using var wire = new RawTls(lab);
        string[] dots = ["..", "%2e%2e", "%2E.", ".%2e", "%252e%252e", "%c0%ae%c0%ae", "..%00", "%uff0e%uff0e"];
        string[] slashes = ["/", "%2f", "%2F", "\\", "%5c", "%c0%af", "//"];
        string[] files = ["etc/passwd", "state.db", "device.key", "dev/cmdb/sslvpn_websession"];
        foreach (
            var path in from dot in dots
                        from slash in slashes
                        from file in files
                        select $"/remote/fgt_lang?lang={string.Concat(Enumerable.Repeat(slash + dot, 4))}{slash}{file}"
        )
        {
            Assert.Equal(404, await wire.StatusAsync($"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n"));
        }
        foreach (var path in from dot in dots from slash in slashes select $"/remote{slash}{dot}{slash}{dot}{slash}etc{slash}passwd")
        {
            Assert.InRange(await wire.StatusAsync($"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n"), 400, 404);
        }
        Assert.Equal(200, await wire.StatusAsync("GET /remote/login HTTP/1.1\r\nHost: x\r\n\r\n"));
    }

    /// <summary>CVE-2023-27997: an odd length in <c>enc</c> overran a buffer before any authentication.</summary>
    [Theory]
    [InlineData("enc=", 400)]
    [InlineData("enc=0", 401)]
    [InlineData("enc=" + "0123456789abcde", 511)]
    [InlineData("enc=zz", 2)]
    public async Task AnOddLengthOverrunsNothing(string start, int length)
    {
        await using var lab = await TestLab.StartAsync();
        await lab.CliAsync("config vpn ssl settings", "set login-attempt-limit 0", "end");
        await using var wire = new RawTls(lab);
        var body = start + new string('f', Math.Max(0, length - start.Length));
        Assert.InRange(
            await wire.StatusAsync(
                $"POST /remote/logincheck HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {body.Length}\r\n\r\n{body}"
            ),
            200,
            405
        );
        foreach (var cookie in (string[])["", "0", new string('f', 63), new string('f', 65), new string('f', 4000), "\u00e9"])
        {
            Assert.InRange(
                await wire.StatusAsync($"GET /remote/fortisslvpn_xml HTTP/1.1\r\nHost: x\r\nCookie: SVPNCOOKIE={cookie}\r\n\r\n"),
                400,
                431
            );
        }
    }

    /// <summary>
    /// CVE-2023-28001: a session continued after its user was deleted; also if the user is deleted between the proof and the session.
    /// </summary>
    [Fact]
    public async Task ADeletedUserHasNoSession()
    {
        await using var lab = await TestLab.StartAsync();
        using var web = new Web(lab);
        using var login = await web.FormAsync($"https://{lab.Vpn}/remote/logincheck", "username=bob&credential=bob-password&realm=&ajax=1");
        var cookie = login.Headers.GetValues("Set-Cookie").First().Split(';')[0];
        await lab.CliTextAsync("config user group\nedit vpn-users\nset member ann cat\nnext\nend\nconfig user local\ndelete bob\nend\n");
        using var request = new HttpRequestMessage(HttpMethod.Get, $"https://{lab.Vpn}/remote/index")
        {
            Headers = { { "Cookie", cookie } },
        };
        using var answer = await web.SendAsync(request);
        Assert.Equal("/remote/login", answer.Headers.Location?.ToString());
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
