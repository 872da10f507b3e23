using System.Net;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;

namespace Appliance.Hal;

/// <summary>An endpoint that names a service (<c>ftm</c>, <c>sslvpn</c>, <c>admin</c>). The transport decides where it listens.</summary>
public sealed class ServiceEndPoint(string service) : EndPoint
{
    /// <summary>The service.</summary>
    public string Service => service;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is ServiceEndPoint other && other.Service == Service;

    /// <inheritdoc/>
    public override int GetHashCode() => Service.GetHashCode(StringComparison.Ordinal);

    /// <inheritdoc/>
    public override string ToString() => Service;
}

/// <summary>A service on a port of an interface, and the flag that it requires.</summary>
public sealed record Placement(string Service, GatedNic Nic, int Port, AllowAccess Required)
{
    /// <summary>The limit on its connections, which other placements may share; null for no limit.</summary>
    public ConnectionLimit? Limit { get; init; }
}

/// <summary>An active listener.</summary>
public sealed record BoundService(string Service, string Nic, IPEndPoint EndPoint);

/// <summary>An open connection.</summary>
/// <param name="Service">The service that it reached.</param>
/// <param name="Nic">The interface that accepted it.</param>
/// <param name="Peer">The peer's address; null if the transport does not report it.</param>
/// <param name="Local">The local address.</param>
/// <param name="Since">The time of acceptance.</param>
public sealed record LiveConnection(string Service, string Nic, EndPoint? Peer, EndPoint? Local, DateTimeOffset Since);

/// <summary>The feature of every connection that names its interface and service.</summary>
public interface INicFeature
{
    /// <summary>The interface.</summary>
    GatedNic Nic { get; }

    /// <summary>The service.</summary>
    string Service { get; }

    /// <summary>The time of acceptance.</summary>
    DateTimeOffset Since { get; }

    /// <summary>Marks that a request of the connection was served, which defers its eviction at the connection limit.</summary>
    void Served();
}

/// <summary>A port could not be acquired; nothing changed.</summary>
public sealed class PlacementException(Placement placement, Exception inner)
    : Exception($"{placement.Service} cannot listen on {placement.Nic.Name}:{placement.Port}: {inner.Message}", inner)
{
    /// <summary>The placement that failed.</summary>
    public Placement Placement => placement;
}

/// <summary>Kestrel's transport over any mix of interfaces. Services move between interfaces and ports while Kestrel runs.</summary>
/// <param name="time">The clock for the age of connections.</param>
public sealed class NicTransport(TimeProvider time) : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, ServiceQueue> _services = new(StringComparer.Ordinal);
    private readonly List<(Placement Placement, GatedNic.Gate Gate)> _placed = [];
    private readonly List<Placement> _ended = [];

    /// <summary>The active listeners by service, then in the order of the placements.</summary>
    public IReadOnlyList<BoundService> Bound
    {
        get
        {
            lock (_lock)
            {
                return
                [
                    .. _placed
                        .Where(placed => placed.Gate.Listener.Listens)
                        .Select(placed => new BoundService(
                            placed.Placement.Service,
                            placed.Placement.Nic.Name,
                            (IPEndPoint)placed.Gate.Listener.EndPoint
                        )),
                ];
            }
        }
    }

    /// <summary>
    /// The placements that should listen and do not: a lost port, or a listener that is not accepted from. Empty if all listen.
    /// </summary>
    public IReadOnlyList<string> Faults
    {
        get
        {
            lock (_lock)
            {
                return
                [
                    .. _placed
                        .Where(placed => placed.Gate.Listener.IsOn && placed.Placement.Nic.Inner.CanServe && !placed.Gate.Listener.Listens)
                        .Select(placed =>
                            $"{placed.Placement.Service} does not listen on {placed.Placement.Nic.Name}:{placed.Placement.Port}"
                        ),
                    .. _ended.Select(placement => $"no connection is accepted from {placement.Service} on {placement.Nic.Name}:{placement.Port}"),
                ];
            }
        }
    }

    /// <summary>
    /// Opens a connection to a service from inside the process, as if through the first interface of its placements; null if it has none.
    /// The caller closes it.
    /// </summary>
    /// <exception cref="IOException">Too many connections are pending for the service.</exception>
    public ConnectionContext? Connect(string service)
    {
        lock (_lock)
        {
            var placement = _placed.Find(placed => placed.Placement.Service == service).Placement;
            if (placement is null)
            {
                return null;
            }
            var (client, server) = PipeConnection.CreatePair(
                new IPEndPoint(IPAddress.Loopback, 0),
                new IPEndPoint(IPAddress.Loopback, placement.Port)
            );
            server.Features.Set<INicFeature>(new NicFeature(placement.Nic, service, time.GetUtcNow(), null, server));
            if (!Queue(service).TryAdd(server))
            {
                client.Abort(new ConnectionAbortedException("too many pending connections"));
                throw new IOException($"too many pending connections of {service}");
            }
            return client;
        }
    }

    /// <summary>The open connections, in the order of the placements.</summary>
    public IReadOnlyList<LiveConnection> Connections
    {
        get
        {
            lock (_lock)
            {
                return
                [
                    .. from placed in _placed
                    from connection in placed.Gate.Listener.Live
                    let feature = connection.Features.Get<INicFeature>()
                    where feature is not null
                    select new LiveConnection(
                        feature.Service,
                        feature.Nic.Name,
                        connection.RemoteEndPoint,
                        connection.LocalEndPoint,
                        feature.Since
                    ),
                ];
            }
        }
    }

    /// <summary>
    /// Applies exactly these placements, or throws and changes nothing. An unchanged placement keeps its listener and its connections; a
    /// removed placement loses both.
    /// </summary>
    /// <exception cref="PlacementException">A port is in use.</exception>
    public void Apply(IReadOnlyCollection<Placement> desired)
    {
        lock (_lock)
        {
            var leaving = _placed.Where(placed => !desired.Contains(placed.Placement)).ToList();
            var waiting = desired
                .Distinct()
                .Where(placement => _placed.All(placed => placed.Placement != placement))
                .ToLookup(placement =>
                    leaving.Any(placed => placed.Placement.Nic == placement.Nic && placed.Placement.Port == placement.Port)
                );
            var coming = new List<(Placement Placement, GatedNic.Gate Gate)>();
            // First the ports that no other placement must release: if one is in use, nothing has changed. Then the ports that are passed
            // on.
            Open(waiting[false], coming, []);
            leaving.ForEach(placed => placed.Placement.Nic.Close(placed.Gate));
            Open(waiting[true], coming, leaving);
            foreach (var placed in leaving)
            {
                _placed.Remove(placed);
                placed.Gate.Listener.End();
                placed.Gate.Listener.AbortConnections("the service moved to another port");
            }
            foreach (var placed in coming)
            {
                _placed.Add(placed);
                _ = AcceptAsync(placed.Placement, placed.Gate.Listener, Queue(placed.Placement.Service));
            }
        }
    }

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">The service is bound already.</exception>
    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        var service = ((ServiceEndPoint)endpoint).Service;
        lock (_lock)
        {
            var queue = Queue(service);
            queue.Bind();
            return new(queue);
        }
    }

    /// <inheritdoc/>
    public bool CanBind(EndPoint endpoint) => endpoint is ServiceEndPoint;

    /// <summary>Acquires ports. If one is in use, releases all of them and restores the placements that had released theirs.</summary>
    private static void Open(
        IEnumerable<Placement> placements,
        List<(Placement Placement, GatedNic.Gate Gate)> coming,
        List<(Placement Placement, GatedNic.Gate Gate)> left
    )
    {
        foreach (var placement in placements)
        {
            try
            {
                coming.Add((placement, placement.Nic.OpenGate(placement.Port, placement.Required, placement.Limit)));
            }
            catch (AddressInUseException error)
            {
                coming.ForEach(placed => placed.Placement.Nic.Close(placed.Gate));
                left.ForEach(placed => placed.Placement.Nic.Open(placed.Gate));
                throw new PlacementException(placement, error);
            }
        }
    }

    private ServiceQueue Queue(string service)
    {
        if (!_services.TryGetValue(service, out var queue))
        {
            _services.Add(service, queue = new ServiceQueue(service));
        }
        return queue;
    }

    /// <summary>Accepts until the listener ends. Any other end is reported by <see cref="Faults"/>.</summary>
    private async Task AcceptAsync(Placement placement, SwitchedListener listener, ServiceQueue queue)
    {
        try
        {
            while (await listener.AcceptAsync().ConfigureAwait(false) is { } connection)
            {
                connection.Features.Set<INicFeature>(
                    new NicFeature(placement.Nic, placement.Service, time.GetUtcNow(), listener, connection)
                );
                if (!queue.TryAdd(connection))
                {
                    connection.Abort(new ConnectionAbortedException("too many pending connections"));
                    await connection.DisposeAsync().ConfigureAwait(false);
                }
            }
        }
        catch (Exception)
        {
            lock (_lock)
            {
                _ended.Add(placement);
            }
            throw;
        }
    }

    private sealed class NicFeature(
        GatedNic nic,
        string service,
        DateTimeOffset since,
        SwitchedListener? listener,
        ConnectionContext connection
    ) : INicFeature
    {
        public GatedNic Nic => nic;
        public string Service => service;
        public DateTimeOffset Since => since;

        public void Served() => listener?.Served(connection);
    }

    /// <summary>The accepted connections of one service from all interfaces, until Kestrel accepts them.</summary>
    private sealed class ServiceQueue(string service) : IConnectionListener
    {
        private const int WaitingMax = 512;
        private readonly Channel<ConnectionContext> _waiting = Channel.CreateBounded<ConnectionContext>(WaitingMax);
        private bool _bound;

        public EndPoint EndPoint { get; } = new ServiceEndPoint(service);

        public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
        {
            while (await _waiting.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false))
            {
                if (_waiting.Reader.TryRead(out var connection))
                {
                    return connection;
                }
            }
            return null;
        }

        public async ValueTask UnbindAsync(CancellationToken cancellationToken = default)
        {
            _waiting.Writer.TryComplete();
            while (_waiting.Reader.TryRead(out var connection))
            {
                connection.Abort(new ConnectionAbortedException("the service ended"));
                await connection.DisposeAsync().ConfigureAwait(false);
            }
        }

        public ValueTask DisposeAsync() => UnbindAsync();

        internal void Bind() => _bound = !_bound ? true : throw new InvalidOperationException($"{service} is already bound");

        internal bool TryAdd(ConnectionContext connection) => _waiting.Writer.TryWrite(connection);
    }
}
