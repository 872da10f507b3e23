using System.Text;
using Appliance.Firmware.Ftm;
using Xunit;

namespace Appliance.Tests.Ftm;

/// <summary>A phone's answer: which fields it must and must not have, and how long each may be.</summary>
public sealed class CallbackRequestBoundTests
{
    private const string Id = "0123456789abcdef0123456789abcdef";
    private static readonly string Hmac = new('a', 64);

    [Theory]
    [InlineData(16, 4, true)]
    [InlineData(17, 4, false)]
    [InlineData(16, 5, false)]
    [InlineData(0, 0, true)]
    public void A_code_has_sixteen_characters_at_most_and_a_number_four(int code, int number, bool read) =>
        Assert.Equal(
            read,
            IsRead(
                $$"""{"session_id":"{{Id}}","action":"validate","token_code":"{{new string('1', code)}}","number":"{{new string('2', number)}}"}"""
            )
        );

    [Theory]
    [InlineData(256, true)]
    [InlineData(257, false)]
    public void A_message_has_256_characters_at_most(int length, bool read)
    {
        Assert.Equal(read, IsRead(Alert(message: new string('m', length))));
        Assert.Equal(read, IsRead(Alert(message: new string('ä', length))));
    }

    [Theory]
    [InlineData(63, 'a', false)]
    [InlineData(64, 'a', true)]
    [InlineData(64, 'A', true)]
    [InlineData(64, 'g', false)]
    [InlineData(65, 'a', false)]
    public void A_signature_is_64_hex_digits(int length, char digit, bool read) =>
        Assert.Equal(read, IsRead(Alert(hmac: new string(digit, length))));

    [Theory]
    [InlineData(31, false)]
    [InlineData(32, true)]
    [InlineData(33, false)]
    public void A_session_has_32_characters(int length, bool read) =>
        Assert.Equal(read, IsRead($$"""{"session_id":"{{new string('0', length)}}","action":"validate","token_code":"1"}"""));

    [Theory]
    [InlineData("""{"session_id":"ID","action":"validate","token_code":"1"}""", true)]
    [InlineData("""{"session_id":"ID","action":"validate"}""", false)]
    [InlineData("""{"session_id":"ID","action":"validate","number":"12"}""", false)]
    [InlineData("""{"action":"validate","token_code":"1"}""", false)]
    [InlineData("""{"session_id":"ID","token_code":"1"}""", false)]
    [InlineData("""{"session_id":"ID","action":"alert","message":"m","hmac":"HMAC"}""", true)]
    [InlineData("""{"session_id":"ID","action":"alert","message":"","hmac":"HMAC"}""", true)]
    [InlineData("""{"session_id":"ID","action":"alert","message":"m"}""", false)]
    [InlineData("""{"session_id":"ID","action":"alert","hmac":"HMAC"}""", false)]
    [InlineData("""{"session_id":"ID","action":"alert","message":"m","hmac":"HMAC","number":"12"}""", false)]
    [InlineData("""{"session_id":"ID","action":"approve","token_code":"1"}""", false)]
    [InlineData("""{"session_id":"ID","action":"validate","token_code":"1","token_code":"1"}""", false)]
    [InlineData("""{"session_id":"ID","action":"validate","token_code":1}""", false)]
    [InlineData("""{"session_id":"ID","action":"validate","token_code":"1","more":"1"}""", false)]
    [InlineData("""{"session_id":"ID","action":"validate","token_code":"1"} x""", false)]
    [InlineData("""{"session_id":"ID","action":"validate","token_code":"1"}{}""", false)]
    [InlineData("""  {"session_id":"ID","action":"validate","token_code":"1"}  """, true)]
    [InlineData("""{"session_id":"ID","action":"validate","token_code":"1" """, false)]
    [InlineData("""["session_id"]""", false)]
    [InlineData("", false)]
    public void What_is_an_answer_is_read_and_nothing_else(string body, bool read) =>
        Assert.Equal(read, IsRead(body.Replace("ID", Id, StringComparison.Ordinal).Replace("HMAC", Hmac, StringComparison.Ordinal)));

    private static string Alert(string message = "m", string? hmac = null) =>
        $$"""{"session_id":"{{Id}}","action":"alert","message":"{{message}}","hmac":"{{hmac ?? Hmac}}"}""";

    private static bool IsRead(string body) => CallbackRequest.Parse(Encoding.UTF8.GetBytes(body)).Action != PhoneAction.None;
}
