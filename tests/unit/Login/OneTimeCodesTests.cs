using Appliance.Firmware.Login;
using Appliance.Firmware.Login.Accounts;
using CsCheck;
using Xunit;

namespace Appliance.Tests.Login;

/// <summary>Codes by mail and SMS: right once, for their login, in their time.</summary>
public sealed class OneTimeCodesTests
{
    private static readonly DateTimeOffset Start = new(2033, 2, 3, 4, 5, 0, TimeSpan.Zero);
    private static readonly CodeDestination Mail = new(CodeChannel.Email, "eve@example.test", "", TimeSpan.FromSeconds(60));
    private readonly OneTimeCodes _codes = new();

    [Fact]
    public void ACodeWorksOnce()
    {
        _codes.Issue("1", "eve", Mail, "012345", Start);
        Assert.Equal(OneTimeOutcome.Accepted, _codes.Check("1", "012345", Start));
        Assert.Equal(OneTimeOutcome.Expired, _codes.Check("1", "012345", Start));
    }

    [Fact]
    public void ItWorksForItsLoginOnly()
    {
        _codes.Issue("1", "eve", Mail, "111111", Start);
        _codes.Issue("2", "eve", Mail, "222222", Start);
        Assert.Equal(OneTimeOutcome.Wrong, _codes.Check("2", "111111", Start));
        Assert.Equal(OneTimeOutcome.Expired, _codes.Check("3", "111111", Start));
        Assert.Equal(OneTimeOutcome.Accepted, _codes.Check("2", "222222", Start));
    }

    [Fact]
    public void ItLivesAsLongAsTheSettingSays()
    {
        Assert.Equal(Start.AddSeconds(60), _codes.Issue("1", "eve", Mail, "111111", Start)!.Expires);
        Assert.Equal(OneTimeOutcome.Wrong, _codes.Check("1", "", Start.AddSeconds(59.9)));
        Assert.Equal(OneTimeOutcome.Expired, _codes.Check("1", "111111", Start.AddSeconds(60)));
    }

    [Fact]
    public void AUserIsNotFlooded()
    {
        for (var login = 0; login < OneTimeCodes.OutstandingMax; login++)
        {
            Assert.NotNull(_codes.Issue($"{login}", "eve", Mail, "111111", Start));
        }
        Assert.Null(_codes.Issue("more", "eve", Mail, "111111", Start));
        Assert.NotNull(_codes.Issue("0", "eve", Mail, "222222", Start));
        Assert.NotNull(_codes.Issue("other", "fay", Mail, "111111", Start));
        Assert.NotNull(_codes.Issue("more", "eve", Mail, "111111", Start.AddSeconds(60)));
    }

    [Fact]
    public void AnOrderTellsNoLogItsCode() =>
        Assert.DoesNotContain("012345", _codes.Issue("1", "eve", Mail, "012345", Start)!.ToString(), StringComparison.Ordinal);

    [Fact]
    public void NewCodesAreSixDigits() => Gen.ULong.Sample(random => Assert.Matches("^[0-9]{6}$", OneTimeCodes.CodeOf(random)), iter: 1000);

    /// <summary>Whatever happens in whatever order, no code is accepted twice, late, or for another login.</summary>
    [Fact]
    public void AnyOrderKeepsThePromises() =>
        Gen.Select(Gen.Int[0, 2], Gen.Int[0, 3], Gen.Int[0, 9], Gen.Int[0, 40])
            .Array[1, 60]
            .Sample(moves =>
            {
                var codes = new OneTimeCodes();
                var now = Start;
                var standing = new Dictionary<string, (string Code, DateTimeOffset Expires)>(StringComparer.Ordinal);
                foreach (var (move, login, digit, seconds) in moves)
                {
                    now = now.AddSeconds(seconds);
                    var (id, code) = ($"{login}", new string((char)('0' + digit), 6));
                    switch (move)
                    {
                        case 0:
                            standing[id] = (code, codes.Issue(id, "eve", Mail, code, now)!.Expires);
                            break;
                        case 1:
                            var accepted = codes.Check(id, code, now) == OneTimeOutcome.Accepted;
                            Assert.Equal(standing.TryGetValue(id, out var issued) && issued.Code == code && now < issued.Expires, accepted);
                            if (accepted)
                            {
                                standing.Remove(id);
                            }
                            break;
                        default:
                            codes.Forget(id);
                            standing.Remove(id);
                            break;
                    }
                }
            });
}
