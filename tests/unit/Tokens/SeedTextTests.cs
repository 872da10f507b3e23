using Appliance.Firmware.Config;
using Appliance.Firmware.Tokens;
using Appliance.Firmware.Validation;
using Appliance.Tests.Config;
using Xunit;

namespace Appliance.Tests.Tokens;

/// <summary>Seeds as people copy them.</summary>
public sealed class SeedTextTests
{
    private const string Secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

    [Theory]
    [InlineData("otpauth://totp/x?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&amp;period=30&amp;digits=8")]
    [InlineData("otpauth://totp/x?secret=GEZD+GNBV+GY3T+QOJQ+GEZD+GNBV+GY3T+QOJQ&period=30&digits=8")]
    [InlineData("otpauth://totp/x?secret=GEZD%20GNBV%20GY3T%20QOJQ%20GEZD%20GNBV%20GY3T%20QOJQ&AMP;period=30&digits=8")]
    [InlineData("otpauth://totp/x?secret=gezd-gnbv-gy3t-qojq-gezd-gnbv-gy3t-qojq&period=30&digits=8")]
    [InlineData("otpauth://totp/x?secret=31323334 35363738 39303132 33343536 37383930&period=30&digits=8")]
    public void A_copied_uri_is_read(string text)
    {
        var seed = TokenSeed.Parse(text, out var fault);
        Assert.Equal("", fault);
        Assert.Equal("12345678901234567890"u8, seed!.Secret.AsSpan());
        Assert.Equal((30, 8), (seed.Step.TotalSeconds, seed.Digits));
    }

    [Theory]
    [InlineData("GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ")]
    [InlineData("3132333435-3637383930-3132333435-3637383930")]
    public void A_secret_alone_may_be_grouped(string text) =>
        Assert.Equal("12345678901234567890"u8, TokenSeed.Parse(text)!.Secret.AsSpan());

    [Theory]
    [InlineData("otpauth://totp/x", "the otpauth URI has no parameters (expected ?secret=...)")]
    [InlineData(
        "otpauth://totp/x?GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ",
        "parameter 1 of the otpauth URI has no name or no value (expected name=value)"
    )]
    [InlineData(
        "otpauth://totp/x?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=A&B",
        "parameter 3 of the otpauth URI has no name or no value (expected name=value)"
    )]
    [InlineData(
        "otpauth://totp/x?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&=30",
        "parameter 2 of the otpauth URI has no name or no value (expected name=value)"
    )]
    [InlineData("otpauth://totp/x?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&secret=x", "parameter 2 of the otpauth URI is given twice")]
    [InlineData(
        "otpauth://totp/x?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&period=45",
        "10 to 64 bytes in hex or base32, period 30 or 60, 6 or 8 digits"
    )]
    [InlineData("- + -", "10 to 64 bytes in hex or base32, period 30 or 60, 6 or 8 digits")]
    public void What_is_refused_has_a_reason_that_says_nothing_of_the_secret(string text, string reason)
    {
        Assert.Null(TokenSeed.Parse(text, out var fault));
        Assert.Equal(reason, fault);
        Assert.DoesNotContain(Secret, fault, StringComparison.Ordinal);
    }

    [Fact]
    public void The_reason_reaches_who_typed_it_and_the_check_of_a_file()
    {
        const string Text =
            "config user fortitoken\nedit FTK2001234567890\nset seed otpauth://totp/x?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=A&B\nnext\nend\n";
        var ignored = Assert.Single(ConfigStore.Check(StoreFolder.Schema, Text, ConfigRules.Values));
        Assert.Equal(
            "node_check_object fail! for seed: parameter 3 of the otpauth URI has no name or no value (expected name=value)"
                + "; there is no value until another one is set",
            ignored.Why
        );
    }
}
