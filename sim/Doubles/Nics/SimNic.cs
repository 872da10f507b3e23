using System.Net;
using Appliance.Hal;
using Microsoft.AspNetCore.Connections;

namespace Appliance.Doubles.Nics;

/// <summary>An interface in memory: no socket, no system call.</summary>
public sealed class SimNic(SimNetwork network, string name, IPAddress address) : NicBase(name, address)
{
    /// <inheritdoc/>
    public override IDatagramPort OpenDatagrams(int port) => network.OpenDatagrams(this, port);

    /// <inheritdoc/>
    protected override IConnectionListener OpenListener(int port) => network.Listen(Address, port);

    /// <inheritdoc/>
    protected override ValueTask<ConnectionContext> OpenConnectionAsync(IPEndPoint remote, CancellationToken cancellationToken) =>
        new(network.Connect(Address, remote));
}
