using System.Globalization;
using Appliance.Firmware.Storage;
using Appliance.Firmware.Tokens;
using CsCheck;
using OtpNet;
using Xunit;

namespace Appliance.Tests.Tokens;

/// <summary>The check of codes on the hot path, compared with Otp.NET.</summary>
public sealed class CodeMatchTests
{
    private static readonly Gen<TokenSeed> Seeds = Gen.Select(
        Gen.Byte.Array[10, 64],
        Of(30, 60),
        Of(6, 8),
        Of(OtpHashMode.Sha1, OtpHashMode.Sha256, OtpHashMode.Sha512),
        (secret, step, digits, algorithm) => new TokenSeed([.. secret], TimeSpan.FromSeconds(step), digits, algorithm)
    );

    private static readonly Gen<DateTimeOffset> Times = Gen.Long[1_000_000_000, 4_000_000_000].Select(DateTimeOffset.FromUnixTimeSeconds);

    [Fact]
    public void ACodeIsOfTheStepThatOtpNetSays() =>
        Gen.Select(Seeds, Times, Gen.Int[-4, 4], Gen.Bool)
            .Sample(
                (seed, now, away, spoilt) =>
                {
                    var totp = new Totp([.. seed.Secret], (int)seed.Step.TotalSeconds, seed.Algorithm, seed.Digits);
                    var code = totp.ComputeTotp((now + (seed.Step * away)).UtcDateTime);
                    if (spoilt)
                    {
                        code = ((int.Parse(code, CultureInfo.InvariantCulture) + 1) % (int)Math.Pow(10, seed.Digits)).ToString(
                            $"D{seed.Digits}",
                            CultureInfo.InvariantCulture
                        );
                    }
                    var core = new TokenCore();
                    var match = TokenCore.Match(seed, code, core.Look(seed, now));
                    var right = totp.VerifyTotp(now.UtcDateTime, code, out var step, new VerificationWindow(previous: 1, future: 1));
                    Assert.Equal(right, match.Step is not null);
                    // Otp.NET returns the first step in its own order; two steps with one code (1 in 10^6 or 10^8) are the only difference.
                    Assert.True(
                        !right
                            || match.Step == step
                            || totp.ComputeTotp(
                                DateTimeOffset.FromUnixTimeSeconds(match.Step!.Value * (long)seed.Step.TotalSeconds).UtcDateTime
                            ) == code
                    );
                },
                iter: 20_000
            );

    [Fact]
    public void AMatchThatIsOldIsLookedAtAgain() =>
        Gen.Select(Seeds, Times)
            .Sample(
                (seed, now) =>
                {
                    var (core, writes) = (new TokenCore(), new List<StateWrite>());
                    var code = new Totp([.. seed.Secret], (int)seed.Step.TotalSeconds, seed.Algorithm, seed.Digits).ComputeTotp(
                        now.UtcDateTime
                    );
                    var (first, second) = (
                        TokenCore.Match(seed, code, core.Look(seed, now)),
                        TokenCore.Match(seed, code, core.Look(seed, now))
                    );
                    Assert.True(core.UseUp(seed, first, now, writes, out _));
                    var again = core.UseUp(seed, second, now, writes, out _);
                    // A step next to it may have the same code; then another step was consumed.
                    Assert.True(!again || writes.Count > 1 && core.Look(seed, now).LastStep > first.Step);
                },
                iter: 1000
            );

    private static Gen<T> Of<T>(params T[] values) => Gen.Int[0, values.Length - 1].Select(at => values[at]);
}
