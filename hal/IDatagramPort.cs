using System.Net;

namespace Appliance.Hal;

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
}
