using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Appliance.Firmware.Http;

/// <summary>Serves the requests of one service from the server's feature collection.</summary>
public interface IHttpService
{
    /// <summary>
    /// Serves one request. Called on many threads concurrently; the features belong to the request until the task completes.
    /// </summary>
    Task ServeAsync(IFeatureCollection request);
}

/// <summary>A service that takes requests as <see cref="HttpContext"/>.</summary>
public sealed class ContextService(RequestDelegate serve) : IHttpService
{
    /// <inheritdoc/>
    public Task ServeAsync(IFeatureCollection request) => serve(new DefaultHttpContext(request));
}
