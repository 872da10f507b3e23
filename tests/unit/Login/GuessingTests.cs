using System.Net;
using Appliance.Firmware.Login;
using Appliance.Firmware.Login.Limits;
using CsCheck;
using Xunit;

namespace Appliance.Tests.Login;

/// <summary>The cost of wrong passwords and codes, the users and sources that they block, and the blocks after a restart.</summary>
public sealed class GuessingTests
{
    private const string Lockout =
        LoginRig.Patient + "config user setting\nset auth-lockout-threshold 3\nset auth-lockout-duration 120\nend\n";

    [Fact]
    public void FiveWrongCodesThenADoublingWait()
    {
        using var rig = new LoginRig();
        WrongCodes(rig, 5, LoginRig.Elsewhere);
        foreach (var minutes in (int[])[1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 1440, 1440])
        {
            var challenge = rig.Challenge(from: LoginRig.Elsewhere);
            Assert.Equal((ChallengeReason.Throttled, TimeSpan.FromMinutes(minutes)), (challenge.Reason, challenge.Rest));
            // Not even the right code is evaluated, so it is not consumed either.
            Assert.Equal(
                ChallengeReason.Throttled,
                Assert.IsType<LoginAnswer.Challenge>(rig.Code(challenge.Handle, rig.Ann(), LoginRig.Elsewhere)).Reason
            );
            rig.Advance(minutes * 60);
            WrongCodes(rig, 1, LoginRig.Elsewhere);
        }
    }

    [Fact]
    public void AfterTheWaitTheRightCodeLetsInAndForgives()
    {
        using var rig = new LoginRig();
        WrongCodes(rig, 5, LoginRig.Elsewhere);
        rig.Advance(60);
        Assert.IsType<LoginAnswer.Success>(rig.Code(rig.Challenge(from: LoginRig.Elsewhere).Handle, rig.Ann(), LoginRig.Elsewhere));
        WrongCodes(rig, 4, LoginRig.Elsewhere);
        rig.Advance(60);
        Assert.IsType<LoginAnswer.Success>(rig.Code(rig.Challenge(from: LoginRig.Elsewhere).Handle, rig.Ann(), LoginRig.Elsewhere));
    }

    [Fact]
    public void TheRealUserIsNotLockedOutFromWhereHeLoggedInBefore()
    {
        using var rig = new LoginRig(durable: true);
        Assert.IsType<LoginAnswer.Success>(rig.Code(rig.Challenge().Handle, rig.Ann()));
        rig.Advance(60);
        WrongCodes(rig, 5, LoginRig.Elsewhere);
        rig.Advance(60);
        WrongCodes(rig, 1, LoginRig.Elsewhere);
        rig.Restart();
        Assert.Equal(TimeSpan.FromSeconds(120), rig.Challenge(from: LoginRig.Elsewhere).Rest);
        Assert.IsType<LoginAnswer.Success>(rig.Code(rig.Challenge().Handle, rig.Ann()));
        // The user's success gives the guesser no fresh attempts.
        rig.Advance(60);
        Assert.Equal(
            (ChallengeReason.Throttled, TimeSpan.FromSeconds(60)),
            (rig.Challenge(from: LoginRig.Elsewhere).Reason, rig.Challenge(from: LoginRig.Elsewhere).Rest)
        );
    }

    [Fact]
    public void AKnownSourceIsNoFreePassForGuessing()
    {
        using var rig = new LoginRig();
        Assert.IsType<LoginAnswer.Success>(rig.Code(rig.Challenge().Handle, rig.Ann()));
        rig.Advance(60);
        WrongCodes(rig, 5, LoginRig.Home);
        Assert.Equal(ChallengeReason.Throttled, rig.Challenge().Reason);
    }

    [Fact]
    public void ThePhoneLetsInWhileCodesAreHeldBack()
    {
        using var rig = new LoginRig();
        WrongCodes(rig, 5, LoginRig.Elsewhere);
        var challenge = rig.Challenge();
        Assert.Equal((ChallengeReason.Throttled, true), (challenge.Reason, challenge.Push));
        Assert.Null(rig.Await(challenge.Handle));
        Assert.True(rig.Approve(challenge.Handle));
        Assert.IsType<LoginAnswer.Success>(Assert.Single(rig.Steps[^1].Released).Answer);
        // From then on the user's source is known.
        rig.Advance(60);
        Assert.IsType<LoginAnswer.Success>(rig.Code(rig.Challenge().Handle, rig.Ann()));
    }

    [Fact]
    public void AThrottledClientThatLoopsEnds()
    {
        using var rig = new LoginRig();
        WrongCodes(rig, 5, LoginRig.Home);
        var handle = rig.Challenge().Handle;
        for (var again = 0; again < 3; again++)
        {
            Assert.IsType<LoginAnswer.Challenge>(rig.Code(handle, "000000"));
        }
        Assert.Equal(new LoginAnswer.Refused(Refusal.Throttled), rig.Code(handle, "000000"));
    }

    [Fact]
    public void AnOperatorsSynchronizationForgivesTheToken()
    {
        using var rig = new LoginRig();
        WrongCodes(rig, 5, LoginRig.Home);
        var seed = rig.Rules.Users.Find("ann")!.Token!.Seed!;
        var (verdict, step) = rig.Core.Resync(seed, rig.Ann(0), rig.Ann(1), rig.Now);
        Assert.Equal(Firmware.Tokens.ResyncOutcome.Synced, verdict.Outcome);
        Assert.NotEmpty(step.Memory);
        rig.Advance(60);
        Assert.IsType<LoginAnswer.Success>(rig.Code(rig.Challenge().Handle, rig.Ann(1)));
    }

    /// <summary>
    /// RFC 4226 7.3 by formula and by count: the codes that are evaluated on the first day of an attack from anywhere, each with three of a
    /// million chances, and in each day after it.
    /// </summary>
    [Fact]
    public void TheGuessesOfADayAreCounted()
    {
        var limit = new CodeGuessThrottle();
        var (now, end) = (LoginRig.Start, LoginRig.Start.AddDays(3));
        var guesses = new int[3];
        while (now < end)
        {
            if (limit.WaitFor("token:x", LoginRig.Elsewhere, now) is { } wait)
            {
                now += wait;
                continue;
            }
            guesses[(int)(now - LoginRig.Start).TotalDays]++;
            limit.Fail("token:x", LoginRig.Elsewhere, now, []);
        }
        Assert.Equal([15, 1, 1], guesses);
        Assert.Equal(4.5e-5, guesses[0] * 3 / 1e6, 9);
        Assert.Equal(3e-6, guesses[1] * 3 / 1e6, 9);
    }

    [Fact]
    public void ManySourcesAtOnceHaveNoMoreTriesThanOne() =>
        Gen.Int[0, 9]
            .Array[30, 80]
            .Sample(
                sources =>
                {
                    using var rig = new LoginRig();
                    var looked = 0;
                    foreach (var source in sources)
                    {
                        var from = IPAddress.Parse($"203.0.113.{source}");
                        if (
                            rig.Login(from: from) is LoginAnswer.Challenge challenge
                            && rig.Code(challenge.Handle, "000000", from) is LoginAnswer.Refused { Reason: Refusal.WrongCode }
                        )
                        {
                            looked++;
                        }
                    }
                    Assert.Equal(5, looked);
                },
                iter: 50
            );

    [Fact]
    public void ABlockedSourceStaysBlockedOverARestart()
    {
        using var rig = new LoginRig("config vpn ssl settings\nset login-attempt-limit 2\nset login-block-time 60\nend\n", durable: true);
        Assert.Equal(new LoginAnswer.Refused(Refusal.BadCredentials), rig.Login("bob", "wrong"));
        rig.Restart();
        Assert.Equal(new LoginAnswer.Refused(Refusal.BadCredentials), rig.Login("bob", "wrong"));
        rig.Restart();
        Assert.Equal(new LoginAnswer.Refused(Refusal.Blocked), rig.Login("bob"));
        Assert.IsType<LoginAnswer.Success>(rig.Login("bob", from: LoginRig.Elsewhere));
        rig.Advance(60);
        Assert.IsType<LoginAnswer.Success>(rig.Login("bob"));
    }

    [Fact]
    public void ABlockedClientThatLoopsIsToldOfOnce()
    {
        using var rig = new LoginRig("config vpn ssl settings\nset login-attempt-limit 2\nset login-block-time 60\nend\n");
        for (var again = 0; again < 100; again++)
        {
            rig.Login("bob", "wrong");
        }
        Assert.Single(rig.Facts, fact => fact is { Check: "source", Decides: true });
        Assert.Equal(3, rig.Steps.SelectMany(step => step.Facts).Select(fact => fact.LoginId).Distinct().Count());
    }

    [Fact]
    public void TheBlockListShowsAndForgives()
    {
        using var rig = new LoginRig("config vpn ssl settings\nset login-attempt-limit 2\nset login-block-time 60\nend\n", durable: true);
        rig.Login("bob", "wrong");
        rig.Login("bob", "wrong", LoginRig.Elsewhere);
        rig.Login("bob", "wrong", LoginRig.Elsewhere);
        var list = rig.Core.BlockList(rig.Rules, rig.Now);
        Assert.Equal(
            [(LoginRig.Home.ToString(), 1, null), (LoginRig.Elsewhere.ToString(), 2, (DateTimeOffset?)rig.Now.AddSeconds(60))],
            list.Select(entry => (entry.Key, entry.Failures, entry.Until))
        );
        var (count, step) = rig.Core.Unblock(LoginRig.Elsewhere);
        rig.Take(step);
        Assert.Equal(1, count);
        rig.Restart();
        Assert.IsType<LoginAnswer.Success>(rig.Login("bob", from: LoginRig.Elsewhere));
        Assert.Equal(1, rig.Core.Unblock(null).Count);
        Assert.Empty(rig.Core.BlockList(rig.Rules, rig.Now));
    }

    [Fact]
    public void ALockedOutNameIsLockedOutFromEverywhereAndForEverySpelling()
    {
        using var rig = new LoginRig(Lockout, durable: true);
        foreach (var spelling in (string[])["bob", "BOB", "bob@realm"])
        {
            rig.Login(spelling, "wrong", LoginRig.Elsewhere);
        }
        rig.Restart();
        Assert.Equal(new LoginAnswer.Refused(Refusal.LockedOut), rig.Login("bob"));
        Assert.IsType<LoginAnswer.Challenge>(rig.Login("cat"));
        rig.Advance(120);
        Assert.IsType<LoginAnswer.Success>(rig.Login("bob"));
    }

    [Fact]
    public void ALockoutDoesNotTellWhoExists()
    {
        using var rig = new LoginRig(Lockout);
        LoginAnswer?[] Answers(string user) => [.. Enumerable.Range(0, 5).Select(_ => rig.Login(user, "wrong"))];
        Assert.Equal(Answers("nobody"), Answers("bob"));
    }

    [Fact]
    public void WithoutADurationNothingLocksOut()
    {
        using var rig = new LoginRig();
        for (var again = 0; again < 20; again++)
        {
            rig.Login("bob", "wrong");
        }
        Assert.IsType<LoginAnswer.Success>(rig.Login("bob"));
    }

    [Fact]
    public void ABlackoutDeniesASource()
    {
        using var rig = new LoginRig(LoginRig.Patient + "config user setting\nset auth-invalid-max 4\nset auth-blackout-time 300\nend\n");
        for (var again = 0; again < 4; again++)
        {
            Assert.Equal(new LoginAnswer.Refused(Refusal.BadCredentials), rig.Login("bob", "wrong"));
        }
        Assert.Equal(new LoginAnswer.Refused(Refusal.Blocked), rig.Login("bob"));
        Assert.Contains(rig.Facts, fact => fact is { Decides: true, Change: "config user setting / set auth-blackout-time" });
        rig.Advance(300);
        Assert.IsType<LoginAnswer.Success>(rig.Login("bob"));
    }

    [Fact]
    public void FailuresOfABlackoutCountWithinAMinute()
    {
        using var rig = new LoginRig(LoginRig.Patient + "config user setting\nset auth-invalid-max 2\nset auth-blackout-time 300\nend\n");
        rig.Login("bob", "wrong");
        rig.Advance(60);
        rig.Login("bob", "wrong");
        Assert.IsType<LoginAnswer.Success>(rig.Login("bob"));
    }

    /// <summary>Fails with this many wrong codes, in as many logins as necessary.</summary>
    private static void WrongCodes(LoginRig rig, int count, IPAddress from)
    {
        for (var done = 0; done < count; done++)
        {
            Assert.Equal(
                Refusal.WrongCode,
                Assert.IsType<LoginAnswer.Refused>(rig.Code(rig.Challenge(from: from).Handle, "000000", from)).Reason
            );
        }
    }
}
