using System.Buffers;
using System.Net;
using Appliance.Firmware.Config;
using Appliance.Firmware.Events;
using Appliance.Firmware.Http;
using Appliance.Firmware.Login;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Appliance.Firmware.Vpn;

/// <summary>
/// The web service of the SSL VPN. The path is compared as it is on the wire: an encoded spelling of a path is a different path. Nothing is
/// ever built from the path.
/// </summary>
public sealed class VpnEndpoint(LoginService login, VpnSessions sessions, EventLog events, DebugTap debug, ITunnelService tunnels)
    : IConfigSubscriber
{
    private const string CookieName = "SVPNCOOKIE";
    private const int RealmMax = 36;
    private static readonly Version RefusesDeadCookies = new(7, 2);
    private static readonly SearchValues<char> RealmCharacters = SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."
    );
    private readonly LoginCheck _loginCheck = new(login, sessions, events, debug);
    private volatile VpnSettings _settings = new(default, default, CheckSource: true, "", Personality.Default);

    /// <inheritdoc/>
    public ConfigError? Apply(ConfigTree previous, ConfigTree next)
    {
        _settings = VpnSettings.From(next);
        return null;
    }

    /// <summary>Serves one request.</summary>
    public async Task ServeAsync(HttpContext context)
    {
        VpnReply.CommonHeaders(context);
        var target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        var query = target.IndexOf('?', StringComparison.Ordinal);
        var path = query < 0 ? target : target[..query];
        debug.Write(DebugArea.SslVpn, $"req: {path}");
        var served = path switch
        {
            "/" => Get(context, () => RedirectAsync(context, "/remote/login?lang=en")),
            "/remote/login" => Get(context, () => LoginPageAsync(context, query < 0 ? "" : target[(query + 1)..])),
            "/remote/logincheck" => Post(context, () => LoginCheckAsync(context)),
            "/remote/index" or "/remote/fortisslvpn" => Get(
                context,
                () =>
                    Session(context) is { } session
                        ? VpnReply.PageAsync(context, VpnPages.Index(session))
                        : RedirectAsync(context, "/remote/login")
            ),
            "/remote/fortisslvpn_xml" => Get(context, () => Tunnel(context, tunnels.ConfigureAsync)),
            "/remote/sslvpn-tunnel" => Get(context, () => Tunnel(context, tunnels.ServeAsync)),
            "/remote/logout" => Get(context, () => LogoutAsync(context)),
            _ when IsRealmPath(path) => Get(context, () => RedirectAsync(context, $"/remote/login?realm={path[1..]}&lang=en")),
            _ => StatusAsync(context, StatusCodes.Status404NotFound, "no such page"),
        };
        await served.ConfigureAwait(false);
    }

    /// <summary>An unknown cookie is redirected in 6.4 and 7.0, and forbidden later (*assumed*).</summary>
    private Task Tunnel(HttpContext context, Func<HttpContext, VpnSession, Task> serve) =>
        Session(context) is { } session ? serve(context, session)
        : _settings.Personality.Release < RefusesDeadCookies ? RedirectAsync(context, "/remote/login")
        : ForbiddenAsync(context);

    private static Task Get(HttpContext context, Func<Task> serve) =>
        HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsHead(context.Request.Method)
            ? serve()
            : MethodNotAllowedAsync(context, "GET, HEAD");

    private static Task Post(HttpContext context, Func<Task> serve) =>
        HttpMethods.IsPost(context.Request.Method) ? serve() : MethodNotAllowedAsync(context, "POST");

    private async Task LoginCheckAsync(HttpContext context)
    {
        var request = context.Request;
        if (!MediaType.Is(request.ContentType, "application/x-www-form-urlencoded"))
        {
            await StatusAsync(context, StatusCodes.Status415UnsupportedMediaType, "logincheck expects application/x-www-form-urlencoded")
                .ConfigureAwait(false);
            return;
        }
        var (body, status) = await RequestBody.ReadAsync(context).ConfigureAwait(false);
        if (body is null)
        {
            await StatusAsync(
                    context,
                    status,
                    status == StatusCodes.Status413PayloadTooLarge
                        ? $"logincheck accepts at most {RequestBody.SizeMax} bytes"
                        : "logincheck: the body is broken"
                )
                .ConfigureAwait(false);
            return;
        }
        if (FormBody.Parse(body, out var fault) is not { } form)
        {
            await StatusAsync(context, StatusCodes.Status400BadRequest, $"logincheck: {fault}").ConfigureAwait(false);
            return;
        }
        await _loginCheck.ServeAsync(context, form).ConfigureAwait(false);
    }

    private VpnSession? Session(HttpContext context) => Cookie(context) is { } cookie ? sessions.Use(cookie, Source(context)) : null;

    private static string? Cookie(HttpContext context) => context.Request.Cookies[CookieName] is { Length: 64 } cookie ? cookie : null;

    private static IPAddress Source(HttpContext context) => context.Connection.RemoteIpAddress!.MapToIPv4();

    private async Task LogoutAsync(HttpContext context)
    {
        VpnReply.ForgetCookies(context);
        if (
            Cookie(context) is { } cookie
            && await sessions.CloseAsync(cookie, Source(context)).ConfigureAwait(false) == VpnEnding.NotDurable
        )
        {
            await StatusAsync(
                    context,
                    StatusCodes.Status503ServiceUnavailable,
                    "logged out; the end of the session is not stored yet, because the disk is full"
                )
                .ConfigureAwait(false);
            return;
        }
        await VpnReply.PageAsync(context, VpnPages.LoggedOut()).ConfigureAwait(false);
    }

    /// <summary>
    /// Returns true for the path of a realm. The path is compared as received, and may contain plain characters only, so that it is safe in
    /// a URL.
    /// </summary>
    private bool IsRealmPath(string path) =>
        path.Length is > 1 and <= RealmMax && path.AsSpan(1).IndexOfAnyExcept(RealmCharacters) < 0 && login.IsRealm(path[1..]);

    private Task LoginPageAsync(HttpContext context, string query)
    {
        var realm = ValueOf(query, "realm=") ?? "";
        return VpnReply.PageAsync(
            context,
            VpnPages.Login(ValueOf(query, "err="), realm.Length < RealmMax && login.IsRealm(realm) ? realm : "")
        );
    }

    private static string? ValueOf(string query, string name)
    {
        foreach (var pair in query.Split('&'))
        {
            if (pair.StartsWith(name, StringComparison.Ordinal))
            {
                return pair[name.Length..];
            }
        }
        return null;
    }

    private static Task RedirectAsync(HttpContext context, string location)
    {
        context.Response.StatusCode = StatusCodes.Status302Found;
        context.Response.Headers.Location = location;
        context.Response.ContentLength = 0;
        return Task.CompletedTask;
    }

    private static Task ForbiddenAsync(HttpContext context) => StatusAsync(context, StatusCodes.Status403Forbidden, "forbidden");

    private static Task MethodNotAllowedAsync(HttpContext context, string allow)
    {
        context.Response.Headers.Allow = allow;
        return StatusAsync(context, StatusCodes.Status405MethodNotAllowed, $"allowed here: {allow}");
    }

    private static Task StatusAsync(HttpContext context, int status, string text)
    {
        context.Response.StatusCode = status;
        return VpnReply.TextAsync(context, text + "\n");
    }
}
