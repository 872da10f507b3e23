using System.Net;
using Appliance.Firmware.Config;
using Appliance.Firmware.Events;
using Appliance.Firmware.Radius;
using Appliance.Hal.Linux;
using Appliance.Tests.EndToEnd;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Appliance.Tests.Radius;

/// <summary>The client over TLS (RFC 6614), by radsecproxy with a FreeRADIUS behind it.</summary>
[Trait("Peer", "openfortivpn")]
[Trait("Peer", "freeradius")]
[Trait("Peer", "radsecproxy")]
public sealed class RadSecClientTests
{
    private readonly FakeTimeProvider _time = new(FreeRadiusTests.Start);
    private readonly List<string> _failures = [];

    [Fact]
    public async Task EveryAnswerComesOverOneConnection()
    {
        const int Many = 200;
        await using var server = await FreeRadius.StartAsync();
        await using var proxy = await RadSecProxy.StartAsync(server);
        await using var client = Client();
        var settings = Settings(proxy);
        Assert.IsType<RadiusResult.Accept>(await AskAsync(client, settings, "bob", "bob-password"));
        Assert.IsType<RadiusResult.Reject>(await AskAsync(client, settings, "bob", "wrong"));
        var answers = await Task.WhenAll(
            Enumerable.Range(0, Many).Select(number => AskAsync(client, settings, "bob", number % 2 == 0 ? "bob-password" : "wrong"))
        );
        Assert.All(Enumerable.Range(0, Many), number => Assert.Equal(number % 2 == 0, answers[number] is RadiusResult.Accept));
        var challenge = Assert.IsType<RadiusResult.Challenge>(await AskAsync(client, settings, "una", "una-password"));
        Assert.IsType<RadiusResult.Accept>(
            await client.AskAsync(settings, new RadiusQuery("una", "", null, "test") { Answers = challenge }, CancellationToken.None)
        );
        Assert.Empty(_failures);
    }

    [Fact]
    public async Task AConnectionThatBreaksIsMadeAnew()
    {
        await using var server = await FreeRadius.StartAsync();
        await using var proxy = await RadSecProxy.StartAsync(server);
        await using var client = Client();
        Assert.IsType<RadiusResult.Accept>(await AskAsync(client, Settings(proxy), "bob", "bob-password"));
        await proxy.KillAsync();
        Assert.IsType<RadiusResult.NoAnswer>(await AskAsync(client, Settings(proxy), "bob", "bob-password"));
        await proxy.StartAsync();
        Assert.IsType<RadiusResult.Accept>(await AskAsync(client, Settings(proxy), "bob", "bob-password"));
    }

    [Fact]
    public async Task AServerThatCannotBeTrustedGetsNoPassword()
    {
        await using var server = await FreeRadius.StartAsync();
        await using var proxy = await RadSecProxy.StartAsync(server);
        await using var another = await FreeRadius.StartAsync();
        await using var other = await RadSecProxy.StartAsync(another);
        await using var client = Client();
        async Task RefusedAsync(RadiusTls tls, string why)
        {
            Assert.IsType<RadiusResult.NoAnswer>(
                await AskAsync(client, Settings(proxy) with { Name = why, Tls = tls }, "bob", "bob-password")
            );
            Assert.Contains(_failures, failure => failure.Contains(why, StringComparison.Ordinal));
        }
        await RefusedAsync(Tls(proxy) with { Authority = other.Authority }, "not from the trusted CA");
        await RefusedAsync(Tls(proxy) with { Authority = "" }, "no ca-cert is set");
        await RefusedAsync(Tls(proxy) with { Certificate = "no PEM" }, "PEM");
        _time.SetUtcNow(FreeRadiusTests.Start.AddYears(25));
        await RefusedAsync(Tls(proxy), "NotTimeValid");
    }

    /// <summary>By the console's own lines, in a release that has them; the certificates as PEM in quotes.</summary>
    [Fact]
    public async Task AUserLogsInThroughRadSec()
    {
        await using var server = await FreeRadius.StartAsync();
        await using var proxy = await RadSecProxy.StartAsync(server);
        await using var lab = await TestLab.StartAsync(
            $"""
            config vpn certificate ca
                edit "radsec-ca"
                    set ca "{proxy.Authority}"
                next
            end
            config vpn certificate local
                edit "radsec-client"
                    set certificate "{proxy.ClientCertificate}"
                    set private-key "{proxy.ClientKey}"
                next
            end
            config user radius
                edit "free"
                    set server "{proxy.EndPoint.Address}"
                    set secret {RadSecProxy.Secret}
                    set auth-type pap
                    set transport-protocol tls
                    set ca-cert "radsec-ca"
                    set client-cert "radsec-client"
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

            """,
            Personality.Find("7.6")
        );
        var run = await lab.OpenfortivpnAsync("zoe", "zoe-password");
        Assert.True(run.Authenticated, run + string.Join('\n', lab.EventLines()));
        Assert.Contains(
            "succeeded",
            await lab.CliAsync("diagnose test authserver radius free mschap2 zoe zoe-password"),
            StringComparison.Ordinal
        );
        // Without a client certificate the proxy refuses the connection, and the event reports it.
        await lab.CliAsync("config user radius", "edit free", "unset client-cert", "next", "end");
        var running = lab.OpenfortivpnAsync("zoe", "zoe-password");
        await Until.TrueAsync(
            async () =>
            {
                await lab.AdvanceAsync(5);
                return running.IsCompleted;
            },
            "the refusal"
        );
        Assert.False((await running).Authenticated);
    }

    private RadiusClient Client()
    {
        var client = new RadiusClient([new SocketNic("port1", IPAddress.Parse("127.0.0.1"))], _time, new DebugTap());
        client.NotConnected += (_, _, why) => _failures.Add(why);
        return client;
    }

    private static RadiusTls Tls(RadSecProxy proxy) =>
        new(proxy.Authority, proxy.ClientCertificate, proxy.ClientKey, "", ChecksIdentity: true, Only13: false);

    private static RadiusSettings Settings(RadSecProxy proxy) =>
        new("free", [new(proxy.EndPoint, new RadiusSecret(RadSecProxy.Secret))], [RadiusScheme.Pap])
        {
            Transport = RadiusTransport.Tls,
            Tls = Tls(proxy),
        };

    private static async Task<RadiusResult> AskAsync(RadiusClient client, RadiusSettings settings, string user, string password)
    {
        var answer = client.AskAsync(settings, new RadiusQuery(user, password, null, "test"), CancellationToken.None);
        // An immediate answer or refusal needs no time of the clock.
        await answer.WaitAsync(TimeSpan.FromSeconds(20), BusyMachine.Time);
        return await answer;
    }
}
