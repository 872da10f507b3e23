using Appliance.Firmware.Tokens;
using Appliance.Tests.EndToEnd;
using OtpNet;
using Xunit;

namespace Appliance.Tests.Tokens;

/// <summary>The codes of oathtool are the codes of the appliance.</summary>
[Trait("Peer", "oathtool")]
public sealed class OathtoolTests
{
    private static readonly DateTimeOffset Start = new(2033, 2, 3, 4, 5, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("SHA1", 30, 6)]
    [InlineData("SHA1", 60, 8)]
    [InlineData("SHA256", 30, 8)]
    [InlineData("SHA256", 60, 6)]
    [InlineData("SHA512", 30, 6)]
    [InlineData("SHA512", 60, 8)]
    public async Task OathtoolAgrees(string algorithm, int period, int digits)
    {
        var key = "a seed of twenty-seven bytes"u8.ToArray();
        var seed = TokenSeed.Parse(
            $"otpauth://totp/x?secret={Base32Encoding.ToString(key).TrimEnd('=')}&period={period}&digits={digits}&algorithm={algorithm}"
        )!;
        foreach (var seconds in (int[])[0, 29, 30, 59, 61, 86_400, 987_654_321])
        {
            var now = Start.AddSeconds(seconds);
            var run = await Peer.RunAsync(
                "oathtool",
                [
                    $"--totp={algorithm}",
                    $"--time-step-size={period}s",
                    $"--digits={digits}",
                    $"--now=@{now.ToUnixTimeSeconds()}",
                    Convert.ToHexString(key),
                ]
            );
            Assert.Equal(CodeOutcome.Accepted, new TokenCore().Check(seed, run.Output.Trim(), now).Outcome);
        }
    }
}
