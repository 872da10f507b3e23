using System.Net;
using Microsoft.AspNetCore.Connections;

namespace Appliance.Hal;

/// <summary>
/// An interface with a tap on its outgoing connections and datagrams, for services of the unit that are clients. Listeners have their tap
/// at <see cref="GatedNic"/>.
/// </summary>
public sealed class TappedNic(INic inner, PacketTap tap) : INic
{
    /// <inheritdoc/>
    public string Name => inner.Name;

    /// <inheritdoc/>
    public IReadOnlyList<IPAddress> Addresses => inner.Addresses;

    /// <inheritdoc/>
    public bool LinkUp => inner.LinkUp;

    /// <inheritdoc/>
    public event Action<INic>? LinkChanged
    {
        add => inner.LinkChanged += value;
        remove => inner.LinkChanged -= value;
    }

    /// <inheritdoc/>
    public event Action<INic>? Exhausted
    {
        add => inner.Exhausted += value;
        remove => inner.Exhausted -= value;
    }

    /// <inheritdoc/>
    public void SetLink(bool up) => inner.SetLink(up);

    /// <inheritdoc/>
    public void SetStatus(bool up) => inner.SetStatus(up);

    /// <inheritdoc/>
    public IConnectionListener Listen(int port) => inner.Listen(port);

    /// <inheritdoc/>
    public async ValueTask<ConnectionContext> ConnectAsync(IPEndPoint remote, CancellationToken cancellationToken = default)
    {
        var connection = await inner.ConnectAsync(remote, cancellationToken).ConfigureAwait(false);
        return tap.Over(Name, connection, isInbound: false) is { } pipe ? new GuardedConnection(connection, _ => { }, pipe) : connection;
    }

    /// <inheritdoc/>
    public IDatagramPort OpenDatagrams(int port) => new Port(inner.OpenDatagrams(port), Name, tap);

    private sealed class Port(IDatagramPort inner, string nic, PacketTap tap) : IDatagramPort
    {
        public IPEndPoint LocalEndPoint => inner.LocalEndPoint;

        public ValueTask SendAsync(ReadOnlyMemory<byte> payload, IPEndPoint remote, CancellationToken cancellationToken = default)
        {
            See(isInbound: false, payload.Span, remote);
            return inner.SendAsync(payload, remote, cancellationToken);
        }

        public async ValueTask<(int Length, IPEndPoint Remote)> ReceiveAsync(
            Memory<byte> buffer,
            CancellationToken cancellationToken = default
        )
        {
            var received = await inner.ReceiveAsync(buffer, cancellationToken).ConfigureAwait(false);
            See(isInbound: true, buffer.Span[..received.Length], received.Remote);
            return received;
        }

        public Task ServeAsync(int lengthMax, DatagramHandler handle) =>
            inner.ServeAsync(
                lengthMax,
                (payload, remote) =>
                {
                    See(isInbound: true, payload, remote);
                    handle(payload, remote);
                }
            );

        public void Send(ReadOnlySpan<byte> payload, IPEndPoint remote)
        {
            See(isInbound: false, payload, remote);
            inner.Send(payload, remote);
        }

        public ValueTask DisposeAsync() => inner.DisposeAsync();

        private void See(bool isInbound, ReadOnlySpan<byte> payload, IPEndPoint remote)
        {
            if (tap.IsOpen)
            {
                tap.See(
                    new SeenPacket(
                        nic,
                        isInbound,
                        isInbound ? remote : LocalEndPoint,
                        isInbound ? LocalEndPoint : remote,
                        SegmentKind.Datagram,
                        0,
                        0,
                        payload.ToArray()
                    )
                );
            }
        }
    }
}
