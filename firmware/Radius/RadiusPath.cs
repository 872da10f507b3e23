using System.Net;
using Appliance.Hal;

namespace Appliance.Firmware.Radius;

/// <summary>A path for packets: a datagram port, or a connection to one server. Thread-safe.</summary>
internal interface IRadiusPath : IAsyncDisposable
{
    /// <summary>Sends a packet without waiting; it may be lost.</summary>
    void Send(byte[] packet, IPEndPoint to);
}

/// <summary>Handles a received packet.</summary>
internal delegate void RadiusReceived(ReadOnlySpan<byte> packet, IPEndPoint from);

/// <summary>
/// A datagram port of an interface, served on its own thread. Packets that waiters send in reaction to a batch of replies leave in one
/// batch.
/// </summary>
internal sealed class RadiusDatagrams : IRadiusPath
{
    private readonly IDatagramPort _port;
    private readonly Task _serving;

    internal RadiusDatagrams(IDatagramPort port, RadiusReceived received) =>
        (_port, _serving) = (port, port.ServeAsync(RadiusPacket.LengthMax, received.Invoke));

    /// <inheritdoc/>
    public void Send(byte[] packet, IPEndPoint to) => _port.Send(packet, to);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _port.DisposeAsync().ConfigureAwait(false);
        await _serving.ConfigureAwait(false);
    }
}

/// <summary>An additional datagram port, needed only for bursts, without its own thread or batching.</summary>
internal sealed class RadiusSpareDatagrams : IRadiusPath
{
    private readonly IDatagramPort _port;
    private readonly Task _receiving;

    internal RadiusSpareDatagrams(IDatagramPort port, RadiusReceived received)
    {
        _port = port;
        _receiving = Task.Run(() => ReceiveAsync(received));
    }

    /// <inheritdoc/>
    public void Send(byte[] packet, IPEndPoint to) => _ = SendAsync(packet, to);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _port.DisposeAsync().ConfigureAwait(false);
        await _receiving.ConfigureAwait(false);
    }

    private async Task SendAsync(byte[] packet, IPEndPoint to)
    {
        try
        {
            await _port.SendAsync(packet, to).ConfigureAwait(false);
        }
        catch (ObjectDisposedException)
        {
            // Stopping: the packet is lost, which datagrams allow.
        }
    }

    private async Task ReceiveAsync(RadiusReceived received)
    {
        var buffer = new byte[RadiusPacket.LengthMax];
        try
        {
            while (true)
            {
                var (length, from) = await _port.ReceiveAsync(buffer).ConfigureAwait(false);
                received(buffer.AsSpan(0, length), from);
            }
        }
        catch (ObjectDisposedException)
        {
            // Stopping.
        }
    }
}
