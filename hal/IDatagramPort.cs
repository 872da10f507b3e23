using System.Net;

namespace Appliance.Hal;

/// <summary>Takes a datagram. The bytes are the port's, and good until it returns.</summary>
public delegate void DatagramHandler(ReadOnlySpan<byte> payload, IPEndPoint remote);

/// <summary>A UDP-like port: whole datagrams in and out, unreliable by contract.</summary>
public interface IDatagramPort : IAsyncDisposable
{
    /// <summary>The address and port that this port has.</summary>
    IPEndPoint LocalEndPoint { get; }

    /// <summary>Sends one datagram. Nothing is thrown when nobody receives it, the link is down or a queue is full: it is lost.</summary>
    ValueTask SendAsync(ReadOnlyMemory<byte> payload, IPEndPoint remote, CancellationToken cancellationToken = default);

    /// <summary>
    /// Waits for one datagram and copies it into <paramref name="buffer"/>; a longer one is cut. Throws
    /// <see cref="ObjectDisposedException"/> once the port is disposed.
    /// </summary>
    ValueTask<(int Length, IPEndPoint Remote)> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken = default);

    /// <summary>
    /// For servers of many: hands over each datagram as it comes, one after the other on one thread that is the port's own, cut to
    /// <paramref name="lengthMax"/> bytes, until the port is disposed; then it completes. An exception of the handler's ends the process.
    /// A port that is served is not received from otherwise.
    /// </summary>
    Task ServeAsync(int lengthMax, DatagramHandler handle);

    /// <summary>Sends one datagram at once, as <see cref="SendAsync"/> does; also from within a handler. After the port is disposed it is lost.</summary>
    void Send(ReadOnlySpan<byte> payload, IPEndPoint remote);
}
