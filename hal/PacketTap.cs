using System.Buffers;
using System.Net;
using Microsoft.AspNetCore.Connections;

namespace Appliance.Hal;

/// <summary>The kind of a TCP segment, or a datagram.</summary>
public enum SegmentKind
{
    /// <summary>The client opens the connection.</summary>
    Syn,

    /// <summary>The server accepts it.</summary>
    SynAck,

    /// <summary>The client confirms.</summary>
    Ack,

    /// <summary>Data.</summary>
    Data,

    /// <summary>One direction ends.</summary>
    Fin,

    /// <summary>The connection is aborted.</summary>
    Reset,

    /// <summary>A UDP datagram; not a segment.</summary>
    Datagram,
}

/// <summary>A packet as the unit's own sockets show it.</summary>
/// <param name="Nic">The interface.</param>
/// <param name="IsInbound">True when the unit received it.</param>
/// <param name="Source">The sender.</param>
/// <param name="Target">The receiver.</param>
/// <param name="Kind">The kind of packet.</param>
/// <param name="Sequence">The number of bytes sent before it in its direction, modulo 2^32. SYN and FIN count as one byte, and numbering
/// starts at 0.</param>
/// <param name="Acknowledged">The number of bytes sent before it in the other direction, counted the same way.</param>
/// <param name="Payload">The data; at most <see cref="PacketTap.SegmentMax"/> bytes of a stream.</param>
public sealed record SeenPacket(
    string Nic,
    bool IsInbound,
    IPEndPoint Source,
    IPEndPoint Target,
    SegmentKind Kind,
    uint Sequence,
    uint Acknowledged,
    ReadOnlyMemory<byte> Payload
);

/// <summary>
/// The capture of the packets of the unit's own sockets. Streams have no packets here: the bytes of one read or write count as segments of
/// at most <see cref="SegmentMax"/> bytes. Without a listener, bytes are counted and not copied. Thread-safe.
/// </summary>
public sealed class PacketTap
{
    /// <summary>The largest segment in bytes: it fits an Ethernet frame over IPv4.</summary>
    public const int SegmentMax = 1460;

    private readonly Lock _lock = new();
    private volatile Action<SeenPacket>[] _listeners = [];

    /// <summary>True while there is a listener.</summary>
    public bool IsOpen => _listeners.Length > 0;

    /// <summary>Adds a listener; disposing the result removes it.</summary>
    /// <param name="see">Receives each packet on the thread that moves it. It must only store the packet, and must not throw.</param>
    public IDisposable Listen(Action<SeenPacket> see)
    {
        lock (_lock)
        {
            _listeners = [.. _listeners, see];
        }
        return new Listening(this, see);
    }

    /// <summary>
    /// Returns the pipe of a connection with the tap in it; null, for the connection's own pipe, if an end has no IP address.
    /// </summary>
    /// <param name="nic">The interface.</param>
    /// <param name="connection">The connection.</param>
    /// <param name="isInbound">True when the peer opened it.</param>
    internal TappedPipe? Over(string nic, ConnectionContext connection, bool isInbound)
    {
        if (connection.LocalEndPoint is not IPEndPoint local || connection.RemoteEndPoint is not IPEndPoint remote)
        {
            return null;
        }
        var stream = new TappedStream(this, nic, local, remote);
        stream.Opened(isInbound);
        return new TappedPipe(connection.Transport, stream);
    }

    internal void See(SeenPacket packet)
    {
        foreach (var see in _listeners)
        {
            see(packet);
        }
    }

    private sealed class Listening(PacketTap tap, Action<SeenPacket> see) : IDisposable
    {
        public void Dispose()
        {
            lock (tap._lock)
            {
                tap._listeners = [.. tap._listeners.Where(other => other != see)];
            }
        }
    }
}

/// <summary>The captured side of one TCP connection. Its two directions may be used from two threads.</summary>
internal sealed class TappedStream(PacketTap tap, string nic, IPEndPoint local, IPEndPoint remote)
{
    private long _received;
    private long _sent;

    /// <summary>Captures the handshake.</summary>
    /// <param name="isInbound">True when the peer opened the connection.</param>
    internal void Opened(bool isInbound)
    {
        if (tap.IsOpen)
        {
            See(isInbound, SegmentKind.Syn, default);
            Count(isInbound, 1);
            See(!isInbound, SegmentKind.SynAck, default);
            Count(!isInbound, 1);
            See(isInbound, SegmentKind.Ack, default);
        }
        else
        {
            (_received, _sent) = (1, 1);
        }
    }

    /// <summary>Captures bytes of one direction.</summary>
    internal void Moved(bool isInbound, ReadOnlySpan<byte> bytes)
    {
        for (; tap.IsOpen && bytes.Length > 0; bytes = bytes[Math.Min(bytes.Length, PacketTap.SegmentMax)..])
        {
            var segment = bytes[..Math.Min(bytes.Length, PacketTap.SegmentMax)];
            See(isInbound, SegmentKind.Data, segment);
            Count(isInbound, segment.Length);
        }
        Count(isInbound, bytes.Length);
    }

    /// <summary>Captures bytes of one direction that are in several pieces.</summary>
    internal void Moved(bool isInbound, in ReadOnlySequence<byte> bytes)
    {
        if (!tap.IsOpen)
        {
            Count(isInbound, bytes.Length);
            return;
        }
        foreach (var piece in bytes)
        {
            Moved(isInbound, piece.Span);
        }
    }

    /// <summary>Captures the end of one direction, or of both together.</summary>
    internal void Ended(bool isInbound, SegmentKind how)
    {
        if (tap.IsOpen)
        {
            See(isInbound, how, default);
        }
        Count(isInbound, 1);
    }

    private void See(bool isInbound, SegmentKind kind, ReadOnlySpan<byte> payload) =>
        tap.See(
            new SeenPacket(
                nic,
                isInbound,
                isInbound ? remote : local,
                isInbound ? local : remote,
                kind,
                (uint)Volatile.Read(ref (isInbound ? ref _received : ref _sent)),
                (uint)Volatile.Read(ref (isInbound ? ref _sent : ref _received)),
                payload.ToArray()
            )
        );

    private void Count(bool isInbound, long bytes)
    {
        if (isInbound)
        {
            Volatile.Write(ref _received, _received + bytes);
        }
        else
        {
            Volatile.Write(ref _sent, _sent + bytes);
        }
    }
}
