using System.Net;
using System.Net.Sockets;

namespace Appliance.Hal.Linux;

/// <summary>A UDP socket of an interface.</summary>
internal sealed class SocketDatagrams(Socket socket, INic nic) : IDatagramPort
{
    private volatile bool _ended;

    public IPEndPoint LocalEndPoint { get; } = (IPEndPoint)socket.LocalEndPoint!;

    public async ValueTask SendAsync(ReadOnlyMemory<byte> payload, IPEndPoint remote, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_ended, this);
        if (!nic.LinkUp)
        {
            return;
        }
        try
        {
            await socket.SendToAsync(payload, SocketFlags.None, remote, cancellationToken).ConfigureAwait(false);
        }
        catch (SocketException)
        {
            // Lost, as datagrams may be (ICMP unreachable of an earlier one, a full buffer, too long).
        }
    }

    public async ValueTask<(int Length, IPEndPoint Remote)> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            ObjectDisposedException.ThrowIf(_ended, this);
            try
            {
                var received = await socket.ReceiveFromAsync(buffer, SocketFlags.None, new IPEndPoint(IPAddress.Any, 0), cancellationToken).ConfigureAwait(false);
                if (nic.LinkUp)
                {
                    return (received.ReceivedBytes, (IPEndPoint)received.RemoteEndPoint);
                }
            }
            catch (SocketException error) when (!_ended && error.SocketErrorCode == SocketError.MessageSize)
            {
                // Some systems tell a cut datagram this way, and do not say from whom: lost.
            }
            catch (SocketException) when (!_ended)
            {
                // ICMP unreachable of something sent before.
            }
            catch (SocketException error)
            {
                throw new ObjectDisposedException(nameof(SocketDatagrams), error);
            }
        }
    }

    public ValueTask DisposeAsync()
    {
        _ended = true;
        socket.Dispose();
        return default;
    }
}
