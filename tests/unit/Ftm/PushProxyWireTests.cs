using System.Net;
using System.Text;
using Appliance.Firmware.Ftm;
using Xunit;

namespace Appliance.Tests.Ftm;

/// <summary>The messages between the unit and the push proxy (docs/reference/push-dialect.md).</summary>
public sealed class PushProxyWireTests
{
    private static readonly DateTimeOffset Now = new(2033, 2, 3, 4, 5, 6, 789, TimeSpan.Zero);

    [Theory]
    [InlineData(PushOutcome.Sent, "sent")]
    [InlineData(PushOutcome.Unavailable, "unavailable")]
    [InlineData(PushOutcome.Refused, "refused")]
    [InlineData(PushOutcome.RegistrationGone, "gone")]
    [InlineData(PushOutcome.CredentialBad, "credential")]
    public void An_outcome_and_its_word_are_each_others(PushOutcome outcome, string word)
    {
        var result = new PushResult(outcome, "why", Now) { CredentialExpires = DateTimeOffset.FromUnixTimeSeconds(1_991_000_000) };
        var answer = PushProxyAnswer.Of(result);
        Assert.Equal(
            (word, "why", Now.ToUnixTimeMilliseconds(), 1_991_000_000L),
            (answer.Status, answer.Cause, answer.GoneSince, answer.CredentialExpires)
        );
        Assert.Equal(result, answer.ToResult());
        Assert.Null(PushProxyAnswer.Of(new PushResult(outcome, "")).Cause);
    }

    [Theory]
    [InlineData("""{"status":"sent"}""", true)]
    [InlineData("""{"status":"Sent"}""", false)]
    [InlineData("""{"status":"other"}""", false)]
    [InlineData("""{"status":null}""", false)]
    [InlineData("""{"cause":"x"}""", false)]
    [InlineData("""{"status":"sent","more":1}""", false)]
    [InlineData("""{"status":"sent","status":"sent"}""", false)]
    [InlineData("""{"status":"gone","gone_since":253402300799999}""", true)]
    [InlineData("""{"status":"gone","gone_since":253402300800000}""", false)]
    [InlineData("""{"status":"sent","credential_expires":253402300799}""", true)]
    [InlineData("""{"status":"sent","credential_expires":253402300800}""", false)]
    [InlineData("null", false)]
    [InlineData("{", false)]
    public void Only_an_answer_of_the_dialect_is_read(string json, bool read) =>
        Assert.Equal(read, PushProxyAnswer.Read(Encoding.UTF8.GetBytes(json)) is not null);

    [Theory]
    [InlineData(200)]
    [InlineData(201)]
    public void A_cause_is_one_line_of_200_characters(int length)
    {
        var result = new PushProxyAnswer("refused", "a\nb\u0085" + new string('x', length - 4)).ToResult()!;
        Assert.Equal("a b " + new string('x', Math.Min(length, 200) - 4), result.Cause);
    }

    [Theory]
    [InlineData("android 15", "android")]
    [InlineData("Android 15", "android")]
    [InlineData("ios 18.1", "ios")]
    [InlineData("", "ios")]
    [InlineData("not android", "ios")]
    public void The_platform_is_that_of_the_version_text(string version, string platform) =>
        Assert.Equal(platform, PushProxyRequest.Of(Message(version, numberMatch: false), "FGT").Platform);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_number_is_asked_for_only_when_one_is_wanted(bool wanted)
    {
        var request = PushProxyRequest.Of(Message("ios", wanted), "FGT60F");
        Assert.Equal(wanted ? true : null, request.NumberMatch);
        Assert.Equal(
            ("FGT60F", "reg", "id", "192.0.2.1", 4433, "FTKMOB0000000001", "ann", "198.51.100.7"),
            (
                request.Device,
                request.Recipient,
                request.Session,
                request.CallbackIp,
                request.CallbackPort,
                request.Token,
                request.User,
                request.ClientIp
            )
        );
        Assert.Equal((Now.ToUnixTimeSeconds(), Now.ToUnixTimeSeconds() + 60), (request.Time, request.Expires));
    }

    private static PushMessage Message(string version, bool numberMatch) =>
        new(
            "reg",
            "FTKMOB0000000001",
            "id",
            "192.0.2.1",
            4433,
            "ann",
            IPAddress.Parse("198.51.100.7"),
            Now,
            Now.AddSeconds(60),
            OsVersion: version,
            NumberMatch: numberMatch
        );
}
