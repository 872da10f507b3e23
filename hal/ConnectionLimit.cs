using System.Net;

namespace Appliance.Hal;

/// <summary>
/// Bounds the live connections of the listeners that share it. A new connection beyond a bound is not refused. It evicts the least
/// recently useful connection of the same source, or, at the total, that of the source with the most connections. A client that opens
/// connections without using them loses those first. Only connections whose peer has an IP address count. Thread-safe.
/// </summary>
/// <param name="perSource">The maximum number of connections from one address; at least 1.</param>
/// <param name="total">The maximum number of connections from all addresses; at least 1.</param>
public sealed class ConnectionLimit(int perSource, int total)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<IPAddress, HashSet<GuardedConnection>> _bySource = [];
    private int _live;
    private long _admitted;

    /// <summary>The maximum number of connections from one address.</summary>
    public int PerSource => perSource;

    /// <summary>The maximum number of connections from all addresses.</summary>
    public int Total => total;

    /// <summary>Counts a connection. Returns the one that the caller must close for it, which no longer counts, or null.</summary>
    internal GuardedConnection? Add(GuardedConnection connection)
    {
        if (Source(connection) is not { } source)
        {
            return null;
        }
        lock (_lock)
        {
            connection.Turn = ++_admitted * 2;
            if (!_bySource.TryGetValue(source, out var same))
            {
                _bySource.Add(source, same = []);
            }
            var crowdedOut =
                same.Count >= perSource ? LeastUseful(same)
                : _live >= total ? LeastUseful(OfLargestSources())
                : null;
            if (crowdedOut is not null)
            {
                // Immediately, not when it has ended: it must not be chosen twice.
                RemoveLocked(crowdedOut);
                _bySource.TryAdd(source, same);
            }
            same.Add(connection);
            _live++;
            return crowdedOut;
        }
    }

    /// <summary>Ends the count of a connection. Does nothing if it is not counted.</summary>
    internal void Remove(GuardedConnection connection)
    {
        lock (_lock)
        {
            RemoveLocked(connection);
        }
    }

    /// <summary>
    /// Marks that a request of the connection was served: it is now more useful than any connection admitted before, and less useful than
    /// the next one.
    /// </summary>
    internal void Served(GuardedConnection connection) => connection.Turn = (Volatile.Read(ref _admitted) * 2) + 1;

    private static IPAddress? Source(GuardedConnection connection) => (connection.RemoteEndPoint as IPEndPoint)?.Address;

    private static GuardedConnection? LeastUseful(IEnumerable<GuardedConnection> connections) => connections.MinBy(live => live.Turn);

    private IEnumerable<GuardedConnection> OfLargestSources()
    {
        var most = _bySource.Values.Max(same => same.Count);
        return _bySource.Values.Where(same => same.Count == most).SelectMany(same => same);
    }

    private void RemoveLocked(GuardedConnection connection)
    {
        if (Source(connection) is { } source && _bySource.TryGetValue(source, out var same) && same.Remove(connection))
        {
            _live--;
            if (same.Count == 0)
            {
                _bySource.Remove(source);
            }
        }
    }
}
