using Appliance.Firmware.Login;
using Appliance.Firmware.Tokens;
using CsCheck;
using OtpNet;
using Xunit;

namespace Appliance.Tests.Tokens;

public sealed class TokenCoreTests
{
    /// <summary>The secret of RFC 6238, appendix B.</summary>
    private const string RfcSecret = "3132333435363738393031323334353637383930";
    private static readonly DateTimeOffset Start = new(2033, 2, 3, 4, 5, 0, TimeSpan.Zero);

    [Theory]
    [InlineData(59, "94287082")]
    [InlineData(1111111109, "07081804")]
    [InlineData(1111111111, "14050471")]
    [InlineData(1234567890, "89005924")]
    [InlineData(2000000000, "69279037")]
    [InlineData(20000000000, "65353130")]
    public void TheCodesOfTheStandard(long time, string code)
    {
        var seed = TokenSeed.Parse("otpauth://totp/x?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&period=30&digits=8")!;
        Assert.Equal(CodeOutcome.Accepted, new TokenCore().Check(seed, code, DateTimeOffset.FromUnixTimeSeconds(time)).Outcome);
    }

    [Theory]
    [InlineData("", false)]
    [InlineData(RfcSecret, true)]
    [InlineData("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", true)]
    [InlineData("gezdgnbvgy3tqojqgezdgnbvgy3tqojq", true)]
    [InlineData("31323334", false)]
    [InlineData("not base32 1", false)]
    [InlineData("otpauth://totp/x?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", true)]
    [InlineData("otpauth://totp/x?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&period=45", false)]
    [InlineData("otpauth://totp/x?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&digits=7", false)]
    [InlineData("otpauth://totp/x?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", false)]
    [InlineData("otpauth://totp/x?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&algorithm=MD5", false)]
    [InlineData("otpauth://hotp/x?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", false)]
    public void ASeedIsReadOrRefused(string text, bool good) => Assert.Equal(good, TokenSeed.Parse(text) is not null);

    [Theory]
    [InlineData("30")]
    [InlineData("60")]
    public void TheWaitIsTheRestOfTheStepAtEveryMillisecond(string period)
    {
        var seed = Seed(period, "6");
        var length = (long)seed.Step.TotalMilliseconds;
        var core = new TokenCore();
        Assert.Equal(CodeOutcome.Accepted, core.Check(seed, Code(seed, Start), Start).Outcome);
        for (var millisecond = 0; millisecond < length; millisecond++)
        {
            var now = Start.AddMilliseconds(millisecond);
            Assert.Equal(TimeSpan.FromMilliseconds(length - millisecond), core.WaitFor(seed, now));
            var verdict = core.Check(seed, Code(seed, Start), now);
            Assert.Equal((CodeOutcome.Wait, TimeSpan.FromMilliseconds(length - millisecond)), (verdict.Outcome, verdict.Wait));
            var told = (length - millisecond + 999) / 1000;
            Assert.Equal($"Please wait {told} seconds to login again", WaitMessage.Text(verdict.Wait));
            Assert.InRange(told, 1, length / 1000);
        }
        Assert.Null(core.WaitFor(seed, Start + seed.Step));
    }

    [Fact]
    public void NoCodeIsAcceptedTwiceWhateverTheClockDoes() =>
        Gen.Select(Gen.Int[-3, 3], Gen.Int[-90, 200])
            .Array[1, 60]
            .Sample(
                tries =>
                {
                    var seed = Seed("60", "6");
                    var core = new TokenCore();
                    var accepted = new HashSet<string>(StringComparer.Ordinal);
                    var now = Start;
                    foreach (var (stepsAway, seconds) in tries)
                    {
                        now = now.AddSeconds(seconds); // Backwards, too: a clock may be set.
                        var of = now + (stepsAway * seed.Step);
                        var code = Code(seed, of);
                        var drift = core.DriftOf(seed);
                        if (core.Check(seed, code, now).Outcome == CodeOutcome.Accepted)
                        {
                            Assert.True(accepted.Add($"{of.ToUnixTimeSeconds() / 60}"), "a step was accepted twice");
                            Assert.InRange(stepsAway - drift, -1, 1);
                            Assert.Equal(stepsAway, core.DriftOf(seed));
                        }
                    }
                },
                iter: 20_000
            );

    [Theory]
    [InlineData("")]
    [InlineData("12345")]
    [InlineData("1234567")]
    [InlineData("12345a")]
    [InlineData("١٢٣٤٥٦")]
    [InlineData(" 12345")]
    public void WhatIsNoCodeIsWrong(string code) =>
        Assert.Equal(CodeOutcome.Wrong, new TokenCore().Check(Seed("60", "6"), code, Start).Outcome);

    [Fact]
    public void TheIdentityIsOfTheSecretAndTellsNothingOfIt()
    {
        var seed = TokenSeed.Parse(RfcSecret)!;
        Assert.Equal(seed.Identity, TokenSeed.Parse(RfcSecret.ToUpperInvariant())!.Identity);
        Assert.NotEqual(seed.Identity, Seed("30", "6").Identity);
        Assert.DoesNotContain(RfcSecret[..8], seed.Identity, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("3132", seed.ToString(), StringComparison.Ordinal);
    }

    private static TokenSeed Seed(string period, string digits) =>
        TokenSeed.Parse($"otpauth://totp/x?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&period={period}&digits={digits}")!;

    private static string Code(TokenSeed seed, DateTimeOffset at) =>
        new Totp([.. seed.Secret], (int)seed.Step.TotalSeconds, OtpHashMode.Sha1, seed.Digits).ComputeTotp(at.UtcDateTime);
}
