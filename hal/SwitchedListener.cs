using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace Appliance.Hal;

/// <summary>
/// A listener that can be switched off and on during an accept. While it is off, its port is free and the accept is pending. It keeps
/// track of its open connections. All members may be called from any thread; the owner serializes switching.
/// </summary>
internal sealed class SwitchedListener(int port, Func<int, IConnectionListener> open, ConnectionLimit? limit = null) : IConnectionListener
{
    private readonly Lock _lock = new();
    private readonly HashSet<GuardedConnection> _live = [];

    private IConnectionListener? _inner;
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _port = port;
    private EndPoint _endPoint = new IPEndPoint(IPAddress.Any, port);
    private bool _ended;

    /// <inheritdoc/>
    public EndPoint EndPoint
    {
        get
        {
            lock (_lock)
            {
                return _inner?.EndPoint ?? _endPoint;
            }
        }
    }

    /// <inheritdoc/>
    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        while (true)
        {
            IConnectionListener? inner;
            Task changed;
            lock (_lock)
            {
                if (_ended)
                {
                    return null;
                }
                (inner, changed) = (_inner, _changed.Task);
            }
            if (inner is null)
            {
                await changed.WaitAsync(cancellationToken).ConfigureAwait(false);
                continue;
            }
            if (await inner.AcceptAsync(cancellationToken).ConfigureAwait(false) is not { } accepted)
            {
                if (!changed.IsCompleted)
                {
                    await changed.WaitAsync(cancellationToken).ConfigureAwait(false);
                }
                continue;
            }
            var connection = new GuardedConnection(accepted, Forget, Tapped?.Invoke(accepted));
            // A handler that takes the connection over finds the pipe of the tap, or that of TLS, not the socket's.
            accepted.Features.Set<IConnectionTransportFeature>(connection);
            var served = false;
            GuardedConnection? crowdedOut = null;
            lock (_lock)
            {
                if (ReferenceEquals(inner, _inner))
                {
                    _live.Add(connection);
                    crowdedOut = limit?.Add(connection);
                    if (crowdedOut is not null)
                    {
                        _live.Remove(crowdedOut);
                    }
                    served = true;
                    Accepted?.Invoke();
                }
            }
            crowdedOut?.Abort(new ConnectionAbortedException("too many connections: the least recently useful one is closed"));
            if (served)
            {
                return connection;
            }
            // Accepted while the listener was being switched off.
            connection.Abort(new ConnectionAbortedException("no longer served"));
            await connection.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        End();
        return default;
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => UnbindAsync();

    /// <summary>Called under a lock for each accepted connection; must return quickly.</summary>
    internal Action? Accepted { get; init; }

    /// <summary>Puts a tap into the pipe of an accepted connection; null if there is no tap.</summary>
    internal Func<ConnectionContext, TappedPipe?>? Tapped { get; init; }

    /// <summary>True while it is switched on.</summary>
    internal bool IsOn
    {
        get
        {
            lock (_lock)
            {
                return _inner is not null;
            }
        }
    }

    /// <summary>True while it is switched on and its port is acquired.</summary>
    internal bool Listens
    {
        get
        {
            lock (_lock)
            {
                return _inner is SwitchedListener inner ? inner.Listens : _inner is not null;
            }
        }
    }

    /// <summary>The open connections.</summary>
    internal IReadOnlyList<ConnectionContext> Live
    {
        get
        {
            lock (_lock)
            {
                return [.. _live];
            }
        }
    }

    /// <summary>The number of open connections.</summary>
    internal int LiveCount
    {
        get
        {
            lock (_lock)
            {
                return _live.Count;
            }
        }
    }

    /// <summary>Acquires the port; if any free port was requested, the same one again.</summary>
    /// <exception cref="AddressInUseException">The port is in use; the listener stays off.</exception>
    internal void SwitchOn()
    {
        lock (_lock)
        {
            if (_ended || _inner is not null)
            {
                return;
            }
            _inner = open(_port);
            _endPoint = _inner.EndPoint;
            _port = (_endPoint as IPEndPoint)?.Port ?? _port;
            Changed();
        }
    }

    /// <summary>Releases the port; open connections stay open.</summary>
    internal void SwitchOff()
    {
        IConnectionListener? inner;
        lock (_lock)
        {
            inner = _inner;
            _inner = null;
            Changed();
        }
        if (inner is not null)
        {
            // Listeners of interfaces release their port before the call returns (INic.Listen).
            var freed = inner.DisposeAsync();
            if (!freed.IsCompletedSuccessfully)
            {
                freed.AsTask().GetAwaiter().GetResult();
            }
        }
    }

    /// <summary>Closes every open connection immediately.</summary>
    internal void AbortConnections(string why)
    {
        GuardedConnection[] live;
        lock (_lock)
        {
            live = [.. _live];
        }
        foreach (var connection in live)
        {
            connection.Abort(new ConnectionAbortedException(why));
        }
    }

    /// <summary>True if it has ended and none of its connections is open.</summary>
    internal bool IsOver
    {
        get
        {
            lock (_lock)
            {
                return _ended && _live.Count == 0;
            }
        }
    }

    /// <summary>Releases the port permanently; open connections stay open.</summary>
    internal void End()
    {
        lock (_lock)
        {
            _ended = true;
        }
        SwitchOff();
    }

    /// <summary>Marks that a request of a connection was served.</summary>
    internal void Served(ConnectionContext connection)
    {
        if (connection is GuardedConnection guarded)
        {
            limit?.Served(guarded);
        }
    }

    private void Forget(GuardedConnection connection)
    {
        lock (_lock)
        {
            _live.Remove(connection);
        }
        limit?.Remove(connection);
    }

    private void Changed()
    {
        var changed = _changed;
        _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        changed.SetResult();
    }
}
