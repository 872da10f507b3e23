using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Appliance.Firmware.Config;
using Appliance.Tests.Radius;
using Xunit;

namespace Appliance.Tests.EndToEnd;

/// <summary>
/// <c>dan</c>, a user of the FortiAuthenticator emulator only, logs in at the SSL VPN with the clients that Debian ships: password, RADIUS,
/// challenge, push, phone, accept, cookie.
/// </summary>
[Trait("Peer", "openfortivpn")]
[Trait("Peer", "openconnect")]
[Trait("Peer", "freeradius")]
[Trait("Peer", "radclient")]
public sealed class RemoteUserTests
{
    private const string ShortBudget = "config system global\nset remoteauthtimeout 5\nend\n";

    [Theory]
    [InlineData("code-or-empty")]
    [InlineData("type-push")]
    [InlineData("push-without-challenge")]
    public async Task OpenfortivpnWaitsForThePhone(string policy)
    {
        await using var lab = await TestLab.StartAsync(fac: policy);
        var running = lab.OpenfortivpnAsync("dan", "dan-password");
        await lab.PushPendingAsync(TestLab.DanSerial);
        Assert.Equal(200, await lab.AnswerStatusAsync("approve", TestLab.DanSerial));
        var run = await running;
        Assert.True(run.Authenticated, run.ToString());
        Assert.Contains(
            lab.EventLines(),
            line =>
                line.Contains("logid=\"0101039424\"", StringComparison.Ordinal)
                && line.Contains("user=\"dan\" group=\"fac-users\"", StringComparison.Ordinal)
        );
    }

    [Theory]
    [InlineData("code-or-empty", "")]
    [InlineData("code-or-empty", "push")]
    [InlineData("type-push", "push")]
    [InlineData("type-push", "")]
    [InlineData("push-without-challenge", null)]
    public async Task OpenconnectWaitsForThePhone(string policy, string? answer)
    {
        await using var lab = await TestLab.StartAsync(fac: policy);
        var running = lab.OpenconnectAsync("dan", "dan-password", answer);
        await lab.PushPendingAsync(TestLab.DanSerial);
        Assert.Equal(200, await lab.AnswerStatusAsync("approve", TestLab.DanSerial));
        var run = await running;
        Assert.True(run.HasCookie, run.ToString());
        // The server's own words, without the plus that is for the device.
        Assert.Equal(
            policy != "push-without-challenge",
            run.Output.Contains(
                policy == "type-push"
                    ? "Enter your Token or type"
                    : "Enter token code or no code to send a notification to your FortiToken Mobile",
                StringComparison.Ordinal
            )
        );
        Assert.DoesNotContain("+Enter", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ACodeWorksOnceAtTheSslVpnAndAtTheServer()
    {
        await using var lab = await TestLab.StartAsync("config vpn ssl settings\nset login-attempt-limit 0\nend\n", fac: "code-or-empty");
        var code = lab.Code(TestLab.DanSeed);
        Assert.True((await lab.OpenfortivpnAsync("dan", "dan-password", "-o", code)).Authenticated);
        Assert.False((await lab.OpenfortivpnAsync("dan", "dan-password", "-o", code)).Authenticated);
        var radclient = await Peer.RunAsync(
            "radclient",
            ["-x", "-r", "1", "-t", "5", $"{lab.Network}.10:1812", "auth", "testing123"],
            $"User-Name=\"dan\",User-Password=\"dan-password{code}\",Message-Authenticator=0x00\n"
        );
        Assert.Contains("Received Access-Reject", radclient.Output, StringComparison.Ordinal);
        await lab.AdvanceAsync(60);
        Assert.True((await lab.OpenconnectAsync("dan", "dan-password", lab.Code(TestLab.DanSeed))).HasCookie);
    }

    [Fact]
    public async Task AWrongCodeIsRefused()
    {
        await using var lab = await TestLab.StartAsync(fac: "code-or-empty");
        var run = await lab.OpenfortivpnAsync("dan", "dan-password", "-o", lab.Code(TestLab.DanSeed, secondsAhead: 6000));
        Assert.False(run.Authenticated, run.ToString());
        Assert.Contains(
            lab.EventLines(),
            line =>
                line.Contains("user=\"dan\"", StringComparison.Ordinal)
                && line.Contains("reason=\"wrong_token_code\"", StringComparison.Ordinal)
        );
    }

    [Theory]
    [InlineData("openfortivpn")]
    [InlineData("openconnect")]
    public async Task WhatThePhoneDeniesIsDenied(string client)
    {
        await using var lab = await TestLab.StartAsync(fac: "code-or-empty");
        var running = RunAsync(lab, client);
        await lab.PushPendingAsync(TestLab.DanSerial);
        Assert.Equal(200, await lab.AnswerStatusAsync("deny", TestLab.DanSerial));
        var run = await running;
        Assert.False(run.Authenticated || run.HasCookie, run.ToString());
        Assert.Contains(lab.EventLines(), line => line.Contains("reason=\"remote_server_denied\"", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("openfortivpn")]
    [InlineData("openconnect")]
    public async Task TheDevicesOwnFiveSecondsAreTooShortForAPhoneAndTheTimelineSaysSo(string client)
    {
        await using var lab = await TestLab.StartAsync(ShortBudget, fac: "code-or-empty");
        var running = RunAsync(lab, client);
        await lab.PushPendingAsync(TestLab.DanSerial);
        await lab.AdvanceAsync(5);
        var run = await running;
        Assert.False(run.Authenticated || run.HasCookie, run.ToString());
        Assert.Contains(lab.EventLines(), line => line.Contains("reason=\"deadline_remoteauthtimeout\"", StringComparison.Ordinal));
        var steps = await StepsAsync(lab);
        Assert.Contains(
            steps,
            step =>
                step.Contains("5 s for each reply of the server", StringComparison.Ordinal)
                && step.Contains("60 s in all (two-factor-fac-expiry)", StringComparison.Ordinal)
                && step.Contains("remoteauthtimeout is too short for a phone", StringComparison.Ordinal)
                && step.Contains("config system global / set remoteauthtimeout 60", StringComparison.Ordinal)
        );
        Assert.Contains(
            steps,
            step =>
                step.Contains("remoteauthtimeout passed while the push was pending", StringComparison.Ordinal)
                && step.Contains("config system global / set remoteauthtimeout 60", StringComparison.Ordinal)
        );
        // The phone's answer is too late at the device now, whatever the server's verdict.
        await lab.AnswerStatusAsync("approve", TestLab.DanSerial);
        Assert.DoesNotContain(lab.EventLines(), line => line.Contains("logid=\"0101039424\"", StringComparison.Ordinal));
    }

    [Fact]
    public async Task TwoFactorFacExpiryEndsTheWaitToo()
    {
        await using var lab = await TestLab.StartAsync("config system global\nset two-factor-fac-expiry 30\nend\n", fac: "code-or-empty");
        var running = lab.OpenfortivpnAsync("dan", "dan-password");
        await lab.PushPendingAsync(TestLab.DanSerial);
        await lab.AdvanceAsync(29);
        Assert.False(running.IsCompleted);
        await lab.AdvanceAsync(1);
        Assert.False((await running).Authenticated);
        Assert.Contains(lab.EventLines(), line => line.Contains("reason=\"deadline_two-factor-fac-expiry\"", StringComparison.Ordinal));
    }

    [Fact]
    public async Task AServerThatIsNotThereDenies()
    {
        await using var lab = await TestLab.StartAsync(ShortBudget, fac: "code-or-empty");
        await lab.CliAsync("config user radius", "edit fac", $"set server {lab.Network}.99", "next", "end");
        var running = lab.OpenfortivpnAsync("dan", "dan-password");
        await Until.TrueAsync(
            async () => (await StepsAsync(lab)).Any(step => step.Contains("remote server", StringComparison.Ordinal)),
            "the question"
        );
        await lab.AdvanceAsync(5);
        Assert.False((await running).Authenticated);
        Assert.Contains(
            lab.EventLines(),
            line =>
                line.Contains("remoteauthtimeout", StringComparison.Ordinal)
                || line.Contains("remote_server_unavailable", StringComparison.Ordinal)
        );
        // Local users are not affected.
        Assert.True((await lab.OpenfortivpnAsync("bob", "bob-password")).Authenticated);
    }

    /// <summary>The conditions of the CVE: a server whose replies lack the Message-Authenticator, at a release that demands it.</summary>
    [Fact]
    public async Task AReplyWithoutMessageAuthenticatorDeniesAndIsAnEvent()
    {
        await using var server = await FreeRadius.StartAsync(signs: false);
        await using var lab = await TestLab.StartAsync(ToFreeRadius(server), Personality.Find("7.6"));
        var running = lab.OpenfortivpnAsync("zoe", "zoe-password");
        await Until.TrueAsync(
            () =>
                lab.EventLines()
                    .Any(line =>
                        line.Contains("reason=\"no_message_authenticator\"", StringComparison.Ordinal)
                        && line.Contains("No Message-Authenticator attribute", StringComparison.Ordinal)
                    ),
            "the event"
        );
        await lab.AdvanceAsync(5);
        Assert.False((await running).Authenticated);
        // The setting that permits it.
        await lab.CliAsync("config user radius", "edit free", "set require-message-authenticator disable", "next", "end");
        Assert.True((await lab.OpenfortivpnAsync("zoe", "zoe-password")).Authenticated);
    }

    /// <summary>Several rounds with FreeRADIUS. Its challenge is not a FortiAuthenticator's, so no push is offered.</summary>
    [Fact]
    public async Task TwoChallengesAreShownOneAfterTheOther()
    {
        await using var server = await FreeRadius.StartAsync();
        await using var lab = await TestLab.StartAsync(ToFreeRadius(server));
        using var web = new Web(lab);
        var first = await FieldsAsync(web, lab, "username=eve&credential=eve-password&realm=&ajax=1&just_logged_in=1");
        Assert.Equal(("2", "", "Enter token code"), (first["ret"], first["tokeninfo"], first["chal_msg"]));
        var second = await FieldsAsync(
            web,
            lab,
            $"username=eve&code=123456&reqid={first["reqid"]}&polid={first["polid"]}&magic={first["magic"]}&ajax=1&just_logged_in=1"
        );
        // No comma: it would end the field.
        Assert.Equal(("2", "And the next one please", first["reqid"]), (second["ret"], second["chal_msg"], second["reqid"]));
        var third = await FieldsAsync(
            web,
            lab,
            $"username=eve&code=654321&reqid={first["reqid"]}&polid={first["polid"]}&magic={first["magic"]}&ajax=1&just_logged_in=1"
        );
        Assert.Equal("1", third["ret"]);
    }

    private static string ToFreeRadius(FreeRadius server) =>
        $"""
            config system global
                set remoteauthtimeout 5
            end
            config user radius
                edit "free"
                    set server "{server.EndPoint.Address}"
                    set secret {FreeRadius.Secret}
                    set auth-type pap
                next
            end
            config user group
                edit "free-users"
                    set member "free"
                next
            end
            config vpn ssl settings
                config authentication-rule
                    edit 3
                        set groups "free-users"
                        set portal "full-access"
                    next
                end
            end

            """;

    private static Task<PeerRun> RunAsync(TestLab lab, string client) =>
        client == "openconnect" ? lab.OpenconnectAsync("dan", "dan-password", "") : lab.OpenfortivpnAsync("dan", "dan-password");

    private static async Task<IReadOnlyList<string>> StepsAsync(TestLab lab)
    {
        var steps = new List<string>();
        foreach (var login in (await lab.Api.GetFromJsonAsync<JsonArray>("/lab/logins"))!)
        {
            var whole = await lab.Api.GetFromJsonAsync<JsonObject>($"/lab/logins/{login!["id"]}");
            steps.AddRange(whole!["steps"]!.AsArray().Select(step => step!.ToJsonString()));
        }
        return steps;
    }

    private static async Task<Dictionary<string, string>> FieldsAsync(Web web, TestLab lab, string form)
    {
        using var reply = await web.FormAsync($"https://{lab.Vpn}/remote/logincheck", form);
        Assert.Equal(HttpStatusCode.OK, reply.StatusCode);
        return (await reply.Content.ReadAsStringAsync())
            .Split(',')
            .Select(pair => pair.Split('=', 2))
            .ToDictionary(pair => pair[0], pair => pair.Length > 1 ? pair[1] : "");
    }
}
