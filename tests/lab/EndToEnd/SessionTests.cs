using System.Net;
using Appliance.Tests.Login;
using Xunit;

namespace Appliance.Tests.EndToEnd;

/// <summary>Sessions of the SSL VPN: the events that end them immediately, and those that do not.</summary>
public sealed class SessionTests
{
    public static TheoryData<string> Ending => GroundChanges.EndingAtConsole;

    public static TheoryData<string> Harmless => GroundChanges.Harmless;

    [Theory]
    [MemberData(nameof(Ending))]
    public async Task WhatASessionRestsOnEndsItWhenItGoes(string change)
    {
        await using var lab = await TestLab.StartAsync(GroundChanges.Others);
        using var web = new Web(lab);
        var cookie = await LoginAsync(web, lab);
        Assert.Equal(HttpStatusCode.OK, await UseAsync(web, lab, cookie));
        Assert.DoesNotContain("Command fail", await lab.CliTextAsync(change), StringComparison.Ordinal);
        await Until.TrueAsync(async () => await UseAsync(web, lab, cookie) == HttpStatusCode.Redirect, "the end of the session");
        Assert.Contains(
            lab.EventLines(),
            line =>
                line.Contains("logid=\"0101039425\"", StringComparison.Ordinal) && line.Contains("user=\"cat\"", StringComparison.Ordinal)
        );
        // Not even a restart brings it back.
        await lab.RestartAsync();
        using var afterwards = new Web(lab);
        Assert.Equal(HttpStatusCode.Redirect, await UseAsync(afterwards, lab, cookie));
    }

    [Theory]
    [MemberData(nameof(Harmless))]
    public async Task WhatItDoesNotRestOnLeavesItAlone(string change)
    {
        await using var lab = await TestLab.StartAsync(GroundChanges.Others);
        using var web = new Web(lab);
        var cookie = await LoginAsync(web, lab);
        Assert.DoesNotContain("Command fail", await lab.CliTextAsync(change), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, await UseAsync(web, lab, cookie));
        await lab.RestartAsync();
        using var afterwards = new Web(lab);
        Assert.Equal(HttpStatusCode.OK, await UseAsync(afterwards, lab, cookie));
    }

    [Fact]
    public async Task ALogoutIsTheEndAndOneLine()
    {
        await using var lab = await TestLab.StartAsync();
        using var web = new Web(lab);
        var cookie = await LoginAsync(web, lab);
        for (var again = 0; again < 2; again++)
        {
            using var logout = new HttpRequestMessage(HttpMethod.Get, $"https://{lab.Vpn}/remote/logout")
            {
                Headers = { { "Cookie", cookie } },
            };
            using var answer = await web.SendAsync(logout);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            Assert.Equal(
                ["SVPNCOOKIE=", "SVPNNETWORKCOOKIE="],
                answer.Headers.GetValues("Set-Cookie").Select(forgotten => forgotten.Split(';')[0].Trim())
            );
        }
        Assert.Equal(HttpStatusCode.Redirect, await UseAsync(web, lab, cookie));
        Assert.Single(lab.EventLines(), line => line.Contains("reason=\"logout\"", StringComparison.Ordinal));
    }

    [Fact]
    public async Task IdleAndAuthTimeoutsEndIt()
    {
        await using var lab = await TestLab.StartAsync();
        await lab.CliTextAsync("config vpn ssl settings\nset idle-timeout 100\nset auth-timeout 150\nend\n");
        using var web = new Web(lab);
        var cookie = await LoginAsync(web, lab);
        await lab.AdvanceAsync(99);
        Assert.Equal(HttpStatusCode.OK, await UseAsync(web, lab, cookie));
        await lab.AdvanceAsync(50);
        Assert.Equal(HttpStatusCode.OK, await UseAsync(web, lab, cookie));
        await lab.AdvanceAsync(1);
        Assert.Equal(HttpStatusCode.Redirect, await UseAsync(web, lab, cookie));
        cookie = await LoginAsync(web, lab);
        await lab.AdvanceAsync(100);
        Assert.Equal(HttpStatusCode.Redirect, await UseAsync(web, lab, cookie));
    }

    private static async Task<string> LoginAsync(Web web, TestLab lab)
    {
        using var first = await web.FormAsync($"https://{lab.Vpn}/remote/logincheck", "username=cat&credential=cat-password&realm=&ajax=1");
        var fields = (await first.Content.ReadAsStringAsync())
            .Split(',')
            .Select(field => field.Split('=', 2))
            .Where(pair => pair.Length == 2)
            .ToDictionary(pair => pair[0], pair => pair[1]);
        using var second = await web.FormAsync(
            $"https://{lab.Vpn}/remote/logincheck",
            $"username=cat&realm=&reqid={fields["reqid"]}&polid={fields["polid"]}&magic={fields["magic"]}&code={lab.Code(TestLab.CatSeed)}"
        );
        return second.Headers.GetValues("Set-Cookie").First().Split(';')[0];
    }

    private static async Task<HttpStatusCode> UseAsync(Web web, TestLab lab, string cookie)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"https://{lab.Vpn}/remote/fortisslvpn_xml")
        {
            Headers = { { "Cookie", cookie } },
        };
        using var answer = await web.SendAsync(request);
        return answer.StatusCode;
    }
}
