using System.Net;
using Appliance.Firmware.Radius;
using Appliance.Hal;

namespace Appliance.Doubles.FortiAuthenticator;

/// <summary>Handles a datagram that arrived on one of the ports.</summary>
internal delegate void FacDatagram(ReadOnlySpan<byte> datagram, IPEndPoint source, FacWay way);

/// <summary>The emulator's two UDP ports for RADIUS.</summary>
internal sealed class FacPorts : IAsyncDisposable
{
    private readonly Dictionary<FacWay, IDatagramPort> _ports = [];
    private readonly List<Task> _loops = [];

    /// <summary>Opens both ports.</summary>
    /// <exception cref="Microsoft.AspNetCore.Connections.AddressInUseException">A port is in use.</exception>
    public void Open(INic nic, FacSettings settings)
    {
        _ports.Add(FacWay.Authentication, nic.OpenDatagrams(settings.AuthenticationPort));
        _ports.Add(FacWay.Accounting, nic.OpenDatagrams(settings.AccountingPort));
    }

    /// <summary>Starts to receive, until the ports are closed.</summary>
    public void Serve(FacDatagram receive)
    {
        foreach (var (way, port) in _ports)
        {
            // One byte more than a packet, which distinguishes a datagram that is too long from one that just fits.
            _loops.Add(port.ServeAsync(RadiusPacket.LengthMax + 1, (datagram, source) => receive(datagram, source, way)));
        }
    }

    public IPEndPoint EndPointOf(FacWay way) => _ports[way].LocalEndPoint;

    public void Send(FacWay way, byte[] packet, IPEndPoint to) => _ports[way].Send(packet, to);

    public async ValueTask DisposeAsync()
    {
        foreach (var port in _ports.Values)
        {
            await port.DisposeAsync();
        }
        await Task.WhenAll(_loops);
    }
}
