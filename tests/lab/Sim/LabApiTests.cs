using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Appliance.Doubles.Clock;
using Appliance.Doubles.Failures;
using Appliance.Doubles.Inbox;
using Appliance.Doubles.Phones;
using Appliance.Firmware.Enrolment;
using Appliance.Lab.Api;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Appliance.Tests.Sim;

public sealed class LabApiTests : IAsyncLifetime
{
    private const string Ann = "/lab/phones/" + FakeUnit.AnnSerial;
    private static readonly DateTimeOffset Now = new(2033, 2, 3, 4, 5, 6, TimeSpan.Zero);
    private readonly LabClock _clock = LabClock.Open(null, ClockRate.Frozen, new FakeTimeProvider(Now));
    private readonly FakeUnit _unit = new(CallbackServer.MakeCa(Now));
    private readonly PhoneFleet _fleet;
    private LabApi _api = null!;
    private HttpClient _http = null!;

    public LabApiTests()
    {
        _fleet = new PhoneFleet(_clock, NullLogger.Instance);
        _fleet.Attach(_unit);
        _unit.Clock = new(_clock);
    }

    /// <summary>Method, path, body, the status, and what the problem must name.</summary>
    public static TheoryData<string, string, string?, int, string> BadInput =>
        new()
        {
            { "GET", "/lab", null, 404, "no such path" },
            { "GET", "/lab/Ready", null, 404, "no such path" },
            { "GET", "/lab/ready/", null, 404, "no such path" },
            { "GET", "/lab/phones/%2e%2e/x", null, 404, "no such path" },
            { "POST", "/lab/faults", "{}", 405, "allowed: GET, PUT" },
            { "PUT", "/lab/faults", "{}", 400, "faults" },
            { "PUT", "/lab/faults", "{\"faults\":1}", 400, "faults must be a list" },
            { "PUT", "/lab/faults", "{\"faults\":[{\"fault\":\"push.drop\",\"p\":2}]}", 400, "faults[0].p" },
            { "GET", "/lab/ready?x=1", null, 400, "'x'" },
            { "POST", "/lab/ready", "", 405, "allowed: GET" },
            { "DELETE", "/lab/phones", null, 405, "allowed: GET" },
            { "GET", "/lab/cli", null, 405, "allowed: POST" },
            { "GET", Ann + "/approve", null, 405, "allowed: POST" },
            { "PATCH", "/lab/clock", "{}", 405, "allowed: GET, POST" },
            { "POST", Ann + "/approve", "", 404, "no push is pending" },
            { "POST", Ann + "/deny", "", 404, "no push is pending" },
            { "POST", Ann + "/deny", "{}", 400, "expects no body" },
            { "POST", Ann + "/approve", "{}", 400, "known fields: number" },
            { "POST", Ann + "/approve", "{\"number\":9}", 400, "number from 10 to 99" },
            { "POST", Ann + "/allow", "", 404, "no such path" },
            { "POST", "/lab/phones/FTKMOB9999999999/approve", "", 404, "FTKMOB9999999999" },
            { "PUT", "/lab/phones/nobody", "{\"online\":true}", 404, "nobody" },
            { "PUT", Ann, "", 400, "not JSON" },
            { "PUT", Ann, "{}", 400, "empty" },
            { "PUT", Ann, "[]", 400, "object" },
            { "PUT", Ann, "null", 400, "object" },
            { "PUT", Ann, "{\"mode\":\"approve\"", 400, "not JSON" },
            { "PUT", Ann, "{\"mode\":\"approve\"} x", 400, "not JSON" },
            { "PUT", Ann, "{\"mode\":\"approve\",}", 400, "not JSON" },
            { "PUT", Ann, "{\"mode\":\"approve\",\"mode\":\"deny\"}", 400, "mode" },
            { "PUT", Ann, "{\"mode\":\"approve\",\"colour\":1}", 400, "'colour'" },
            { "PUT", Ann, "{\"Mode\":\"approve\"}", 400, "'Mode'" },
            { "PUT", Ann, "{\"mode\":\"Approve\"}", 400, "mode must be one of" },
            { "PUT", Ann, "{\"mode\":1}", 400, "mode must be one of" },
            { "PUT", Ann, "{\"mode\":\"approve\",\"delayMs\":-1}", 400, "delayMs" },
            { "PUT", Ann, "{\"mode\":\"approve\",\"delayMs\":\"5\"}", 400, "delayMs" },
            { "PUT", Ann, "{\"delayMs\":1e999}", 400, "delayMs" },
            { "PUT", Ann, "{\"skewSeconds\":86401}", 400, "skewSeconds" },
            { "PUT", Ann, "{\"mode\":\"approve\",\"online\":\"yes\"}", 400, "online must be true or false" },
            { "PUT", Ann, "{\"mode\":{\"a\":{\"b\":{\"c\":{\"d\":{\"e\":{\"f\":{\"g\":{\"h\":1}}}}}}}}}", 400, "not JSON" },
            { "POST", "/lab/clock", "{\"advanceSeconds\":-1}", 400, "advanceSeconds" },
            { "POST", "/lab/clock", "{\"advanceSeconds\":\"1\"}", 400, "advanceSeconds" },
            { "POST", "/lab/clock", "{\"advanceSeconds\":1e300}", 400, "advanceSeconds" },
            { "POST", "/lab/clock", "{\"mode\":\"x0\"}", 400, "mode" },
            { "POST", "/lab/clock", "{\"mode\":\"frozen\",\"advanceSeconds\":1}", 400, "either" },
            { "GET", "/lab/events?after=-1", null, 400, "after" },
            { "GET", "/lab/events?after=", null, 400, "after" },
            { "GET", "/lab/events?after=1&after=2", null, 400, "after" },
            { "GET", "/lab/events?after=99999999999999999999", null, 400, "after" },
            { "GET", "/lab/events?wait=301", null, 400, "wait" },
            { "GET", "/lab/events?limit=5", null, 400, "'limit'" },
            { "POST", "/lab/cli", "get system status\0", 400, "NUL" },
            { "POST", "/lab/phones", "{}", 400, "empty" },
            { "POST", "/lab/phones", "{\"platform\":\"ios\"}", 400, "'activation' is missing" },
            { "POST", "/lab/phones", "{\"activation\":1}", 400, "activation must be a text" },
            { "POST", "/lab/phones", "{\"activation\":\"\\ud800\"}", 400, "'activation' contains half of a surrogate pair" },
            { "POST", "/lab/phones", "{\"activation\":\"A\",\"platform\":\"brick\"}", 400, "platform must be one of" },
            { "POST", "/lab/phones", "{\"activation\":\"A\",\"colour\":1}", 400, "'colour'" },
            { "POST", "/lab/phones", "{\"activation\":\"A\"}", 403, "activation code invalid" },
            { "GET", "/lab/inbox?x=1", null, 400, "'x'" },
            { "POST", "/lab/inbox", "", 405, "allowed: GET, DELETE" },
            { "DELETE", "/lab/inbox", "{}", 400, "expects no body" },
        };

    public async ValueTask InitializeAsync()
    {
        _api = await LabApi.StartAsync(0, _clock, _fleet, NullLogger.Instance);
        _api.Attach(_unit);
        _http = new HttpClient { BaseAddress = _api.Address };
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _api.DisposeAsync();
        _fleet.Dispose();
        _clock.Dispose();
    }

    [Theory]
    [MemberData(nameof(BadInput))]
    public async Task Bad_input_is_named_and_changes_nothing(string method, string path, string? body, int status, string named)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path)
        {
            Content = body is null ? null : new StringContent(body),
        };
        await AssertProblemAsync(request, status, named);
    }

    [Fact]
    public async Task Bad_UTF8_is_refused()
    {
        foreach (
            var (method, path) in ((HttpMethod, string)[])
                [(HttpMethod.Post, "/lab/cli"), (HttpMethod.Put, Ann), (HttpMethod.Post, "/lab/clock")]
        )
        {
            using var request = new HttpRequestMessage(method, path)
            {
                Content = new ByteArrayContent([0x7b, 0x22, 0xc3, 0x28, 0x22, 0x7d]),
            };
            await AssertProblemAsync(request, 400, "UTF-8");
        }
    }

    [Fact]
    public async Task Oversized_bodies_are_refused()
    {
        foreach (var path in (string[])["/lab/cli", "/lab/clock"])
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new ByteArrayContent(new byte[64 * 1024 + 1]) };
            await AssertProblemAsync(request, 413, "65536");
        }
        using var largest = new StringContent(new string('#', 64 * 1024));
        using var taken = await _http.PostAsync("/lab/cli", largest);
        Assert.Equal(HttpStatusCode.OK, taken.StatusCode);
    }

    [Theory]
    [InlineData("attacker.example", null, 400)]
    [InlineData("10.0.0.1:8480", null, 400)]
    [InlineData("localhost.attacker.example", null, 400)]
    [InlineData("localhost", "https://attacker.example", 403)]
    [InlineData("localhost", "null", 403)]
    [InlineData("localhost:1", "http://127.0.0.1:3000", 403)]
    [InlineData("localhost:1", "http://localhost:1", 200)]
    [InlineData("localhost:1", "https://localhost:1", 403)]
    [InlineData("[::1]:8480", null, 200)]
    public async Task Only_this_machine_is_served(string host, string? origin, int status)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/lab/ready") { Headers = { Host = host } };
        request.Headers.TryAddWithoutValidation("Origin", origin is null ? [] : [origin]);
        using var response = await _http.SendAsync(request);
        Assert.Equal(status, (int)response.StatusCode);
    }

    [Fact]
    public async Task Ready_says_what_listens_in_the_promised_shape() =>
        Assert.Equal(
            "{\"ready\":true,\"lab\":\""
                + _api.Address.GetLeftPart(UriPartial.Authority)
                + "\",\"nics\":[{\"name\":\"port1\",\"address\":\"127.0.1.1\",\"allowaccess\":[\"ping\",\"https\",\"ftm\"]}],"
                + "\"services\":[{\"service\":\"ftm\",\"nic\":\"port1\",\"address\":\"127.0.1.1\",\"port\":4433}]}",
            await _http.GetStringAsync("/lab/ready")
        );

    [Fact]
    public async Task Nothing_is_ready_before_the_appliance_is()
    {
        await using var api = await LabApi.StartAsync(0, _clock, _fleet, NullLogger.Instance);
        using var response = await _http.GetAsync(new Uri(api.Address, "/lab/ready"));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
    }

    [Fact]
    public async Task A_taken_port_is_a_clear_failure()
    {
        var failure = await Assert.ThrowsAsync<LabFailure>(() => LabApi.StartAsync(_api.Address.Port, _clock, _fleet, NullLogger.Instance));
        Assert.Equal(FailureKind.Busy, failure.Kind);
    }

    [Fact]
    public async Task Phones_show_the_promised_names()
    {
        using var phones = JsonDocument.Parse(await _http.GetStringAsync("/lab/phones"));
        var ann = phones.RootElement[0];
        Assert.Equal(
            ["serial", "user", "platform", "mode", "pending", "code"],
            ann.EnumerateObject().Take(6).Select(property => property.Name)
        );
        Assert.Equal((FakeUnit.AnnSerial, "ann", "ios", "manual"), (Text("serial"), Text("user"), Text("platform"), Text("mode")));
        string? Text(string name) => ann.GetProperty(name).GetString();
    }

    [Fact]
    public async Task A_phone_is_changed_and_its_pending_push_approved()
    {
        using var changed = await _http.PutAsJsonAsync(
            Ann,
            new
            {
                mode = "ignore",
                delayMs = 5,
                skewSeconds = -2.5,
                online = true,
            }
        );
        Assert.Equal(HttpStatusCode.OK, changed.StatusCode);
        var view = _fleet.Find(FakeUnit.AnnSerial)!.View();
        Assert.Equal((PhoneMode.Ignore, TimeSpan.FromMilliseconds(5), TimeSpan.FromSeconds(-2.5)), (view.Mode, view.Delay, view.Skew));

        await using var callback = await CallbackServer.StartAsync(
            CallbackServer.MakeServer(_unit.DeviceCa, IPAddress.Loopback, Now.AddHours(-1), Now.AddHours(1))
        );
        await new PushCloud(_fleet, _clock).SendAsync(callback.Push(Now, "aa"), default);
        using var approved = await _http.PostAsync(Ann + "/approve", null);
        Assert.Equal(
            "{\"session\":\"aa\",\"answered\":200,\"outcome\":\"accepted\",\"detail\":\"HTTP 200\"}",
            await approved.Content.ReadAsStringAsync()
        );
    }

    [Fact]
    public async Task The_clock_is_advanced_and_changes_its_mode()
    {
        using var advanced = await _http.PostAsJsonAsync("/lab/clock", new { advanceSeconds = 90 });
        Assert.Equal(
            "{\"now\":\"2033-02-03T04:06:36+00:00\",\"mode\":\"frozen\",\"offsetSeconds\":90}",
            await advanced.Content.ReadAsStringAsync()
        );
        using var real = await _http.PostAsJsonAsync("/lab/clock", new { mode = "real" });
        Assert.Equal(ClockMode.Real, _clock.Rate.Mode);
    }

    [Fact]
    public async Task The_console_is_answered_with_a_transcript()
    {
        using var script = new StringContent("get system status", Encoding.UTF8, "text/plain");
        using var response = await _http.PostAsync("/lab/cli", script);
        Assert.Equal("text/plain", response.Content.Headers.ContentType?.MediaType);
        Assert.Equal("lab-appliance # get system status\n", await response.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Events_come_in_order_and_a_waiting_caller_gets_the_next_one_at_once()
    {
        _unit.Write("one");
        _unit.Write("two");
        var waiting = _http.GetStringAsync("/lab/events?after=2&wait=60");
        Assert.Equal(
            "[{\"id\":2,\"time\":\"1970-01-01T00:00:00+00:00\",\"logid\":\"0101039943\",\"subtype\":\"vpn\",\"level\":\"notice\",\"logdesc\":\"two\",\"fields\":{\"user\":\"ann\"},"
                + "\"line\":\"date=1970-01-01 time=00:00:00 devname=\\u0022fake\\u0022 devid=\\u0022FGVMFAKE\\u0022 logid=\\u00220101039943\\u0022 type=\\u0022event\\u0022 subtype=\\u0022vpn\\u0022 level=\\u0022notice\\u0022 "
                + "vd=\\u0022root\\u0022 eventtime=0 tz=\\u0022\\u002B0000\\u0022 logdesc=\\u0022two\\u0022 user=\\u0022ann\\u0022\"}]",
            await _http.GetStringAsync("/lab/events?after=1")
        );
        _unit.Write("three");
        Assert.Contains("\"three\"", await waiting, StringComparison.Ordinal);
        Assert.Equal("[]", await _http.GetStringAsync("/lab/events?after=3"));
    }

    [Fact]
    public async Task Letters_are_shown_newest_last_and_thrown_away()
    {
        Assert.Equal("[]", await _http.GetStringAsync("/lab/inbox"));
        _api.Inbox.Receive("unit@lab.test", "eve@lab.test", LetterKind.Mail, "Subject: one\n\nActivation code: ABCDEFGHIJKLMNOP\n", Now);
        _api.Inbox.Receive("unit@lab.test", "15550100@sms.lab.test", LetterKind.Sms, "Subject: two\n\nYour code is 123456, valid\n", Now);
        using (var letters = JsonDocument.Parse(await _http.GetStringAsync("/lab/inbox")))
        {
            Assert.Equal(
                ["mail eve@lab.test one ABCDEFGHIJKLMNOP", "sms 15550100 two 123456"],
                letters
                    .RootElement.EnumerateArray()
                    .Select(letter =>
                        string.Join(' ', ((string[])["kind", "to", "subject", "code"]).Select(name => letter.GetProperty(name).GetString()))
                    )
            );
        }
        (await _http.DeleteAsync("/lab/inbox")).EnsureSuccessStatusCode();
        Assert.Equal("[]", await _http.GetStringAsync("/lab/inbox"));
    }

    [Fact]
    public async Task A_refused_activation_has_the_services_error_code()
    {
        using var answer = await _http.PostAsync("/lab/phones", new StringContent("{\"activation\":\"ABCDEFGHIJKLMNOP\"}"));
        using var problem = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
        Assert.Equal(40, problem.RootElement.GetProperty("error_code").GetInt32());
        _unit.Enrolment = new(EnrolmentAnswer.NotNow, "the disk is full");
        using var later = await _http.PostAsync("/lab/phones", new StringContent("{\"activation\":\"ABCDEFGHIJKLMNOP\"}"));
        Assert.Equal(409, (int)later.StatusCode);
    }

    private async Task AssertProblemAsync(HttpRequestMessage request, int status, string named)
    {
        using var response = await _http.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        Assert.Equal(status, (int)response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        using var problem = JsonDocument.Parse(text);
        Assert.Equal(status, problem.RootElement.GetProperty("status").GetInt32());
        Assert.Contains(named, problem.RootElement.GetProperty("detail").GetString(), StringComparison.Ordinal);
        var phone = _fleet.Find(FakeUnit.AnnSerial)!.View();
        Assert.Equal((PhoneMode.Manual, TimeSpan.Zero, TimeSpan.Zero, true), (phone.Mode, phone.Delay, phone.Skew, phone.Online));
        Assert.Equal((Now, ClockMode.Frozen), (_clock.GetUtcNow(), _clock.Rate.Mode));
        Assert.Empty(_unit.Scripts);
    }
}
