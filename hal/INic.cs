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

    /// <summary>The addresses of this interface, first one primary. Never empty; 0.0.0.0 alone means that it has none, and then nothing is served.</summary>
    IReadOnlyList<IPAddress> Addresses { get; }

    /// <summary>True while the cable is plugged and the configuration wants the interface up. Otherwise nothing is accepted, connected or delivered.</summary>
    bool LinkUp { get; }

    /// <summary>True while it can serve: the link is up, and it has an address.</summary>
    bool CanServe => LinkUp && !Addresses[0].Equals(IPAddress.Any);

    /// <summary>Raised after <see cref="LinkUp"/> changed, on the thread that changed it.</summary>
    event Action<INic>? LinkChanged;

    /// <summary>
    /// Raised each time that a connection cannot be accepted because no file descriptor is left, on the accepting thread. It waits, and is accepted
    /// when there are descriptors again.
    /// </summary>
    event Action<INic>? Exhausted;

    /// <summary>
    /// The cable is plugged or pulled: by the kernel on a box, by a fault in the lab. Down ends every live connection
    /// of this interface at once and refuses new ones; listeners stay and serve again when the link is back. A port that was lost meanwhile stays
    /// lost, and is tried again with the next change.
    /// </summary>
    void SetLink(bool up);

    /// <summary>What the configuration wants: <c>set status up|down</c>. Down is as a pulled cable; neither undoes the other.</summary>
    /// <exception cref="NicException">It cannot be done; nothing changed.</exception>
    /// <exception cref="AddressInUseException">A port was taken by somebody else meanwhile; it stays down.</exception>
    void SetStatus(bool up);

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

/// <summary>An interface whose address is the configuration's to set (<c>set ip</c>).</summary>
public interface IAddressedNic : INic
{
    /// <summary>
    /// Gives it this address and no other; 0.0.0.0 takes every address away. Listeners move along; connections of the old address end. A datagram
    /// port stays on the address that it was opened on.
    /// </summary>
    /// <exception cref="NicException">It cannot be done; nothing changed.</exception>
    void SetAddress(IPAddress address, int prefixLength);
}

/// <summary>An interface cannot be as the configuration wants it; the message names it and says why.</summary>
public sealed class NicException(string message, Exception? inner = null) : IOException(message, inner);
