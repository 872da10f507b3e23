using System.Text;
using Appliance.Doubles.FortiAuthenticator;
using Appliance.Doubles.PushProxy;
using Xunit;

namespace Appliance.Tests.Sim;

/// <summary>
/// Mistakes in fac.json and in the providers file: the path, the expected value, the value, and its owner. No secret is shown.
/// </summary>
public sealed class OperatorFileTests
{
    public static TheoryData<string, string, string> FacMistakes =>
        new()
        {
            { "\"authPort\": 1812", "\"authPort\": \"1812\"", "authPort must be a port from 0 to 65535, not '1812'" },
            { "\"authPort\": 1812", "\"authPort\": 65536", "authPort must be a port from 0 to 65535, not 65536" },
            { "\"tokenTimeout\": 60", "\"tokenTimeout\": 3601", "tokenTimeout must be a whole number from 1 to 3600, not 3601" },
            { "  \"apiKey\": \"testing123\",\n", "", "apiKey is missing from the JSON object (expected a text)" },
            { "\"address\": \"127.0.1.10\"", "\"address\": \"here\"", "address must be an IP address, not 'here'" },
            {
                "\"address\":",
                "\"adress\": 1, \"address\":",
                "adress is no known field (expected address, authPort, acctPort, httpsPort, tokenTimeout, apiKey, clients, tokens, users, logDecisions, radSecPort, radSecClientCa)"
            },
            {
                "\"network\": \"127.0.0.0/8\"",
                "\"network\": \"127.0.0.0/99\"",
                "clients[0].network (client 127.0.0.0/99) must be a network as 10.0.0.0/8, not '127.0.0.0/99'"
            },
            {
                "\"secret\": \"testing123\"",
                "\"secret\": \"\"",
                "clients[0].secret (client 127.0.0.0/8) must be a text that is not empty, not what is there"
            },
            {
                "\"policy\": \"code-or-empty\"",
                "\"policy\": \"ask\"",
                "clients[0].policy (client 127.0.0.0/8) must be code-or-empty, type-push, push-without-challenge, not 'ask'"
            },
            {
                "\"requireMessageAuthenticator\": true",
                "\"requireMessageAuthenticator\": \"yes\"",
                "clients[0].requireMessageAuthenticator (client 127.0.0.0/8) must be true or false, not 'yes'"
            },
            { "\"password\": \"dan-password\"", "\"password\": 12345", "users[3].password (user dan) must be a text, not a number" },
            { ", \"password\": \"dan-password\"", "", "users[3].password (user dan) is missing from the JSON object (expected a text)" },
            {
                "\"tokens\": [\"FTKMOB0000000003\"]",
                "\"tokens\": [\"FTKMOB0000000009\"]",
                "users[3].tokens[0] (user dan) must be the serial number of an entry of tokens, not 'FTKMOB0000000009'"
            },
            {
                "\"tokens\": [\"FTKMOB0000000003\"]",
                "\"tokens\": \"FTKMOB0000000003\"",
                "users[3].tokens (user dan) must be a list, not 'FTKMOB0000000003'"
            },
            { "\"name\": \"dan\"", "\"name\": \"ann\"", "users[3].name (user ann) must be a name that no other user has, not 'ann'" },
            {
                "\"serial\": \"FTKMOB0000000002\"",
                "\"serial\": \"FTKMOB0000000001\"",
                "tokens[1].serial (token FTKMOB0000000001) must be a serial number that no other token has, not 'FTKMOB0000000001'"
            },
            {
                "NRQWELLTMVSWILLPMYWWIYLOFUYDAMBT",
                "short",
                "tokens[2].seed (token FTKMOB0000000003) must be a seed (10 to 64 bytes in hex or base32, period 30 or 60, 6 or 8 digits), not what is there"
            },
        };

    [Theory]
    [MemberData(nameof(FacMistakes))]
    public void A_mistake_in_fac_json_is_named_by_path_expectation_and_value(string right, string wrong, string message)
    {
        var text = Good.ReplaceLineEndings("\n");
        Assert.Contains(right, text, StringComparison.Ordinal);
        Assert.Equal(
            message,
            Assert
                .Throws<FormatException>(() =>
                    FacSettings.Parse(Encoding.UTF8.GetBytes(text.Replace(right, wrong, StringComparison.Ordinal)))
                )
                .Message
        );
    }

    [Theory]
    [InlineData("null", "the file must be an object, not null")]
    [InlineData("[]", "the file must be an object, not a list")]
    [InlineData("{\n \"a\": }", "line 2, position 7: the file is not JSON without duplicate names (expected an object)")]
    public void A_file_that_is_no_object_is_told_so(string text, string message) =>
        Assert.Equal(message, Assert.Throws<FormatException>(() => FacSettings.Parse(Encoding.UTF8.GetBytes(text))).Message);

    [Theory]
    [InlineData(
        """{"apns":{"url":"https://h","teamId":"t","keyId":"k","topic":"a.b"}}""",
        "apns.key is missing from the JSON object (expected a .p8 file)"
    )]
    [InlineData(
        """{"apns":{"url":7,"teamId":"t","keyId":"k","key":"f","topic":"a.b"}}""",
        "apns.url must be a URL that begins with https://, not 7"
    )]
    [InlineData(
        """{"fcm":{"url":"https://h","serviceAccount":"f","keyExpires":"soon"}}""",
        "fcm.keyExpires must be a time as 2027-01-31T12:00:00Z, not 'soon'"
    )]
    [InlineData("""{"registrations":{"r":[null]}}""", "registrations.r[0] must be an object, not null")]
    [InlineData(
        """{"registrations":{"r":[{"platform":"ios"}]}}""",
        "registrations.r[0].token is missing from the JSON object (expected a text)"
    )]
    [InlineData("""{"apsn":{}}""", "apsn is no known field (expected apns, fcm, registrations)")]
    public void A_mistake_in_the_providers_file_is_named(string json, string message) =>
        Assert.Equal(
            "p.json: " + message,
            Assert.Throws<FormatException>(() => ProviderSettings.Read(Encoding.UTF8.GetBytes(json), "/folder/p.json")).Message
        );

    private static string Good => File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "boards", "desktop", "fac.json"));
}
