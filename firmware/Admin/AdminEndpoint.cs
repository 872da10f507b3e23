using System.Net;
using System.Text;
using System.Text.Encodings.Web;
using Appliance.Firmware.Config;
using Appliance.Firmware.Events;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Appliance.Firmware.Admin;

/// <summary>The management page over HTTPS. It shows what this unit is and that it is managed at its console. It changes nothing.</summary>
/// <param name="trusts">Returns true if an administrator may connect from an address. Other addresses are not served the page.</param>
/// <param name="debug">Receives a line for each request while <c>diagnose debug application httpsd</c> is active.</param>
public sealed class AdminEndpoint(Func<IPAddress, bool> trusts, DebugTap debug) : IConfigSubscriber
{
    private volatile string _hostName = "";

    /// <inheritdoc/>
    public ConfigError? Apply(ConfigTree previous, ConfigTree next)
    {
        _hostName = next.Object("system global").Text("hostname");
        return null;
    }

    /// <summary>Serves one request.</summary>
    public async Task ServeAsync(HttpContext context)
    {
        var (method, path) = (context.Request.Method, PathOf(context));
        debug.Write(
            DebugArea.Httpsd,
            $"[httpsd] fweb_debug_init -- New {method} request for \"{path}\" from \"{context.Connection.RemoteIpAddress}:{context.Connection.RemotePort}\""
        );
        await AnswerAsync(context).ConfigureAwait(false);
        debug.Write(
            DebugArea.Httpsd,
            $"[httpsd] fweb_debug_final -- Completed {method} request for \"{path}\" (HTTP {context.Response.StatusCode})"
        );
    }

    /// <summary>The request target without its query, which may hold an access token.</summary>
    private static string PathOf(HttpContext context)
    {
        var target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        return target.IndexOf('?', StringComparison.Ordinal) is >= 0 and var query ? target[..query] : target;
    }

    private Task AnswerAsync(HttpContext context)
    {
        var headers = context.Response.Headers;
        headers.Server = "xxxxxxxx-xxxxx";
        headers.XFrameOptions = "DENY";
        headers.ContentSecurityPolicy = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'";
        headers.CacheControl = "no-store";
        headers.XContentTypeOptions = "nosniff";
        if (!trusts(context.Connection.RemoteIpAddress!))
        {
            return TextAsync(context, StatusCodes.Status403Forbidden, "text/plain", "this address is no administrator's trusted host\n");
        }
        if (context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget != "/")
        {
            return TextAsync(context, StatusCodes.Status404NotFound, "text/plain", "no such page\n");
        }
        if (!HttpMethods.IsGet(context.Request.Method) && !HttpMethods.IsHead(context.Request.Method))
        {
            headers.Allow = "GET, HEAD";
            return TextAsync(context, StatusCodes.Status405MethodNotAllowed, "text/plain", "allowed here: GET, HEAD\n");
        }
        var name = HtmlEncoder.Default.Encode(_hostName);
        return TextAsync(
            context,
            StatusCodes.Status200OK,
            "text/html; charset=utf-8",
            $"<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{name}</title></head><body>\n<h1>{name}</h1>\n<p>This unit is managed at its console.</p>\n<p><small>A lab appliance. Not affiliated with Fortinet.</small></p>\n</body></html>\n"
        );
    }

    private static Task TextAsync(HttpContext context, int status, string type, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        context.Response.StatusCode = status;
        context.Response.ContentType = type;
        context.Response.ContentLength = bytes.Length;
        return HttpMethods.IsHead(context.Request.Method) ? Task.CompletedTask : context.Response.Body.WriteAsync(bytes).AsTask();
    }
}
