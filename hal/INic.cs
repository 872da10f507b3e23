using System.Net;
using Microsoft.AspNetCore.Connections;

namespace Appliance.Hal;

/// <summary>
/// One network interface of the box: where the firmware listens, connects and exchanges datagrams.
/// Implementations: <c>SimNic</c> (in memory) and <c>SocketNic</c> (real sockets). All members may be called from any thread.
/// </summary>
public interface INic
{
    /// <summary>The logical name, as the configuration spells it (<c>port1</c>). Never empty, never changes.</summary>
    string Name { get; }

    /// <summary>The addresses of this interface, first one primary. Never empty.</summary>
    IReadOnlyList<IPAddress> Addresses { get; }

    /// <summary>True while the link is up. While it is down nothing is accepted, connected or delivered.</summary>
    bool LinkUp { get; }

    /// <summary>Raised after <see cref="LinkUp"/> changed, on the thread that changed it.</summary>
    event Action<INic>? LinkChanged;

    /// <summary>
    /// Takes the link up or down (<c>set status up|down</c>, or a pulled cable in the lab). Down ends every live connection
    /// of this interface at once and refuses new ones; listeners stay and serve again when the link is back.
    /// </summary>
    void SetLink(bool up);

    /// <summary>
    /// Listens for connections on <paramref name="port"/> of the primary address; 0 takes a free port, told by the
    /// listener's <see cref="IConnectionListener.EndPoint"/> (an <see cref="IPEndPoint"/>). Returns with the port taken.
    /// The caller disposes the listener: that frees the port, and leaves accepted connections alone.
    /// </summary>
    /// <exception cref="AddressInUseException">Somebody listens there already.</exception>
    IConnectionListener Listen(int port);

    /// <summary>
    /// Opens a connection from this interface to <paramref name="remote"/>. The caller disposes it. A peer may end its direction and still
    /// read; completing the output on this side may end both directions (over sockets it does). It may be aborted at any time, also after its end.
    /// </summary>
    /// <exception cref="IOException">Nobody listens there, or a link is down.</exception>
    ValueTask<ConnectionContext> ConnectAsync(IPEndPoint remote, CancellationToken cancellationToken = default);

    /// <summary>Opens a datagram port on the primary address; 0 takes a free one. The caller disposes it.</summary>
    /// <exception cref="AddressInUseException">The port is taken.</exception>
    IDatagramPort OpenDatagrams(int port);
}
