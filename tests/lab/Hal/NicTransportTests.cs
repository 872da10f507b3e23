using System.Net;
using System.Text;
using Appliance.Doubles.Clock;
using Appliance.Doubles.Nics;
using Appliance.Firmware;
using Appliance.Firmware.Http;
using Appliance.Firmware.Network;
using Appliance.Hal;
using Appliance.Hal.Linux;
using Appliance.Tests.EndToEnd;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Xunit;

namespace Appliance.Tests.Hal;

/// <summary>One Kestrel over interfaces of both kinds, and services that move while it runs.</summary>
public sealed class NicTransportTests : IAsyncLifetime
{
    private readonly SimNetwork _network = new();
    private readonly NicTransport _transport = new(TimeProvider.System);
    private readonly GatedNic _sim;
    private readonly GatedNic _socket;
    private readonly SimNic _simClient;
    private readonly SocketNic _socketClient;
    private WebApplication _kestrel = null!;

    public NicTransportTests()
    {
        _sim = new GatedNic(new SimNic(_network, "port1", IPAddress.Parse("10.0.0.1")));
        _simClient = new SimNic(_network, "client", IPAddress.Parse("10.0.0.9"));
        var (server, client) = SocketNicTests.Pair();
        (_socket, _socketClient) = (new GatedNic(server), client);
        _sim.SetAccess(AllowAccess.Ftm);
        _socket.SetAccess(AllowAccess.Ftm);
    }

    public async ValueTask InitializeAsync()
    {
        var builder = EmbeddedServer.Prepare(
            _transport,
            bodyMax: 0,
            kestrel =>
            {
                kestrel.Listen(new ServiceEndPoint("a"));
                kestrel.Listen(new ServiceEndPoint("b"));
            }
        );
        _kestrel = builder.Build();
        _kestrel.Run(context =>
        {
            var feature = context.Features.GetRequiredFeature<INicFeature>();
            return context.Response.WriteAsync($"{feature.Service} on {feature.Nic.Name}");
        });
        await _kestrel.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        _transport.Apply([]);
        await _kestrel.StopAsync();
        await _kestrel.DisposeAsync();
        _sim.Dispose();
        _socket.Dispose();
    }

    [Fact]
    public void Endpoints_are_equal_when_their_services_are()
    {
        var endpoint = new ServiceEndPoint("ftm");
        Assert.Equal(new ServiceEndPoint("ftm"), endpoint);
        Assert.Equal(new ServiceEndPoint("ftm").GetHashCode(), endpoint.GetHashCode());
        Assert.NotEqual(new ServiceEndPoint("sslvpn"), endpoint);
        Assert.False(endpoint.Equals(new IPEndPoint(IPAddress.Loopback, 1)));
        Assert.Equal("ftm", endpoint.ToString());
    }

    [Fact]
    public async Task ServicesAnswerOnBothKinds()
    {
        _transport.Apply([
            new("a", _sim, 4433, AllowAccess.Ftm),
            new("a", _socket, 0, AllowAccess.Ftm),
            new("b", _sim, 443, AllowAccess.None),
        ]);
        Assert.Equal("a on port1", await AskAsync(_sim, 4433));
        Assert.Equal("b on port1", await AskAsync(_sim, 443));
        var socket = _transport.Bound.Single(bound => bound.EndPoint.Address.Equals(_socket.Addresses[0]));
        Assert.Equal("a on port1", await AskAsync(_socket, socket.EndPoint.Port));
        Assert.Equal(3, _transport.Bound.Count);
        _sim.SetAccess(AllowAccess.None);
        Assert.Equal(2, _transport.Bound.Count);
    }

    [Fact]
    public async Task AServiceMovesWhileAnotherGoesOn()
    {
        _transport.Apply([new("a", _sim, 4433, AllowAccess.Ftm), new("b", _sim, 443, AllowAccess.None)]);
        await using var live = await ConnectAsync(_sim, 443);
        await using var gone = await ConnectAsync(_sim, 4433);
        Assert.Equal("a on port1", await AskAsync(gone));
        _transport.Apply([new("a", _sim, 4434, AllowAccess.Ftm), new("b", _sim, 443, AllowAccess.None)]);
        await Assert.ThrowsAsync<IOException>(() => AskAsync(_sim, 4433));
        Assert.Equal("a on port1", await AskAsync(_sim, 4434));
        Assert.Equal("b on port1", await AskAsync(live));
        await Assert.ThrowsAnyAsync<IOException>(() => AskAsync(gone));
    }

    [Fact]
    public async Task TwoServicesSwapTheirPorts()
    {
        _transport.Apply([new("a", _sim, 1, AllowAccess.None), new("b", _sim, 2, AllowAccess.None)]);
        _transport.Apply([new("a", _sim, 2, AllowAccess.None), new("b", _sim, 1, AllowAccess.None)]);
        Assert.Equal("b on port1", await AskAsync(_sim, 1));
        Assert.Equal("a on port1", await AskAsync(_sim, 2));
    }

    [Fact]
    public async Task TwoServicesOnOnePortAreRefusedAndNothingChanges()
    {
        _transport.Apply([new("a", _sim, 1, AllowAccess.None), new("b", _sim, 2, AllowAccess.None)]);
        await using var live = await ConnectAsync(_sim, 1);
        var refused = Assert.Throws<PlacementException>(() =>
            _transport.Apply([new("a", _sim, 2, AllowAccess.None), new("b", _sim, 2, AllowAccess.None)])
        );
        Assert.Contains("port1:2", refused.Message, StringComparison.Ordinal);
        Assert.Equal("a on port1", await AskAsync(live));
        Assert.Equal("b on port1", await AskAsync(_sim, 2));
    }

    [Fact]
    public async Task AServiceIsBoundOnce() =>
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await _transport.BindAsync(new ServiceEndPoint("a")));

    [Fact]
    public async Task ALinkThatIsDownServesNothing()
    {
        _transport.Apply([new("a", _socket, 0, AllowAccess.Ftm)]);
        var port = _transport.Bound.Single().EndPoint.Port;
        _socket.Inner.SetLink(false);
        Assert.Empty(_transport.Bound);
        await Assert.ThrowsAsync<IOException>(() => AskAsync(_socket, port));
        _socket.Inner.SetLink(true);
        Assert.Equal("a on port1", await AskAsync(_socket, port));
    }

    [Fact]
    public async Task Of_the_connections_that_nobody_serves_512_wait_and_the_next_one_is_closed()
    {
        await _transport.BindAsync(new ServiceEndPoint("c"));
        _transport.Apply([new("c", _sim, 5000, AllowAccess.None)]);
        for (var waiting = 0; waiting < 512; waiting++)
        {
            await ConnectAsync(_sim, 5000);
        }
        await Until.TrueAsync(() => _transport.Connections.Count == 512, "all that may wait");
        await using var refused = await ConnectAsync(_sim, 5000);
        await Assert.ThrowsAnyAsync<IOException>(() => AskAsync(refused).WaitAsync(TimeSpan.FromSeconds(20), LabClock.Wall));
        await Until.TrueAsync(() => _transport.Connections.Count == 512, "the end of the one that is too many");
        // From within the process it is the same number.
        Assert.Throws<IOException>(() => _transport.Connect("c"));
    }

    [Fact]
    public async Task From_within_the_process_512_connections_wait_as_well()
    {
        await _transport.BindAsync(new ServiceEndPoint("c"));
        _transport.Apply([new("c", _sim, 5000, AllowAccess.None)]);
        for (var waiting = 0; waiting < 512; waiting++)
        {
            Assert.NotNull(_transport.Connect("c"));
        }
        Assert.Throws<IOException>(() => _transport.Connect("c"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_interface_that_is_disposed_ends_its_live_connections_and_frees_its_ports(bool sockets)
    {
        var nic = sockets ? _socket : _sim;
        _transport.Apply([new("a", nic, 0, AllowAccess.Ftm)]);
        var port = _transport.Bound.Single().EndPoint.Port;
        await using var live = await ConnectAsync(nic, port);
        Assert.Equal("a on port1", await AskAsync(live));
        nic.Dispose();
        await Assert.ThrowsAnyAsync<IOException>(() => AskAsync(live).WaitAsync(TimeSpan.FromSeconds(20), LabClock.Wall));
        await Assert.ThrowsAsync<IOException>(() => ConnectAsync(nic, port));
        Assert.Empty(_transport.Bound);
    }

    private async Task<ConnectionContext> ConnectAsync(GatedNic nic, int port)
    {
        INic client = ReferenceEquals(nic, _sim) ? _simClient : _socketClient;
        return await client.ConnectAsync(new IPEndPoint(nic.Addresses[0], port));
    }

    private async Task<string> AskAsync(GatedNic nic, int port)
    {
        await using var connection = await ConnectAsync(nic, port);
        return await AskAsync(connection);
    }

    /// <summary>One request by hand; the last line of the answer's body.</summary>
    private static async Task<string> AskAsync(ConnectionContext connection)
    {
        await connection.Transport.Output.WriteAsync("GET / HTTP/1.1\r\nHost: x\r\n\r\n"u8.ToArray());
        var text = new StringBuilder();
        while (!text.ToString().EndsWith("0\r\n\r\n", StringComparison.Ordinal))
        {
            var read = await connection.Transport.Input.ReadAsync();
            foreach (var segment in read.Buffer)
            {
                text.Append(Encoding.ASCII.GetString(segment.Span));
            }
            connection.Transport.Input.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted)
            {
                throw new IOException("the connection ended");
            }
        }
        return text.ToString().Split("\r\n")[^4];
    }
}
