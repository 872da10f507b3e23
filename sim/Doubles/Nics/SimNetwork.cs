using System.Collections.Concurrent;
using System.Net;
using Appliance.Hal;
using Microsoft.AspNetCore.Connections;

namespace Appliance.Doubles.Nics;

/// <summary>The network between simulated interfaces, which has the endpoint of each listener. Every address reaches every other.</summary>
public sealed class SimNetwork : ILabNetwork
{
    private const int FirstFreePort = 49152; // RFC 6335, section 6: dynamic ports
    private readonly ConcurrentDictionary<IPEndPoint, SimListener> _listeners = [];
    private readonly ConcurrentDictionary<IPEndPoint, SimDatagrams> _datagrams = [];
    private int _nextPort = FirstFreePort;

    /// <summary>
    /// Carries datagrams. It gets a datagram's destination and the action that delivers it, and may call that immediately, later, twice or
    /// never. Null delivers immediately. Called on the sender's thread.
    /// </summary>
    public Action<IPEndPoint, Action>? Wire { get; init; }

    /// <summary>
    /// True: a served port handles a datagram synchronously on the delivering thread. The caller must then deliver one datagram at a time.
    /// </summary>
    public bool HandlesAtOnce { get; init; }

    /// <inheritdoc/>
    public INic Nic(string name, IPAddress address) => new SimNic(this, name, address);

    /// <inheritdoc/>
    public INic ServerNic(string name, IPAddress address) => Nic(name, address);

    /// <inheritdoc/>
    public bool IsLocal(IPAddress address) => true;

    /// <summary>Acquires an endpoint for a listener; port 0 chooses a free one.</summary>
    /// <exception cref="AddressInUseException">The port is in use.</exception>
    internal SimListener Listen(IPAddress address, int port) =>
        Take(_listeners, address, port, endPoint => new SimListener(this, endPoint));

    /// <summary>Acquires an endpoint for datagrams; port 0 chooses a free one.</summary>
    /// <exception cref="AddressInUseException">The port is in use.</exception>
    internal SimDatagrams OpenDatagrams(SimNic nic, int port) =>
        Take(_datagrams, nic.Addresses[0], port, endPoint => new SimDatagrams(this, nic, endPoint));

    /// <summary>Opens a connection to a listener.</summary>
    /// <exception cref="IOException">There is no listener, or too many connections are pending.</exception>
    internal ConnectionContext Connect(IPAddress from, IPEndPoint remote)
    {
        if (!_listeners.TryGetValue(remote, out var listener))
        {
            throw new IOException($"{remote}: connection refused");
        }
        var (client, server) = PipeConnection.CreatePair(new IPEndPoint(from, FreePort()), remote);
        if (!listener.Offer(server))
        {
            client.Abort(new ConnectionAbortedException("refused"));
            throw new IOException($"{remote}: connection refused");
        }
        return client;
    }

    internal SimDatagrams? DatagramsAt(IPEndPoint endPoint) => _datagrams.GetValueOrDefault(endPoint);

    internal void Free(SimListener listener) => _listeners.TryRemove(new(listener.Local, listener));

    internal void Free(SimDatagrams port) => _datagrams.TryRemove(new(port.LocalEndPoint, port));

    private T Take<T>(ConcurrentDictionary<IPEndPoint, T> taken, IPAddress address, int port, Func<IPEndPoint, T> make)
    {
        while (true)
        {
            var endPoint = new IPEndPoint(address, port == 0 ? FreePort() : port);
            var made = make(endPoint);
            if (taken.TryAdd(endPoint, made))
            {
                return made;
            }
            if (port != 0)
            {
                throw new AddressInUseException($"{endPoint} is in use");
            }
        }
    }

    private int FreePort()
    {
        while (true)
        {
            var current = Volatile.Read(ref _nextPort);
            if (Interlocked.CompareExchange(ref _nextPort, current == IPEndPoint.MaxPort ? FirstFreePort : current + 1, current) == current)
            {
                return current;
            }
        }
    }
}
