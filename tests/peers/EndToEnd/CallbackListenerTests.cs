using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using Appliance.Doubles.Clock;
using Xunit;

namespace Appliance.Tests.EndToEnd;

/// <summary>The listeners of the callback; a change of them affects no other service.</summary>
[Trait("Peer", "openfortivpn")]
public sealed class CallbackListenerTests
{
    private const string NoSuchSession = """{"session_id":"00000000000000000000000000000000","action":"validate","token_code":"123456"}""";

    [Fact]
    public async Task OnlyAnInterfaceWithTheFlagServesIt()
    {
        await using var lab = await TestLab.StartAsync();
        using var web = new Web(lab);
        using var answer = await web.CallbackAsync(lab.Port1, 4433, NoSuchSession);
        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        Assert.True(await Web.IsRefusedAsync(lab.Port2, 4433));
        await lab.CliAsync("config system interface", "edit port2", "set allowaccess ping https ssh http ftm", "next", "end");
        using var other = await web.CallbackAsync(lab.Port2, 4433, NoSuchSession);
        Assert.Equal(HttpStatusCode.Unauthorized, other.StatusCode);
    }

    [Fact]
    public async Task AWithdrawnFlagEndsLiveCallsAndNothingElse()
    {
        await using var lab = await TestLab.StartAsync();
        using var web = new Web(lab);
        using var idle = await ConnectAsync(lab.Port1, 4433);
        using var vpn = await ConnectAsync(lab.Port1, 10443);
        using var login = await web.FormAsync(
            $"https://{lab.Vpn}/remote/logincheck",
            "username=bob&credential=bob-password&realm=&ajax=1&just_logged_in=1"
        );
        var cookie = Assert.Single(login.Headers.GetValues("Set-Cookie")).Split(';')[0];

        var ended = EndOfAsync(idle);
        await lab.CliAsync("config system interface", "edit port1", "set allowaccess ping https", "next", "end");
        var withdrawn = BusyMachine.Time.GetTimestamp();
        await ended.WaitAsync(TimeSpan.FromSeconds(20), BusyMachine.Time);
        // The connection was cut before the command line answered, or within the documented 100 ms after it. The rest is the machine's
        // scheduling.
        Assert.True(BusyMachine.Time.GetElapsedTime(withdrawn) < TimeSpan.FromSeconds(2));
        Assert.True(await Web.IsRefusedAsync(lab.Port1, 4433));
        Assert.False(EndOfAsync(vpn).IsCompleted);
        using var request = new HttpRequestMessage(HttpMethod.Get, $"https://{lab.Vpn}/remote/index")
        {
            Headers = { { "Cookie", cookie } },
        };
        using var index = await web.SendAsync(request);
        Assert.Equal(HttpStatusCode.OK, index.StatusCode);

        await lab.CliAsync("config system interface", "edit port1", "set allowaccess ping https ftm", "next", "end");
        using var again = await web.CallbackAsync(lab.Port1, 4433, NoSuchSession);
        Assert.Equal(HttpStatusCode.Unauthorized, again.StatusCode);
    }

    [Fact]
    public async Task APushIsLostWithoutTheFlagAndACodeStillWorks()
    {
        await using var lab = await TestLab.StartAsync();
        await lab.CliAsync("config system interface", "edit port1", "set allowaccess ping https", "next", "end");
        var running = lab.OpenfortivpnAsync("ann", "ann-password");
        await lab.PushPendingAsync();
        await lab.AnswerAsync("approve");
        await lab.AdvanceAsync(61);
        Assert.False((await running).Authenticated);
        Assert.True((await lab.OpenfortivpnAsync("ann", "ann-password", "-o", lab.Code(TestLab.AnnSeed))).Authenticated);
    }

    [Fact]
    public async Task TheServerPortMoves()
    {
        await using var lab = await TestLab.StartAsync();
        using var web = new Web(lab);
        using var vpn = await ConnectAsync(lab.Port1, 10443);
        await lab.CliAsync("config system ftm-push", "set server-port 4434", "end");
        Assert.True(await Web.IsRefusedAsync(lab.Port1, 4433));
        using var moved = await web.CallbackAsync(lab.Port1, 4434, NoSuchSession);
        Assert.Equal(HttpStatusCode.Unauthorized, moved.StatusCode);
        Assert.False(EndOfAsync(vpn).IsCompleted);
        await lab.PhoneModeAsync(new { mode = "approve" });
        Assert.True((await lab.OpenfortivpnAsync("ann", "ann-password")).Authenticated);
    }

    [Fact]
    public async Task APortThatIsTakenIsRefusedAndNothingChanges()
    {
        await using var lab = await TestLab.StartAsync();
        using var web = new Web(lab);
        var transcript = await lab.CliAsync("config system ftm-push", "set server-port 10443", "end");
        Assert.Contains("Command fail. Return code", transcript, StringComparison.Ordinal);
        using var old = await web.CallbackAsync(lab.Port1, 4433, NoSuchSession);
        Assert.Equal(HttpStatusCode.Unauthorized, old.StatusCode);
        Assert.Contains("server-port         : 4433", await lab.CliAsync("get system ftm-push"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task TheConfigurationSurvivesARestart()
    {
        await using var lab = await TestLab.StartAsync();
        await lab.CliAsync("config system ftm-push", "set server-port 4435", "end");
        await lab.RestartAsync();
        using var web = new Web(lab);
        using var answer = await web.CallbackAsync(lab.Port1, 4435, NoSuchSession);
        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        Assert.True(await Web.IsRefusedAsync(lab.Port1, 4433));
    }

    [Theory]
    [InlineData("0")]
    [InlineData("65536")]
    [InlineData("abc")]
    public async Task AWrongServerPortChangesNothing(string port)
    {
        await using var lab = await TestLab.StartAsync();
        var transcript = await lab.CliAsync("config system ftm-push", $"set server-port {port}", "end");
        Assert.Contains("value parse error before", transcript, StringComparison.Ordinal);
        Assert.Contains("Command fail. Return code -", transcript, StringComparison.Ordinal);
        Assert.Contains("server-port         : 4433", await lab.CliAsync("get system ftm-push"), StringComparison.Ordinal);
    }

    /// <summary>Opens an idle TLS connection, which stays open until a side ends it.</summary>
    private static async Task<SslStream> ConnectAsync(string address, int port)
    {
        var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Parse(address), port);
#pragma warning disable CA5359 // The certificate is not under test.
        var tls = new SslStream(client.GetStream(), leaveInnerStreamOpen: false, (_, _, _, _) => true);
#pragma warning restore CA5359
        await tls.AuthenticateAsClientAsync("test");
        return tls;
    }

    private static async Task EndOfAsync(SslStream connection)
    {
        try
        {
            await connection.ReadAtLeastAsync(new byte[1], 1, throwOnEndOfStream: false);
        }
        catch (IOException)
        {
            // Reset is an end, too.
        }
    }
}
