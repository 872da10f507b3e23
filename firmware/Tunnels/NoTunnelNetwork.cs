using System.Net;
using Appliance.Hal;

namespace Appliance.Firmware.Tunnels;

/// <summary>No network behind the tunnels: every packet is lost.</summary>
public sealed class NoTunnelNetwork : ITunnelNetwork
{
    /// <inheritdoc/>
    public void Send(ReadOnlySpan<byte> packet) { }

    /// <inheritdoc/>
    public void Attach(TunnelPacketHandler deliver) { }

    /// <inheritdoc/>
    public void SetRoutes(IReadOnlyList<IPNetwork> prefixes) { }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
