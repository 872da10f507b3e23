using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Appliance.Firmware.Http;

/// <summary>Kestrel as a part of its process: it reads no configuration, handles no signal and prints nothing.</summary>
public static class EmbeddedServer
{
    /// <summary>Prepares a server.</summary>
    /// <param name="transport">Accepts its connections.</param>
    /// <param name="bodyMax">The longest request body in bytes.</param>
    /// <param name="configure">Adds end points and other limits.</param>
    public static WebApplicationBuilder Prepare(
        IConnectionListenerFactory transport,
        long bodyMax,
        Action<KestrelServerOptions> configure
    )
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton<IHostLifetime, HostedElsewhere>().AddSingleton(transport);
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = bodyMax;
            configure(kestrel);
        });
        return builder;
    }

    /// <summary>The lifetime of a web host that is only a part of its process.</summary>
    private sealed class HostedElsewhere : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
