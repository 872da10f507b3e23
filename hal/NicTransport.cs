using System.Net;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;

namespace Appliance.Hal;

/// <summary>An endpoint that names a service (<c>ftm</c>, <c>sslvpn</c>, <c>admin</c>): where it listens is the transport's business.</summary>
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

/// <summary>That a service listens on a port of an interface, behind a flag.</summary>
public sealed record Placement(string Service, GatedNic Nic, int Port, AllowAccess Required)
{
    /// <summary>What bounds its connections, which other placements may share; null for any number.</summary>
    public ConnectionLimit? Limit { get; init; }
}

/// <summary>A listener that listens now.</summary>
public sealed record BoundService(string Service, string Nic, IPEndPoint EndPoint);

/// <summary>A connection that lives now.</summary>
/// <param name="Service">What it came for.</param>
/// <param name="Nic">The interface that it came in by.</param>
/// <param name="Peer">Who; null when the transport does not tell.</param>
/// <param name="Local">Where to.</param>
/// <param name="Since">When it was accepted.</param>
public sealed record LiveConnection(string Service, string Nic, EndPoint? Peer, EndPoint? Local, DateTimeOffset Since);

/// <summary>On every connection: the interface it came in by and the service it came for.</summary>
public interface INicFeature
{
    /// <summary>The interface.</summary>
    GatedNic Nic { get; }
    /// <summary>The service.</summary>
    string Service { get; }
    /// <summary>When it was accepted.</summary>
    DateTimeOffset Since { get; }
    /// <summary>To be called when a request on the connection was served: a connection that is of use is not the first to go when there are too many.</summary>
    void Served();
}

/// <summary>A port that could not be taken; nothing changed.</summary>
public sealed class PlacementException(Placement placement, Exception inner) : Exception($"{placement.Service} cannot listen on {placement.Nic.Name}:{placement.Port}: {inner.Message}", inner)
{
    /// <summary>What could not be placed.</summary>
    public Placement Placement => placement;
}

/// <summary>Kestrel's transport over any mix of interfaces. Services move between interfaces and ports while Kestrel runs.</summary>
/// <param name="time">For the age of connections.</param>
public sealed class NicTransport(TimeProvider time) : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, ServiceQueue> _services = new(StringComparer.Ordinal);
    private readonly List<(Placement Placement, GatedNic.Gate Gate)> _placed = [];
    private readonly List<Placement> _ended = [];

    /// <summary>What listens now: by service, then in the order of the placements.</summary>
    public IReadOnlyList<BoundService> Bound
    {
        get
        {
            lock (_lock)
            {
                return [.. _placed.Where(placed => placed.Gate.Listener.Listens)
                    .Select(placed => new BoundService(placed.Placement.Service, placed.Placement.Nic.Name, (IPEndPoint)placed.Gate.Listener.EndPoint))];
            }
        }
    }

    /// <summary>What should listen and does not, each with its place: a port that was lost, a listener that nobody accepts from. Empty when all is well.</summary>
    public IReadOnlyList<string> Faults
    {
        get
        {
            lock (_lock)
            {
                return [.. _placed.Where(placed => placed.Gate.Listener.IsOn && placed.Placement.Nic.Inner.CanServe && !placed.Gate.Listener.Listens)
                    .Select(placed => $"{placed.Placement.Service} does not listen on {placed.Placement.Nic.Name}:{placed.Placement.Port}"),
                    .. _ended.Select(placement => $"nobody accepts from {placement.Service} on {placement.Nic.Name}:{placement.Port}")];
            }
        }
    }

    /// <summary>
    /// A connection to a service that comes from nowhere outside, as if by the first interface that it is placed on; null when it is placed nowhere.
    /// The caller ends it.
    /// </summary>
    /// <exception cref="IOException">Too many connections wait for the service.</exception>
    public ConnectionContext? Connect(string service)
    {
        lock (_lock)
        {
            var placement = _placed.Find(placed => placed.Placement.Service == service).Placement;
            if (placement is null)
            {
                return null;
            }
            var (client, server) = PipeConnection.CreatePair(new IPEndPoint(IPAddress.Loopback, 0), new IPEndPoint(IPAddress.Loopback, placement.Port));
            server.Features.Set<INicFeature>(new NicFeature(placement.Nic, service, time.GetUtcNow(), null, server));
            if (!Queue(service).TryAdd(server))
            {
                client.Abort(new ConnectionAbortedException("too many connections wait"));
                throw new IOException($"too many connections wait for {service}");
            }
            return client;
        }
    }

    /// <summary>The connections that live now, in the order of the placements.</summary>
    public IReadOnlyList<LiveConnection> Connections
    {
        get
        {
            lock (_lock)
            {
                return [.. from placed in _placed
                           from connection in placed.Gate.Listener.Live
                           let feature = connection.Features.Get<INicFeature>()
                           where feature is not null
                           select new LiveConnection(feature.Service, feature.Nic.Name, connection.RemoteEndPoint, connection.LocalEndPoint, feature.Since)];
            }
        }
    }

    /// <summary>
    /// Makes exactly these placements listen, or throws and leaves all as it was. What is not touched keeps its listener and
    /// its live connections; a placement that goes takes its live connections with it.
    /// </summary>
    /// <exception cref="PlacementException">A port is taken.</exception>
    public void Apply(IReadOnlyCollection<Placement> desired)
    {
        lock (_lock)
        {
            var leaving = _placed.Where(placed => !desired.Contains(placed.Placement)).ToList();
            var waiting = desired.Distinct().Where(placement => _placed.All(placed => placed.Placement != placement)).ToLookup(
                placement => leaving.Any(placed => placed.Placement.Nic == placement.Nic && placed.Placement.Port == placement.Port));
            var coming = new List<(Placement Placement, GatedNic.Gate Gate)>();
            // What needs nobody's port first: if that cannot be had, nothing was touched. Then the ports that are passed on.
            Open(waiting[false], coming, []);
            leaving.ForEach(placed => placed.Placement.Nic.Close(placed.Gate));
            Open(waiting[true], coming, leaving);
            foreach (var placed in leaving)
            {
                _placed.Remove(placed);
                placed.Gate.Listener.End();
                placed.Gate.Listener.AbortConnections("the service moved away");
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

    /// <summary>Takes ports; when one cannot be had, gives all of them back, and to those who left theirs.</summary>
    private static void Open(IEnumerable<Placement> placements, List<(Placement Placement, GatedNic.Gate Gate)> coming, List<(Placement Placement, GatedNic.Gate Gate)> left)
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

    /// <summary>Ends with the listener; whatever else ends it is told by <see cref="Faults"/>.</summary>
    private async Task AcceptAsync(Placement placement, SwitchedListener listener, ServiceQueue queue)
    {
        try
        {
            while (await listener.AcceptAsync().ConfigureAwait(false) is { } connection)
            {
                connection.Features.Set<INicFeature>(new NicFeature(placement.Nic, placement.Service, time.GetUtcNow(), listener, connection));
                if (!queue.TryAdd(connection))
                {
                    connection.Abort(new ConnectionAbortedException("too many connections wait"));
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

    private sealed class NicFeature(GatedNic nic, string service, DateTimeOffset since, SwitchedListener? listener, ConnectionContext connection) : INicFeature
    {
        public GatedNic Nic => nic;
        public string Service => service;
        public DateTimeOffset Since => since;
        public void Served() => listener?.Served(connection);
    }

    /// <summary>The connections of one service, whatever interface they came in by; Kestrel takes them out.</summary>
    private sealed class ServiceQueue(string service) : IConnectionListener
    {
        private const int WaitingMax = 512;
        private readonly Channel<ConnectionContext> _waiting = Channel.CreateBounded<ConnectionContext>(WaitingMax);
        private bool _bound;

        public EndPoint EndPoint { get; } = new ServiceEndPoint(service);

        internal void Bind() => _bound = !_bound ? true : throw new InvalidOperationException($"{service} is bound already");

        internal bool TryAdd(ConnectionContext connection) => _waiting.Writer.TryWrite(connection);

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
    }
}
