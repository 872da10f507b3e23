using System.Net;
using Microsoft.AspNetCore.Connections;

namespace Appliance.Hal;

/// <summary>
/// A listener that can be switched off and on while somebody accepts from it: off, its port is free and the accept just waits.
/// Knows its live connections. All members may be called from any thread; switching is serialized by the owner.
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
    public EndPoint EndPoint { get { lock (_lock) { return _inner?.EndPoint ?? _endPoint; } } }

    /// <summary>Told of each connection that is accepted; quick, and under a lock.</summary>
    internal Action? Accepted { get; init; }

    /// <summary>Puts a tap into the pipe of an accepted connection; null where nothing is watched.</summary>
    internal Func<ConnectionContext, TappedPipe?>? Tapped { get; init; }

    /// <summary>True while it is switched on.</summary>
    internal bool IsOn { get { lock (_lock) { return _inner is not null; } } }

    /// <summary>True while it is switched on, and what it listens with has its port.</summary>
    internal bool Listens { get { lock (_lock) { return _inner is SwitchedListener inner ? inner.Listens : _inner is not null; } } }

    /// <summary>The connections that live.</summary>
    internal IReadOnlyList<ConnectionContext> Live { get { lock (_lock) { return [.. _live]; } } }

    /// <summary>How many connections live.</summary>
    internal int LiveCount { get { lock (_lock) { return _live.Count; } } }

    /// <summary>Takes the port; the one it had before when it was to be any.</summary>
    /// <exception cref="AddressInUseException">The port is taken; it stays off.</exception>
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

    /// <summary>Frees the port; live connections stay.</summary>
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
            // Listeners of interfaces free their port before they return (INic.Listen); a task here would only hide that.
            var freed = inner.DisposeAsync();
            if (!freed.IsCompletedSuccessfully)
            {
                freed.AsTask().GetAwaiter().GetResult();
            }
        }
    }

    /// <summary>Ends every live connection now.</summary>
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
            // It came through while the listener was being switched off.
            connection.Abort(new ConnectionAbortedException("no longer served"));
            await connection.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>True when it has ended and none of its connections lives.</summary>
    internal bool IsOver { get { lock (_lock) { return _ended && _live.Count == 0; } } }

    /// <summary>Frees the port for good; live connections stay.</summary>
    internal void End()
    {
        lock (_lock)
        {
            _ended = true;
        }
        SwitchOff();
    }

    /// <inheritdoc/>
    public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        End();
        return default;
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => UnbindAsync();

    /// <summary>A connection was of use: a request on it was served.</summary>
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
