using System.Net;

namespace Appliance.Hal;

/// <summary>Handles a datagram. The bytes belong to the port and are valid until the handler returns.</summary>
public delegate void DatagramHandler(ReadOnlySpan<byte> payload, IPEndPoint remote);

/// <summary>A datagram port: sends and receives whole datagrams, without a guarantee of delivery.</summary>
public interface IDatagramPort : IAsyncDisposable
{
    /// <summary>The local address and port.</summary>
    IPEndPoint LocalEndPoint { get; }

    /// <summary>
    /// Sends one datagram. It is lost, without an exception, if there is no receiver, the link is down or a queue is full.
    /// </summary>
    ValueTask SendAsync(ReadOnlyMemory<byte> payload, IPEndPoint remote, CancellationToken cancellationToken = default);

    /// <summary>
    /// Receives one datagram into <paramref name="buffer"/>; a longer one is truncated. Throws <see cref="ObjectDisposedException"/> once
    /// the port is disposed.
    /// </summary>
    ValueTask<(int Length, IPEndPoint Remote)> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken = default);

    /// <summary>
    /// Calls the handler for each datagram, one after the other, on a dedicated thread of the port, truncated to
    /// <paramref name="lengthMax"/> bytes. Completes when the port is disposed. An exception in the handler terminates the process. While a
    /// port is served, <see cref="ReceiveAsync"/> must not be used.
    /// </summary>
    Task ServeAsync(int lengthMax, DatagramHandler handle);

    /// <summary>
    /// Sends one datagram synchronously, like <see cref="SendAsync"/>. May be called from a handler. After disposal, the datagram is
    /// lost.
    /// </summary>
    void Send(ReadOnlySpan<byte> payload, IPEndPoint remote);
}
