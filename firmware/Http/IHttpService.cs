using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Appliance.Firmware.Http;

/// <summary>Serves the requests of one service, each by what the server tells of it.</summary>
public interface IHttpService
{
    /// <summary>Serves one request. Called on many threads at once; the features are the request's until the task completes.</summary>
    Task ServeAsync(IFeatureCollection request);
}

/// <summary>A service that wants requests as <see cref="HttpContext"/>.</summary>
public sealed class ContextService(RequestDelegate serve) : IHttpService
{
    /// <inheritdoc/>
    public Task ServeAsync(IFeatureCollection request) => serve(new DefaultHttpContext(request));
}
