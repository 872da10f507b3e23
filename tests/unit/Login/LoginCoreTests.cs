using System.Collections.Immutable;
using System.Net;
using Appliance.Firmware.Config;
using Appliance.Firmware.Login;
using Appliance.Firmware.Login.Policy;
using Appliance.Firmware.Login.Remote;
using Appliance.Firmware.Tokens;
using Appliance.Lab.Composition;
using Appliance.Tests.Config;
using CsCheck;
using OtpNet;
using Xunit;

namespace Appliance.Tests.Login;

/// <summary>The rules that grant a login, without any service around them.</summary>
public sealed class LoginCoreTests
{
    private static readonly DateTimeOffset Start = new(2033, 2, 3, 4, 5, 0, TimeSpan.Zero);
    private static readonly IPAddress Source = IPAddress.Parse("192.0.2.7");
    private static readonly LoginRules Rules = RulesOf("config vpn ssl settings\nset login-attempt-limit 0\nend\n");
    private readonly LoginCore _core = new(new TokenCore());
    private int _next;

    [Theory]
    [InlineData("ann", "ann-passwor")]
    [InlineData("ann", "")]
    [InlineData("ann", "ann-password ")]
    [InlineData("Ann", "ann-password")]
    [InlineData("ANN", "ann-password")]
    [InlineData("ann ", "ann-password")]
    [InlineData(" ann", "ann-password")]
    [InlineData("\uff41nn", "ann-password")]
    [InlineData("an\u0144", "ann-password")]
    [InlineData("", "")]
    [InlineData("nobody", "nobody-password")]
    public void AnotherSpellingIsAnotherUser(string user, string password) =>
        Assert.Equal(new LoginAnswer.Refused(Refusal.BadCredentials), StartLogin(user, password).Answer);

    [Fact]
    public void ARealmThatIsNotThereLetsNobodyIn() =>
        Assert.Equal(
            new LoginAnswer.Refused(Refusal.NoPolicy),
            _core.Start(new LoginRequest("bob", "bob-password", "sales", Source), Rules, _ => true, Draw(), Start).Answer
        );

    [Theory]
    [InlineData("config user fortitoken\nedit FTKMOB0000000001\nset status lock\nnext\nend\n")]
    [InlineData("config user fortitoken\nedit FTKMOB0000000001\nunset seed\nnext\nend\n")]
    [InlineData("unset fortitoken")]
    [InlineData("set two-factor email")]
    [InlineData("set status disable")]
    [InlineData("set type ldap")]
    public void AFactorThatCannotBeAskedDenies(string change)
    {
        var rules = change.StartsWith("config ", StringComparison.Ordinal) ? RulesOf(change) : LoginRig.RulesWith(change);
        var step = _core.Start(new LoginRequest("ann", "ann-password", "", Source), rules, _ => true, Draw(), Start);
        if (step.Remote is { } remote)
        {
            step = _core.RemoteAnswered(
                remote.RequestId,
                1,
                new RemoteVerdict.Unavailable("no answer"),
                somebodyWaits: true,
                rules,
                _ => true,
                Start
            );
        }
        Assert.IsType<LoginAnswer.Refused>(step.Answer);
        Assert.Null(step.Push);
    }

    [Fact]
    public void ApprovedWaitsForTheDisk()
    {
        var handle = Challenge("ann").Handle;
        Assert.Null(_core.AwaitPush(handle, Source, Rules, _ => true, Start).Answer);
        var (accepted, step) = _core.PushApproved(handle.RequestId, AnnCode(Start), "", Rules, Start);
        Assert.True(accepted);
        Assert.Contains(step.Memory, write => write.Sql.Contains("token_use", StringComparison.Ordinal));
        Assert.Empty(step.Released);
        // Not durable yet: no authentication succeeds, by any access method.
        Assert.Null(_core.AwaitPush(handle, Source, Rules, _ => true, Start).Answer);
        Assert.IsType<LoginAnswer.Success>(
            Assert.Single(_core.ConfirmPush(handle.RequestId, somebodyWaits: true, Rules, Start).Released).Answer
        );
        Assert.Equal(0, _core.PendingCount);
    }

    [Fact]
    public void TheThirdBlocksAndTimeForgives()
    {
        var rules = RulesOf("config vpn ssl settings\nset login-attempt-limit 3\nset login-block-time 60\nend\n");
        LoginAnswer? Try(string password, DateTimeOffset at) =>
            _core.Start(new LoginRequest("bob", password, "", Source), rules, _ => true, Draw(), at).Answer;
        for (var attempt = 0; attempt < 3; attempt++)
        {
            Assert.Equal(new LoginAnswer.Refused(Refusal.BadCredentials), Try("wrong", Start.AddSeconds(attempt)));
        }
        Assert.Equal(new LoginAnswer.Refused(Refusal.Blocked), Try("bob-password", Start.AddSeconds(3)));
        Assert.Equal(new LoginAnswer.Refused(Refusal.Blocked), Try("bob-password", Start.AddSeconds(61)));
        Assert.IsType<LoginAnswer.Success>(Try("bob-password", Start.AddSeconds(62)));
    }

    [Fact]
    public void AnotherSourceCannotUseTheChallenge()
    {
        var handle = Challenge("ann").Handle;
        Assert.Equal(
            new LoginAnswer.Refused(Refusal.UnknownRequest),
            _core.SubmitCode(handle, AnnCode(Start), IPAddress.Parse("192.0.2.8"), Rules, _ => true, Start).Answer
        );
        Assert.Equal(
            new LoginAnswer.Refused(Refusal.UnknownRequest),
            _core.SubmitCode(handle with { Magic = "1-0" }, AnnCode(Start), Source, Rules, _ => true, Start).Answer
        );
        Assert.IsType<LoginAnswer.Success>(_core.SubmitCode(handle, AnnCode(Start), Source, Rules, _ => true, Start).Answer);
    }

    [Fact]
    public void ThreeWrongCodesEndAChallenge()
    {
        var handle = Challenge("ann").Handle;
        Assert.Equal(
            [true, true, false],
            Enumerable
                .Range(0, 3)
                .Select(_ => ((LoginAnswer.Refused)_core.SubmitCode(handle, "000000", Source, Rules, _ => true, Start).Answer!).Retry)
        );
        Assert.Equal(
            new LoginAnswer.Refused(Refusal.UnknownRequest),
            _core.SubmitCode(handle, AnnCode(Start), Source, Rules, _ => true, Start).Answer
        );
    }

    [Fact]
    public void ChangedRulesEndWhatTheyNoLongerCarry()
    {
        var handle = Challenge("ann").Handle;
        _core.AwaitPush(handle, Source, Rules, _ => true, Start);
        var step = _core.RulesChanged(RulesOf("config user local\nedit ann\nset two-factor disable\nunset fortitoken\nnext\nend\n"), Start);
        Assert.Equal(new LoginAnswer.Refused(Refusal.TokenUnusable), Assert.Single(step.Released).Answer);
        Assert.False(_core.PushApproved(handle.RequestId, AnnCode(Start), "", Rules, Start).Accepted);
    }

    /// <summary>
    /// Operations in any order: a user with a token is authenticated only by a fresh code, each step's code is accepted once, and a
    /// decided push stays decided.
    /// </summary>
    [Fact]
    public void AnyOrderOfEventsKeepsThePromises() =>
        Gen.Select(Gen.Int[0, 6], Gen.Int[0, 3], Gen.Int[0, 40])
            .Array[1, 40]
            .Sample(
                moves =>
                {
                    var core = new LoginCore(new TokenCore());
                    var now = Start;
                    var handles = new List<LoginHandle>();
                    var ended = new HashSet<string>(StringComparer.Ordinal);
                    var (approved, denied) = (new HashSet<string>(StringComparer.Ordinal), new HashSet<string>(StringComparer.Ordinal));
                    var fresh = new HashSet<long>(); // Steps whose code was accepted.
                    foreach (var (move, which, seconds) in moves)
                    {
                        now = now.AddSeconds(seconds);
                        if (core.NextDeadline is { } due && due <= now)
                        {
                            core.Tick(now);
                        }
                        var handle = handles.Count == 0 ? null : handles[which % handles.Count];
                        switch (move)
                        {
                            case 0 or 1:
                                var started = core.Start(
                                    new LoginRequest("ann", "ann-password", "", Source),
                                    Rules,
                                    _ => true,
                                    Draw(),
                                    now
                                );
                                Assert.IsNotType<LoginAnswer.Success>(started.Answer);
                                handles.Add(((LoginAnswer.Challenge)started.Answer!).Handle);
                                break;
                            case 2 when handle is not null:
                                if (core.SubmitCode(handle, AnnCode(now), Source, Rules, _ => true, now).Answer is LoginAnswer.Success)
                                {
                                    Assert.True(fresh.Add(now.ToUnixTimeSeconds() / 60), "a code let in twice");
                                    Assert.True(ended.Add(handle.RequestId), "a login ended twice");
                                    Assert.DoesNotContain(handle.RequestId, denied);
                                }
                                break;
                            case 3
                                when handle is not null
                                    && core.AwaitPush(handle, Source, Rules, _ => true, now).Answer is LoginAnswer.Success:
                                Assert.Contains(handle.RequestId, approved);
                                Assert.True(ended.Add(handle.RequestId), "a login ended twice");
                                break;
                            case 4 when handle is not null && core.PushApproved(handle.RequestId, AnnCode(now), "", Rules, now).Accepted:
                                Assert.True(fresh.Add(now.ToUnixTimeSeconds() / 60), "a code let in twice");
                                Assert.True(
                                    approved.Add(handle.RequestId)
                                        && !denied.Contains(handle.RequestId)
                                        && !ended.Contains(handle.RequestId),
                                    "a push was decided twice"
                                );
                                if (core.ConfirmPush(handle.RequestId, somebodyWaits: which % 2 == 0, Rules, now).Released.Count > 0)
                                {
                                    ended.Add(handle.RequestId);
                                }
                                break;
                            case 5 when handle is not null && core.PushDenied(handle.RequestId, Rules, now).Accepted:
                                Assert.True(
                                    denied.Add(handle.RequestId)
                                        && !approved.Contains(handle.RequestId)
                                        && !ended.Contains(handle.RequestId),
                                    "a push was decided twice"
                                );
                                break;
                            case 6 when handle is not null:
                                Assert.False(core.PushApproved(handle.RequestId, "000000", "", Rules, now).Accepted);
                                break;
                        }
                    }
                    core.Tick(now.AddHours(1));
                    Assert.Equal(0, core.PendingCount);
                },
                iter: 5_000
            );

    private static LoginRules RulesOf(string change)
    {
        var (tree, ignored) = ConfigReader.Read(
            StoreFolder.Schema,
            LabBoard.DefaultConfiguration() + change,
            _ => null,
            ImmutableDictionary<string, Func<string, bool>>.Empty
        );
        Assert.Empty(ignored);
        return LoginRules.From(tree);
    }

    private static string AnnCode(DateTimeOffset at) =>
        new Totp("lab-seed-of-ann-0001"u8.ToArray(), 60, OtpHashMode.Sha1, 6).ComputeTotp(at.UtcDateTime);

    private LoginStep StartLogin(string user, string password) =>
        _core.Start(new LoginRequest(user, password, "", Source), Rules, _ => true, Draw(), Start);

    private LoginAnswer.Challenge Challenge(string user) => (LoginAnswer.Challenge)StartLogin(user, user + "-password").Answer!;

    private LoginRandomness Draw()
    {
        var number = Interlocked.Increment(ref _next);
        return new(new LoginHandle($"{number}", $"1-{number:x}"));
    }
}
