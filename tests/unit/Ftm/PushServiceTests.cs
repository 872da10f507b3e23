using System.Collections.Concurrent;
using Appliance.Firmware.Events;
using Appliance.Firmware.Ftm;
using Appliance.Firmware.Login;
using Appliance.Firmware.Storage;
using Appliance.Firmware.Tokens;
using Appliance.Tests.EndToEnd;
using Appliance.Tests.Login;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Appliance.Tests.Ftm;

/// <summary>The sending of a push: the message, its events and alarms, and the effects of a failure.</summary>
public sealed class PushServiceTests : IAsyncDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("appliance-pushes-");
    private readonly FakeTimeProvider _time = new(LoginRig.Start);
    private readonly DebugTap _debug = new();
    private readonly ConcurrentQueue<string> _lines = new();
    private readonly ConcurrentQueue<RegistrationGone> _gone = new();
    private readonly Way _way = new();
    private readonly StateDatabase _state;
    private readonly EventLog _events;
    private readonly LoginService _login;
    private readonly PushService _push;
    private bool _ended;

    public PushServiceTests()
    {
        _state = StateDatabase.Open(Path.Combine(_folder.FullName, "state.db"), [EventLog.Table, .. LoginCore.Tables]);
        _events = new EventLog(_state, _time, "TEST");
        _login = new LoginService(new TokenCore(_state), _state, _events, _time, new DebugTap());
        _push = new PushService(_login, _way, _events, _time, _debug, GoneAsync);
        _login.Gateways.Push = _push;
        var tree = LoginRig.TreeOf(LoginRig.Patient);
        _login.InForce(tree, tree);
        _push.Apply(tree, tree);
    }

    public async ValueTask DisposeAsync()
    {
        await EndAsync();
        _login.Dispose();
        await _state.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task A_message_has_what_the_phone_needs_of_login_and_settings()
    {
        _push.Send(Order(1));
        await EventAsync("0100032160");
        var message = Assert.Single(_way.Sent);
        Assert.Equal(
            ("reg-ann", "FTKMOB0000000001", "127.0.1.1", 4433, "ann", LoginRig.Home, "ios 17.5", true),
            (
                message.Recipient,
                message.TokenSerial,
                message.CallbackHost,
                message.CallbackPort,
                message.User,
                message.ClientAddress,
                message.OsVersion,
                message.NumberMatch
            )
        );
        Assert.Equal((LoginRig.Start, LoginRig.Start.AddSeconds(60)), (message.Time, message.Expires));
        Assert.Equal(1, _push.LoginOf(message.SessionId));
        Assert.Null(_push.LoginOf(message.SessionId[..^1]));
        _push.Send(Order(1));
        Assert.Single(_way.Sent);
    }

    [Fact]
    public async Task A_push_is_an_event_and_two_lines_of_the_debug_stream()
    {
        using var listening = _debug.Listen(area => area == DebugArea.FtmPush, _lines.Enqueue);
        _push.Send(Order(1));
        var sent = await EventAsync("0100032160");
        Assert.Equal(
            ("FortiToken mobile push message succeeded", EventLevel.Notice, "Push message to FTKMOB0000000001 of user ann was sent"),
            (sent.Description, sent.Level, Message(sent))
        );
        _way.Result = PushResult.Failed(PushOutcome.Refused, "too large");
        _push.Send(Order(2));
        var failed = await EventAsync("0100032161");
        Assert.Equal(
            (
                "FortiToken mobile push message failed",
                EventLevel.Alert,
                "Push message to FTKMOB0000000001 of user ann failed: too large"
            ),
            (failed.Description, failed.Level, Message(failed))
        );
        Assert.Equal(
            [
                "Connecting to server address: in-process, port nubmer: 0 oif: 0",
                "Push message of ann to FTKMOB0000000001: sent",
                "Connecting to server address: in-process, port nubmer: 0 oif: 0",
                "Push message of ann to FTKMOB0000000001: too large",
            ],
            _lines.Select(line => line.TrimEnd('\n'))
        );
    }

    [Theory]
    [InlineData(PushOutcome.Refused, false)]
    [InlineData(PushOutcome.Unavailable, false)]
    [InlineData(PushOutcome.CredentialBad, false)]
    [InlineData(PushOutcome.RegistrationGone, true)]
    public async Task A_push_that_failed_is_void_and_only_a_lost_registration_is_removed(PushOutcome outcome, bool gone)
    {
        _way.Result = PushResult.Failed(outcome, "why");
        _push.Send(Order(1));
        await EventAsync("0100032161");
        await Until.TrueAsync(() => _push.LoginOf(_way.Sent.First().SessionId) is null, "the end of the push");
        Assert.Equal(gone ? [new RegistrationGone("FTKMOB0000000001", "reg-ann", LoginRig.Start)] : [], _gone);
        Assert.False(await _push.ApproveAsync(SessionOf(0), LoginRig.AnnCode(LoginRig.Start), ""));
        Assert.Equal(1, _push.Counts.Void);
    }

    [Fact]
    public async Task A_lost_registration_is_gone_since_the_time_that_the_provider_says()
    {
        var since = LoginRig.Start.AddDays(-3);
        _way.Result = new PushResult(PushOutcome.RegistrationGone, "apns: 410", since);
        _push.Send(Order(1));
        await Until.TrueAsync(() => !_gone.IsEmpty, "the loss");
        Assert.Equal(since, Assert.Single(_gone).At);
    }

    [Fact]
    public async Task Five_failures_in_a_row_are_an_alarm_and_the_next_push_that_is_sent_ends_it()
    {
        _way.Result = PushResult.Failed(PushOutcome.Unavailable, "down");
        for (var number = 1; number <= 5; number++)
        {
            Assert.False(_push.Degraded);
            _push.Send(Order(number));
            await Until.TrueAsync(() => Count("0100032161") == number, "the failure");
        }
        var alarm = await EventAsync("0100099160");
        Assert.True(_push.Degraded);
        Assert.Equal(
            (EventLevel.Alert, "Push messages are not delivered: the last 5 pushes failed: down"),
            (alarm.Level, Message(alarm))
        );
        Assert.Contains(("status", "degraded"), alarm.Fields);
        _way.Result = PushResult.Sent;
        _push.Send(Order(6));
        var restored = await EventAsync("0100099161");
        Assert.Equal((EventLevel.Notice, "Push messages work: pushes are delivered again"), (restored.Level, Message(restored)));
        Assert.Contains(("status", "ok"), restored.Fields);
        Assert.False(_push.Degraded);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(100)]
    public async Task A_credential_that_expires_is_an_alarm_at_that_moment_however_far_away_it_is(int days)
    {
        _way.Result = PushResult.Sent with { CredentialExpires = LoginRig.Start.AddDays(days) };
        _push.Send(Order(1));
        await EventAsync("0100032160");
        for (var day = 1; day < days; day++)
        {
            _time.Advance(TimeSpan.FromDays(1));
        }
        _time.Advance(TimeSpan.FromDays(1) - TimeSpan.FromTicks(1));
        Assert.False(_push.Degraded);
        _time.Advance(TimeSpan.FromTicks(1));
        Assert.True(_push.Degraded);
        Assert.Equal(1, Count("0100099160"));
    }

    [Theory]
    [InlineData("", "reg", true)]
    [InlineData("", "r", true)]
    [InlineData("", "", false)]
    [InlineData("config system ftm-push\nset status disable\nend\n", "reg", false)]
    [InlineData("config system ftm-push\nunset server-ip\nend\n", "reg", false)]
    public void A_token_gets_pushes_if_it_has_a_phone_and_the_unit_an_address(string change, string registration, bool can)
    {
        var tree = LoginRig.TreeOf(change);
        Assert.Null(_push.Apply(tree, tree));
        Assert.Equal(can, _push.CanPush(new Token("FTKMOB0000000001", null, false, registration, "")));
    }

    [Fact]
    public async Task An_alert_that_is_not_signed_by_the_phone_is_a_wrong_answer_and_the_third_ends_the_push()
    {
        _push.Send(Order(1));
        await EventAsync("0100032160");
        for (var answer = 0; answer < 3; answer++)
        {
            Assert.NotNull(_push.LoginOf(_way.Sent.First().SessionId));
            Assert.False(await _push.AlertAsync(SessionOf(0), "no", new byte[32]));
        }
        Assert.Null(_push.LoginOf(_way.Sent.First().SessionId));
        Assert.Equal((3, 0), (_push.Counts.Refused, _push.Counts.Void));
        Assert.False(await _push.AlertAsync(SessionOf(0), "no", new byte[32]));
        Assert.Equal((3, 1), (_push.Counts.Refused, _push.Counts.Void));
    }

    [Fact]
    public async Task A_push_that_is_under_way_at_the_end_leaves_no_event()
    {
        _way.Waits = true;
        _push.Send(Order(1));
        await Until.TrueAsync(() => !_way.Sent.IsEmpty, "the push under way");
        await EndAsync();
        await Until.TrueAsync(() => _way.Cancelled, "the end of the push");
        Assert.Empty(_events.After(0));
    }

    private Task GoneAsync(RegistrationGone gone)
    {
        _gone.Enqueue(gone);
        return Task.CompletedTask;
    }

    private async Task EndAsync()
    {
        if (!_ended)
        {
            _ended = true;
            await _push.DisposeAsync();
        }
    }

    private static string Message(EventEntry entry) => entry.Fields.Single(field => field.Name == "msg").Value;

    private int Count(string id) => _events.After(0).Count(record => record.Entry.LogId == id);

    private async Task<EventEntry> EventAsync(string id)
    {
        await Until.TrueAsync(() => Count(id) > 0, $"event {id}");
        return _events.After(0).First(record => record.Entry.LogId == id).Entry;
    }

    private PushSessionId SessionOf(int number) =>
        PushSessionId.Parse(System.Text.Encoding.ASCII.GetBytes(_way.Sent.ElementAt(number).SessionId))!.Value;

    private PushOrder Order(int number)
    {
        var now = _time.GetUtcNow();
        var seed = TokenSeed.Parse(Convert.ToHexString("lab-seed-of-ann-0001"u8));
        var token = new Token("FTKMOB0000000001", seed, false, "reg-ann", "ios 17.5");
        return new($"{number}", "ann", token, LoginRig.Home, now, now.AddSeconds(60), number, NumberMatch: true);
    }

    private sealed class Way : IPushSender
    {
        public ConcurrentQueue<PushMessage> Sent { get; } = new();

        public PushResult Result { get; set; } = PushResult.Sent;

        public bool Waits { get; set; }

        public bool Cancelled { get; private set; }

        public async ValueTask<PushResult> SendAsync(PushMessage message, CancellationToken cancellationToken)
        {
            Sent.Enqueue(message);
            if (Waits)
            {
                try
                {
                    await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
                }
                finally
                {
                    Cancelled = true;
                }
            }
            return Result;
        }
    }
}
