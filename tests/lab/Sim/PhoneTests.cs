using System.Net;
using System.Net.Sockets;
using Appliance.Doubles.Clock;
using Appliance.Doubles.Phones;
using Appliance.Firmware.Ftm;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Appliance.Tests.Sim;

public sealed class PhoneTests : IAsyncLifetime
{
    // RFC 6238, appendix B: at 1111111109 s the 8-digit code is 07081804.
    private static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeSeconds(1111111109);
    private readonly LabClock _clock = LabClock.Open(null, ClockRate.Frozen, new FakeTimeProvider(Now));
    private readonly FakeUnit _unit = new(CallbackServer.MakeCa(Now));
    private readonly PhoneFleet _fleet;
    private readonly PushCloud _cloud;
    private CallbackServer _server = null!;

    public PhoneTests()
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

    [Fact]
    public void The_code_is_the_one_of_the_RFC()
    {
        Assert.Equal("07081804", Ann.View().Code);
        _clock.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal("14050471", Ann.View().Code);
    }

    [Fact]
    public void A_phone_with_a_wrong_clock_shows_the_code_of_its_own_time()
    {
        Ann.Change(new PhoneChange(Skew: TimeSpan.FromSeconds(2)));
        Assert.Equal("14050471", Ann.View().Code);
    }

    [Fact]
    public void The_signature_of_an_alert_is_the_published_string()
    {
        // Computed apart from this code: HKDF by its two steps, then HMAC, as docs/reference/push-dialect.md states them.
        Assert.Equal(
            "0a871bf6e8ebe658c1541dfd55c6bc12fe0b623f9968b400ed9fcd1688d90f89",
            AlertSignature.Compute(FakeUnit.Seed, "00112233445566778899aabbccddeeff", "denied on the phone")
        );
    }

    [Fact]
    public async Task An_approval_posts_the_session_and_the_code()
    {
        Assert.Equal(PushResult.Sent, await _cloud.SendAsync(_server.Push(Now), default));
        Assert.Equal("00112233445566778899aabbccddeeff", Assert.Single(Ann.View().Pending).Session);
        var (answer, _) = await Ann.AnswerOldestAsync(approve: true, default);
        Assert.Equal((200, AnswerOutcome.Accepted), (answer!.Status, answer.Outcome));
        Assert.Equal(
            """POST /api/v1/pushauthresp/ application/json {"session_id":"00112233445566778899aabbccddeeff","action":"validate","token_code":"07081804"}""",
            Assert.Single(_server.Bodies)
        );
        Assert.Empty(Ann.View().Pending);
        Assert.Equal(answer, Ann.View().LastAnswer);
    }

    [Fact]
    public async Task A_denial_posts_a_signed_alert()
    {
        await _cloud.SendAsync(_server.Push(Now), default);
        await Ann.AnswerOldestAsync(approve: false, default);
        var signature = AlertSignature.Compute(FakeUnit.Seed, "00112233445566778899aabbccddeeff", "denied on the phone");
        Assert.Equal(
            $$"""POST /api/v1/pushauthresp/ application/json {"session_id":"00112233445566778899aabbccddeeff","action":"alert","message":"denied on the phone","hmac":"{{signature}}"}""",
            Assert.Single(_server.Bodies)
        );
    }

    [Fact]
    public async Task A_refused_answer_is_told_and_uses_the_push_up()
    {
        _server.Status = 401;
        await _cloud.SendAsync(_server.Push(Now), default);
        var (answer, _) = await Ann.AnswerOldestAsync(approve: true, default);
        Assert.Equal((401, AnswerOutcome.Refused), (answer!.Status, answer.Outcome));
        Assert.Equal((null, NoAnswer.NonePending), await Ann.AnswerOldestAsync(approve: true, default));
    }

    [Fact]
    public async Task A_certificate_of_another_CA_is_refused_and_nothing_is_sent()
    {
        using var stranger = CallbackServer.MakeCa(Now);
        await using var server = await CallbackServer.StartAsync(
            CallbackServer.MakeServer(stranger, IPAddress.Loopback, Now.AddHours(-1), Now.AddHours(1))
        );
        await AssertCertificateRefusedAsync(server, "127.0.0.1");
    }

    [Fact]
    public async Task A_certificate_for_another_address_is_refused_and_nothing_is_sent()
    {
        await using var server = await CallbackServer.StartAsync(
            CallbackServer.MakeServer(_unit.DeviceCa, IPAddress.Parse("127.0.1.1"), Now.AddHours(-1), Now.AddHours(1))
        );
        await AssertCertificateRefusedAsync(server, "127.0.0.1");
    }

    [Fact]
    public async Task A_certificate_is_judged_by_lab_time()
    {
        _clock.Advance(TimeSpan.FromHours(2));
        await AssertCertificateRefusedAsync(_server, "127.0.0.1");
    }

    [Fact]
    public async Task An_unreachable_appliance_leaves_the_push_to_be_tried_again()
    {
        using var closed = new TcpListener(IPAddress.Loopback, 0);
        closed.Start();
        var port = ((IPEndPoint)closed.LocalEndpoint).Port;
        closed.Stop();
        await _cloud.SendAsync(_server.Push(Now) with { CallbackPort = port }, default);
        var (answer, _) = await Ann.AnswerOldestAsync(approve: true, default);
        Assert.Equal((null, AnswerOutcome.Unreachable), (answer!.Status, answer.Outcome));
        Assert.Single(Ann.View().Pending);
    }

    [Fact]
    public async Task A_push_vanishes_when_it_expires()
    {
        await _cloud.SendAsync(_server.Push(Now), default);
        _clock.Advance(TimeSpan.FromSeconds(59));
        Assert.Single(Ann.View().Pending);
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Empty(Ann.View().Pending);
        Assert.Equal((null, NoAnswer.NonePending), await Ann.AnswerOldestAsync(approve: true, default));
    }

    [Fact]
    public async Task The_oldest_push_is_answered_first_and_a_repeated_one_is_shown_once()
    {
        await _cloud.SendAsync(_server.Push(Now, "aa"), default);
        await _cloud.SendAsync(_server.Push(Now, "bb"), default);
        await _cloud.SendAsync(_server.Push(Now, "aa"), default);
        Assert.Equal(["aa", "bb"], Ann.View().Pending.Select(push => push.Session));
        Assert.Equal("aa", (await Ann.AnswerOldestAsync(approve: true, default)).Answer!.Session);
    }

    [Fact]
    public async Task An_offline_phone_gets_the_push_once_it_is_back()
    {
        Ann.Change(new PhoneChange(Online: false));
        Assert.Equal(PushResult.Sent, await _cloud.SendAsync(_server.Push(Now), default));
        Assert.Empty(Ann.View().Pending);
        Ann.Change(new PhoneChange(Online: true));
        Assert.Single(Ann.View().Pending);
    }

    [Fact]
    public async Task An_offline_phone_that_comes_back_late_gets_nothing()
    {
        Ann.Change(new PhoneChange(Online: false));
        await _cloud.SendAsync(_server.Push(Now), default);
        _clock.Advance(TimeSpan.FromSeconds(60));
        Ann.Change(new PhoneChange(Online: true));
        Assert.Empty(Ann.View().Pending);
    }

    [Theory]
    [InlineData("nobody", FakeUnit.AnnSerial, "unknown registration id")]
    [InlineData("reg-ann", FakeUnit.CatSerial, "unknown registration id")]
    [InlineData("", FakeUnit.CatSerial, "no registration id")]
    public async Task The_cloud_tells_why_it_did_not_take_a_message(string recipient, string serial, string reason) =>
        Assert.Equal(
            reason,
            (await _cloud.SendAsync(_server.Push(Now) with { Recipient = recipient, TokenSerial = serial }, default)).Cause
        );

    [Fact]
    public async Task An_automatic_answer_waits_its_delay_in_lab_time()
    {
        Ann.Change(new PhoneChange(PhoneMode.Approve, Delay: TimeSpan.FromSeconds(10)));
        await _cloud.SendAsync(_server.Push(Now), default);
        // The phone starts waiting on a separate thread: advance until it has answered, never far enough to expire.
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30), BusyMachine.Time);
        while (Ann.View().LastAnswer is null && !limit.IsCancellationRequested)
        {
            if (_clock.GetUtcNow() < Now.AddSeconds(50))
            {
                _clock.Advance(TimeSpan.FromSeconds(10));
            }
            await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System);
        }
        Assert.Equal(AnswerOutcome.Accepted, Ann.View().LastAnswer?.Outcome);
    }

    [Fact]
    public void Phones_come_and_go_with_the_configuration()
    {
        Assert.Equal(["ios", "android"], _fleet.Phones.Select(phone => phone.Platform));
        _unit.Tokens.RemoveAt(0);
        Assert.NotNull(_fleet.Find(FakeUnit.AnnSerial));
        _unit.Version = new();
        Assert.Null(_fleet.Find(FakeUnit.AnnSerial));
        Assert.Equal("cat", Assert.Single(_fleet.Phones).User);
    }

    private Phone Ann => _fleet.Find(FakeUnit.AnnSerial)!;

    private async Task AssertCertificateRefusedAsync(CallbackServer server, string host)
    {
        await _cloud.SendAsync(server.Push(_clock.GetUtcNow(), host: host), default);
        var (answer, _) = await Ann.AnswerOldestAsync(approve: true, default);
        Assert.Equal((null, AnswerOutcome.CertificateRefused), (answer!.Status, answer.Outcome));
        Assert.Empty(server.Bodies);
    }
}
