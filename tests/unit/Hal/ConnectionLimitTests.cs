using System.IO.Pipelines;
using System.Net;
using Appliance.Doubles.Clock;
using Appliance.Doubles.Nics;
using Appliance.Hal;
using Appliance.Tests.EndToEnd;
using Microsoft.AspNetCore.Connections;
using Xunit;

namespace Appliance.Tests.Hal;

/// <summary>Eviction at the connection limit: the least recently useful connection is closed.</summary>
public sealed class ConnectionLimitTests : IDisposable
{
    private readonly SimNetwork _network = new();
    private readonly GatedNic _nic;
    private readonly NicTransport _transport = new(LabClock.Wall);
    private readonly List<(ConnectionContext Client, ConnectionContext Server)> _open = [];

    public ConnectionLimitTests() => _nic = new GatedNic(new SimNic(_network, "port1", IPAddress.Parse("10.0.0.1")));

    public void Dispose()
    {
        _transport.Apply([]);
        _nic.Dispose();
    }

    [Fact]
    public async Task ANewcomerTakesThePlaceOfTheMostUselessOfItsSource()
    {
        var listener = await ListenAsync(new ConnectionLimit(perSource: 3, total: 100));
        var other = await ConnectAsync(listener, "10.0.0.8");
        var (first, second, third) = (
            await ConnectAsync(listener, "10.0.0.9"),
            await ConnectAsync(listener, "10.0.0.9"),
            await ConnectAsync(listener, "10.0.0.9")
        );
        first.Server.Features.Get<INicFeature>()!.Served();
        var fourth = await ConnectAsync(listener, "10.0.0.9");
        await EndAsync(second.Client);
        var fifth = await ConnectAsync(listener, "10.0.0.9");
        await EndAsync(third.Client);
        Assert.Equal(
            [other.Server.RemoteEndPoint, first.Server.RemoteEndPoint, fourth.Server.RemoteEndPoint, fifth.Server.RemoteEndPoint],
            Live()
        );
    }

    [Fact]
    public async Task AnEndedConnectionIsNotCounted()
    {
        var listener = await ListenAsync(new ConnectionLimit(perSource: 2, total: 100));
        var (first, second) = (await ConnectAsync(listener, "10.0.0.9"), await ConnectAsync(listener, "10.0.0.9"));
        await second.Server.DisposeAsync();
        var third = await ConnectAsync(listener, "10.0.0.9");
        Assert.Equal([first.Server.RemoteEndPoint, third.Server.RemoteEndPoint], Live());
    }

    /// <summary>4,000 slow clients from 100 addresses, and a phone after each hundred: it is served, whatever they hold.</summary>
    [Fact]
    public async Task ManySourcesCannotFillTheListener()
    {
        var listener = await ListenAsync(new ConnectionLimit(perSource: 64, total: 2000));
        for (var number = 0; number < 4000; number++)
        {
            await ConnectAsync(listener, $"10.0.1.{number % 100}");
            if (number % 100 == 99)
            {
                var phone = await ConnectAsync(listener, "10.0.0.9");
                Assert.False(phone.Client.ConnectionClosed.IsCancellationRequested);
                Assert.Contains(phone.Server.RemoteEndPoint, Live());
                await phone.Client.DisposeAsync();
                await phone.Server.DisposeAsync();
            }
        }
        Assert.Equal(1999, Live().Count); // The last phone took a slot and left.
    }

    [Fact]
    public async Task At_the_total_the_source_with_the_most_connections_loses_one()
    {
        var listener = await ListenAsync(new ConnectionLimit(perSource: 10, total: 4));
        var waiting = await ConnectAsync(listener, "10.0.0.8");
        var (first, second) = (await ConnectAsync(listener, "10.0.0.9"), await ConnectAsync(listener, "10.0.0.9"));
        await ConnectAsync(listener, "10.0.0.7");
        Assert.Equal(4, Live().Count);
        await ConnectAsync(listener, "10.0.0.6");
        await EndAsync(first.Client);
        Assert.Contains(waiting.Server.RemoteEndPoint, Live());
        Assert.Contains(second.Server.RemoteEndPoint, Live());
        Assert.Equal(4, Live().Count);
    }

    [Fact]
    public async Task Listeners_that_share_a_limit_share_its_total()
    {
        var limit = new ConnectionLimit(perSource: 10, total: 2);
        using var other = new GatedNic(new SimNic(_network, "port2", IPAddress.Parse("10.0.0.2")));
        var listener = await _transport.BindAsync(new ServiceEndPoint("a"));
        _transport.Apply([
            new Placement("a", _nic, 4433, AllowAccess.None) { Limit = limit },
            new Placement("a", other, 4433, AllowAccess.None) { Limit = limit },
        ]);
        var oldest = await ConnectAsync(listener, "10.0.0.9");
        await ConnectAsync(listener, "10.0.0.9", other);
        await ConnectAsync(listener, "10.0.0.9", other);
        await EndAsync(oldest.Client);
    }

    private async Task<IConnectionListener> ListenAsync(ConnectionLimit limit)
    {
        var listener = await _transport.BindAsync(new ServiceEndPoint("a"));
        _transport.Apply([new Placement("a", _nic, 4433, AllowAccess.None) { Limit = limit }]);
        return listener;
    }

    private async Task<(ConnectionContext Client, ConnectionContext Server)> ConnectAsync(
        IConnectionListener listener,
        string from,
        GatedNic? to = null
    )
    {
        var client = await new SimNic(_network, "client", IPAddress.Parse(from)).ConnectAsync(
            new IPEndPoint((to ?? _nic).Addresses[0], 4433)
        );
        var pair = (client, (await listener.AcceptAsync())!);
        _open.Add(pair);
        return pair;
    }

    /// <summary>In the order of their coming, which is that of their ports; the transport promises none.</summary>
    private List<EndPoint?> Live() =>
        [.. _transport.Connections.Select(connection => connection.Peer).OrderBy(peer => (peer as IPEndPoint)?.Port)];

    /// <summary>Waits for the peer to end the connection.</summary>
    private static async Task EndAsync(ConnectionContext client) =>
        await Assert.ThrowsAnyAsync<IOException>(async () =>
        {
            var read = await client.Transport.Input.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(20), BusyMachine.Time);
            throw read.IsCompleted ? new IOException("ended") : new InvalidOperationException("something came");
        });
}
