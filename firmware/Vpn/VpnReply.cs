using System.Text;
using Appliance.Firmware.Login;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Appliance.Firmware.Vpn;

/// <summary>The replies of the SSL VPN, byte for byte as the clients require them.</summary>
internal static class VpnReply
{
    // Two spaces after the colon, as captured from real units; openfortivpn reads only the first Set-Cookie line.
    private const string NoCookie = " SVPNCOOKIE=; path=/; expires=Sun, 11 Mar 1984 12:00:00 GMT; secure; httponly;";
    private const string NoNetworkCookie =
        "SVPNNETWORKCOOKIE=; path=/remote/network; expires=Sun, 11 Mar 1984 12:00:00 GMT; secure; httponly";
    private const string Html = "text/html; charset=utf-8";

    /// <summary>Sets the headers that every reply has.</summary>
    internal static void CommonHeaders(HttpContext context)
    {
        var headers = context.Response.Headers;
        headers.Server = "xxxxxxxx-xxxxx";
        headers.XFrameOptions = "SAMEORIGIN";
        headers.ContentSecurityPolicy = "frame-ancestors 'self'; default-src 'none'; form-action 'self'; base-uri 'none'";
        headers.StrictTransportSecurity = "max-age=31536000";
        headers.XContentTypeOptions = "nosniff";
        headers.CacheControl = "no-store";
    }

    internal static Task LoggedInAsync(HttpContext context, string cookie, bool ajax)
    {
        context.Response.Headers.SetCookie = $"SVPNCOOKIE={cookie}; path=/; secure; httponly";
        return ajax ? TextAsync(context, "ret=1,redir=/remote/index") : PageAsync(context, VpnPages.LoggedIn());
    }

    internal static Task ChallengeAsync(HttpContext context, string user, LoginAnswer.Challenge challenge, bool asPage)
    {
        ForgetCookies(context);
        if (asPage)
        {
            context.Response.StatusCode = StatusCodes.Status401Unauthorized;
            context.Features.GetRequiredFeature<IHttpResponseFeature>().ReasonPhrase = "Authorization Required"; // openfortivpn compares the whole line.
            return PageAsync(context, VpnPages.SecondFactor(user, challenge));
        }
        var (handle, grant) = (challenge.Handle, challenge.Grant);
        // magic is the last field that is echoed: openconnect cuts off everything after it.
        return TextAsync(
            context,
            $"ret=2,reqid={handle.RequestId},polid={handle.PolicyId},grp={Field(grant.Group)},portal={Field(grant.Portal)},magic={handle.Magic},tokeninfo={(challenge.Push ? "ftm_push" : "")},chal_msg={challenge.Text}"
        );
    }

    internal static Task DeniedAsync(HttpContext context, string key, bool ajax)
    {
        ForgetCookies(context);
        return ajax ? TextAsync(context, $"ret=0,redir=/remote/login?&err={key}&lang=en") : PageAsync(context, VpnPages.Login(key));
    }

    internal static Task WrongCodeAsync(HttpContext context)
    {
        ForgetCookies(context);
        context.Response.StatusCode = StatusCodes.Status405MethodNotAllowed;
        return PageAsync(context, VpnPages.Denied());
    }

    internal static Task BlockedAsync(HttpContext context)
    {
        ForgetCookies(context);
        context.Response.StatusCode = StatusCodes.Status401Unauthorized;
        return PageAsync(context, VpnPages.Blocked());
    }

    internal static void ForgetCookies(HttpContext context) => context.Response.Headers.SetCookie = new([NoCookie, NoNetworkCookie]);

    internal static Task PageAsync(HttpContext context, string page) => BodyAsync(context, Html, page);

    internal static Task TextAsync(HttpContext context, string text) => BodyAsync(context, "text/plain", text);

    internal static Task BodyAsync(HttpContext context, string type, string body)
    {
        var bytes = Encoding.UTF8.GetBytes(body);
        context.Response.ContentType = type;
        context.Response.ContentLength = bytes.Length;
        return HttpMethods.IsHead(context.Request.Method) ? Task.CompletedTask : context.Response.Body.WriteAsync(bytes).AsTask();
    }

    /// <summary>
    /// Returns a value for a reply field. A value that would end the field early, or that openfortivpn would drop for its length, is sent
    /// empty, because the client only echoes it.
    /// </summary>
    private static string Field(string value) =>
        value.Length <= 63 && value.AsSpan().IndexOfAny(",&\r\n") < 0 && Ascii.IsValid(value) ? value : "";
}
