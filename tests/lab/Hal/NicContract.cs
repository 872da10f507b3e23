using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using Appliance.Doubles.Clock;
using Appliance.Hal;
using Appliance.Tests.EndToEnd;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Xunit;

namespace Appliance.Tests.Hal;

/// <summary>The contract of every interface, run over each kind.</summary>
public abstract class NicContract
{
    private static readonly byte[] Hello = "hello"u8.ToArray();

    [Fact]
    public async Task WhatIsSentArrivesBothWays()
    {
        var (nic, clientNic) = NewPair();
        await using var listener = nic.Listen(0);
        var (client, server) = await ConnectAsync(listener, clientNic);
        await client.Transport.Output.WriteAsync(Hello);
        Assert.Equal(Hello, await ReadAsync(server.Transport.Input, Hello.Length));
        await server.Transport.Output.WriteAsync(Hello);
        Assert.Equal(Hello, await ReadAsync(client.Transport.Input, Hello.Length));
        Assert.Equal(listener.EndPoint, server.LocalEndPoint);
        Assert.Equal(client.LocalEndPoint, server.RemoteEndPoint);
        Assert.Equal(clientNic.Addresses[0], ((IPEndPoint)server.RemoteEndPoint!).Address);
        await client.DisposeAsync();
        await server.DisposeAsync();
        await Until.TrueAsync(() => nic.LiveCount + clientNic.LiveCount == 0, "no live connection");
    }

    [Fact]
    public async Task APeerMayEndItsDirectionAndStillListen()
    {
        var (nic, clientNic) = NewPair();
        await using var listener = nic.Listen(0);
        foreach (var fromClient in new[] { true, false })
        {
            var (client, server) = await ConnectAsync(listener, clientNic);
            var (ending, other) = fromClient ? (client, server) : (server, client);
            if (ending.Features.Get<IConnectionSocketFeature>() is { } socket)
            {
                socket.Socket.Shutdown(System.Net.Sockets.SocketShutdown.Send); // As any TCP peer may.
            }
            else
            {
                await ending.Transport.Output.CompleteAsync();
            }
            Assert.Empty(await ReadToEndAsync(other.Transport.Input));
            await other.Transport.Output.WriteAsync(Hello);
            Assert.Equal(Hello, await ReadAsync(ending.Transport.Input, Hello.Length));
            await client.DisposeAsync();
            await server.DisposeAsync();
        }
        await Until.TrueAsync(() => nic.LiveCount + clientNic.LiveCount == 0, "no live connection");
    }

    [Fact]
    public async Task AWriterWaitsForAReader()
    {
        const int AtMost = 64 * 1024 * 1024;
        var (nic, clientNic) = NewPair();
        await using var listener = nic.Listen(0);
        var (client, server) = await ConnectAsync(listener, clientNic);
        var block = new byte[256 * 1024];
        var written = 0;
        ValueTask<FlushResult> flush = default;
        // The peer does not read: at some point a write has to wait, limited by the buffers and not by memory.
        while (written < AtMost)
        {
            flush = client.Transport.Output.WriteAsync(block);
            written += block.Length;
            if (!flush.IsCompleted && !await CompletesSoonAsync(flush.AsTask()))
            {
                break;
            }
        }
        Assert.InRange(written, 1, AtMost - 1);
        client.Abort();
        await client.DisposeAsync();
        await server.DisposeAsync();
    }

    [Fact]
    public async Task AnAbortEndsBothSides()
    {
        var (nic, clientNic) = NewPair();
        await using var listener = nic.Listen(0);
        var (client, server) = await ConnectAsync(listener, clientNic);
        client.Abort();
        client.Abort();
        await EndOfAsync(server.Transport.Input);
        await EndOfAsync(client.Transport.Input);
        await client.DisposeAsync();
        await client.DisposeAsync();
        client.Abort();
        server.Abort();
        await server.DisposeAsync();
        server.Abort();
        await Until.TrueAsync(() => nic.LiveCount + clientNic.LiveCount == 0, "no live connection");
    }

    [Fact]
    public async Task AnyoneMayAbortAtAnyMoment()
    {
        var (nic, clientNic) = NewPair();
        await using var listener = nic.Listen(0);
        for (var seed = 1; seed <= 1000; seed++)
        {
            var (client, server) = await ConnectAsync(listener, clientNic);
            var random = new Random(seed);
            try
            {
                await Task.WhenAll(
                        PlayAsync(client, random.Next()),
                        PlayAsync(server, random.Next()),
                        StrikeAsync(client, server, random.Next())
                    )
                    .WaitAsync(TimeSpan.FromSeconds(20), BusyMachine.Time);
            }
            catch (Exception error) when (error is not TimeoutException)
            {
                Assert.Fail($"seed {seed}: {error}");
            }
        }
        await Until.TrueAsync(() => nic.LiveCount + clientNic.LiveCount == 0, "no live connection");
    }

    [Fact]
    public async Task APortIsTakenOnce()
    {
        var (nic, clientNic) = NewPair();
        var listener = nic.Listen(0);
        var port = ((IPEndPoint)listener.EndPoint).Port;
        Assert.Throws<AddressInUseException>(() => nic.Listen(port));
        await listener.DisposeAsync();
        await Assert.ThrowsAsync<IOException>(async () => await clientNic.ConnectAsync(new IPEndPoint(nic.Addresses[0], port)));
        await using var again = nic.Listen(port);
        Assert.Equal(port, ((IPEndPoint)again.EndPoint).Port);
    }

    [Fact]
    public async Task ALinkThatGoesDownTakesItsConnectionsAndComesBack()
    {
        var (nic, clientNic) = NewPair();
        await using var listener = nic.Listen(0);
        var (client, server) = await ConnectAsync(listener, clientNic);
        var changes = 0;
        nic.LinkChanged += _ => changes++;
        nic.SetLink(false);
        nic.SetLink(false);
        await EndOfAsync(client.Transport.Input);
        await EndOfAsync(server.Transport.Input);
        await Assert.ThrowsAsync<IOException>(async () => await clientNic.ConnectAsync((IPEndPoint)listener.EndPoint));
        await Assert.ThrowsAsync<IOException>(async () => await nic.ConnectAsync((IPEndPoint)listener.EndPoint));
        nic.SetLink(true);
        var (client2, server2) = await ConnectAsync(listener, clientNic);
        await client2.Transport.Output.WriteAsync(Hello);
        Assert.Equal(Hello, await ReadAsync(server2.Transport.Input, Hello.Length));
        Assert.Equal(2, changes);
        foreach (var connection in new[] { client, server, client2, server2 })
        {
            await connection.DisposeAsync();
        }
    }

    [Fact]
    public async Task StatusAndCableAreTwoThings()
    {
        var (nic, clientNic) = NewPair();
        await using var listener = nic.Listen(0);
        nic.SetLink(false);
        nic.SetStatus(false);
        nic.SetStatus(true);
        Assert.False(nic.LinkUp);
        nic.SetStatus(false);
        nic.SetLink(true);
        Assert.False(nic.LinkUp);
        await Assert.ThrowsAsync<IOException>(async () => await clientNic.ConnectAsync((IPEndPoint)listener.EndPoint));
        nic.SetStatus(true);
        Assert.True(nic.LinkUp);
        var (client, server) = await ConnectAsync(listener, clientNic);
        await client.DisposeAsync();
        await server.DisposeAsync();
    }

    [Fact]
    public async Task AServedPortHandsOverEachDatagram()
    {
        var (nic, clientNic) = NewPair();
        await using var server = nic.OpenDatagrams(0);
        await using var client = clientNic.OpenDatagrams(0);
        await using var other = clientNic.OpenDatagrams(0);
        var served = server.ServeAsync(4, (payload, from) => server.Send([.. payload, (byte)'!'], from));
        var buffer = new byte[64];
        foreach (var asker in new[] { client, other, client })
        {
            asker.Send(Hello, server.LocalEndPoint);
            var (length, from) = await asker.ReceiveAsync(buffer);
            Assert.Equal("hell!"u8.ToArray(), buffer[..length]);
            Assert.Equal(server.LocalEndPoint, from);
        }
        await server.DisposeAsync();
        await served;
        server.Send(Hello, client.LocalEndPoint);
    }

    [Fact]
    public async Task DatagramsAreWholeOrLost()
    {
        var (nic, clientNic) = NewPair();
        await using var server = nic.OpenDatagrams(0);
        await using var client = clientNic.OpenDatagrams(0);
        Assert.Throws<AddressInUseException>(() => nic.OpenDatagrams(server.LocalEndPoint.Port));
        await client.SendAsync(Hello, server.LocalEndPoint);
        var buffer = new byte[64];
        var (length, from) = await server.ReceiveAsync(buffer);
        Assert.Equal(Hello, buffer[..length]);
        Assert.Equal(client.LocalEndPoint, from);
        // To an unused port: no effect. While the link is down: lost. Too long for the buffer: truncated.
        await client.SendAsync(Hello, new IPEndPoint(nic.Addresses[0], 9));
        nic.SetLink(false);
        await client.SendAsync("lost"u8.ToArray(), server.LocalEndPoint);
        await server.SendAsync("lost"u8.ToArray(), client.LocalEndPoint);
        if (this is SocketNicTests)
        {
            // The system still delivers into the socket's queue; the datagram is discarded when it is read.
            using var patience = new CancellationTokenSource(TimeSpan.FromMilliseconds(50), BusyMachine.Time);
            await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await server.ReceiveAsync(buffer, patience.Token));
        }
        nic.SetLink(true);
        await client.SendAsync(Hello, server.LocalEndPoint);
        (length, _) = await server.ReceiveAsync(buffer.AsMemory(0, 2));
        Assert.Equal("he"u8.ToArray(), buffer[..length]);
        var waiting = server.ReceiveAsync(buffer).AsTask();
        await server.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => waiting);
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await server.SendAsync(Hello, client.LocalEndPoint));
    }

    [Fact]
    public async Task AWithdrawnFlagEndsItsConnectionsAndNoOthers()
    {
        var (nic, clientNic) = NewPair();
        using var gated = new GatedNic(nic);
        await using var ftm = gated.Listen(0, AllowAccess.Ftm);
        await using var open = gated.Listen(0, AllowAccess.None);
        Assert.Equal(0, ((IPEndPoint)ftm.EndPoint).Port);
        gated.SetAccess(AllowAccess.Ftm | AllowAccess.Ping);
        var port = ((IPEndPoint)ftm.EndPoint).Port;
        var (client, server) = await ConnectAsync(ftm, clientNic);
        var (other, otherServer) = await ConnectAsync(open, clientNic);

        gated.SetAccess(AllowAccess.Ping);
        await EndOfAsync(client.Transport.Input);
        await EndOfAsync(server.Transport.Input);
        await Assert.ThrowsAsync<IOException>(async () => await clientNic.ConnectAsync(new IPEndPoint(nic.Addresses[0], port)));
        await other.Transport.Output.WriteAsync(Hello);
        Assert.Equal(Hello, await ReadAsync(otherServer.Transport.Input, Hello.Length));

        gated.SetAccess(AllowAccess.Ftm);
        Assert.Equal(port, ((IPEndPoint)ftm.EndPoint).Port);
        var (again, againServer) = await ConnectAsync(ftm, clientNic);
        foreach (var connection in new[] { client, server, other, otherServer, again, againServer })
        {
            await connection.DisposeAsync();
        }
    }

    [Fact]
    public async Task AFlagWhosePortIsTakenIsNotGranted()
    {
        var (nic, _) = NewPair();
        using var gated = new GatedNic(nic);
        await using var taken = nic.Listen(0);
        await using var ftm = gated.Listen(((IPEndPoint)taken.EndPoint).Port, AllowAccess.Ftm);
        await using var https = gated.Listen(0, AllowAccess.Https);
        gated.SetAccess(AllowAccess.Https);
        Assert.Throws<AddressInUseException>(() => gated.SetAccess(AllowAccess.Ftm));
        Assert.Equal(AllowAccess.Https, gated.Access);
        Assert.Throws<AddressInUseException>(() => nic.Listen(((IPEndPoint)https.EndPoint).Port));
    }

    /// <summary>Creates two interfaces that reach one another, on separate addresses.</summary>
    private protected abstract (NicBase Server, NicBase Client) NewPair();

    private protected static async Task<(ConnectionContext Client, ConnectionContext Server)> ConnectAsync(
        IConnectionListener listener,
        INic clientNic
    )
    {
        var accepting = listener.AcceptAsync();
        var client = await clientNic.ConnectAsync((IPEndPoint)listener.EndPoint);
        return (client, (await accepting)!);
    }

    private protected static async Task<byte[]> ReadAsync(PipeReader reader, int length)
    {
        var read = await reader.ReadAtLeastAsync(length);
        var bytes = read.Buffer.ToArray();
        reader.AdvanceTo(read.Buffer.End);
        return bytes;
    }

    private static async Task<byte[]> ReadToEndAsync(PipeReader reader)
    {
        while (true)
        {
            var read = await reader.ReadAsync();
            if (read.IsCompleted)
            {
                var bytes = read.Buffer.ToArray();
                reader.AdvanceTo(read.Buffer.End);
                return bytes;
            }
            reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    /// <summary>Reads until an end or a reset.</summary>
    private protected static async Task EndOfAsync(PipeReader reader)
    {
        try
        {
            while (true)
            {
                var read = await reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(20), BusyMachine.Time);
                reader.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted)
                {
                    return;
                }
            }
        }
        catch (Exception error) when (error is IOException or OperationCanceledException or InvalidOperationException)
        {
            // Reset is an end, too.
        }
    }

    private static async Task<bool> CompletesSoonAsync(Task task)
    {
        try
        {
            await task.WaitAsync(TimeSpan.FromMilliseconds(300), BusyMachine.Time);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    /// <summary>Writes and reads a seeded number of times, then closes in one of the possible manners.</summary>
    private static async Task PlayAsync(ConnectionContext connection, int seed)
    {
        var random = new Random(seed);
        try
        {
            for (var turn = random.Next(4); turn > 0; turn--)
            {
                if (random.Next(2) == 0)
                {
                    await connection.Transport.Output.WriteAsync(new byte[random.Next(1, 20_000)]);
                }
                else if (connection.Transport.Input.TryRead(out var read))
                {
                    connection.Transport.Input.AdvanceTo(read.Buffer.End);
                }
                await Task.Yield();
            }
            if (random.Next(3) == 0)
            {
                await connection.Transport.Output.CompleteAsync();
            }
        }
        catch (Exception error) when (error is IOException or OperationCanceledException or ConnectionAbortedException)
        {
            // The other one was quicker.
        }
        if (random.Next(2) == 0)
        {
            connection.Abort();
        }
        await connection.DisposeAsync();
    }

    /// <summary>Aborts from outside at a seeded moment, also after the end.</summary>
    private static async Task StrikeAsync(ConnectionContext client, ConnectionContext server, int seed)
    {
        var random = new Random(seed);
        for (var turns = random.Next(8); turns > 0; turns--)
        {
            await Task.Yield();
        }
        (random.Next(2) == 0 ? client : server).Abort();
        (random.Next(2) == 0 ? client : server).Abort();
    }
}
