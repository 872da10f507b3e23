using System.Globalization;
using Appliance.Firmware.Login;
using Appliance.Firmware.Storage;
using Appliance.Firmware.Tokens;
using CsCheck;
using OtpNet;
using Xunit;

namespace Appliance.Tests.Tokens;

/// <summary>Clocks that differ: drift, the next-code prompt, resynchronization; and no path through them accepts a code twice.</summary>
public sealed class TokenDriftTests
{
    private static readonly DateTimeOffset Start = new(2033, 2, 3, 4, 5, 0, TimeSpan.Zero);
    private static readonly TokenSeed Seed = SeedOf(30, 8);

    /// <summary>The codes of RFC 4226, appendix D: the counter is the step.</summary>
    [Theory]
    [InlineData(0, "755224")]
    [InlineData(1, "287082")]
    [InlineData(2, "359152")]
    [InlineData(3, "969429")]
    [InlineData(4, "338314")]
    [InlineData(5, "254676")]
    [InlineData(6, "287922")]
    [InlineData(7, "162583")]
    [InlineData(8, "399871")]
    [InlineData(9, "520489")]
    public void TheCodesOfTheCounterStandard(int counter, string code) =>
        Assert.Equal(
            CodeOutcome.Accepted,
            new TokenCore().Check(SeedOf(30, 6), code, DateTimeOffset.FromUnixTimeSeconds(counter * 30)).Outcome
        );

    /// <summary>RFC 6238, appendix B, with the secrets that its errata give for the longer hashes.</summary>
    [Theory]
    [InlineData("SHA256", 32, 59, "46119246")]
    [InlineData("SHA256", 32, 1111111109, "68084774")]
    [InlineData("SHA256", 32, 20000000000, "77737706")]
    [InlineData("SHA512", 64, 59, "90693936")]
    [InlineData("SHA512", 64, 1111111109, "25091201")]
    [InlineData("SHA512", 64, 20000000000, "47863826")]
    public void TheCodesOfTheLongerHashes(string algorithm, int length, long time, string code)
    {
        var secret = string.Concat(Enumerable.Repeat("1234567890", 7))[..length];
        var seed = TokenSeed.Parse(
            $"otpauth://totp/x?secret={Base32Encoding.ToString(System.Text.Encoding.ASCII.GetBytes(secret)).TrimEnd('=')}&period=30&digits=8&algorithm={algorithm}"
        )!;
        Assert.Equal(CodeOutcome.Accepted, new TokenCore().Check(seed, code, DateTimeOffset.FromUnixTimeSeconds(time)).Outcome);
    }

    [Fact]
    public void ACodeBesideTheCentreTeachesTheDrift()
    {
        var core = new TokenCore();
        // Five steps too fast, one step at a time: each login moves the centre, so that the next step beyond it is in the window.
        for (var ahead = 1; ahead <= 5; ahead++)
        {
            var now = Start + (ahead * 10 * Seed.Step);
            Assert.Equal(CodeOutcome.Accepted, core.Check(Seed, Code(now, ahead), now).Outcome);
            Assert.Equal(ahead, core.DriftOf(Seed));
        }
        // The first offset is now far outside.
        Assert.Equal(CodeOutcome.NextCodeWanted, core.Check(Seed, Code(Start.AddHours(1), 0), Start.AddHours(1)).Outcome);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(-2)]
    [InlineData(119)]
    [InlineData(-120)]
    public void ADriftedTokenIsAskedForItsNextCode(int drift)
    {
        var core = new TokenCore();
        Assert.Equal(CodeOutcome.NextCodeWanted, core.Check(Seed, Code(Start, drift), Start).Outcome);
        // The first code is not consumed, because it proves nothing yet.
        var verdict = core.Resync(Seed, Code(Start, drift), Code(Start, drift + 1), Start);
        Assert.Equal((ResyncOutcome.Synced, drift + 1), (verdict.Outcome, verdict.Drift));
        Assert.NotEmpty(verdict.Memory);
        // Half a minute later the phone shows the next one, and it is the centre now.
        var later = Start + Seed.Step;
        Assert.Equal(CodeOutcome.Accepted, core.Check(Seed, Code(later, drift + 1), later).Outcome);
    }

    [Theory]
    [InlineData(122)]
    [InlineData(-122)]
    public void ATokenThatIsTooFarAwayIsJustWrong(int drift)
    {
        var core = new TokenCore();
        Assert.Equal(CodeOutcome.Wrong, core.Check(Seed, Code(Start, drift), Start).Outcome);
        Assert.Equal(ResyncOutcome.Wrong, core.Resync(Seed, Code(Start, drift), Code(Start, drift + 1), Start).Outcome);
    }

    [Fact]
    public void TheSameCodeTwiceDoesNotSynchronize() =>
        Assert.Equal(ResyncOutcome.SameCode, new TokenCore().Resync(Seed, Code(Start, 5), Code(Start, 5), Start).Outcome);

    [Fact]
    public void CodesThatDoNotFollowEachOtherDoNotSynchronize()
    {
        var core = new TokenCore();
        Assert.Equal(ResyncOutcome.Wrong, core.Resync(Seed, Code(Start, 5), Code(Start, 7), Start).Outcome);
        Assert.Equal(ResyncOutcome.Wrong, core.Resync(Seed, Code(Start, 6), Code(Start, 5), Start).Outcome);
        Assert.Equal(0, core.DriftOf(Seed));
    }

    [Fact]
    public void AUsedCodeDoesNotSynchronizeEither()
    {
        var core = new TokenCore();
        Assert.Equal(CodeOutcome.Accepted, core.Check(Seed, Code(Start, 0), Start).Outcome);
        Assert.Equal(ResyncOutcome.Used, core.Resync(Seed, Code(Start, 0), Code(Start, 1), Start).Outcome);
        Assert.Equal(ResyncOutcome.Used, core.Resync(Seed, Code(Start, -9), Code(Start, -8), Start).Outcome);
    }

    /// <summary>The wait at every millisecond, for tokens that are on time, ahead and behind: 360,000 points.</summary>
    [Theory]
    [InlineData(30, 0)]
    [InlineData(60, 0)]
    [InlineData(30, 1)]
    [InlineData(60, 1)]
    [InlineData(30, -1)]
    [InlineData(60, -1)]
    [InlineData(60, 17)]
    [InlineData(30, -40)]
    public void TheWaitIsExactWhateverTheDrift(int period, int drift)
    {
        var seed = SeedOf(period, 6);
        var length = period * 1000;
        var core = new TokenCore();
        if (Math.Abs(drift) > 1)
        {
            Assert.Equal(ResyncOutcome.Synced, core.Resync(seed, Code(seed, Start, drift - 1), Code(seed, Start, drift), Start).Outcome);
        }
        else
        {
            Assert.Equal(CodeOutcome.Accepted, core.Check(seed, Code(seed, Start, drift), Start).Outcome);
        }
        var used = Code(seed, Start, drift);
        for (var millisecond = 0; millisecond < length; millisecond++)
        {
            var now = Start.AddMilliseconds(millisecond);
            var rest = TimeSpan.FromMilliseconds(length - millisecond);
            Assert.Equal(rest, core.WaitFor(seed, now));
            var verdict = core.Check(seed, used, now);
            Assert.True((verdict.Outcome, verdict.Wait) == (CodeOutcome.Wait, rest), $"{millisecond} ms");
            var told = WaitMessage.Seconds(verdict.Wait);
            Assert.True(told == ((length - millisecond + 999) / 1000) && told >= 1 && told <= period, $"{millisecond} ms: {told}");
        }
        var next = Start + seed.Step;
        Assert.Null(core.WaitFor(seed, next));
        Assert.Equal(CodeOutcome.Accepted, core.Check(seed, Code(seed, next, drift), next).Outcome);
    }

    [Fact]
    public void ACodeOfTheStepToComeIsWaitedForInBothSteps()
    {
        // A phone half a step fast: its code of the next step is accepted now, and is still on its display when ours begins.
        var core = new TokenCore();
        var now = Start.AddSeconds(20);
        Assert.Equal(CodeOutcome.Accepted, core.Check(Seed, Code(now, 1), now).Outcome);
        Assert.Equal(TimeSpan.FromSeconds(10), core.Check(Seed, Code(now, 1), now).Wait);
        var after = Start.AddSeconds(31);
        Assert.Equal(
            (CodeOutcome.Wait, TimeSpan.FromSeconds(29)),
            (core.Check(Seed, Code(now, 1), after).Outcome, core.Check(Seed, Code(now, 1), after).Wait)
        );
        // One minute later it is an old code like any other.
        Assert.Equal(CodeOutcome.Wrong, core.Check(Seed, Code(now, 1), Start.AddSeconds(61)).Outcome);
    }

    [Fact]
    public void AfterTheClockWentBackNobodyIsToldToWaitLongerThanAStep()
    {
        var core = new TokenCore();
        Assert.Equal(CodeOutcome.Accepted, core.Check(Seed, Code(Start, 0), Start).Outcome);
        var before = Start.AddMinutes(-10);
        Assert.Null(core.WaitFor(Seed, before));
        Assert.Equal(CodeOutcome.Wrong, core.Check(Seed, Code(before, 0), before).Outcome);
    }

    /// <summary>Checks, resynchronizations, drifts and clock steps in any order: each accepted step is later than all before it.</summary>
    [Fact]
    public void NoWayAroundTheMemory() =>
        Gen.Select(Gen.Int[0, 2], Gen.Int[-130, 130], Gen.Int[-4000, 4000])
            .Array[1, 80]
            .Sample(
                moves =>
                {
                    var core = new TokenCore();
                    var (now, greatest) = (Start, long.MinValue);
                    foreach (var (move, away, seconds) in moves)
                    {
                        now = now.AddSeconds(seconds);
                        var step = (now.ToUnixTimeSeconds() / 30) + away;
                        var near = move == 0 ? (now.ToUnixTimeSeconds() / 30) + core.DriftOf(Seed) + (away % 3) : step;
                        if (move < 2 && core.Check(Seed, CodeOf(Seed, near), now).Outcome == CodeOutcome.Accepted)
                        {
                            Assert.True(near > greatest, "an old step was accepted by a check");
                            greatest = near;
                        }
                        if (move == 2 && core.Resync(Seed, CodeOf(Seed, step), CodeOf(Seed, step + 1), now).Outcome == ResyncOutcome.Synced)
                        {
                            Assert.True(step > greatest, "an old step was accepted by a resynchronization");
                            greatest = step + 1;
                        }
                    }
                },
                iter: 1_000
            );

    [Fact]
    public async Task DriftAndMemorySurviveARestart()
    {
        var folder = Directory.CreateTempSubdirectory("appliance-drift-");
        try
        {
            var file = Path.Combine(folder.FullName, "state.db");
            await using (var state = StateDatabase.Open(file, LoginCore.Tables))
            {
                var verdict = new TokenCore(state).Resync(Seed, Code(Start, 40), Code(Start, 41), Start);
                await state.CommitAsync(verdict.Memory);
            }
            await using var again = StateDatabase.Open(file, LoginCore.Tables);
            var core = new TokenCore(again);
            Assert.Equal(41, core.DriftOf(Seed));
            Assert.Equal(CodeOutcome.Wait, core.Check(Seed, Code(Start, 41), Start).Outcome);
            Assert.Equal(CodeOutcome.Accepted, core.Check(Seed, Code(Start, 42), Start).Outcome);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>
    /// Uses are appended to a log, which now and then is moved into the table: before, during and after, every use is stored, once.
    /// </summary>
    [Theory]
    [InlineData(TokenCore.LogMax - 1, TokenCore.LogMax - 1)]
    [InlineData(TokenCore.LogMax + 1000, 2000)]
    public async Task UsedStepsAreRememberedHoweverManyThereWere(int uses, int loggedAtMost)
    {
        var folder = Directory.CreateTempSubdirectory("appliance-uses-");
        try
        {
            var file = Path.Combine(folder.FullName, "state.db");
            var other = SeedOf(60, 6);
            var last = Start + (uses * Seed.Step);
            await using (var state = StateDatabase.Open(file, LoginCore.Tables))
            {
                var core = new TokenCore(state);
                var commits = new List<Task>
                {
                    state.CommitAsync(core.Check(other, CodeOf(other, 7), DateTimeOffset.UnixEpoch + (7 * other.Step)).Memory).AsTask(),
                };
                for (var use = 2; use <= uses; use++)
                {
                    var verdict = core.Check(Seed, Code(Start + (use * Seed.Step), 0), Start + (use * Seed.Step));
                    Assert.Equal(CodeOutcome.Accepted, verdict.Outcome);
                    commits.Add(state.CommitAsync(verdict.Memory).AsTask());
                }
                await Task.WhenAll(commits);
            }
            await using var again = StateDatabase.Open(file, LoginCore.Tables);
            Assert.InRange(
                again.Read("SELECT count(*) FROM token_use_log, json_each(entries)", row => row.GetInt32(0))[0],
                1,
                loggedAtMost
            );
            Assert.Equal(
                [(other.Identity, 7L), (Seed.Identity, last.ToUnixTimeSeconds() / (long)Seed.Step.TotalSeconds)],
                TokenCore.LastSteps(again).OrderBy(used => used.LastStep)
            );
            Assert.Equal(CodeOutcome.Wait, new TokenCore(again).Check(Seed, Code(last, 0), last).Outcome);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>The transaction that writes the table fails (a full disk): the next one that empties the log still has every use.</summary>
    [Fact]
    public async Task AUseIsRememberedWhenWritingTheTableFailedOnce()
    {
        var folder = Directory.CreateTempSubdirectory("appliance-uses-");
        try
        {
            var file = Path.Combine(folder.FullName, "state.db");
            var other = SeedOf(60, 6);
            await using (var state = StateDatabase.Open(file, LoginCore.Tables))
            {
                var core = new TokenCore(state);
                await state.CommitAsync(core.Check(other, CodeOf(other, 7), DateTimeOffset.UnixEpoch + (7 * other.Step)).Memory);
                var (folds, commits) = (0, new List<Task>());
                for (var use = 1; folds < 2; use++)
                {
                    var now = Start + (use * Seed.Step);
                    var writes = core.Check(Seed, Code(now, 0), now).Memory;
                    if (writes.Any(write => write.Sql == "DELETE FROM token_use_log") && ++folds == 1)
                    {
                        continue;
                    }
                    commits.Add(state.CommitAsync(writes).AsTask());
                }
                await Task.WhenAll(commits);
            }
            await using var again = StateDatabase.Open(file, LoginCore.Tables);

            Assert.Contains((other.Identity, 7L), TokenCore.LastSteps(again));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public void A_drift_is_written_when_it_changed_and_a_use_always()
    {
        var core = new TokenCore();
        Assert.Single(core.Check(Seed, Code(Start, 0), Start).Memory);
        Assert.Equal(2, core.Check(Seed, Code(Start, 1), Start).Memory.Count);
        var later = Start + (2 * Seed.Step);
        Assert.Single(core.Check(Seed, Code(later, 1), later).Memory);
        Assert.Equal(1, core.DriftOf(Seed));
    }

    [Fact]
    public void A_drift_from_a_file_is_taken_until_a_code_has_told_it()
    {
        var core = new TokenCore();
        Assert.Single(core.TakeDrift(Seed, 5));
        Assert.Single(core.TakeDrift(Seed, -3));
        Assert.Equal(-3, core.DriftOf(Seed));
        Assert.Null(core.WaitFor(Seed, Start));
        Assert.Equal(CodeOutcome.Accepted, core.Check(Seed, Code(Start, -3), Start).Outcome);
        Assert.Empty(core.TakeDrift(Seed, 5));
        Assert.Equal(-3, core.DriftOf(Seed));
    }

    private static TokenSeed SeedOf(int period, int digits) =>
        TokenSeed.Parse(
            string.Create(
                CultureInfo.InvariantCulture,
                $"otpauth://totp/x?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&period={period}&digits={digits}"
            )
        )!;

    private static string Code(DateTimeOffset at, int steps) => Code(Seed, at, steps);

    private static string Code(TokenSeed seed, DateTimeOffset at, int steps) =>
        CodeOf(seed, (at.ToUnixTimeSeconds() / (long)seed.Step.TotalSeconds) + steps);

    private static string CodeOf(TokenSeed seed, long step) => new Hotp([.. seed.Secret], OtpHashMode.Sha1, seed.Digits).ComputeHOTP(step);
}
