using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging.Abstractions;

namespace Appliance.Hal.Linux;

/// <summary>
/// An interface of real sockets: bound to its address and, when a device is named, to that device too (an address alone does not
/// hold traffic to an interface). The one home of sockets.
/// </summary>
public sealed class SocketNic(string name, IPAddress address, string? device = null) : LinkedNic(name, address)
{
    private const int Backlog = 512;
    private static readonly SocketConnectionContextFactory Connections = new(new SocketConnectionFactoryOptions(), NullLogger.Instance);

    /// <inheritdoc/>
    public override IDatagramPort OpenDatagrams(int port)
    {
        var socket = New(SocketType.Dgram, ProtocolType.Udp);
        try
        {
            socket.Bind(new IPEndPoint(Address, port));
        }
        catch (SocketException error) when (error.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            socket.Dispose();
            throw new AddressInUseException($"{Address}:{port} is in use", error);
        }
        return new SocketDatagrams(socket, this);
    }

    /// <inheritdoc/>
    protected override IConnectionListener OpenListener(int port) => new SocketListener(Bind(port), Connections);

    /// <inheritdoc/>
    protected override async ValueTask<ConnectionContext> OpenConnectionAsync(IPEndPoint remote, CancellationToken cancellationToken)
    {
        var socket = New(SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.NoDelay = true;
            socket.Bind(new IPEndPoint(Address, 0));
            await socket.ConnectAsync(remote, cancellationToken).ConfigureAwait(false);
            return Connections.Create(socket);
        }
        catch (SocketException error)
        {
            socket.Dispose();
            throw new IOException($"{Name}: {remote}: {error.Message}", error);
        }
        catch (OperationCanceledException)
        {
            socket.Dispose();
            throw;
        }
    }

    private Socket Bind(int port)
    {
        var socket = New(SocketType.Stream, ProtocolType.Tcp);
        try
        {
            // On Unix this is SO_REUSEADDR's good half: a port whose old connections linger is free, one that is listened on is not.
            socket.Bind(new IPEndPoint(Address, port));
            socket.Listen(Backlog);
            return socket;
        }
        catch (SocketException error)
        {
            socket.Dispose();
            throw new AddressInUseException(error.SocketErrorCode == SocketError.AddressAlreadyInUse ? $"{Address}:{port} is in use" : $"{Address}:{port} cannot be had: {error.Message}", error);
        }
    }

    private Socket New(SocketType type, ProtocolType protocol)
    {
#pragma warning disable RS0030 // This is the one home of sockets.
        var socket = new Socket(Address.AddressFamily, type, protocol);
#pragma warning restore RS0030
        if (device is not null && OperatingSystem.IsLinux())
        {
            const int SolSocket = 1;
            const int SoBindToDevice = 25; // socket(7)
            socket.SetRawSocketOption(SolSocket, SoBindToDevice, Encoding.ASCII.GetBytes(device + "\0"));
        }
        return socket;
    }
}
