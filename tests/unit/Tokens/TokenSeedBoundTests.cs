using System.Text;
using Appliance.Firmware.Events;
using Appliance.Firmware.Tokens;
using Xunit;

namespace Appliance.Tests.Tokens;

/// <summary>Seeds: every bound of the accepted values, and the difference between two seeds.</summary>
public sealed class TokenSeedBoundTests
{
    private const string Base32 = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

    [Theory]
    [InlineData(9, false)]
    [InlineData(10, true)]
    [InlineData(64, true)]
    [InlineData(65, false)]
    public void A_secret_has_10_to_64_bytes(int bytes, bool taken)
    {
        var secret = Encoding.ASCII.GetBytes(new string('x', bytes));
        Assert.Equal(taken, TokenSeed.Parse(Convert.ToHexString(secret)) is not null);
        Assert.Equal(taken, TokenSeed.Parse($"otpauth://totp/x?secret={OtpNet.Base32Encoding.ToString(secret).TrimEnd('=')}") is not null);
    }

    [Theory]
    [InlineData("", 30, 6)]
    [InlineData("&period=60", 60, 6)]
    [InlineData("&digits=8", 30, 8)]
    [InlineData("&period=30&digits=6&algorithm=sha1", 30, 6)]
    public void What_a_URI_does_not_say_is_30_seconds_and_6_digits(string more, int period, int digits)
    {
        var seed = TokenSeed.Parse($"otpauth://totp/x?secret={Base32}{more}")!;
        Assert.Equal((TimeSpan.FromSeconds(period), digits), (seed.Step, seed.Digits));
    }

    [Fact]
    public void A_plain_secret_is_60_seconds_and_6_digits() =>
        Assert.Equal((TimeSpan.FromSeconds(60), 6), (TokenSeed.Parse(Base32)!.Step, TokenSeed.Parse(Base32)!.Digits));

    [Fact]
    public void Seeds_are_equal_when_all_of_them_is()
    {
        var seed = TokenSeed.Parse($"otpauth://totp/x?secret={Base32}")!;
        Assert.Equal(seed, TokenSeed.Parse($"otpauth://totp/y?secret={Base32}")!);
        Assert.Equal(seed.GetHashCode(), TokenSeed.Parse($"otpauth://totp/y?secret={Base32}")!.GetHashCode());
        Assert.All(
            new[] { "&period=60", "&digits=8", "&algorithm=SHA256" },
            more => Assert.NotEqual(seed, TokenSeed.Parse($"otpauth://totp/x?secret={Base32}{more}")!)
        );
        Assert.NotEqual(seed, TokenSeed.Parse($"otpauth://totp/x?secret={Base32[..30]}AA")!);
        Assert.False(seed.Equals(null));
    }

    [Theory]
    [InlineData(3, false)]
    [InlineData(4, true)]
    [InlineData(16, true)]
    [InlineData(17, false)]
    public void A_serial_number_in_a_seed_file_has_4_to_16_characters(int length, bool taken)
    {
        var file = Encoding.UTF8.GetBytes($"{new string('A', length)},{Base32}\n");
        Assert.Equal(taken, Record.Exception(() => SeedFile.Read(file, [])) is null);
    }

    [Theory]
    [InlineData(10_000, true)]
    [InlineData(10_001, false)]
    public void A_seed_file_holds_10000_tokens_at_most(int tokens, bool taken)
    {
        var file = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, tokens).Select(number => $"FTK{number:00000},{Base32}\n")));
        Assert.Equal(taken ? null : "the file has more than 10000 tokens", Record.Exception(() => SeedFile.Read(file, []))?.Message);
    }

    [Theory]
    [InlineData(1024 * 1024, true)]
    [InlineData((1024 * 1024) + 1, false)]
    public void A_seed_file_has_a_mebibyte_at_most(int length, bool taken)
    {
        var file = Encoding.UTF8.GetBytes($"FTK00001,{Base32}\n#".PadRight(length, 'x'));
        Assert.Equal(taken, Record.Exception(() => SeedFile.Read(file, [])) is null);
    }

    [Theory]
    [InlineData("serial,seed\nFTK00001,SEED\n", 1)]
    [InlineData("# a comment\nFTK00001,SEED\n\n  \nFTK00002,SEED", 2)]
    [InlineData("FTK00001,SEED\nserial,seed\n", 0)]
    [InlineData("FTK00001,SEED,more\n", 0)]
    public void A_head_stands_in_the_first_line_alone(string file, int tokens)
    {
        var content = Encoding.UTF8.GetBytes(file.Replace("SEED", Base32, StringComparison.Ordinal));
        if (tokens == 0)
        {
            Assert.Throws<SeedFileException>(() => SeedFile.Read(content, []));
            return;
        }
        Assert.Equal(tokens, SeedFile.Read(content, []).Count);
    }

    [Fact]
    public void A_synchronization_is_told_as_what_it_was()
    {
        var (done, failed) = (TokenEvents.Synchronized("FTK1", true), TokenEvents.Synchronized("FTK1", false));
        Assert.Equal(("0100032157", EventLevel.Notice), (done.LogId, done.Level));
        Assert.Equal(("0100032158", EventLevel.Error), (failed.LogId, failed.Level));
        Assert.Contains(("status", "success"), done.Fields.Select(field => (field.Name, field.Value)));
        Assert.Contains(("status", "failure"), failed.Fields.Select(field => (field.Name, field.Value)));
    }
}
