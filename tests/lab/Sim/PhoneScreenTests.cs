using System.Net;
using Appliance.Doubles.Clock;
using Appliance.Doubles.Phones;
using Appliance.Firmware.Ftm;
using Appliance.Tests.EndToEnd;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Appliance.Tests.Sim;

/// <summary>A phone's screen: its pushes, their lifetime, and automatic answers.</summary>
public sealed class PhoneScreenTests : IAsyncLifetime
{
    private static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeSeconds(1111111109);
    private readonly LabClock _clock = LabClock.Open(null, ClockRate.Frozen, new FakeTimeProvider(Now));
    private readonly FakeUnit _unit = new(CallbackServer.MakeCa(Now));
    private readonly PhoneFleet _fleet;
    private readonly PushCloud _cloud;
    private CallbackServer _server = null!;

    public PhoneScreenTests()
    {
        _fleet = new PhoneFleet(_clock, NullLogger.Instance);
        _fleet.Attach(_unit);
        _cloud = new PushCloud(_fleet, _clock);
    }

    public async ValueTask InitializeAsync() =>
        _server = await CallbackServer.StartAsync(
            CallbackServer.MakeServer(_unit.DeviceCa, IPAddress.Loopback, Now.AddHours(-1), Now.AddHours(1))
        );

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _fleet.Dispose();
        _clock.Dispose();
    }

    [Theory]
    [InlineData(PhoneMode.Approve, "validate")]
    [InlineData(PhoneMode.Deny, "alert")]
    public async Task A_phone_answers_by_itself_as_its_mode_says(PhoneMode mode, string action)
    {
        Ann.Change(new PhoneChange(mode));
        await SendAsync("aa");
        await Until.TrueAsync(() => Ann.View().LastAnswer is not null, "an answer");
        Assert.Contains($"\"action\":\"{action}\"", Assert.Single(_server.Bodies), StringComparison.Ordinal);
        Assert.Empty(Ann.View().Pending);
    }

    [Theory]
    [InlineData(PhoneMode.Manual)]
    [InlineData(PhoneMode.Ignore)]
    public async Task A_phone_that_does_not_answer_by_itself_keeps_the_push_on_its_screen(PhoneMode mode)
    {
        Ann.Change(new PhoneChange(mode));
        await SendAsync("aa");
        await SendAsync("bb");
        Assert.Equal((mode, 2, 0), (Ann.View().Mode, Ann.View().Pending.Count, _server.Bodies.Count));
    }

    [Fact]
    public async Task A_change_of_one_thing_leaves_the_others()
    {
        Ann.Change(new PhoneChange(PhoneMode.Ignore, TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(2), Online: false));
        Ann.Change(new PhoneChange());
        Assert.Equal(
            (PhoneMode.Ignore, TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(2), false),
            (Ann.View().Mode, Ann.View().Delay, Ann.View().Skew, Ann.View().Online)
        );
        await SendAsync("aa");
        Assert.Equal((null, NoAnswer.NonePending), await Ann.AnswerOldestAsync(approve: true, default));
        Ann.Change(new PhoneChange(Online: true));
        Assert.Equal((PhoneMode.Ignore, true), (Ann.View().Mode, Ann.Online));
    }

    [Fact]
    public async Task What_came_before_the_phone_went_offline_cannot_be_answered_until_it_is_back()
    {
        await SendAsync("aa");
        Ann.Change(new PhoneChange(Online: false));
        Assert.Equal((null, NoAnswer.Offline), await Ann.AnswerOldestAsync(approve: true, default));
        Ann.Change(new PhoneChange(Online: true));
        Assert.Equal(AnswerOutcome.Accepted, (await Ann.AnswerOldestAsync(approve: true, default)).Answer!.Outcome);
    }

    /// <summary>The push that expired while the phone was offline gets no answer when it comes back.</summary>
    [Fact]
    public async Task A_phone_that_comes_back_answers_only_what_still_lives()
    {
        Ann.Change(new PhoneChange(PhoneMode.Approve, Online: false));
        await SendAsync("aa");
        _clock.Advance(TimeSpan.FromSeconds(30));
        await SendAsync("bb");
        _clock.Advance(TimeSpan.FromSeconds(30));
        Ann.Change(new PhoneChange(Online: true));
        await Until.TrueAsync(() => Ann.View().LastAnswer is not null && Ann.View().Pending.Count == 0, "the answer to the second push");
        Assert.Contains("\"bb\"", Assert.Single(_server.Bodies), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_screen_holds_a_hundred_pushes_and_the_oldest_goes_first()
    {
        for (var number = 0; number < 100; number++)
        {
            await SendAsync($"{number}");
        }
        Assert.Equal(100, Ann.View().Pending.Count);
        await SendAsync("100");
        Assert.Equal(Enumerable.Range(1, 100).Select(number => $"{number}"), Ann.View().Pending.Select(push => push.Session));
    }

    [Fact]
    public async Task A_push_that_was_answered_is_not_shown_again_when_the_cloud_repeats_it()
    {
        await SendAsync("aa");
        await Ann.AnswerOldestAsync(approve: true, default);
        await SendAsync("aa");
        Assert.Empty(Ann.View().Pending);
    }

    [Fact]
    public async Task A_push_tells_who_logs_in_from_where_and_whether_a_number_is_wanted()
    {
        await _cloud.SendAsync(_server.Push(Now, "aa") with { NumberMatch = true }, default);
        await SendAsync("bb");
        var (wanted, plain) = (Ann.View().Pending[0], Ann.View().Pending[1]);
        Assert.EndsWith("; type the number that the login shows", wanted.Message, StringComparison.Ordinal);
        Assert.Equal($"Login request of {plain.User} from {plain.From}", plain.Message);
        Assert.Equal((true, false), (wanted.NumberMatch, plain.NumberMatch));
        await Ann.AnswerOldestAsync(approve: true, default, "42");
        Assert.Contains("\"number\":\"42\"", Assert.Single(_server.Bodies), StringComparison.Ordinal);
    }

    /// <summary>The fleet reports each change between on and off, and nothing else.</summary>
    [Fact]
    public void Going_on_and_off_is_told()
    {
        var told = 0;
        _fleet.OnlineChanged += () => told++;
        Ann.Change(new PhoneChange(PhoneMode.Deny));
        Assert.Equal(0, told);
        Ann.Change(new PhoneChange(Online: false));
        Ann.Change(new PhoneChange(Online: true));
        Assert.Equal(2, told);
    }

    [Fact]
    public async Task A_message_that_is_void_already_is_refused()
    {
        var answer = await _cloud.SendAsync(_server.Push(Now) with { Expires = Now }, default);
        Assert.Equal((PushOutcome.Refused, "expired before it was sent"), (answer.Outcome, answer.Cause));
        Assert.Equal(PushOutcome.Sent, (await _cloud.SendAsync(_server.Push(Now) with { Expires = Now.AddTicks(1) }, default)).Outcome);
    }

    private Phone Ann => _fleet.Find(FakeUnit.AnnSerial)!;

    private async Task SendAsync(string session) =>
        Assert.Equal(PushResult.Sent, await _cloud.SendAsync(_server.Push(_clock.GetUtcNow(), session), default));
}
