using System.Collections.Concurrent;
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
public sealed class SocketNic(string name, IPAddress address, string? device = null) : INic
{
    private const int Backlog = 512;
    private static readonly SocketConnectionContextFactory Connections = new(new SocketConnectionFactoryOptions(), NullLogger.Instance);

    private readonly Lock _lock = new();
    private readonly List<SwitchedListener> _listeners = [];
    private readonly ConcurrentDictionary<GuardedConnection, bool> _outgoing = [];
    private volatile bool _linkUp = true;

    /// <inheritdoc/>
    public string Name => name;

    /// <inheritdoc/>
    public IReadOnlyList<IPAddress> Addresses { get; } = [address];

    /// <inheritdoc/>
    public bool LinkUp => _linkUp;

    /// <inheritdoc/>
    public event Action<INic>? LinkChanged;

    /// <inheritdoc/>
    public void SetLink(bool up)
    {
        lock (_lock)
        {
            if (_linkUp == up)
            {
                return;
            }
            _linkUp = up;
            foreach (var listener in _listeners)
            {
                if (up)
                {
                    listener.SwitchOn();
                }
                else
                {
                    listener.SwitchOff();
                    listener.AbortConnections("the link is down");
                }
            }
        }
        if (!up)
        {
            foreach (var connection in _outgoing.Keys)
            {
                connection.Abort(new ConnectionAbortedException("the link is down"));
            }
        }
        LinkChanged?.Invoke(this);
    }

    /// <inheritdoc/>
    public IConnectionListener Listen(int port)
    {
        var listener = new SwitchedListener(port, chosen => new SocketListener(Bind(chosen), Connections));
        lock (_lock)
        {
            // Kept for as long as one of its connections lives: a link that goes down ends them, too.
            _listeners.RemoveAll(old => old.IsOver);
            if (_linkUp)
            {
                listener.SwitchOn();
            }
            _listeners.Add(listener);
        }
        return listener;
    }

    /// <inheritdoc/>
    public async ValueTask<ConnectionContext> ConnectAsync(IPEndPoint remote, CancellationToken cancellationToken = default)
    {
        if (!_linkUp)
        {
            throw new IOException($"{name}: the link is down");
        }
        var socket = New(SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.NoDelay = true;
            socket.Bind(new IPEndPoint(address, 0));
            await socket.ConnectAsync(remote, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception error)
        {
            socket.Dispose();
            throw error is SocketException ? new IOException($"{name}: {remote}: {error.Message}", error) : error;
        }
        var connection = new GuardedConnection(Connections.Create(socket), ended => _outgoing.TryRemove(ended, out _));
        _outgoing.TryAdd(connection, true);
        return connection;
    }

    /// <inheritdoc/>
    public IDatagramPort OpenDatagrams(int port)
    {
        var socket = New(SocketType.Dgram, ProtocolType.Udp);
        try
        {
            socket.Bind(new IPEndPoint(address, port));
        }
        catch (SocketException error) when (error.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            socket.Dispose();
            throw new AddressInUseException($"{address}:{port} is in use", error);
        }
        return new SocketDatagrams(socket, this);
    }

    private Socket Bind(int port)
    {
        var socket = New(SocketType.Stream, ProtocolType.Tcp);
        try
        {
            // On Unix this is SO_REUSEADDR's good half: a port whose old connections linger is free, one that is listened on is not.
            socket.Bind(new IPEndPoint(address, port));
            socket.Listen(Backlog);
            return socket;
        }
        catch (SocketException error)
        {
            socket.Dispose();
            throw error.SocketErrorCode == SocketError.AddressAlreadyInUse
                ? new AddressInUseException($"{address}:{port} is in use", error)
                : new AddressInUseException($"{address}:{port} cannot be had: {error.Message}", error);
        }
    }

    private Socket New(SocketType type, ProtocolType protocol)
    {
#pragma warning disable RS0030 // This is the one home of sockets.
        var socket = new Socket(address.AddressFamily, type, protocol);
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
