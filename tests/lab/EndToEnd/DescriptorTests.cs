using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using Appliance.Hal.Linux;
using Xunit;

namespace Appliance.Tests.EndToEnd;

/// <summary>A lab under a limit of open files: clients that hold connections cannot take the descriptors that it needs.</summary>
public sealed class DescriptorTests : IDisposable
{
    private readonly List<Socket> _held = [];
    private readonly HttpClient _client = new(
        new SocketsHttpHandler
        {
            PooledConnectionLifetime = TimeSpan.Zero, // Each request shows that a new connection is served.
#pragma warning disable CA5359 // The certificate is not under test.
            SslOptions = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = (_, _, _, _) => true },
#pragma warning restore CA5359
        }
    );

    public void Dispose()
    {
        _held.ForEach(socket => socket.Dispose());
        _client.Dispose();
    }

    [Theory]
    [InlineData(10443, "/remote/login")]
    [InlineData(4433, "/api/v1/pushauthresp/")]
    [InlineData(8443, "/")]
    public async Task A_thousand_idle_connections_do_not_stop_a_lab_with_1024_files(int port, string path)
    {
        await using var lab = new LabProcess();
        await lab.StartWithFilesAsync(1024);
        await HoldAsync(lab, port, 1000);
        Assert.True(lab.OpenFiles < 1024 - 100, $"{lab.OpenFiles} files are open: the reserve is used");
        foreach (var (served, at) in new[] { (port, path), (10443, "/remote/login"), (4433, "/api/v1/pushauthresp/") })
        {
            using var answer = await _client.GetAsync($"https://{lab.Address}:{served}{at}");
            Assert.True(answer.StatusCode < HttpStatusCode.InternalServerError);
        }
        Assert.Contains("Version:", await lab.CliAsync("get system status\n"), StringComparison.Ordinal);
        Assert.Equal(0, await lab.TerminateAsync());
    }

    [Fact]
    public async Task A_thousand_idle_connections_to_the_lab_API_do_not_stop_it()
    {
        await using var lab = new LabProcess();
        var (ready, _, _) = await lab.StartWithFilesAsync(1024);
        await HoldAsync(lab, new Uri(ready!["lab"]!.GetValue<string>()).Port, 1000, "127.0.0.1");
        Assert.True(lab.OpenFiles < 1024 - 100, $"{lab.OpenFiles} files are open: the reserve is used");
        Assert.Contains("Version:", await lab.CliAsync("get system status\n"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_lab_with_20000_files_holds_more_connections_than_1024()
    {
        await using var lab = new LabProcess();
        await lab.StartWithFilesAsync(20_000);
        // Idle connections end after 5 s: until enough of them are there at one time.
        await Until.TrueAsync(
            async () =>
            {
                _held.ForEach(socket => socket.Dispose());
                _held.Clear();
                await HoldAsync(lab, 10443, 1500);
                return lab.OpenFiles > 1300;
            },
            "more than 1,024 connections"
        );
        using var answer = await _client.GetAsync($"https://{lab.Address}:10443/remote/login");
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    [Fact]
    public async Task A_lab_with_256_files_names_the_number_that_it_needs()
    {
        await using var lab = new LabProcess();
        var (ready, exit, errors) = await lab.StartWithFilesAsync(256);
        Assert.Null(ready);
        Assert.Equal(69, exit);
        var needed = int.Parse(errors.Split("at least ")[1].Split(' ')[0]);
        await using var enough = new LabProcess();
        Assert.NotNull((await enough.StartWithFilesAsync(needed)).Ready);
        using var answer = await _client.GetAsync($"https://{enough.Address}:10443/remote/login");
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    [Fact]
    public async Task A_connection_for_which_no_descriptor_is_left_waits_and_an_event_reports_it()
    {
        await using var lab = new LabProcess();
        await lab.StartAsync();
        await lab.CliAsync("get system status\n"); // The connection to the API stays open, because no other one is accepted from now on.
        await lab.LimitFilesAsync(lab.OpenFiles);
        await HoldAsync(lab, 10443, 40);
        await Until.TrueAsync(
            async () => (await lab.Api.GetStringAsync("/lab/events?after=0")).Contains("0100099167", StringComparison.Ordinal),
            "the event"
        );
        Assert.Contains("appliance_accept_exhausted_total", await lab.Api.GetStringAsync("/lab/metrics"), StringComparison.Ordinal);
        await lab.LimitFilesAsync(20_000);
        using var answer = await _client.GetAsync($"https://{lab.Address}:10443/remote/login");
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(0, await lab.TerminateAsync());
    }

    /// <summary>Opens plain TCP connections and keeps them.</summary>
    private async Task HoldAsync(LabProcess lab, int port, int count, string? address = null)
    {
        var to = new IPEndPoint(IPAddress.Parse(address ?? lab.Address), port);
        for (var held = 0; held < count; held++)
        {
            var socket = Sockets.New(to.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            _held.Add(socket);
            await socket.ConnectAsync(to);
        }
    }
}
