using System.Net;
using System.Net.Http.Json;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json.Nodes;
using Appliance.Doubles.Clock;
using Appliance.Firmware.Events;
using Appliance.Lab.Composition;
using Appliance.Lab.Page;
using Appliance.Tests.EndToEnd;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Appliance.Tests.Page;

/// <summary>The page's server side, without a browser: access, and that no message is lost.</summary>
public sealed class PageServerTests
{
    [Fact]
    public async Task Nothing_inline_and_nothing_from_elsewhere()
    {
        Assert.SkipWhen(!PageFiles.Embedded.IsBuilt, "the page is not built (scripts/web; it needs Node.js)");
        await using var lab = await TestLab.StartAsync();
        using var start = await lab.Api.GetAsync("/");
        var html = await start.Content.ReadAsStringAsync();
        var policy = Assert.Single(start.Headers.GetValues("Content-Security-Policy"));
        Assert.StartsWith(
            "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; style-src 'self' 'nonce-",
            policy,
            StringComparison.Ordinal
        );
        Assert.DoesNotContain("unsafe", policy, StringComparison.Ordinal);
        Assert.DoesNotMatch("<script(?![^>]*src=)|<style| style=| on[a-z]+=|__NONCE__|https?://", html);
        Assert.Contains(policy.Split("'nonce-")[1].TrimEnd('\''), html, StringComparison.Ordinal);
        Assert.Equal("no-store", start.Headers.CacheControl!.ToString());
        using var again = await lab.Api.GetAsync("/");
        Assert.NotEqual(policy, Assert.Single(again.Headers.GetValues("Content-Security-Policy")));
        var script = System.Text.RegularExpressions.Regex.Match(html, "/assets/[^\"]+\\.js").Value;
        using var asset = await lab.Api.GetAsync(script);
        Assert.Equal((HttpStatusCode.OK, "text/javascript"), (asset.StatusCode, asset.Content.Headers.ContentType!.MediaType));
        foreach (
            var path in new[]
            {
                "/index.html",
                "/assets/..%2findex.html",
                "/assets/../../etc/passwd",
                "/assets/%2e%2e/index.html",
                "/assets/",
                "/nothing",
                "/lab/stream",
            }
        )
        {
            using var answer = await lab.Api.GetAsync(path);
            Assert.NotEqual(HttpStatusCode.OK, answer.StatusCode);
        }
    }

    [Fact]
    public async Task Another_site_reaches_neither_page_nor_stream_nor_console()
    {
        await using var lab = await TestLab.StartAsync();
        foreach (var path in new[] { "/lab/stream", "/lab/console?rows=24&columns=80", "/lab/stream?phone=x" })
        {
            using var socket = new ClientWebSocket();
            socket.Options.SetRequestHeader("Origin", "http://attacker.example");
            await Assert.ThrowsAsync<WebSocketException>(() => socket.ConnectAsync(Of(lab, path), CancellationToken.None));
        }
        using var rebound = new HttpRequestMessage(HttpMethod.Get, "/") { Headers = { Host = "attacker.example" } };
        using var refused = await lab.Api.SendAsync(rebound);
        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        // Another program's page on this machine is another site, too.
        using var neighbour = new HttpRequestMessage(HttpMethod.Post, "/lab/cli")
        {
            Content = new StringContent("show\n"),
            Headers = { { "Origin", "http://127.0.0.1:3000" } },
        };
        using var forbidden = await lab.Api.SendAsync(neighbour);
        Assert.Equal(HttpStatusCode.Forbidden, forbidden.StatusCode);
        using var embedded = new HttpRequestMessage(HttpMethod.Get, "/lab/phones") { Headers = { { "Sec-Fetch-Site", "cross-site" } } };
        using var neither = await lab.Api.SendAsync(embedded);
        Assert.Equal(HttpStatusCode.Forbidden, neither.StatusCode);
    }

    [Fact]
    public async Task A_page_that_was_away_gets_what_it_lacks_and_no_event_twice_or_never()
    {
        await using var lab = await TestLab.StartAsync();
        var got = new List<long>();
        string epoch;
        long seq;
        using (var socket = await ConnectAsync(lab, "/lab/stream"))
        {
            var whole = await ReadAsync(socket);
            Assert.True(whole["whole"]!.GetValue<bool>());
            (epoch, seq) = (whole["epoch"]!.GetValue<string>(), whole["seq"]!.GetValue<long>());
            Burst(lab, 700);
            while (got.Count == 0 || got[^1] < Last(lab))
            {
                var message = await ReadAsync(socket);
                seq = message["seq"]?.GetValue<long>() ?? seq;
                got.AddRange(Ids(message));
            }
        }
        Burst(lab, 700);
        using (var socket = await ConnectAsync(lab, $"/lab/stream?epoch={epoch}&seq={seq}&event={got[^1]}"))
        {
            while (got[^1] < Last(lab))
            {
                var message = await ReadAsync(socket);
                Assert.False(message["whole"]?.GetValue<bool>() ?? false);
                got.AddRange(Ids(message));
            }
        }
        // Another start of the lab, or a drop that was too long: a snapshot, and still no event is lacking.
        Burst(lab, 1500);
        using (var socket = await ConnectAsync(lab, $"/lab/stream?epoch=0123456789abcdef&seq=5&event={got[^1]}"))
        {
            var first = await ReadAsync(socket);
            Assert.True(first["whole"]!.GetValue<bool>());
            got.AddRange(Ids(first));
            while (got[^1] < Last(lab))
            {
                got.AddRange(Ids(await ReadAsync(socket)));
            }
        }
        Assert.Equal(Enumerable.Range(0, got.Count).Select(index => got[0] + index), got);
        Assert.True(got.Count >= 2900);
    }

    [Fact]
    public async Task A_page_that_does_not_read_holds_nobody_up_and_gets_all_in_the_end()
    {
        await using var lab = await TestLab.StartAsync();
        using var slow = await ConnectAsync(lab, "/lab/stream");
        var first = await ReadAsync(slow);
        var after = Ids(first).LastOrDefault(Last(lab));
        // More than socket buffers and frames can hold, while the page reads nothing.
        for (var round = 0; round < 8; round++)
        {
            Burst(lab, 1000, padding: 1200);
            using var quick = await ConnectAsync(lab, "/lab/stream");
            Assert.True((await ReadAsync(quick))["whole"]!.GetValue<bool>());
        }
        var got = new List<long>();
        while (got.Count == 0 || got[^1] < Last(lab))
        {
            got.AddRange(Ids(await ReadAsync(slow)));
        }
        Assert.Equal(Enumerable.Range(0, 8000).Select(index => after + 1 + index), got);
    }

    [Fact]
    public async Task A_browser_gets_each_of_500_events_a_second()
    {
        Assert.SkipWhen(!PageFiles.Embedded.IsBuilt, "the page is not built (scripts/web; it needs Node.js)");
        Assert.SkipWhen(!File.Exists("/usr/bin/chromium"), "peer program chromium is not installed");
        // The figures are for `run bench page`; on any machine the test is that no event is lost.
        await using var lab = await TestLab.StartAsync();
        var figures = await Appliance.Bench.PageBench.MeasureAsync(lab.Laboratory, seconds: 4, rate: 500, CancellationToken.None);
        Assert.Equal(figures.Written, figures.Received);
        Assert.True(figures.Written > 1000, figures.ToString());
    }

    [Fact]
    public void Frames_are_kept_within_bounds()
    {
        var frames = new PageFrames();
        frames.Add("a", 1);
        frames.Add("b", 2);
        var second = frames.After(1)!;
        Assert.Equal(("b", 2L, 2L), (Encoding.UTF8.GetString(second.Body), second.Seq, second.LastEvent));
        Assert.Null(frames.After(2));
        Assert.True(frames.Reaches(2));
        Assert.False(frames.Reaches(3));
        Assert.False(frames.Reaches(-1));
        for (var index = 0; index < PageFrames.FramesMax; index++)
        {
            frames.Add("x", 3);
        }
        Assert.False(frames.Reaches(1));
        Assert.True(frames.Reaches(2));
        Assert.Equal(3, frames.After(2)!.Seq);
        frames.Add(new string('y', PageFrames.BytesMax), 4);
        Assert.False(frames.Reaches(frames.Seq - 2));
        Assert.True(frames.Reaches(frames.Seq - 1));
    }

    [Fact]
    public void A_pairing_code_is_not_found_by_trying()
    {
        var time = new FakeTimeProvider();
        var pairing = new PhonePairing(time);
        Assert.Matches("^[0-9]{8}$", pairing.Code);
        var wrong = pairing.Code == "00000000" ? "00000001" : "00000000";
        for (var tries = 0; tries < PhonePairing.FreeTries; tries++)
        {
            Assert.Null(pairing.Pair(wrong, out var wait));
            Assert.Equal(TimeSpan.Zero, wait);
        }
        Assert.Null(pairing.Pair(pairing.Code, out var waits));
        Assert.Equal(PhonePairing.Wait, waits);
        time.Advance(PhonePairing.Wait);
        var cookie = pairing.Pair(pairing.Code, out _);
        Assert.Matches("^[0-9a-f]{64}$", cookie);
        Assert.True(pairing.IsPaired(cookie));
        Assert.False(pairing.IsPaired(cookie![..^1] + (cookie[^1] == '0' ? '1' : '0')));
        Assert.False(pairing.IsPaired(null));
    }

    [Fact]
    public async Task A_cable_is_pulled_and_put_back_by_the_lab_API()
    {
        await using var lab = await TestLab.StartAsync();
        using var pulled = await lab.Api.PutAsync("/lab/nics/port1", new StringContent("{\"link\":false}"));
        Assert.False((await pulled.Content.ReadFromJsonAsync<JsonObject>())!["link"]!.GetValue<bool>());
        Assert.False(lab.Unit.Nics[0].LinkUp);
        using var back = await lab.Api.PutAsync("/lab/nics/port1", new StringContent("{\"link\":true}"));
        Assert.True((await lab.Api.GetFromJsonAsync<JsonArray>("/lab/nics"))![0]!["link"]!.GetValue<bool>());
        foreach (
            var (path, body, status) in new[]
            {
                ("/lab/nics/port9", "{\"link\":true}", 404),
                ("/lab/nics/port1", "{\"link\":1}", 400),
                ("/lab/nics/port1", "{}", 400),
                ("/lab/nics/port1", "{\"cable\":true}", 400),
            }
        )
        {
            using var refused = await lab.Api.PutAsync(path, new StringContent(body));
            Assert.Equal(status, (int)refused.StatusCode);
        }
    }

    [Fact]
    public async Task Who_looks_on_gets_each_message_of_a_login_and_no_secret()
    {
        await using var lab = await TestLab.StartAsync(push: new PushOptions(), fac: "code-or-empty");
        using var web = new Web(lab);
        var secrets = new List<string>
        {
            "ann-password",
            "cat-password",
            "dan-password",
            "testing123",
            lab.Code(TestLab.AnnSeed),
            lab.Code(TestLab.CatSeed),
            lab.Code(TestLab.DanSeed),
        };
        await PolicyAsync(lab, """{"numberMatch":true}""");
        foreach (var user in new[] { "ann", "cat", "dan" })
        {
            using var asked = await web.FormAsync(
                $"https://{lab.Vpn}/remote/logincheck",
                $"username={user}&credential={user}-password&realm=&ajax=1&just_logged_in=1"
            );
            var fields = (await asked.Content.ReadAsStringAsync())
                .Split(',')
                .Select(pair => pair.Split('=', 2))
                .ToDictionary(pair => pair[0], pair => pair[1]);
            secrets.AddRange([fields["reqid"], fields["magic"]]);
            if (user == "cat")
            {
                using var typed = await web.FormAsync(
                    $"https://{lab.Vpn}/remote/logincheck",
                    $"username=cat&code={lab.Code(TestLab.CatSeed)}&reqid={fields["reqid"]}&polid={fields["polid"]}&magic={fields["magic"]}&ajax=1"
                );
                secrets.Add(typed.Headers.GetValues("Set-Cookie").First().Split('=', ';')[1]);
                continue;
            }
            var waiting = web.FormAsync(
                $"https://{lab.Vpn}/remote/logincheck",
                $"username={user}&realm=&reqid={fields["reqid"]}&polid={fields["polid"]}&grp=&portal=&peer=&ftmpush=1"
            );
            var serial = user == "ann" ? TestLab.AnnSerial : TestLab.DanSerial;
            await lab.PushPendingAsync(serial);
            secrets.Add((await lab.PhoneAsync(serial))["pending"]![0]!["session"]!.GetValue<string>());
            var number = System.Text.RegularExpressions.Regex.Match(fields["chal_msg"], "the number ([0-9]{2})").Groups[1].Value;
            if (user == "ann")
            {
                secrets.Add($"the number {number}");
            }
            using var approved = await lab.Api.PostAsync(
                $"/lab/phones/{serial}/approve",
                user == "ann" ? new StringContent($"{{\"number\":{number}}}") : null
            );
            using var done = await waiting;
            Assert.StartsWith("ret=1", await done.Content.ReadAsStringAsync(), StringComparison.Ordinal);
            secrets.Add(done.Headers.GetValues("Set-Cookie").First().Split('=', ';')[1]);
        }
        using var socket = await ConnectAsync(lab, "/lab/stream");
        var told = new StringBuilder();
        var messages = 0;
        while (messages < 32)
        {
            var frame = await ReadAsync(socket);
            messages += frame["messages"]?.AsArray().Count ?? 0;
            told.Append(frame["messages"]?.ToJsonString()).Append(frame["logins"]?.ToJsonString());
        }
        Assert.Equal(11 + 4 + 17, messages);
        Assert.All(secrets, secret => Assert.DoesNotContain(secret, told.ToString(), StringComparison.Ordinal));
        // Stars are where they were.
        Assert.Contains("credential=********", told.ToString(), StringComparison.Ordinal);
        Assert.Contains("SVPNCOOKIE=********", told.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_console_wants_a_size_and_an_id_that_it_gave()
    {
        await using var lab = await TestLab.StartAsync();
        foreach (
            var query in new[]
            {
                "",
                "?rows=24",
                "?rows=0&columns=80",
                "?rows=24&columns=9999",
                "?id=0123",
                "?watch=0123",
                "?rows=24&columns=80&shell=1",
            }
        )
        {
            using var socket = new ClientWebSocket();
            await Assert.ThrowsAsync<WebSocketException>(() =>
                socket.ConnectAsync(Of(lab, "/lab/console" + query), CancellationToken.None)
            );
        }
        using var console = await ConnectAsync(lab, "/lab/console?rows=24&columns=80");
        var hello = await ReadAsync(console);
        Assert.Matches("^[0-9a-f]{32}$", hello["id"]!.GetValue<string>());
        Assert.NotEqual(hello["id"]!.GetValue<string>(), hello["watch"]!.GetValue<string>());
        using var watcher = await ConnectAsync(lab, "/lab/console?watch=" + hello["watch"]!.GetValue<string>());
        var told = await ReadAsync(watcher);
        Assert.Null(told["id"]);
        Assert.Null(told["watch"]);
    }

    private static async Task PolicyAsync(TestLab lab, string policy)
    {
        using var set = await lab.Api.PutAsync("/lab/policy", new StringContent(policy));
        set.EnsureSuccessStatusCode();
    }

    private static void Burst(TestLab lab, int count, int padding = 0)
    {
        for (var index = 0; index < count; index++)
        {
            lab.Unit.Faults.Get().WriteEvent(
                new EventEntry(
                    "0199000002",
                    "lab",
                    EventLevel.Information,
                    "Test",
                    ("msg", $"event {index} of a burst {new string('x', padding)}")
                )
            );
        }
    }

    private static long Last(TestLab lab) => lab.Unit.EventsAfter(0, 10_000) is [.., { Id: var newest }] ? newest : 0;

    private static IEnumerable<long> Ids(JsonNode message) =>
        message["events"]?.AsArray().Select(record => record!["id"]!.GetValue<long>()) ?? [];

    private static Uri Of(TestLab lab, string path) => new(new UriBuilder(lab.Api.BaseAddress!) { Scheme = "ws" }.Uri, path);

    private static async Task<ClientWebSocket> ConnectAsync(TestLab lab, string path)
    {
        var socket = new ClientWebSocket();
        await socket.ConnectAsync(Of(lab, path), CancellationToken.None);
        return socket;
    }

    private static async Task<JsonNode> ReadAsync(ClientWebSocket socket)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30), BusyMachine.Time);
        using var text = new MemoryStream();
        var buffer = new byte[64 * 1024];
        ValueWebSocketReceiveResult part;
        do
        {
            part = await socket.ReceiveAsync(buffer.AsMemory(), patience.Token);
            text.Write(buffer, 0, part.Count);
        } while (!part.EndOfMessage);
        return JsonNode.Parse(Encoding.UTF8.GetString(text.ToArray()))!;
    }
}
