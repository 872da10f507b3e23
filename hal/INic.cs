using System.Net;
using Microsoft.AspNetCore.Connections;

namespace Appliance.Hal;

/// <summary>
/// A network interface of the box, on which the firmware listens, connects and exchanges datagrams.
/// Implementations: <c>SimNic</c> (in memory) and <c>SocketNic</c> (real sockets). All members may be called from any thread.
/// </summary>
public interface INic
{
    /// <summary>The logical name, as the configuration spells it (<c>port1</c>). Never empty, never changes.</summary>
    string Name { get; }

    /// <summary>
    /// The addresses of this interface; the first is primary. Never empty: 0.0.0.0 alone means no address, and nothing is served then.
    /// </summary>
    IReadOnlyList<IPAddress> Addresses { get; }

    /// <summary>True while the cable is connected and the configured status is up. Otherwise no connection or datagram passes.</summary>
    bool LinkUp { get; }

    /// <summary>True while the link is up and the interface has an address.</summary>
    bool CanServe => LinkUp && !Addresses[0].Equals(IPAddress.Any);

    /// <summary>Raised after <see cref="LinkUp"/> changed, on the thread that changed it.</summary>
    event Action<INic>? LinkChanged;

    /// <summary>
    /// Raised on the accepting thread each time that a connection cannot be accepted because no file descriptor is left. The connection
    /// stays pending and is accepted when there are descriptors again.
    /// </summary>
    event Action<INic>? Exhausted;

    /// <summary>
    /// Reports that the cable was connected or pulled: by the kernel on a box, by a fault in the lab. Down closes every live connection
    /// of this interface immediately and refuses new ones; listeners serve again when the link returns. A port that another process took
    /// meanwhile stays unavailable and is tried again with the next change.
    /// </summary>
    void SetLink(bool up);

    /// <summary>Applies <c>set status up|down</c>. Down has the effect of a pulled cable; neither undoes the other.</summary>
    /// <exception cref="NicException">The kernel refused the change; nothing changed.</exception>
    /// <exception cref="AddressInUseException">Another process took a port meanwhile; the interface stays down.</exception>
    void SetStatus(bool up);

    /// <summary>
    /// Listens on <paramref name="port"/> of the primary address; 0 chooses a free port, which the listener's
    /// <see cref="IConnectionListener.EndPoint"/> (an <see cref="IPEndPoint"/>) reports. The port is acquired when the call returns. The
    /// caller disposes the listener, which releases the port and leaves accepted connections open.
    /// </summary>
    /// <exception cref="AddressInUseException">The port is in use.</exception>
    IConnectionListener Listen(int port);

    /// <summary>
    /// Opens a connection from this interface to <paramref name="remote"/>. The caller disposes it. A peer may close its direction and
    /// still read; completing the output on this side may close both directions (it does over sockets). May be aborted at any time, also
    /// after its end.
    /// </summary>
    /// <exception cref="IOException">The connection was refused, or a link is down.</exception>
    ValueTask<ConnectionContext> ConnectAsync(IPEndPoint remote, CancellationToken cancellationToken = default);

    /// <summary>Opens a datagram port on the primary address; 0 chooses a free port. The caller disposes it.</summary>
    /// <exception cref="AddressInUseException">The port is in use.</exception>
    IDatagramPort OpenDatagrams(int port);
}

/// <summary>An interface whose address the configuration sets (<c>set ip</c>).</summary>
public interface IAddressedNic : INic
{
    /// <summary>
    /// Sets the only address of the interface; 0.0.0.0 removes every address. Listeners move to it, and connections of the old address
    /// are closed. A datagram port stays on the address that it was opened on.
    /// </summary>
    /// <exception cref="NicException">The kernel refused the change; nothing changed.</exception>
    void SetAddress(IPAddress address, int prefixLength);
}

/// <summary>An interface cannot be configured as requested; the message names it and gives the reason.</summary>
public sealed class NicException(string message, Exception? inner = null) : IOException(message, inner);
