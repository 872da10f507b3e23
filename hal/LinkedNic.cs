using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Connections;

namespace Appliance.Hal;

/// <summary>What every interface has in common: its link, and the listeners and connections that depend on it.</summary>
public abstract class LinkedNic(string name, IPAddress address) : INic
{
    private readonly Lock _lock = new();
    private readonly List<SwitchedListener> _listeners = [];
    private readonly ConcurrentDictionary<GuardedConnection, bool> _outgoing = [];
    private volatile bool _linkUp = true;
    private long _accepted;

    /// <inheritdoc/>
    public string Name => name;

    /// <inheritdoc/>
    public IReadOnlyList<IPAddress> Addresses { get; } = [address];

    /// <inheritdoc/>
    public bool LinkUp => _linkUp;

    /// <inheritdoc/>
    public event Action<INic>? LinkChanged;

    /// <summary>The primary address.</summary>
    protected IPAddress Address => address;

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
        var listener = new SwitchedListener(port, OpenListener) { Accepted = () => Interlocked.Increment(ref _accepted) };
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
        var connection = new GuardedConnection(await OpenConnectionAsync(remote, cancellationToken).ConfigureAwait(false), ended => _outgoing.TryRemove(ended, out _));
        _outgoing.TryAdd(connection, true);
        if (!_linkUp)
        {
            connection.Abort(new ConnectionAbortedException("the link is down"));
        }
        return connection;
    }

    /// <inheritdoc/>
    public abstract IDatagramPort OpenDatagrams(int port);

    /// <summary>Takes a port, free of the link's state. Disposing the listener frees it before it returns.</summary>
    /// <exception cref="AddressInUseException">The port is taken.</exception>
    protected abstract IConnectionListener OpenListener(int port);

    /// <summary>Connects, free of the link's state.</summary>
    /// <exception cref="IOException">Nobody listens there.</exception>
    protected abstract ValueTask<ConnectionContext> OpenConnectionAsync(IPEndPoint remote, CancellationToken cancellationToken);

    /// <summary>How many connections this interface has accepted, whatever became of them.</summary>
    public long AcceptedCount => Interlocked.Read(ref _accepted);

    /// <summary>How many connections live, in and out.</summary>
    public int LiveCount { get { lock (_lock) { return _outgoing.Count + _listeners.Sum(listener => listener.LiveCount); } } }
}
