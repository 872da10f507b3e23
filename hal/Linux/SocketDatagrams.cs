using System.Net;
using System.Net.Sockets;

namespace Appliance.Hal.Linux;

/// <summary>A UDP socket of an interface.</summary>
internal sealed class SocketDatagrams(Socket socket, INic nic) : IDatagramPort
{
    /// <summary>The size of the receive queue in bytes, for a burst while the server is busy. The system may grant less.</summary>
    private const int QueueLength = 4 * 1024 * 1024;

    private volatile bool _ended;
    private volatile Thread? _server;
    private DatagramBatch? _answers;
    private volatile Remote? _lastRemote;

    public IPEndPoint LocalEndPoint { get; } = (IPEndPoint)socket.LocalEndPoint!;

    public async ValueTask SendAsync(ReadOnlyMemory<byte> payload, IPEndPoint remote, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_ended, this);
        if (!nic.LinkUp)
        {
            return;
        }
        if (_server is not null)
        {
            // The socket blocks in the system as long as it has not been used asynchronously.
            Send(payload.Span, remote);
            return;
        }
        try
        {
            await socket.SendToAsync(payload, SocketFlags.None, remote, cancellationToken).ConfigureAwait(false);
        }
        catch (SocketException)
        {
            // Lost, as datagrams may be: an ICMP unreachable for an earlier one, a full buffer, too long.
        }
    }

    public async ValueTask<(int Length, IPEndPoint Remote)> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            ObjectDisposedException.ThrowIf(_ended, this);
            try
            {
                var received = await socket
                    .ReceiveFromAsync(buffer, SocketFlags.None, new IPEndPoint(IPAddress.Any, 0), cancellationToken)
                    .ConfigureAwait(false);
                if (nic.LinkUp)
                {
                    return (received.ReceivedBytes, (IPEndPoint)received.RemoteEndPoint);
                }
            }
            catch (SocketException error) when (!_ended && error.SocketErrorCode == SocketError.MessageSize)
            {
                // Some systems report a truncated datagram this way, without its sender. It is lost.
            }
            catch (SocketException) when (!_ended)
            {
                // An ICMP unreachable for an earlier datagram.
            }
            catch (SocketException error)
            {
                throw new ObjectDisposedException(nameof(SocketDatagrams), error);
            }
        }
    }

    public Task ServeAsync(int lengthMax, DatagramHandler handle)
    {
        socket.ReceiveBufferSize = QueueLength;
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        // A thread that waits in the system call: for one datagram at a time, that costs half of waking a pool thread.
        var server = new Thread(() =>
        {
            Serve(new DatagramBatch(lengthMax), handle);
            ended.SetResult();
        })
        {
            IsBackground = true,
            Name = $"udp {LocalEndPoint}",
        };
        (_answers, _server) = (new DatagramBatch(lengthMax), server);
        server.Start();
        return ended.Task;
    }

    public void Send(ReadOnlySpan<byte> payload, IPEndPoint remote)
    {
        if (_ended || !nic.LinkUp)
        {
            return;
        }
        var address = AddressOf(remote);
        // Datagrams that a handler sends leave with those of the other handlers of its batch.
        if (Thread.CurrentThread == _server && _answers!.Add(payload, address))
        {
            return;
        }
        try
        {
            socket.SendTo(payload, SocketFlags.None, address);
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            // Lost, as datagrams may be.
        }
    }

    public ValueTask DisposeAsync()
    {
        _ended = true;
        socket.Dispose();
        return default;
    }

    private void Serve(DatagramBatch batch, DatagramHandler handle)
    {
        while (!_ended)
        {
            try
            {
                if (!batch.Receive(socket.SafeHandle))
                {
                    continue; // ICMP unreachable for an earlier datagram, or the end.
                }
                for (var index = 0; index < batch.Count && nic.LinkUp && !_ended; index++)
                {
                    handle(batch.Payload(index), EndPointOf(batch.Address(index)));
                }
                _answers!.Send(socket.SafeHandle);
            }
            catch (ObjectDisposedException) when (_ended)
            {
                return;
            }
        }
    }

    /// <summary>
    /// Returns the sender's endpoint. Most datagrams have the same sender as the previous one, so its address is parsed once. Serving
    /// thread only.
    /// </summary>
    private IPEndPoint EndPointOf(ReadOnlySpan<byte> address)
    {
        if (_lastRemote is { } last && last.Address.Buffer.Span[..last.Address.Size].SequenceEqual(address))
        {
            return last.EndPoint;
        }
        var copy = new SocketAddress(LocalEndPoint.AddressFamily, address.Length);
        address.CopyTo(copy.Buffer.Span);
        var endPoint = (IPEndPoint)LocalEndPoint.Create(copy);
        _lastRemote = new Remote(endPoint, copy);
        return endPoint;
    }

    private SocketAddress AddressOf(IPEndPoint remote) =>
        _lastRemote is { } last && ReferenceEquals(last.EndPoint, remote) ? last.Address : remote.Serialize();

    private sealed record Remote(IPEndPoint EndPoint, SocketAddress Address);
}
