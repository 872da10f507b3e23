using System.Collections.Concurrent;
using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using Appliance.Firmware.Config;
using Appliance.Firmware.Events;
using Appliance.Firmware.Http;
using Appliance.Firmware.Login;
using Appliance.Firmware.Storage;
using Appliance.Firmware.Tokens;
using Appliance.Firmware.Tunnels;
using Appliance.Firmware.Vpn;
using Appliance.Tests.Login;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Appliance.Tests.Vpn;

/// <summary>Every path, method and reply of the SSL VPN's web service, without a wire.</summary>
public sealed partial class VpnEndpointTests : IAsyncDisposable
{
    private const string Form = "application/x-www-form-urlencoded";
    private const string Realm35 = "aZ09-_.4567890123456789012345678905";

    private const string Realms =
        "config vpn ssl settings\nconfig authentication-rule\nedit 2\nset groups vpn-users\nset portal full-access\nset realm sales\nnext\n"
        + "edit 3\nset groups vpn-users\nset portal full-access\nset realm "
        + Realm35
        + "\nnext\nend\nend\n";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("appliance-vpn-");
    private readonly FakeTimeProvider _time = new(LoginRig.Start);
    private readonly ConcurrentQueue<string> _debug = new();
    private readonly DebugTap _tap = new();
    private readonly StateDatabase _state;
    private readonly EventLog _events;
    private readonly LoginService _login;
    private readonly VpnSessions _sessions;
    private readonly TunnelService _tunnels;
    private readonly VpnEndpoint _endpoint;

    public VpnEndpointTests()
    {
        _state = StateDatabase.Open(Path.Combine(_folder.FullName, "state.db"), [EventLog.Table, .. LoginCore.Tables, VpnSessions.Table]);
        _events = new EventLog(_state, _time, "X");
        _login = new LoginService(new TokenCore(_state), _state, _events, _time, _tap);
        _sessions = new VpnSessions(_state, _events, _time, DeviceKey.Open(Path.Combine(_folder.FullName, "device.key")));
        _tunnels = new TunnelService(_sessions, _events, _tap, _time, new NoTunnelNetwork());
        _endpoint = new VpnEndpoint(_login, _sessions, _events, _tap, _tunnels);
        Use("");
    }

    public async ValueTask DisposeAsync()
    {
        await _tunnels.DisposeAsync();
        _sessions.Dispose();
        _login.Dispose();
        await _state.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    [Theory]
    [InlineData("GET", "/", 302, "/remote/login?lang=en")]
    [InlineData("HEAD", "/", 302, "/remote/login?lang=en")]
    [InlineData("GET", "/?lang=de", 302, "/remote/login?lang=en")]
    [InlineData("POST", "/", 405, "GET, HEAD")]
    [InlineData("GET", "/remote/login", 200, "")]
    [InlineData("POST", "/remote/login", 405, "GET, HEAD")]
    [InlineData("GET", "/remote/login/", 404, "")]
    [InlineData("GET", "/Remote/login", 404, "")]
    [InlineData("GET", "/%72emote/login", 404, "")]
    [InlineData("GET", "/remote/logincheck", 405, "POST")]
    [InlineData("HEAD", "/remote/logincheck", 405, "POST")]
    [InlineData("PUT", "/remote/logincheck", 405, "POST")]
    [InlineData("GET", "/remote/index", 302, "/remote/login")]
    [InlineData("GET", "/remote/fortisslvpn", 302, "/remote/login")]
    [InlineData("POST", "/remote/index", 405, "GET, HEAD")]
    [InlineData("GET", "/remote/fortisslvpn_xml", 302, "/remote/login")]
    [InlineData("POST", "/remote/fortisslvpn_xml", 405, "GET, HEAD")]
    [InlineData("GET", "/remote/sslvpn-tunnel", 302, "/remote/login")]
    [InlineData("POST", "/remote/sslvpn-tunnel", 405, "GET, HEAD")]
    [InlineData("GET", "/remote/logout", 200, "")]
    [InlineData("POST", "/remote/logout", 405, "GET, HEAD")]
    [InlineData("GET", "/elsewhere", 404, "")]
    public async Task Each_path_has_its_methods_and_its_answer_without_a_session(string method, string target, int status, string told)
    {
        var (reply, body) = await AskAsync(method, target);
        Assert.Equal(status, reply.StatusCode);
        Assert.Equal(told, status == 302 ? reply.Headers.Location.ToString() : reply.Headers.Allow.ToString());
        Assert.Equal(
            ["xxxxxxxx-xxxxx", "SAMEORIGIN", "max-age=31536000", "nosniff", "no-store"],
            new[] { "Server", "X-Frame-Options", "Strict-Transport-Security", "X-Content-Type-Options", "Cache-Control" }.Select(name =>
                reply.Headers[name].ToString()
            )
        );
        Assert.Equal(
            "frame-ancestors 'self'; default-src 'none'; form-action 'self'; base-uri 'none'",
            reply.Headers.ContentSecurityPolicy.ToString()
        );
        Assert.Equal(
            status switch
            {
                302 => "",
                403 => "forbidden\n",
                404 => "no such page\n",
                405 when method == "HEAD" => "",
                405 => $"allowed here: {told}\n",
                _ => body,
            },
            body
        );
        Assert.Equal(reply.ContentLength, method == "HEAD" && status == 405 ? "allowed here: POST\n".Length : body.Length);
        Assert.Equal(target == "/remote/logout" && method == "GET" ? 2 : 0, reply.Headers.SetCookie.Count);
    }

    [Fact]
    public async Task A_head_request_has_the_length_of_the_page_and_no_body()
    {
        var (page, text) = await AskAsync("GET", "/remote/login");
        var (head, none) = await AskAsync("HEAD", "/remote/login");
        Assert.Equal((200, "text/html; charset=utf-8", page.ContentLength), (head.StatusCode, head.ContentType, head.ContentLength));
        Assert.Equal((page.ContentLength, ""), ((long)Encoding.UTF8.GetByteCount(text), none));
    }

    [Theory]
    [InlineData("", false, "", "")]
    [InlineData("?err=sslvpn_login_permission_denied&lang=en", true, "Permission denied.", "")]
    [InlineData("?lang=en&err=other", true, "Permission denied.", "")]
    [InlineData("?err=sslvpn_login_no_matching_policy", true, "No matching policy.", "")]
    [InlineData("?ERR=x", false, "", "")]
    [InlineData("?realm=sales", false, "", "sales")]
    [InlineData("?realm=" + Realm35, false, "", Realm35)]
    [InlineData("?realm=marketing", false, "", "")]
    [InlineData("?realm=%73ales", false, "", "")]
    public async Task The_login_page_shows_the_error_and_the_realm_that_the_query_names(string query, bool error, string text, string realm)
    {
        Use(Realms);
        var (_, body) = await AskAsync("GET", "/remote/login" + query);
        Assert.Equal(error, body.Contains("sslvpnerrmsg=" + text, StringComparison.Ordinal));
        Assert.Equal(error, body.Contains("<p>" + text + "</p>", StringComparison.Ordinal));
        Assert.Contains($"name=\"realm\" value=\"{realm}\"", body, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/sales", true)]
    [InlineData("/" + Realm35, true)]
    [InlineData("/SALES", false)]
    [InlineData("/marketing", false)]
    [InlineData("/sales/", false)]
    [InlineData("/s%61les", false)]
    [InlineData("/" + Realm35 + "x", false)]
    public async Task A_realm_is_a_path_of_at_most_35_plain_characters(string path, bool known)
    {
        Use(Realms);
        var (reply, _) = await AskAsync("GET", path);
        Assert.Equal(known ? 302 : 404, reply.StatusCode);
        Assert.Equal(known ? $"/remote/login?realm={path[1..]}&lang=en" : "", reply.Headers.Location.ToString());
    }

    [Theory]
    [InlineData("application/json", "x", 415, "logincheck expects application/x-www-form-urlencoded\n")]
    [InlineData(null, "x", 415, "logincheck expects application/x-www-form-urlencoded\n")]
    [InlineData(Form, "=x", 400, "logincheck: a field without a name or without '='\n")]
    [InlineData(Form, "a=1&a=2", 400, "logincheck: field 'a' is given twice\n")]
    public async Task A_form_that_cannot_be_read_gets_its_status_and_reason(string? type, string form, int status, string told)
    {
        var (reply, body) = await PostAsync(form, type: type);
        Assert.Equal((status, "text/plain", told), (reply.StatusCode, reply.ContentType, body));
        Assert.Empty(_events.After(0));
    }

    [Fact]
    public async Task A_form_that_is_too_long_gets_its_limit()
    {
        var (reply, body) = await PostAsync(new string('a', RequestBody.SizeMax + 1));
        Assert.Equal((413, $"logincheck accepts at most {RequestBody.SizeMax} bytes\n"), (reply.StatusCode, body));
    }

    [Theory]
    [InlineData("&ajax=1", "text/plain", "ret=1,redir=/remote/index")]
    [InlineData("", "text/html; charset=utf-8", "content=\"0; url=/remote/index\"")]
    [InlineData("&ajax=0", "text/html; charset=utf-8", "<a href=\"/remote/index\">Continue</a>")]
    public async Task A_login_by_password_has_a_cookie_that_opens_the_portal(string more, string type, string told)
    {
        var (reply, body) = await PostAsync("username=bob&credential=bob-password&realm=" + more);
        Assert.Equal((200, type), (reply.StatusCode, reply.ContentType));
        Assert.Contains(told, body, StringComparison.Ordinal);
        var cookie = CookieOf(reply);
        var (index, page) = await AskAsync("GET", "/remote/index", cookie);
        Assert.Equal(200, index.StatusCode);
        Assert.Contains("Logged in as bob, portal full-access, since 2033-02-03 04:05:00 UTC.", page, StringComparison.Ordinal);
        Assert.Equal(200, (await AskAsync("GET", "/remote/fortisslvpn", cookie)).Reply.StatusCode);
        Assert.Equal(200, (await AskAsync("GET", "/remote/fortisslvpn_xml", cookie)).Reply.StatusCode);
        Assert.Equal(302, (await AskAsync("GET", "/remote/index", cookie[..^1])).Reply.StatusCode);
        Assert.Equal(302, (await AskAsync("GET", "/remote/index", cookie + "0")).Reply.StatusCode);
        Assert.Equal(302, (await AskAsync("GET", "/remote/index", cookie, LoginRig.Elsewhere)).Reply.StatusCode);
        var (logout, gone) = await AskAsync("GET", "/remote/logout", cookie);
        Assert.Contains("Logged out.", gone, StringComparison.Ordinal);
        Assert.All(logout.Headers.SetCookie, each => Assert.Contains("expires=Sun, 11 Mar 1984", each, StringComparison.Ordinal));
        Assert.Equal(2, logout.Headers.SetCookie.Count);
        Assert.Equal(302, (await AskAsync("GET", "/remote/index", cookie)).Reply.StatusCode);
        Assert.Equal(0, _sessions.Count);
    }

    [Theory]
    [InlineData("&ajax=1", "", "text/plain", "ret=0,redir=/remote/login?&err=sslvpn_login_permission_denied&lang=en")]
    [InlineData("", "", "text/html; charset=utf-8", "sslvpnerrmsgkey=sslvpn_login_permission_denied")]
    [InlineData("&ajax=1", "none", "text/plain", "ret=0,redir=/remote/login?&err=sslvpn_login_no_matching_policy&lang=en")]
    [InlineData("", "none", "text/html; charset=utf-8", "sslvpnerrmsgkey=sslvpn_login_no_matching_policy")]
    public async Task A_refusal_names_its_key_and_is_an_event(string ajax, string realm, string type, string told)
    {
        var (reply, body) = await PostAsync($"username=bob&credential={(realm.Length > 0 ? "bob-password" : "wrong")}&realm={realm}{ajax}");
        Assert.Equal((200, type), (reply.StatusCode, reply.ContentType));
        Assert.Contains(told, body, StringComparison.Ordinal);
        Assert.Equal(2, reply.Headers.SetCookie.Count);
        var failed = Assert.Single(_events.After(0), record => record.Entry.LogId == "0101039426");
        var reason = realm.Length > 0 ? "sslvpn_login_no_matching_policy" : "sslvpn_login_permission_denied";
        Assert.Contains(failed.Entry.Fields, field => field == ("reason", reason));
        Assert.Contains(failed.Entry.Fields, field => field == ("user", "bob"));
    }

    [Fact]
    public async Task A_blocked_source_gets_a_page_without_a_form_and_no_event()
    {
        for (var attempt = 0; attempt < 2; attempt++)
        {
            await PostAsync("username=bob&credential=wrong&realm=&ajax=1");
        }
        var events = _events.After(0).Count;
        var (reply, body) = await PostAsync("username=bob&credential=bob-password&realm=&ajax=1");
        Assert.Equal((401, 2), (reply.StatusCode, reply.Headers.SetCookie.Count));
        Assert.Contains("Too many bad login attempts.", body, StringComparison.Ordinal);
        Assert.DoesNotContain("<form", body, StringComparison.Ordinal);
        Assert.Equal(events, _events.After(0).Count);
    }

    [Theory]
    [InlineData("reqid={0}&polid=1-{1}&magic={1}&code={2}", true)]
    [InlineData("reqid={0}&polid=1-{1}&code={2}", true)]
    [InlineData("reqid={0}&magic={1}&code={2}", true)]
    [InlineData("reqid={0}&magic={1}&credential={2}", true)]
    [InlineData("reqid={0}&magic={1}&credential=000000&code={2}", true)]
    [InlineData("reqid={0}&magic={1}&credential={2}&code=000000", false)]
    [InlineData("reqid={0}&polid={1}&code={2}", false)]
    [InlineData("reqid={0}&polid=2-{1}&code={2}", false)]
    [InlineData("reqid={0}&code={2}", false)]
    [InlineData("magic={1}&code={2}", false)]
    [InlineData("polid=1-{1}&code={2}", false)]
    [InlineData("reqid={0}&magic={1}&code={2}&x=%ff", false)]
    public async Task A_code_continues_the_login_that_reqid_and_magic_name(string form, bool right)
    {
        var (_, challenge) = await PostAsync("username=cat&credential=cat-password&realm=&ajax=1");
        var fields = ChallengeLine().Match(challenge);
        Assert.True(fields.Success, challenge);
        _debug.Clear();
        var parts = CompositeFormat.Parse(form);
        var (reply, body) = await PostAsync(
            "username=cat&realm=&" + string.Format(null, parts, fields.Groups[1].Value, fields.Groups[2].Value, CatCode())
        );
        if (right)
        {
            // The form of the page sends its code as credential and gets a page.
            var isPage = !form.Contains("code={2}", StringComparison.Ordinal);
            Assert.Equal((200, isPage ? "text/html; charset=utf-8" : "text/plain"), (reply.StatusCode, reply.ContentType));
            Assert.Contains(isPage ? "Logged in." : "ret=1,redir=/remote/index", body, StringComparison.Ordinal);
            Assert.Equal(1, _sessions.Count);
            return;
        }
        // A form without reqid is a first factor by its answer.
        Assert.Equal(form.Contains("reqid", StringComparison.Ordinal) ? 405 : 200, reply.StatusCode);
        Assert.Contains("sslvpn_login_permission_denied", body, StringComparison.Ordinal);
        Assert.DoesNotContain("<form", body, StringComparison.Ordinal);
        Assert.Equal(0, _sessions.Count);
    }

    /// <summary>openfortivpn shows the text of a page, openconnect that of a line; both have to read when to come again.</summary>
    [Theory]
    [InlineData("&ajax=1", 401)]
    [InlineData("", 401)]
    [InlineData("&ajax=1&just_logged_in=1", 200)]
    public async Task A_user_whose_code_is_used_reads_when_to_come_again(string more, int status)
    {
        var (_, challenge) = await PostAsync("username=cat&credential=cat-password&realm=&ajax=1");
        var fields = ChallengeLine().Match(challenge);
        await PostAsync($"username=cat&realm=&reqid={fields.Groups[1].Value}&magic={fields.Groups[2].Value}&code={CatCode()}");
        var (reply, body) = await PostAsync("username=cat&credential=cat-password&realm=" + more);
        Assert.Equal(status, reply.StatusCode);
        Assert.Contains("Please wait 60 seconds to login again", body, StringComparison.Ordinal);
        Assert.Equal(status == 401, body.Contains("<form", StringComparison.Ordinal));
        Assert.Equal(status == 200, body.StartsWith("ret=2,reqid=", StringComparison.Ordinal));
        Assert.Equal(
            status == 401 ? "Authorization Required" : null,
            reply.HttpContext.Features.GetRequiredFeature<IHttpResponseFeature>().ReasonPhrase
        );
    }

    [Fact]
    public async Task A_browser_gets_the_challenge_as_a_page_with_what_it_has_to_send_back()
    {
        var (reply, body) = await PostAsync("username=cat&credential=cat-password&realm=");
        Assert.Equal((401, 2), (reply.StatusCode, reply.Headers.SetCookie.Count));
        Assert.Contains("<input type=\"hidden\" name=\"username\" value=\"cat\">", body, StringComparison.Ordinal);
        Assert.Matches("name=\"magic\" value=\"1-[0-9a-f]+\"", body);
        Assert.Matches("name=\"reqid\" value=\"[0-9]+\"", body);
        Assert.DoesNotContain("ftmpush", body, StringComparison.Ordinal);
        var (_, line) = await PostAsync("username=cat&credential=cat-password&realm=&ajax=1");
        Assert.Contains(",grp=vpn-users,portal=full-access,", line, StringComparison.Ordinal);
        Assert.Contains(",tokeninfo=,chal_msg=", line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_debug_stream_shows_the_request_and_the_result_of_each_login()
    {
        using var listening = _tap.Listen(area => area == DebugArea.SslVpn, _debug.Enqueue);
        var (_, challenge) = await PostAsync("username=cat&credential=cat-password&realm=&ajax=1");
        Assert.Equal(
            [
                "req: /remote/logincheck",
                "Content-Length 50",
                "sslvpn_authenticate_user:192 authenticate user: [cat]",
                "sslvpn_authenticate_user:206 create fam state",
                "fam_auth_send_req:883 found node cat:0:, valid:1",
                "[fam_auth_send_req_internal:426] Groups sent to FNBAM:",
                "[fam_auth_send_req_internal:438] FNBAM opt = 0X201400",
                "fnbam_auth return: 7",
            ],
            Debug()
        );
        var fields = ChallengeLine().Match(challenge);
        await PostAsync($"username=cat&realm=&reqid={fields.Groups[1].Value}&magic={fields.Groups[2].Value}&code={CatCode()}");
        Assert.Equal(["req: /remote/logincheck", "Content-Length 69", "fnbam_auth return: 0"], Debug().Select(Length));
        await PostAsync("username=bob&credential=wrong&realm=&ajax=1");
        Assert.Equal(
            ["fnbam_auth return: 1", "login_failed user[bob] from 192.0.2.7 failed [sslvpn_login_permission_denied]"],
            Debug().TakeLast(2)
        );
        await AskAsync("GET", "/remote/login?lang=en");
        Assert.Equal(["req: /remote/login"], Debug());

        static string Length(string line) => line.StartsWith("Content-Length", StringComparison.Ordinal) ? "Content-Length 69" : line;
    }

    private void Use(string change)
    {
        var tree = LoginRig.TreeOf(change);
        _login.InForce(tree, tree);
        _sessions.InForce(tree, tree);
        _endpoint.Apply(tree, tree);
        _tunnels.InForce(tree, tree);
    }

    private List<string> Debug()
    {
        List<string> lines = [.. _debug.Select(line => line.TrimEnd('\n'))];
        _debug.Clear();
        return lines;
    }

    private string CatCode() =>
        new OtpNet.Totp("lab-seed-of-cat-0002"u8.ToArray(), 60, OtpNet.OtpHashMode.Sha1, 6).ComputeTotp(_time.GetUtcNow().UtcDateTime);

    private Task<(HttpResponse Reply, string Body)> PostAsync(string form, string? type = Form) =>
        AskAsync("POST", "/remote/logincheck", form: form, type: type);

    private async Task<(HttpResponse Reply, string Body)> AskAsync(
        string method,
        string target,
        string? cookie = null,
        IPAddress? from = null,
        string? form = null,
        string? type = null
    )
    {
        var context = new DefaultHttpContext();
        context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget = target;
        context.Request.Method = method;
        context.Connection.RemoteIpAddress = (from ?? LoginRig.Home).MapToIPv6();
        if (form is not null)
        {
            context.Request.ContentType = type;
            context.Request.Body = new MemoryStream(Encoding.ASCII.GetBytes(form));
            context.Request.ContentLength = form.Length;
        }
        if (cookie is not null)
        {
            context.Request.Headers.Cookie = "SVPNCOOKIE=" + cookie;
        }
        using var body = new MemoryStream();
        context.Response.Body = body;
        await _endpoint.ServeAsync(context);
        return (context.Response, Encoding.UTF8.GetString(body.ToArray()));
    }

    private static string CookieOf(HttpResponse reply)
    {
        var cookie = Assert.Single(reply.Headers.SetCookie)!;
        Assert.Matches("^SVPNCOOKIE=[0-9a-f]{64}; path=/; secure; httponly$", cookie);
        return cookie["SVPNCOOKIE=".Length..][..64];
    }

    [GeneratedRegex("^ret=2,reqid=([0-9]+),polid=[^,]*,grp=[^,]*,portal=[^,]*,magic=(1-[0-9a-f]+),")]
    private static partial Regex ChallengeLine();
}
