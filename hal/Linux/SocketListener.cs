using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace Appliance.Hal.Linux;

/// <summary>A listening socket.</summary>
internal sealed class SocketListener(Socket socket, SocketConnectionContextFactory connections) : IConnectionListener
{
    /// <summary>How long to stop accepting when the system has no descriptors left: trying again at once would only burn the processor.</summary>
    private static readonly TimeSpan Breath = TimeSpan.FromMilliseconds(50);

    private volatile bool _ended;

    public EndPoint EndPoint { get; } = socket.LocalEndPoint!;

    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        while (true)
        {
            try
            {
                var accepted = await socket.AcceptAsync(cancellationToken).ConfigureAwait(false);
                accepted.NoDelay = true;
                return connections.Create(accepted);
            }
            catch (ObjectDisposedException)
            {
                return null;
            }
            catch (SocketException) when (_ended)
            {
                return null;
            }
            catch (SocketException error) when (error.SocketErrorCode is SocketError.TooManyOpenSockets or SocketError.NoBufferSpaceAvailable)
            {
                await Task.Delay(Breath, TimeProvider.System, cancellationToken).ConfigureAwait(false);
            }
            catch (SocketException)
            {
                // The caller was gone before it was accepted: its loss alone.
            }
        }
    }

    public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        _ended = true;
        socket.Dispose();
        return default;
    }

    public ValueTask DisposeAsync() => UnbindAsync();
}
