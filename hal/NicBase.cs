using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Connections;

namespace Appliance.Hal;

/// <summary>The base of all interfaces: the link state, and the listeners and connections that depend on it.</summary>
public abstract class NicBase(string name, IPAddress address) : INic
{
    private readonly Lock _lock = new();
    private readonly List<SwitchedListener> _listeners = [];
    private readonly ConcurrentDictionary<GuardedConnection, bool> _outgoing = [];
    private volatile IPAddress _address = address;
    private bool _plugged = true;
    private bool _wanted = true;
    private volatile bool _linkUp = true;
    private long _accepted;

    /// <inheritdoc/>
    public string Name => name;

    /// <inheritdoc/>
    public IReadOnlyList<IPAddress> Addresses => [_address];

    /// <inheritdoc/>
    public bool LinkUp => _linkUp;

    /// <inheritdoc/>
    public event Action<INic>? LinkChanged;

    /// <inheritdoc/>
    public event Action<INic>? Exhausted;

    /// <summary>The limit of the connections accepted on this interface; null if the owners of the listeners set limits instead.</summary>
    public ConnectionLimit? Limit { get; init; }

    /// <inheritdoc/>
    public void SetLink(bool up)
    {
        lock (_lock)
        {
            _plugged = up;
        }
        Follow();
    }

    /// <inheritdoc/>
    public virtual void SetStatus(bool up)
    {
        var changed = false;
        lock (_lock)
        {
            if (_wanted == up)
            {
                return;
            }
            _wanted = up;
            if (up && _plugged)
            {
                _linkUp = changed = true;
                try
                {
                    SwitchOn();
                }
                catch (AddressInUseException)
                {
                    (_wanted, _linkUp) = (false, false);
                    throw;
                }
            }
        }
        if (changed)
        {
            LinkChanged?.Invoke(this);
        }
        Follow();
    }

    /// <inheritdoc/>
    public IConnectionListener Listen(int port)
    {
        var listener = new SwitchedListener(port, OpenListener, Limit) { Accepted = () => Interlocked.Increment(ref _accepted) };
        lock (_lock)
        {
            // Kept while one of its connections is open, because a link that goes down closes those, too.
            _listeners.RemoveAll(old => old.IsOver);
            if (Serves)
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
        if (!Serves)
        {
            throw new IOException(_linkUp ? $"{name}: it has no address" : $"{name}: the link is down");
        }
        var connection = new GuardedConnection(
            await OpenConnectionAsync(remote, cancellationToken).ConfigureAwait(false),
            ended => _outgoing.TryRemove(ended, out _)
        );
        _outgoing.TryAdd(connection, true);
        if (!_linkUp)
        {
            connection.Abort(new ConnectionAbortedException("the link is down"));
        }
        return connection;
    }

    /// <inheritdoc/>
    public abstract IDatagramPort OpenDatagrams(int port);

    /// <summary>The number of connections that this interface has accepted since its start.</summary>
    public long AcceptedCount => Interlocked.Read(ref _accepted);

    /// <summary>The number of open connections, incoming and outgoing.</summary>
    public int LiveCount
    {
        get
        {
            lock (_lock)
            {
                return _outgoing.Count + _listeners.Sum(listener => listener.LiveCount);
            }
        }
    }

    /// <summary>The primary address.</summary>
    protected IPAddress Address => _address;

    private bool Serves => _linkUp && !_address.Equals(IPAddress.Any);

    /// <summary>The configured status.</summary>
    protected bool Wanted
    {
        get
        {
            lock (_lock)
            {
                return _wanted;
            }
        }
    }

    /// <summary>
    /// Applies link and status, and acquires lost ports again. Listeners whose port is unavailable stay off; the liveness probe reports
    /// them.
    /// </summary>
    protected void Follow()
    {
        var changed = false;
        lock (_lock)
        {
            var up = _plugged && _wanted;
            changed = up != _linkUp;
            _linkUp = up;
            if (Serves)
            {
                TrySwitchOn();
            }
            else if (changed)
            {
                SwitchOff("the link is down");
            }
        }
        if (changed)
        {
            LinkChanged?.Invoke(this);
        }
    }

    /// <summary>Releases every port and connection and acquires the ports again, after the device behind the name was replaced.</summary>
    protected void Rebind()
    {
        lock (_lock)
        {
            SwitchOff("the interface was replaced");
            if (Serves)
            {
                TrySwitchOn();
            }
        }
    }

    /// <summary>Moves every listener to another address.</summary>
    /// <exception cref="AddressInUseException">A port of the new address is in use; nothing changed.</exception>
    protected void Move(IPAddress to)
    {
        lock (_lock)
        {
            if (_address.Equals(to))
            {
                return;
            }
            var from = _address;
            SwitchOff("the address changed");
            _address = to;
            try
            {
                SwitchOn();
            }
            catch (AddressInUseException)
            {
                _address = from;
                if (Serves)
                {
                    TrySwitchOn();
                }
                throw;
            }
        }
    }

    /// <summary>Acquires every port, or none.</summary>
    private void SwitchOn()
    {
        if (!Serves)
        {
            return;
        }
        try
        {
            _listeners.ForEach(listener => listener.SwitchOn());
        }
        catch (AddressInUseException)
        {
            _listeners.ForEach(listener => listener.SwitchOff());
            throw;
        }
    }

    private void TrySwitchOn()
    {
        foreach (var listener in _listeners)
        {
            try
            {
                listener.SwitchOn();
            }
            catch (AddressInUseException)
            {
                // Stays off; NicTransport.Faults reports it.
            }
        }
    }

    private void SwitchOff(string why)
    {
        foreach (var listener in _listeners)
        {
            listener.SwitchOff();
            listener.AbortConnections(why);
        }
        foreach (var connection in _outgoing.Keys)
        {
            connection.Abort(new ConnectionAbortedException(why));
        }
    }

    /// <summary>Acquires a port regardless of the link state. Disposing the listener releases the port before it returns.</summary>
    /// <exception cref="AddressInUseException">The port is in use.</exception>
    protected abstract IConnectionListener OpenListener(int port);

    /// <summary>Connects regardless of the link state.</summary>
    /// <exception cref="IOException">The connection was refused.</exception>
    protected abstract ValueTask<ConnectionContext> OpenConnectionAsync(IPEndPoint remote, CancellationToken cancellationToken);

    /// <summary>Reports that no descriptor is left for a connection.</summary>
    protected void NoteExhaustion() => Exhausted?.Invoke(this);
}
