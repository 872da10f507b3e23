using System.Collections.Concurrent;
using System.IO.Pipelines;
using System.Net;
using System.Text;
using Appliance.Firmware.Config;
using Appliance.Firmware.Events;
using Appliance.Firmware.Ftm;
using Appliance.Firmware.Http;
using Appliance.Firmware.Storage;
using Appliance.Tests.Config;
using Appliance.Tests.Login;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Appliance.Tests.Ftm;

/// <summary>The endpoint that phones call back, without a wire: each refusal, and what reaches the push service.</summary>
public sealed class CallbackEndpointTests : IDisposable, IPushAnswers
{
    private const string Id = "0123456789abcdef0123456789abcdef";
    private const string Approval = $$"""{"session_id":"{{Id}}","action":"validate","token_code":"123456"}""";
    private static readonly IPAddress Phone = IPAddress.Parse("198.51.100.7");
    private readonly StoreFolder _folder = new();
    private readonly FakeTimeProvider _time = new(LoginRig.Start);
    private readonly DebugTap _debug = new();
    private readonly ConcurrentQueue<string> _lines = new();
    private readonly List<string> _answers = [];
    private readonly IDisposable _listening;
    private bool _accepted = true;

    public CallbackEndpointTests() => _listening = _debug.Listen(area => area == DebugArea.FtmPush, _lines.Enqueue);

    public void Dispose()
    {
        _listening.Dispose();
        _folder.Dispose();
    }

    ValueTask<bool> IPushAnswers.ApproveAsync(PushSessionId session, ReadOnlySpan<char> code, ReadOnlySpan<char> number)
    {
        _answers.Add($"approve {session} '{code}' '{number}'");
        return new(_accepted);
    }

    async ValueTask<bool> IPushAnswers.AlertAsync(PushSessionId session, string message, byte[] hmac)
    {
        _answers.Add($"alert {session} '{message}' {Convert.ToHexStringLower(hmac)}");
        await Task.Yield();
        return _accepted;
    }

    [Theory]
    [InlineData("/api/v1/pushauthresp/", 200)]
    [InlineData("/api/v1/pushauthresp", 200)]
    [InlineData("/api/v1/pushauthresp/x", 404)]
    [InlineData("/api/v1/pushauthresp?x", 404)]
    [InlineData("/api/v1/pushauthres%70/", 404)]
    [InlineData("/API/v1/pushauthresp/", 404)]
    [InlineData("/", 404)]
    public async Task The_path_is_compared_as_it_is_on_the_wire(string target, int status)
    {
        Assert.Equal(status, (await AskAsync(target: target)).StatusCode);
        Assert.Equal(status == 200 ? 1 : 0, _answers.Count);
    }

    [Theory]
    [InlineData("GET")]
    [InlineData("PUT")]
    [InlineData("post")]
    public async Task Another_method_is_told_which_is_allowed(string method)
    {
        var reply = await AskAsync(method: method);
        Assert.Equal((405, "POST", 0L), (reply.StatusCode, reply.Headers.Allow.ToString(), reply.ContentLength));
        Assert.Empty(_answers);
    }

    [Theory]
    [InlineData("application/json", 200)]
    [InlineData("application/json; charset=utf-8", 200)]
    [InlineData("application/jsonx", 415)]
    [InlineData("text/plain", 415)]
    [InlineData(null, 415)]
    public async Task Only_JSON_is_read(string? type, int status) => Assert.Equal(status, (await AskAsync(type: type)).StatusCode);

    [Theory]
    [InlineData(0, 400)]
    [InlineData(1, 413)]
    public async Task A_body_has_8192_bytes_at_most(int more, int status)
    {
        Assert.Equal(status, (await AskAsync(body: new string('x', RequestBody.SizeMax + more))).StatusCode);
        Assert.Equal(status, (await AskAsync(body: new string('x', RequestBody.SizeMax + more), length: false)).StatusCode);
    }

    [Theory]
    [InlineData(true, 200, "accepted")]
    [InlineData(false, 401, "refused")]
    public async Task The_answer_of_the_push_service_is_the_status(bool accepted, int status, string word)
    {
        _accepted = accepted;
        var reply = await AskAsync();
        Assert.Equal((status, 0L), (reply.StatusCode, reply.ContentLength));
        var alert = await AskAsync(body: Alert("no", new string('b', 64)));
        Assert.Equal((status, 0L), (alert.StatusCode, alert.ContentLength));
        Assert.Equal([$"approve {Id} '123456' ''", $"alert {Id} 'no' {new string('b', 64)}"], _answers);
        Assert.Equal(
            [$"ftm_push_answer-from 198.51.100.7: validate, {word}", $"ftm_push_answer-from 198.51.100.7: alert, {word}"],
            _lines.Select(line => line.TrimEnd('\n'))
        );
    }

    [Fact]
    public async Task The_longest_code_and_number_arrive_whole()
    {
        foreach (var (code, number) in new[] { ("1234567890123456", "1234"), ("ÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄ", "ÄÄÄÄ") })
        {
            await AskAsync(body: $$"""{"session_id":"{{Id}}","action":"validate","token_code":"{{code}}","number":"{{number}}"}""");
        }
        Assert.Equal([$"approve {Id} '1234567890123456' '1234'", $"approve {Id} 'ÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄ' 'ÄÄÄÄ'"], _answers);
    }

    [Fact]
    public async Task A_body_in_pieces_is_read_as_one()
    {
        var context = Context(Approval, length: true);
        var pipe = new Pipe();
        context.Features.Set<IRequestBodyPipeFeature>(new Body(pipe.Reader));
        var serving = Endpoint(null).ServeAsync(context.Features);
        foreach (var part in Encoding.UTF8.GetBytes(Approval).Chunk(10))
        {
            await pipe.Writer.WriteAsync(part);
        }
        await pipe.Writer.CompleteAsync();
        await serving;
        Assert.Equal(200, context.Response.StatusCode);
        Assert.Equal([$"approve {Id} '123456' ''"], _answers);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("")]
    [InlineData("""{"session_id":"0123456789abcdef0123456789abcdef","action":"validate"}""")]
    public async Task What_is_no_answer_gets_400_and_reaches_no_push(string body)
    {
        Assert.Equal(400, (await AskAsync(body: body)).StatusCode);
        Assert.Empty(_answers);
        Assert.Equal(["ftm_push_answer-from 198.51.100.7: not well formed, not understood\n"], _lines);
    }

    [Fact]
    public async Task A_session_in_another_form_is_refused_and_reaches_no_push()
    {
        Assert.Equal(401, (await AskAsync(body: Approval.Replace("abcdef", "ABCDEF", StringComparison.Ordinal))).StatusCode);
        Assert.Empty(_answers);
    }

    [Fact]
    public async Task A_phone_outside_every_trusted_host_is_refused_and_logged_once_in_ten_seconds()
    {
        await using var state = StateDatabase.Open(Path.Combine(_folder.Folder, "state.db"), [EventLog.Table]);
        var events = new EventLog(state, _time, "X");
        var store = _folder.Open("config system admin\nedit admin\nset trusthost1 192.0.2.0 255.255.255.0\nnext\nend\n");
        var callers = new TrustedCallers(store, events, _time);
        Assert.Equal(200, (await AskAsync(callers, from: IPAddress.Parse("192.0.2.9"))).StatusCode);
        Assert.Empty(events.After(0));
        Assert.Equal(404, (await AskAsync(callers, target: "/")).StatusCode);
        Assert.Empty(events.After(0));
        Assert.Equal(403, (await AskAsync(callers)).StatusCode);
        Assert.Equal(403, (await AskAsync(callers, method: "GET")).StatusCode);
        var entry = Assert.Single(events.After(0)).Entry;
        Assert.Equal(
            ("0100032161", EventLevel.Alert, "FortiToken mobile push message failed"),
            (entry.LogId, entry.Level, entry.Description)
        );
        Assert.Equal(
            [("srcip", "198.51.100.7"), ("action", "callback"), ("status", "failed"), ("reason", "no_trusted_host")],
            entry.Fields.Take(4)
        );
        Assert.Contains("ftm_push_answer-from 198.51.100.7: refused, outside the trusted hosts of every administrator\n", _lines);
        Assert.Equal(403, (await AskAsync(callers, from: IPAddress.Parse("198.51.100.8"))).StatusCode);
        Assert.Equal(2, events.After(0).Count);
        _time.Advance(TimeSpan.FromSeconds(10) - TimeSpan.FromTicks(1));
        await AskAsync(callers, from: IPAddress.Parse("198.51.100.8"));
        Assert.Equal(2, events.After(0).Count);
        _time.Advance(TimeSpan.FromTicks(1));
        await AskAsync(callers, from: IPAddress.Parse("198.51.100.8"));
        Assert.Equal(3, events.After(0).Count);
        Assert.Single(_answers);
        // One account without trusted hosts allows every phone.
        Assert.Null(store.Commit(tree => tree.With("system admin", tree.List("system admin").With("admin", Plain(tree)))));
        Assert.Equal(200, (await AskAsync(callers)).StatusCode);

        static ConfigObject Plain(ConfigTree tree) => tree.List("system admin").Find("admin")!.Without("trusthost1");
    }

    private static string Alert(string message, string hmac) =>
        $$"""{"session_id":"{{Id}}","action":"alert","message":"{{message}}","hmac":"{{hmac}}"}""";

    private CallbackEndpoint Endpoint(TrustedCallers? callers) => new(this, callers, _debug);

    private async Task<HttpResponse> AskAsync(
        TrustedCallers? callers = null,
        string method = "POST",
        string target = CallbackEndpoint.Path,
        string? type = "application/json",
        string body = Approval,
        IPAddress? from = null,
        bool length = true
    )
    {
        var context = Context(body, length);
        context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget = target;
        context.Request.Method = method;
        context.Request.ContentType = type;
        context.Connection.RemoteIpAddress = (from ?? Phone).MapToIPv6();
        await Endpoint(callers).ServeAsync(context.Features);
        return context.Response;
    }

    private static DefaultHttpContext Context(string body, bool length)
    {
        var context = new DefaultHttpContext();
        var bytes = Encoding.UTF8.GetBytes(body);
        context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget = CallbackEndpoint.Path;
        context.Request.Method = "POST";
        context.Request.ContentType = "application/json";
        context.Request.ContentLength = length ? bytes.Length : null;
        context.Connection.RemoteIpAddress = Phone;
        context.Features.Set<IRequestBodyPipeFeature>(new Body(PipeReader.Create(new MemoryStream(bytes))));
        return context;
    }

    private sealed class Body(PipeReader reader) : IRequestBodyPipeFeature
    {
        public PipeReader Reader => reader;
    }
}
