using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace Appliance.Hal.Linux;

/// <summary>
/// A listening socket. When no descriptor is left for a connection (EMFILE, ENFILE), it releases the process's spare ones, reports it, and
/// accepts again once they could be taken back; connections wait in the socket's backlog meanwhile.
/// </summary>
/// <param name="socket">The socket, listening; it is the listener's.</param>
/// <param name="connections">Makes a connection of an accepted socket.</param>
/// <param name="exhausted">Called each time that no descriptor is left.</param>
internal sealed class SocketListener(Socket socket, SocketConnectionContextFactory connections, Action exhausted) : IConnectionListener
{
    /// <summary>How long to stop accepting when no descriptor is left: trying again at once would only burn the processor.</summary>
    private static readonly TimeSpan Breath = TimeSpan.FromMilliseconds(50);

    private static readonly SpareDescriptors Spare = Prepare();

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
            catch (SocketException error) when (IsExhaustion(error))
            {
                Spare.Release();
                exhausted();
                do
                {
                    await Task.Delay(Breath, TimeProvider.System, cancellationToken).ConfigureAwait(false);
                }
                while (!_ended && !Spare.TryTake());
            }
            catch (SocketException)
            {
                // The client was gone before it was accepted: its loss alone.
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

    private static bool IsExhaustion(SocketException error) => error.SocketErrorCode is SocketError.TooManyOpenSockets or SocketError.NoBufferSpaceAvailable;

    /// <summary>Takes the spare descriptors, and loads what a failed accept needs: a library cannot be opened when it fails for want of a descriptor.</summary>
    private static SpareDescriptors Prepare()
    {
        try
        {
            throw new SocketException((int)SocketError.TooManyOpenSockets);
        }
        catch (SocketException error) when (IsExhaustion(error))
        {
            _ = error.ToString();
        }
        var spare = new SpareDescriptors();
        spare.TryTake();
        return spare;
    }
}
