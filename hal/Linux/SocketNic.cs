using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging.Abstractions;

namespace Appliance.Hal.Linux;

/// <summary>An interface of real sockets, bound to an address of the system.</summary>
public class SocketNic(string name, IPAddress address) : NicBase(name, address)
{
    private const int Backlog = 512;
    private static readonly SocketConnectionContextFactory Connections = new(new SocketConnectionFactoryOptions(), NullLogger.Instance);

    /// <inheritdoc/>
    public override IDatagramPort OpenDatagrams(int port)
    {
        Socket? socket = null;
        try
        {
            socket = New(SocketType.Dgram, ProtocolType.Udp);
            socket.Bind(new IPEndPoint(Address, port));
            return new SocketDatagrams(socket, this);
        }
        catch (SocketException error)
        {
            socket?.Dispose();
            throw new AddressInUseException(
                error.SocketErrorCode == SocketError.AddressAlreadyInUse
                    ? $"{Address}:{port} is in use"
                    : $"{Address}:{port} cannot be opened: {error.Message}",
                error
            );
        }
    }

    /// <inheritdoc/>
    protected override IConnectionListener OpenListener(int port) => new SocketListener(Bind(port), Connections, NoteExhaustion);

    /// <inheritdoc/>
    protected override async ValueTask<ConnectionContext> OpenConnectionAsync(IPEndPoint remote, CancellationToken cancellationToken)
    {
        Socket? socket = null;
        try
        {
            socket = New(SocketType.Stream, ProtocolType.Tcp);
            socket.NoDelay = true;
            socket.Bind(new IPEndPoint(Address, 0));
            await socket.ConnectAsync(remote, cancellationToken).ConfigureAwait(false);
            return Connections.Create(socket);
        }
        catch (SocketException error)
        {
            socket?.Dispose();
            throw new IOException($"{Name}: {remote}: {error.Message}", error);
        }
        catch (OperationCanceledException)
        {
            socket?.Dispose();
            throw;
        }
    }

    /// <summary>Sets the options of a socket before it is bound.</summary>
    /// <exception cref="SocketException">An option cannot be set.</exception>
    private protected virtual void Prepare(Socket socket) { }

    private Socket Bind(int port)
    {
        Socket? socket = null;
        try
        {
            socket = New(SocketType.Stream, ProtocolType.Tcp);
            // On Unix this is the safe part of SO_REUSEADDR: a port with lingering old connections is free, a port with a listener is not.
            socket.Bind(new IPEndPoint(Address, port));
            socket.Listen(Backlog);
            return socket;
        }
        catch (SocketException error)
        {
            socket?.Dispose();
            throw new AddressInUseException(
                error.SocketErrorCode == SocketError.AddressAlreadyInUse
                    ? $"{Address}:{port} is in use"
                    : $"{Address}:{port} cannot be opened: {error.Message}",
                error
            );
        }
    }

    private Socket New(SocketType type, ProtocolType protocol)
    {
        var socket = Sockets.New(Address.AddressFamily, type, protocol);
        try
        {
            Prepare(socket);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
