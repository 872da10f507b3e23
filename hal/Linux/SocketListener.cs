using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace Appliance.Hal.Linux;

/// <summary>
/// A listening socket. When no descriptor is left for a connection (EMFILE, ENFILE), it releases the process's spare ones, reports it, and
/// accepts again once the spare ones are taken back. Connections are pending in the socket's backlog meanwhile.
/// </summary>
/// <param name="socket">The listening socket, owned by the listener.</param>
/// <param name="connections">Creates a connection from an accepted socket.</param>
/// <param name="exhausted">Called each time that no descriptor is left.</param>
internal sealed class SocketListener(Socket socket, SocketConnectionContextFactory connections, Action exhausted) : IConnectionListener
{
    /// <summary>The pause in accepting when no descriptor is left, because an immediate retry would only consume processor time.</summary>
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
                } while (!_ended && !Spare.TryTake());
            }
            catch (SocketException)
            {
                // The client disconnected before the accept. Only its own connection is affected.
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

    private static bool IsExhaustion(SocketException error) =>
        error.SocketErrorCode is SocketError.TooManyOpenSockets or SocketError.NoBufferSpaceAvailable;

    /// <summary>
    /// Takes the spare descriptors, and loads the code that handles a failed accept, because a library cannot be opened without a
    /// descriptor.
    /// </summary>
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
