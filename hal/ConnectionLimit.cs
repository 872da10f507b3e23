using System.Net;

namespace Appliance.Hal;

/// <summary>
/// Bounds the live connections of the listeners that share it. A new connection beyond a bound is not refused: the least recently useful one of
/// its own source is closed for it, or, at the total, the least recently useful one of the source that has the most. A client that opens
/// connections without using them loses those first. Only connections whose peer has an IP address count. Thread-safe.
/// </summary>
/// <param name="perSource">How many connections one address may have; at least 1.</param>
/// <param name="total">How many connections all addresses may have; at least 1.</param>
public sealed class ConnectionLimit(int perSource, int total)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<IPAddress, HashSet<GuardedConnection>> _bySource = [];
    private int _live;
    private long _admitted;

    /// <summary>How many connections one address may have.</summary>
    public int PerSource => perSource;

    /// <summary>How many connections all addresses may have.</summary>
    public int Total => total;

    /// <summary>Counts a connection; returns the one that the caller must close for it, which no longer counts, or null.</summary>
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
            var crowdedOut = same.Count >= perSource ? LeastUseful(same) : _live >= total ? LeastUseful(OfLargestSources()) : null;
            if (crowdedOut is not null)
            {
                // Now, not when it has ended: it must not be chosen twice.
                RemoveLocked(crowdedOut);
                _bySource.TryAdd(source, same);
            }
            same.Add(connection);
            _live++;
            return crowdedOut;
        }
    }

    /// <summary>Ends the count of a connection; of one that does not count, nothing happens.</summary>
    internal void Remove(GuardedConnection connection)
    {
        lock (_lock)
        {
            RemoveLocked(connection);
        }
    }

    /// <summary>A request on a connection was served: it is more useful than any that was admitted before, and less than the next one.</summary>
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
