using System.Net;
using Appliance.Hal;

namespace Appliance.Firmware.Radius;

/// <summary>A way that packets take: a datagram port, or a connection to one server. Thread-safe.</summary>
internal interface IRadiusPath : IAsyncDisposable
{
    /// <summary>Sends a packet, some time; it may be lost.</summary>
    void Send(byte[] packet, IPEndPoint to);
}

/// <summary>Takes a packet that came.</summary>
internal delegate void RadiusReceived(ReadOnlySpan<byte> packet, IPEndPoint from);

/// <summary>
/// A datagram port of an interface, served on a thread of its own: what answers make its waiters send leaves in one batch with them.
/// </summary>
internal sealed class RadiusDatagrams : IRadiusPath
{
    private readonly IDatagramPort _port;
    private readonly Task _serving;

    internal RadiusDatagrams(IDatagramPort port, RadiusReceived received) => (_port, _serving) = (port, port.ServeAsync(RadiusPacket.LengthMax, received.Invoke));

    /// <inheritdoc/>
    public void Send(byte[] packet, IPEndPoint to) => _port.Send(packet, to);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _port.DisposeAsync().ConfigureAwait(false);
        await _serving.ConfigureAwait(false);
    }
}

/// <summary>A further datagram port, which only a burst needs, with neither thread nor batches.</summary>
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
            // Stopping: lost, as datagrams may be.
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
