using Microsoft.Extensions.Hosting;

namespace Appliance.Firmware.Network;

/// <summary>The lifetime of a web host that is only a part of its process. It handles no signal and prints nothing.</summary>
public sealed class HostedElsewhere : IHostLifetime
{
    /// <inheritdoc/>
    public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
