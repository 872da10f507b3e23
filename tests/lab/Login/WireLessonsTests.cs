using Appliance.Tests.EndToEnd;
using Xunit;

namespace Appliance.Tests.Login;

/// <summary>Failures of other products that a client's bytes caused, as permanent tests against a whole lab.</summary>
public sealed class WireLessonsTests
{
    /// <summary>CVE-2018-13379: an encoded path read session files.</summary>
    [Fact]
    public async Task NoEncodedPathReadsAFile()
    {
        await using var lab = await TestLab.StartAsync();
        await using var wire = new RawTls(lab);
        string[] dots = ["..", "%2e%2e", "%2E.", ".%2e", "%252e%252e", "%c0%ae%c0%ae", "..%00", "%uff0e%uff0e"];
        string[] slashes = ["/", "%2f", "%2F", "\\", "%5c", "%c0%af", "//"];
        string[] files = ["etc/passwd", "state.db", "device.key", "dev/cmdb/sslvpn_websession"];
        foreach (
            var path in from dot in dots
                        from slash in slashes
                        from file in files
                        select $"/remote/fgt_lang?lang={string.Concat(Enumerable.Repeat(slash + dot, 4))}{slash}{file}"
        )
        {
            Assert.Equal(404, await wire.StatusAsync($"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n"));
        }
        foreach (var path in from dot in dots from slash in slashes select $"/remote{slash}{dot}{slash}{dot}{slash}etc{slash}passwd")
        {
            Assert.InRange(await wire.StatusAsync($"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n"), 400, 404);
        }
        Assert.Equal(200, await wire.StatusAsync("GET /remote/login HTTP/1.1\r\nHost: x\r\n\r\n"));
    }

    /// <summary>CVE-2023-27997: an odd length in <c>enc</c> overran a buffer before any authentication.</summary>
    [Theory]
    [InlineData("enc=", 400)]
    [InlineData("enc=0", 401)]
    [InlineData("enc=" + "0123456789abcde", 511)]
    [InlineData("enc=zz", 2)]
    public async Task AnOddLengthOverrunsNothing(string start, int length)
    {
        await using var lab = await TestLab.StartAsync();
        await lab.CliAsync("config vpn ssl settings", "set login-attempt-limit 0", "end");
        await using var wire = new RawTls(lab);
        var body = start + new string('f', Math.Max(0, length - start.Length));
        Assert.InRange(
            await wire.StatusAsync(
                $"POST /remote/logincheck HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {body.Length}\r\n\r\n{body}"
            ),
            200,
            405
        );
        foreach (var cookie in (string[])["", "0", new string('f', 63), new string('f', 65), new string('f', 4000), "\u00e9"])
        {
            Assert.InRange(
                await wire.StatusAsync($"GET /remote/fortisslvpn_xml HTTP/1.1\r\nHost: x\r\nCookie: SVPNCOOKIE={cookie}\r\n\r\n"),
                302,
                431
            );
        }
    }

    /// <summary>
    /// CVE-2023-28001: a session continued after its user was deleted; also if the user is deleted between the proof and the session.
    /// </summary>
    [Fact]
    public async Task ADeletedUserHasNoSession()
    {
        await using var lab = await TestLab.StartAsync();
        using var web = new Web(lab);
        using var login = await web.FormAsync($"https://{lab.Vpn}/remote/logincheck", "username=bob&credential=bob-password&realm=&ajax=1");
        var cookie = login.Headers.GetValues("Set-Cookie").First().Split(';')[0];
        await lab.CliTextAsync("config user group\nedit vpn-users\nset member ann cat\nnext\nend\nconfig user local\ndelete bob\nend\n");
        using var request = new HttpRequestMessage(HttpMethod.Get, $"https://{lab.Vpn}/remote/index")
        {
            Headers = { { "Cookie", cookie } },
        };
        using var answer = await web.SendAsync(request);
        Assert.Equal("/remote/login", answer.Headers.Location?.ToString());
    }
}
