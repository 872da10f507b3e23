using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Appliance.Tests.EndToEnd;
using Xunit;

namespace Appliance.Tests.Tunnels;

/// <summary>openconnect carries traffic through the tunnel, with ocproxy as its network: without privileges.</summary>
[Trait("Peer", "openconnect")]
[Trait("Peer", "ocproxy")]
public sealed class OpenconnectTunnelTests
{
    private const int Size = 10_000_000;

    [Fact]
    public async Task Traffic_flows_both_ways_until_the_tunnel_is_deleted()
    {
        await using var lab = await TestLab.StartAsync();
        var port = FreePort();
        var key = lab.Unit.ServiceCertificate("sslvpn")!.PublicKey.ExportSubjectPublicKeyInfo();
        var running = Peer.RunAsync(
            "openconnect",
            [
                "--protocol=fortinet",
                "--form-entry=_login:username=bob",
                "--form-entry=_login:credential=bob-password",
                "--servercert",
                "pin-sha256:" + Convert.ToBase64String(SHA256.HashData(key)),
                "--script-tun",
                "--script",
                $"ocproxy -L {port}:10.0.0.1:80",
                $"https://{lab.Vpn}",
            ]
        );
        using var web = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
        await Until.TrueAsync(async () => running.IsCompleted || await AnswersAsync(web), "the page in the tunnel");
        Assert.False(running.IsCompleted, running.IsCompleted ? (await running).ToString() : "");
        Assert.Contains("bob", await web.GetStringAsync("/"), StringComparison.Ordinal);
        var down = await web.GetByteArrayAsync($"/bytes/{Size}");
        Assert.Equal((Size, true), (down.Length, down.AsSpan().IndexOfAnyExcept((byte)'x') < 0));
        var sent = RandomNumberGenerator.GetBytes(Size);
        using var up = await web.PostAsync("/", new ByteArrayContent(sent));
        Assert.Contains(
            Convert.ToHexString(SHA256.HashData(sent)),
            await up.Content.ReadAsStringAsync(),
            StringComparison.OrdinalIgnoreCase
        );
        Assert.DoesNotContain("Command fail", await lab.CliAsync("execute vpn sslvpn del-tunnel 0"), StringComparison.Ordinal);
        var run = await running;
        Assert.False(run.TimedOut, run.ToString());
        Assert.True(run.Output.Contains("Server terminates with reason", StringComparison.Ordinal), run.ToString());
    }

    private static async Task<bool> AnswersAsync(HttpClient web)
    {
        try
        {
            using var answer = await web.GetAsync("/");
            return answer.StatusCode == HttpStatusCode.OK;
        }
        catch (HttpRequestException)
        {
            return false; // ocproxy does not listen yet.
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
