using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Runtime.Versioning;
using System.Security.Authentication;
using System.Text;
using Appliance.Doubles.Clock;
using Xunit;

namespace Appliance.Tests.EndToEnd;

/// <summary>One lab for all rows: whatever they send, the next one is served.</summary>
public sealed class BadInputLab : IAsyncLifetime
{
    public async ValueTask InitializeAsync()
    {
        Lab = await TestLab.StartAsync();
        // The rows fail on purpose, from one address.
        await Lab.CliAsync("config vpn ssl settings", "set login-attempt-limit 0", "end");
    }

    public ValueTask DisposeAsync() => Lab.DisposeAsync();

    internal TestLab Lab { get; private set; } = null!;
}

/// <summary>Invalid input to the SSL VPN and the callback: a clear reply, the service continues, nothing has changed.</summary>
public sealed class BadInputTests(BadInputLab fixture) : IClassFixture<BadInputLab>
{
    private const string Form = "application/x-www-form-urlencoded";
    private const string Json = "application/json";
    private const string Login = "username=bob&credential=bob-password&realm=&ajax=1";
    private const string Session = "00000000000000000000000000000000";

    private static readonly string Good = $$"""{"session_id":"{{Session}}","action":"validate","token_code":"123456"}""";

    /// <summary>Port, method and target, content type, body ("\xNN" is a byte), the status, and a part of the reply's body.</summary>
    public static TheoryData<int, string, string, string, int, string> Rows =>
        new()
        {
            // logincheck
            { 10443, "POST /remote/logincheck", Form, "username=bob&username=ann&credential=x", 400, "field 'username' is given twice" },
            {
                10443,
                "POST /remote/logincheck",
                Form,
                "credential=bob-password&credential=x&username=bob",
                400,
                "field 'credential' is given twice"
            },
            { 10443, "POST /remote/logincheck", Form, "username=%", 400, "field 'username' is not percent-encoded" },
            { 10443, "POST /remote/logincheck", Form, "username=%4", 400, "field 'username' is not percent-encoded" },
            { 10443, "POST /remote/logincheck", Form, "username=%zz", 400, "field 'username' is not percent-encoded" },
            { 10443, "POST /remote/logincheck", Form, "username=%ff%fe", 200, "ret=0," },
            { 10443, "POST /remote/logincheck", Form, "username=%c0%af", 200, "ret=0," },
            { 10443, "POST /remote/logincheck", Form, "username=\\xff", 200, "ret=0," },
            { 10443, "POST /remote/logincheck", Form, "username=bob&credential=bob-password&realm=%e9&ajax=1", 200, "ret=0," },
            {
                10443,
                "POST /remote/logincheck",
                Form,
                "username=ann&code=%e9&realm=&reqid=1&polid=1-1-1&magic=1-1",
                405,
                "sslvpnerrmsgkey=sslvpn_login_permission_denied"
            },
            {
                10443,
                "POST /remote/logincheck",
                Form,
                "username=bob%00&credential=bob-password",
                400,
                "field 'username' contains a control character"
            },
            { 10443, "POST /remote/logincheck", Form, "username=bob\\x00", 400, "field 'username' contains a control character" },
            { 10443, "POST /remote/logincheck", Form, "username=bob%0d%0aSet-Cookie:x", 400, "field 'username' contains a control" },
            { 10443, "POST /remote/logincheck", Form, "username", 400, "without '='" },
            { 10443, "POST /remote/logincheck", Form, "=bob", 400, "without a name" },
            { 10443, "POST /remote/logincheck", Form, "user%20name=bob", 400, "a field name" },
            { 10443, "POST /remote/logincheck", Form, "username=#513", 400, "field 'username' is longer than 512" },
            { 10443, "POST /remote/logincheck", Form, "#many", 400, "more than 32 fields" },
            { 10443, "POST /remote/logincheck", Form, "username=#9000", 413, "at most 8192 bytes" },
            { 10443, "POST /remote/logincheck", Json, Login, 415, "application/x-www-form-urlencoded" },
            { 10443, "POST /remote/logincheck", Form + "x", Login, 415, "application/x-www-form-urlencoded" },
            { 10443, "POST /remote/logincheck", Form + "; charset=utf-8", Login, 200, "ret=1," },
            { 10443, "POST /remote/logincheck", Form + "\r\nContent-Encoding: gzip", Login, 415, "" },
            { 10443, "POST /remote/logincheck", "", Login, 415, "application/x-www-form-urlencoded" },
            { 10443, "GET /remote/logincheck", "", "", 405, "allowed here: POST" },
            { 10443, "DELETE /remote/logincheck", "", "", 405, "allowed here: POST" },
            { 10443, "POST /remote/login", Form, Login, 405, "allowed here: GET" },
            { 10443, "POST /remote/logincheck", Form, "", 200, "ret=0," },
            {
                10443,
                "POST /remote/logincheck",
                Form,
                "username=bob&credential=wrong&ajax=1",
                200,
                "ret=0,redir=/remote/login?&err=sslvpn_login_permission_denied&lang=en"
            },
            { 10443, "POST /remote/logincheck", Form, "username=BOB&credential=bob-password&ajax=1", 200, "ret=0," },
            { 10443, "POST /remote/logincheck", Form, Login + "&realm2=x&realm=", 400, "field 'realm' is given twice" },
            { 10443, "POST /remote/logincheck", Form, "username=bob&credential=bob-password&realm=sales&ajax=1", 200, "ret=0," },
            {
                10443,
                "POST /remote/logincheck",
                Form,
                "username=ann&code=123456&realm=&reqid=1&polid=1-1-1&magic=1-1",
                405,
                "sslvpnerrmsgkey=sslvpn_login_permission_denied"
            },
            { 10443, "POST /remote/logincheck", Form, "username=ann&reqid=1&polid=1-1-1&ftmpush=1", 405, "Permission denied" },
            { 10443, "GET /remote/%2e%2e/login", "", "", 404, "no such page" },
            { 10443, "GET /remote/../../etc/passwd", "", "", 404, "no such page" },
            { 10443, "GET /remote/fgt_lang?lang=/../../../..//////////dev/cmdb/sslvpn_websession", "", "", 404, "no such page" },
            { 10443, "GET /%72emote/login", "", "", 404, "no such page" },
            { 10443, "GET /remote//login", "", "", 404, "no such page" },
            { 10443, "GET /remote/sslvpn-tunnel", "", "", 302, "" },
            { 10443, "GET /remote/fortisslvpn_xml", "", "", 302, "" },
            { 10443, "BREW /", "", "", 405, "allowed here" },
            // callback
            { 4433, "GET /api/v1/pushauthresp/", "", "", 405, "" },
            { 4433, "PUT /api/v1/pushauthresp/", Json, Good, 405, "" },
            { 4433, "POST /", Json, Good, 404, "" },
            { 4433, "POST /api/v1/pushauthresp/x", Json, Good, 404, "" },
            { 4433, "POST /api/v1/%70ushauthresp/", Json, Good, 404, "" },
            { 4433, "POST /api/v1/../v1/pushauthresp/", Json, Good, 404, "" },
            { 4433, "POST /api/v1/%2e%2e/v1/pushauthresp/", Json, Good, 404, "" },
            { 4433, "POST /remote/logincheck", Form, Login, 404, "" },
            { 4433, "POST /api/v1/pushauthresp/", Form, Good, 415, "" },
            { 4433, "POST /api/v1/pushauthresp/", "", Good, 415, "" },
            { 4433, "POST /api/v1/pushauthresp/", "application/jsonx", Good, 415, "" },
            { 4433, "POST /api/v1/pushauthresp/", "application/json-patch+json", Good, 415, "" },
            { 4433, "POST /api/v1/pushauthresp/", "application/json, text/plain", Good, 415, "" },
            { 4433, "POST /api/v1/pushauthresp/", "application/json\r\nContent-Type: text/plain", Good, 415, "" },
            { 4433, "POST /api/v1/pushauthresp/", "application/json\r\nContent-Encoding: gzip", Good, 415, "" },
            { 4433, "POST /api/v1/pushauthresp/", "Application/JSON ; charset=utf-8", Good, 401, "" },
            { 4433, "POST /api/v1/pushauthresp/", Json, "", 400, "" },
            { 4433, "POST /api/v1/pushauthresp/", Json, "{}", 400, "" },
            { 4433, "POST /api/v1/pushauthresp/", Json, "[]", 400, "" },
            { 4433, "POST /api/v1/pushauthresp/", Json, "null", 400, "" },
            { 4433, "POST /api/v1/pushauthresp/", Json, """{"session_id":""", 400, "" },
            {
                4433,
                "POST /api/v1/pushauthresp/",
                Json,
                """{"session_id":"00000000000000000000000000000000","action":"validate","token_code":123456}""",
                400,
                ""
            },
            {
                4433,
                "POST /api/v1/pushauthresp/",
                Json,
                """{"session_id":"00000000000000000000000000000000","action":"validate","token_code":null}""",
                400,
                ""
            },
            {
                4433,
                "POST /api/v1/pushauthresp/",
                Json,
                """{"session_id":"00000000000000000000000000000000","action":"validate"}""",
                400,
                ""
            },
            {
                4433,
                "POST /api/v1/pushauthresp/",
                Json,
                """{"session_id":"00000000000000000000000000000000","action":"dance","token_code":"123456"}""",
                400,
                ""
            },
            { 4433, "POST /api/v1/pushauthresp/", Json, """{"session_id":"0","action":"validate","token_code":"123456"}""", 400, "" },
            {
                4433,
                "POST /api/v1/pushauthresp/",
                Json,
                """{"session_id":"00000000000000000000000000000000","session_id":"00000000000000000000000000000000","action":"validate","token_code":"1"}""",
                400,
                ""
            },
            {
                4433,
                "POST /api/v1/pushauthresp/",
                Json,
                """{"session_id":"00000000000000000000000000000000","action":"validate","token_code":"123456","more":"x"}""",
                400,
                ""
            },
            {
                4433,
                "POST /api/v1/pushauthresp/",
                Json,
                """{"session_id":"00000000000000000000000000000000","action":"alert","message":"no","hmac":"00"}""",
                400,
                ""
            },
            {
                4433,
                "POST /api/v1/pushauthresp/",
                Json,
                """{"session_id":"00000000000000000000000000000000","action":"alert","message":"no"}""",
                400,
                ""
            },
            { 4433, "POST /api/v1/pushauthresp/", Json, """{"session_id":"\ud800","action":"validate","token_code":"123456"}""", 400, "" },
            {
                4433,
                "POST /api/v1/pushauthresp/",
                Json,
                "{\"session_id\":\"\\xff\",\"action\":\"validate\",\"token_code\":\"123456\"}",
                400,
                ""
            },
            { 4433, "POST /api/v1/pushauthresp/", Json, "{\"session_id\":\"\\x00\"}", 400, "" },
            { 4433, "POST /api/v1/pushauthresp/", Json, "#9000", 413, "" },
            { 4433, "POST /api/v1/pushauthresp/", Json, "[[[[[[[[[[", 400, "" },
            {
                4433,
                "POST /api/v1/pushauthresp/",
                Json,
                """{"session_id":"00000000000000000000000000000000","action":"validate","token_code":"123456"}""",
                401,
                ""
            },
            {
                4433,
                "POST /api/v1/pushauthresp/",
                Json,
                """{"session_id":"00000000000000000000000000000000","action":"alert","message":"no","hmac":"0000000000000000000000000000000000000000000000000000000000000000"}""",
                401,
                ""
            },
            // management
            { 8443, "GET /../", "", "", 404, "no such page" },
            { 8443, "POST /", Form, Login, 405, "allowed here: GET" },
        };

    [Theory]
    [MemberData(nameof(Rows))]
    public async Task ABadRequestIsToldSoAndCostsNothingElse(int port, string request, string type, string body, int status, string named)
    {
        var bytes = body switch
        {
            "#many" => Encoding.ASCII.GetBytes(string.Join('&', Enumerable.Range(0, 40).Select(number => $"f{number}=x"))),
            _ when body.IndexOf('#', StringComparison.Ordinal) is >= 0 and var mark => Encoding.ASCII.GetBytes(
                body[..mark] + new string('a', int.Parse(body[(mark + 1)..], System.Globalization.CultureInfo.InvariantCulture))
            ),
            _ => Bytes(body),
        };
        var head =
            $"{request} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{(type.Length > 0 ? $"Content-Type: {type}\r\n" : "")}Content-Length: {bytes.Length}\r\n\r\n";
        var answer = await AskAsync(port, [.. Encoding.ASCII.GetBytes(head), .. bytes]);
        Assert.StartsWith($"HTTP/1.1 {status} ", answer, StringComparison.Ordinal);
        Assert.Contains(named, answer, StringComparison.Ordinal);
        if (port == 4433)
        {
            Assert.EndsWith("\r\n\r\n", answer, StringComparison.Ordinal); // The caller receives no detail.
        }
        await AssertAliveAsync();
    }

    /// <summary>Input that is not even a request.</summary>
    public static TheoryData<int, string, string> Broken =>
        new()
        {
            { 10443, "\\x00\\x01\\x02\r\n\r\n", "HTTP/1.1 400" },
            { 10443, "GET / HTTP/9.9\r\nHost: x\r\n\r\n", "HTTP/1.1 505" },
            { 10443, "GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400" },
            { 10443, "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", "HTTP/1.1 400" },
            {
                10443,
                "POST /remote/logincheck HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: -1\r\n\r\n",
                "HTTP/1.1 400"
            },
            {
                10443,
                "POST /remote/logincheck HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
                "HTTP/1.1 400"
            },
            {
                4433,
                "POST /api/v1/pushauthresp/ HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n",
                "HTTP/1.1 400"
            },
            {
                10443,
                "POST /remote/logincheck HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
                "HTTP/1.1 501"
            },
            {
                4433,
                "POST /api/v1/pushauthresp/ HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
                "HTTP/1.1 501"
            },
            {
                8443,
                "GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                "HTTP/1.1 501"
            },
            {
                4433,
                "POST /api/v1/pushauthresp/ HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: close\r\nTransfer-Encoding: Chunked\r\n\r\n0\r\n\r\n",
                "HTTP/1.1 400"
            },
            { 4433, "#header", "HTTP/1.1 431" },
            { 4433, "#line", "HTTP/1.1 414" },
            { 10443, "#headers", "HTTP/1.1 431" },
        };

    [Theory]
    [MemberData(nameof(Broken))]
    public async Task WhatIsNoRequestEndsItsConnectionOnly(int port, string text, string start)
    {
        var bytes = text switch
        {
            "#header" => Encoding.ASCII.GetBytes($"GET / HTTP/1.1\r\nHost: x\r\nX: {new string('a', 9000)}\r\n\r\n"),
            "#headers" => Encoding.ASCII.GetBytes(
                "GET / HTTP/1.1\r\nHost: x\r\n" + string.Concat(Enumerable.Range(0, 100).Select(number => $"X{number}: y\r\n")) + "\r\n"
            ),
            "#line" => Encoding.ASCII.GetBytes($"GET /{new string('a', 5000)} HTTP/1.1\r\nHost: x\r\n\r\n"),
            _ => Bytes(text),
        };
        Assert.StartsWith(start, await AskAsync(port, bytes), StringComparison.Ordinal);
        await AssertAliveAsync();
    }

    [Theory]
    [InlineData(10443)]
    [InlineData(4433)]
    public async Task WhatIsNoTlsEndsItsConnectionOnly(int port)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Parse(fixture.Lab.Port1), port);
        await client.GetStream().WriteAsync("GET / HTTP/1.1\r\nHost: x\r\n\r\n"u8.ToArray());
        await ReadToEndAsync(client.GetStream());
        await AssertAliveAsync();
    }

    [Theory]
    [InlineData(10443)]
    [InlineData(4433)]
    public async Task OldTlsIsRefused(int port)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Parse(fixture.Lab.Port1), port);
        // A ClientHello that offers TLS 1.1 at most: five bytes of record, then version 3.2.
        byte[] hello = [0x16, 3, 1, 0, 47, 1, 0, 0, 43, 3, 2, .. new byte[32], 0, 0, 4, 0xc0, 0x09, 0xc0, 0x13, 1, 0];
        await client.GetStream().WriteAsync(hello);
        var answer = await ReadToEndAsync(client.GetStream());
        // An alert (21), or just the end; never a ServerHello (22).
        Assert.False(answer.Length > 0 && answer[0] == 0x16);
        await AssertAliveAsync();
    }

    [Theory]
    [InlineData(TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256, false)]
    [InlineData(TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA, false)]
    [InlineData(TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, true)]
    [SupportedOSPlatform("linux")] // Platforms on which a client can select its cipher suites.
    public async Task OnlyAuthenticatedEncryptionIsServed(TlsCipherSuite suite, bool served)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Parse(fixture.Lab.Port1), 10443);
#pragma warning disable CA5359 // The certificate is not under test.
        using var tls = new SslStream(client.GetStream(), false, (_, _, _, _) => true);
#pragma warning restore CA5359
        var answer = "";
        try
        {
            await tls.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions
                {
                    TargetHost = "x",
                    EnabledSslProtocols = SslProtocols.Tls12,
                    CipherSuitesPolicy = new CipherSuitesPolicy([suite]),
                }
            );
            await tls.WriteAsync("GET /remote/login HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"u8.ToArray());
            answer = Encoding.Latin1.GetString(await ReadToEndAsync(tls));
        }
        catch (Exception error) when (error is IOException or AuthenticationException)
        {
            // Cut off, in the handshake or after it.
        }
        Assert.Equal(served, answer.StartsWith("HTTP/1.1 200", StringComparison.Ordinal));
        await AssertAliveAsync();
    }

    private async Task AssertAliveAsync()
    {
        using var web = new Web(fixture.Lab);
        using var login = await web.FormAsync($"https://{fixture.Lab.Vpn}/remote/logincheck", Login);
        Assert.StartsWith("ret=1,", await login.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        using var callback = await web.CallbackAsync(fixture.Lab.Port1, 4433, Good);
        Assert.Equal(HttpStatusCode.Unauthorized, callback.StatusCode);
    }

    private async Task<string> AskAsync(int port, byte[] request)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Parse(fixture.Lab.Port1), port);
#pragma warning disable CA5359 // The certificate is not under test.
        await using var tls = new SslStream(client.GetStream(), leaveInnerStreamOpen: false, (_, _, _, _) => true);
#pragma warning restore CA5359
        await tls.AuthenticateAsClientAsync("test");
        try
        {
            await tls.WriteAsync(request);
        }
        catch (IOException)
        {
            // Refused before the whole request was sent; the reply may still be readable.
        }
        return Encoding.UTF8.GetString(await ReadToEndAsync(tls));
    }

    private static async Task<byte[]> ReadToEndAsync(Stream stream)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20), BusyMachine.Time);
        using var all = new MemoryStream();
        try
        {
            await stream.CopyToAsync(all, patience.Token);
        }
        catch (IOException)
        {
            // Reset after the answer.
        }
        return all.ToArray();
    }

    private static byte[] Bytes(string text)
    {
        var bytes = new List<byte>();
        for (var at = 0; at < text.Length; at++)
        {
            if (text.AsSpan(at).StartsWith("\\x", StringComparison.Ordinal))
            {
                bytes.Add(Convert.ToByte(text.Substring(at + 2, 2), 16));
                at += 3;
            }
            else
            {
                bytes.Add((byte)text[at]);
            }
        }
        return [.. bytes];
    }
}
