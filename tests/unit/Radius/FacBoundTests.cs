using System.Net;
using Appliance.Doubles.FortiAuthenticator;
using Appliance.Doubles.Phones;
using Appliance.Firmware.Events;
using Appliance.Firmware.Radius;
using Appliance.Firmware.Tokens;
using Xunit;
using static Appliance.Tests.Radius.FacFixture;

namespace Appliance.Tests.Radius;

/// <summary>The bounds of the emulator's logins, the records that it keeps, and the fields of its events.</summary>
public sealed class FacBoundTests : FacRig
{
    private static readonly FacAsker Asker = new(Nas.Address, FacPolicy.CodeOrEmpty, Nas.Address);

    [Theory]
    [InlineData(-1, true)]
    [InlineData(0, false)]
    public void A_challenge_and_a_push_live_for_sixty_seconds(int ticks, bool alive)
    {
        var state = Ask("cat", "cat-password").State;
        var push = Assert.Single(Send("ann", "", Ask("ann", "ann-password").State).Step.Pushes);
        Assert.Equal(Start.AddSeconds(60), Core.NextDeadline);
        Now = Start.AddSeconds(60).AddTicks(ticks);
        Assert.Equal(alive ? RadiusCode.AccessAccept : RadiusCode.AccessReject, Ask("cat", Code("cat", Now), state).Code);
        Assert.Equal(alive, Core.PushApproved(push.SessionId, Code("ann", Now), Now).Accepted);
    }

    [Fact]
    public void A_denial_after_sixty_seconds_is_refused()
    {
        var push = Assert.Single(Send("ann", "", Ask("ann", "ann-password").State).Step.Pushes);
        var hmac = Convert.FromHexString(AlertSignature.Compute("lab-seed-of-ann-0001"u8, push.SessionId, "no"));
        Assert.False(Core.PushDenied(push.SessionId, "no", hmac, Start.AddSeconds(60)).Accepted);
        Assert.True(Core.PushDenied(push.SessionId, "no", hmac, Start.AddSeconds(60).AddTicks(-1)).Accepted);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_answer_to_an_expired_challenge_is_too_late_for_ninety_seconds_and_unknown_after_that(bool restarted)
    {
        var state = Ask("cat", "cat-password").State;
        Now = Start.AddSeconds(60);
        Assert.Equal(["challenge_expired"], Reasons(Tick()));
        if (restarted)
        {
            Boot(Settings(), keep: true);
        }
        Assert.Equal(Start.AddSeconds(150), Core.NextDeadline);
        Now = Start.AddSeconds(150).AddTicks(-1);
        Tick();
        var (_, late) = Send("cat", Code("cat", Now), state);
        Assert.Empty(late.Events);
        Assert.Equal("too_late", Assert.IsType<FacVerdict.Reject>(late.Answer).Reason);
        // Of another user or another client it is not the same login.
        Assert.Equal(["unknown_state"], Reasons(Send("dan", Code("dan", Now), state).Step));
        Assert.Equal(
            ["unknown_state"],
            Reasons(Receive(Request(1, Authenticator(), "cat", "1", state), IPEndPoint.Parse("192.0.2.2:5000")))
        );
        Now = Start.AddSeconds(150);
        Tick();
        Assert.DoesNotContain(Records, record => record.Key == "login/" + state);
        Assert.Equal(["unknown_state"], Reasons(Send("cat", Code("cat", Now), state).Step));
    }

    [Fact]
    public void A_decision_is_an_event_with_its_user_client_scheme_and_reason()
    {
        var accepted = Assert.Single(Send("bob", "bob-password").Step.Events);
        Assert.Equal(("0102043008", EventLevel.Notice, "Authentication success"), (accepted.LogId, accepted.Level, accepted.Description));
        Assert.Equal(
            "user=bob authproto=RADIUS(PAP) action=authentication status=success srcip=192.0.2.1 reason=password",
            FieldsOf(accepted)
        );
        var refused = Assert.Single(Send("bob", "wrong").Step.Events);
        Assert.Equal(("0102043009", EventLevel.Warning, "Authentication failed"), (refused.LogId, refused.Level, refused.Description));
        Assert.Equal(
            "user=bob authproto=RADIUS(PAP) action=authentication status=failed srcip=192.0.2.1 reason=bad_password",
            FieldsOf(refused)
        );
        Boot(Settings() with { LogDecisions = false });
        Assert.Empty(Send("bob", "bob-password").Step.Events);
        Assert.Empty(Send("bob", "wrong").Step.Events);
    }

    [Fact]
    public void Each_way_to_be_decided_has_its_reason()
    {
        Assert.Equal(["unknown_user"], Reasons(Send("eve", "x").Step));
        Assert.Equal(["token_code"], Reasons(Send("cat", Code("cat", Now), Ask("cat", "cat-password").State).Step));
        Assert.Equal(["wrong_code"], Reasons(Send("cat", "000000", Ask("cat", "cat-password").State).Step));
        Assert.Equal(["password_and_code"], Reasons(Send("dan", "dan-password" + Code("dan", Now)).Step));
        Assert.Equal(["no_push_token"], Reasons(Send("cat", "push", Ask("cat", "cat-password").State).Step));
        var state = Ask("ann", "ann-password").State;
        var (first, step) = Send("ann", "", state);
        var push = Assert.Single(step.Pushes);
        // A code decides the login, and the request that waited for the phone is answered, too.
        var both = Send("ann", Code("ann", Now), state).Step;
        Assert.Equal(2, both.Replies.Count);
        Assert.Equal(RadiusCode.AccessReject, Read(both.Replies[0].Packet, first).Code);
        Assert.Equal(RadiusCode.AccessAccept, Read(both.Replies[1].Packet, LastAuthenticator).Code);
        Assert.False(Core.PushApproved(push.SessionId, Code("ann", Now.AddSeconds(60)), Now).Accepted);
    }

    [Fact]
    public void A_push_that_cannot_be_handed_over_ends_its_login_with_both_events()
    {
        var (authenticator, step) = Send("ann", "", Ask("ann", "ann-password").State);
        var failed = Settle(Core.PushFailed(step.Pushes[0].SessionId, "no route", Now));
        Assert.Equal(["0100032161", "0102043009"], failed.Events.Select(entry => entry.LogId));
        Assert.Equal("user=ann msg=no route", FieldsOf(failed.Events[0]));
        Assert.Equal(["push_failed"], Reasons(failed));
        Assert.Equal(RadiusCode.AccessReject, Reply(failed, authenticator).Code);
        Assert.Equal((0, 0, 0), (Core.PendingCount, Core.PushCount, Radius.WaitingCount));
        Assert.Empty(Core.PushFailed(step.Pushes[0].SessionId, "no route", Now).Events);
    }

    [Fact]
    public void A_push_names_the_phone_the_callback_and_its_times()
    {
        Now = Start.AddSeconds(7);
        var state = Ask("ann", "ann-password").State;
        Now = Start.AddSeconds(20);
        var push = Assert.Single(Send("ann", "push", state, "Calling-Station-Id=\"198.51.100.7\"").Step.Pushes);
        Assert.Equal(
            ("FTKMOB0000000001", "10.0.0.10", 443, "ann", "198.51.100.7"),
            (push.TokenSerial, push.CallbackHost, push.CallbackPort, push.User, push.ClientAddress.ToString())
        );
        Assert.Equal((Start.AddSeconds(20), Start.AddSeconds(80)), (push.Time, push.Expires));
        Assert.Matches("^[0-9a-f]{32}$", push.SessionId);
        Assert.Equal(push.SessionId, Assert.Single(Core.PendingPushes(Start.AddSeconds(80).AddTicks(-1)).Pushes).SessionId);
        Assert.Empty(Core.PendingPushes(Start.AddSeconds(80)).Pushes);
    }

    [Theory]
    [InlineData("push", "one")]
    [InlineData("push1", "one")]
    [InlineData("push2", "two")]
    [InlineData("push3", null)]
    [InlineData("push0", null)]
    public void A_second_phone_has_its_own_word(string answer, string? phone)
    {
        var settings = Settings();
        var ann = settings.Users.Single(user => user.Name == "ann");
        var both = ann with
        {
            Tokens = [ann.Tokens[0] with { RegistrationId = "one" }, ann.Tokens[0] with { Serial = "SECOND", RegistrationId = "two" }],
        };
        Boot(settings with { Users = [both] });
        var step = Send("ann", answer, Ask("ann", "ann-password").State).Step;
        Assert.Equal(phone, step.Pushes.SingleOrDefault()?.Recipient);
        Assert.Equal(phone is null ? ["wrong_code"] : [], Reasons(step));
    }

    [Fact]
    public void A_State_is_never_given_to_two_logins()
    {
        // The random source repeats itself until it is asked a third time.
        var asked = 0;
        var core = new FacCore(
            Settings(),
            new TokenCore(),
            "10.0.0.10",
            () => 443,
            span => span.Fill((byte)(++asked is 1 or 2 or 4 ? 1 : asked))
        );
        var password = new FacCredential.Pap("cat-password"u8);
        var first = Assert.IsType<FacVerdict.Challenge>(core.First("cat", password, Asker, Now, out _).Answer).State;
        var second = Assert.IsType<FacVerdict.Challenge>(core.First("cat", password, Asker, Now, out _).Answer).State;
        Assert.NotEqual(first, second);
        Assert.Equal((3, 2), (asked, core.PendingCount));
        core.Tick(Now.AddSeconds(60));
        Assert.Equal(0, core.PendingCount);
        var third = Assert.IsType<FacVerdict.Challenge>(core.First("cat", password, Asker, Now.AddSeconds(60), out _).Answer).State;
        Assert.NotEqual(first, third);
        Assert.Equal(5, asked);
    }

    [Fact]
    public void At_most_200_000_logins_are_pending()
    {
        var random = 0L;
        var core = new FacCore(
            Settings(),
            new TokenCore(),
            "10.0.0.10",
            () => 443,
            span => System.Buffers.Binary.BinaryPrimitives.WriteInt64BigEndian(span, ++random)
        );
        var password = new FacCredential.Pap("cat-password"u8);
        for (var number = 0; number < 199_999; number++)
        {
            core.First("cat", password, Asker, Now, out _);
        }
        Assert.IsType<FacVerdict.Challenge>(core.First("cat", password, Asker, Now, out _).Answer);
        Assert.Equal("overloaded", Assert.IsType<FacVerdict.Reject>(core.First("cat", password, Asker, Now, out _).Answer).Reason);
        Assert.Equal("overloaded", Assert.IsType<FacVerdict.Reject>(core.PushTo("ann", Asker, Now, out _).Answer).Reason);
        Assert.Equal(200_000, core.PendingCount);
    }

    [Fact]
    public void A_call_that_names_password_and_code_needs_both()
    {
        Assert.Equal("bad_password", Reason(Core.Check("cat", "wrong", Code("cat", Now), Asker, Now)));
        Assert.Equal("wrong_code", Reason(Core.Check("cat", "cat-password", "000000", Asker, Now)));
        Assert.Equal("unknown_user", Reason(Core.Check("eve", "cat-password", null, Asker, Now)));
        // Neither consumed the code.
        Assert.IsType<FacVerdict.Accept>(Core.Check("cat", "cat-password", Code("cat", Now), Asker, Now).Answer);
        Assert.Equal("wrong_code", Reason(Core.Check("cat", null, Code("cat", Now), Asker, Now)));
        Assert.IsType<FacVerdict.Accept>(Core.Check("cat", "cat-password", null, Asker, Now).Answer);
        Assert.Equal("unknown_user", Reason(Core.PushTo("eve", Asker, Now, out _)));
        Assert.Equal("no_push_token", Reason(Core.PushTo("cat", Asker, Now, out var none)));
        Assert.Equal("", none);
        var step = Core.PushTo("ann", Asker, Now, out var state);
        Assert.Single(step.Pushes);
        Assert.True(Core.IsPending(state));
    }

    [Theory]
    [InlineData("1", "start")]
    [InlineData("7", "on")]
    [InlineData("8", "off")]
    [InlineData("0", null)]
    [InlineData("4", null)]
    [InlineData("9", null)]
    [InlineData("257", null)]
    [InlineData("65537", null)]
    [InlineData("16777217", null)]
    public void An_accounting_request_has_one_of_five_types(string type, string? action)
    {
        var step = Receive(Accounting($"Acct-Status-Type={type} Acct-Session-Id=\"0A\""), way: FacWay.Accounting);
        Assert.Equal(
            action is null ? [] : [("action", $"accounting-{action}")],
            step.Events.SelectMany(entry => entry.Fields).Where(field => field.Name == "action")
        );
        Assert.Equal(action is null ? 0 : 1, step.Replies.Count);
    }

    [Theory]
    [InlineData("Acct-Session-Id=\"0A\"")]
    [InlineData("Acct-Status-Type=1")]
    public void An_accounting_request_without_type_or_session_is_not_answered(string attributes)
    {
        Assert.Empty(Receive(Accounting(attributes), way: FacWay.Accounting).Replies);
        Assert.Equal(["bad_accounting 1"], Radius.Dropped.Select(pair => $"{pair.Key} {pair.Value}"));
    }

    [Fact]
    public void A_session_is_recorded_until_it_stops()
    {
        Receive(Accounting("Acct-Status-Type=1 Acct-Session-Id=\"0A\""), way: FacWay.Accounting);
        Assert.Equal(("accounting/192.0.2.1/3041", "start"), Assert.Single(Records) is var row ? (row.Key, row.Value) : default);
        var first = Receive(Accounting("Acct-Status-Type=2 Acct-Session-Id=\"0A\"", 2), way: FacWay.Accounting);
        Assert.Empty(Records);
        var fields = Assert.Single(first.Events).Fields;
        Assert.Contains(("duration", "0"), fields);
        Assert.Contains(("user", ""), fields);
        Assert.Contains(("sessionid", "0A"), fields);
        Assert.Contains(("srcip", "192.0.2.1"), fields);
        RadiusPacket.Parse(first.Replies[0].Packet, out var unsigned);
        Assert.Equal(0, unsigned.Count(RadiusAttribute.MessageAuthenticator));
    }

    [Theory]
    [InlineData(8, 8, true)]
    [InlineData(9, 0, false)]
    public void Proxy_States_of_more_than_2048_bytes_are_refused(int large, int rest, bool answered)
    {
        // Each has a head of two bytes: 8 times 253 + 2, and 8.
        var states = Enumerable.Repeat("Proxy-State=0x" + new string('a', 2 * 253), large).ToList();
        if (rest > 0)
        {
            states.Add("Proxy-State=0x" + new string('b', 2 * (rest - 2)));
        }
        Assert.Equal(answered ? 1 : 0, Send("bob", "bob-password", null, [.. states]).Step.Replies.Count);
        if (answered)
        {
            states[^1] += "bb";
            Assert.Empty(Send("bob", "bob-password", null, [.. states]).Step.Replies);
        }
    }

    [Fact]
    public void An_answer_without_its_Message_Authenticator_is_the_same_answer_otherwise()
    {
        var (authenticator, step) = Send("cat", "cat-password", null, "Proxy-State=0x0102");
        var reply = Assert.Single(step.Replies);
        RadiusPacket.Parse(reply.Packet, out var genuine);
        var bytes = FacForgery.WithoutMessageAuthenticator(reply);
        Assert.Equal(RadiusDefect.None, RadiusPacket.Parse(bytes, out var stripped));
        Assert.Equal((genuine.Code, genuine.Identifier), (stripped.Code, stripped.Identifier));
        Assert.Equal(0, stripped.Count(RadiusAttribute.MessageAuthenticator));
        Assert.True(Secret.IsAnswer(stripped, authenticator));
        Assert.Equal(FieldsOf(reply.Packet).Where(field => field.Type != RadiusAttribute.MessageAuthenticator), FieldsOf(bytes));
        Assert.Equal(bytes.Length, reply.Packet.Length - 18);
    }

    [Fact]
    public void A_forged_accept_has_the_form_of_one_and_not_the_secret()
    {
        var (authenticator, step) = Send("bob", "wrong");
        var reply = Assert.Single(step.Replies);
        var bytes = FacForgery.Accept(reply);
        Assert.Equal(RadiusDefect.None, RadiusPacket.Parse(bytes, out var forged));
        Assert.Equal((RadiusCode.AccessAccept, reply.Packet[1]), (forged.Code, forged.Identifier));
        Assert.Equal(1, forged.Count(RadiusAttribute.MessageAuthenticator));
        Assert.False(Secret.IsAnswer(forged, authenticator));
        Assert.False(Secret.IsSigned(forged, authenticator));
        var accounting = Receive(Accounting("Acct-Status-Type=1 Acct-Session-Id=\"0A\""), way: FacWay.Accounting);
        RadiusPacket.Parse(FacForgery.Accept(accounting.Replies[0]), out var response);
        Assert.Equal(RadiusCode.AccountingResponse, response.Code);
    }

    [Theory]
    [InlineData("198.51.100.7", "198.51.100.7")]
    [InlineData("2001:db8::1", "2001:db8::1")]
    [InlineData("00-11-22-33-44-55", "192.0.2.1")]
    [InlineData("0000:0000:0000:0000:0000:ffff:255.255.255.255", "::ffff:255.255.255.255")]
    [InlineData("0000:0000:0000:0000:0000:ffff:255.255.255.2555", "192.0.2.1")]
    public void A_push_names_the_address_of_the_user_if_the_request_has_one(string station, string named)
    {
        Boot(Settings(policy: "push-without-challenge"));
        var push = Assert.Single(Send("ann", "ann-password", null, $"Calling-Station-Id=\"{station}\"").Step.Pushes);
        Assert.Equal(IPAddress.Parse(named), push.ClientAddress);
    }

    [Fact]
    public void Rows_of_other_kinds_are_not_logins()
    {
        Records.Add(new FacRecord("other/1", "text", DateTimeOffset.MaxValue));
        Records.Add(new FacRecord("LOGIN/1", "text", DateTimeOffset.MaxValue));
        Boot(Settings(), keep: true);
        Assert.Equal(0, Core.PendingCount);
        Assert.Null(Radius.NextExpiry);
    }

    private static string Reason(FacStep step) => Assert.IsType<FacVerdict.Reject>(step.Answer).Reason;

    private static string FieldsOf(EventEntry entry) => string.Join(' ', entry.Fields.Select(field => $"{field.Name}={field.Value}"));

    private static List<(RadiusAttribute Type, string Value)> FieldsOf(byte[] bytes)
    {
        RadiusPacket.Parse(bytes, out var packet);
        var fields = new List<(RadiusAttribute, string)>();
        foreach (var field in packet)
        {
            fields.Add((field.Type, Convert.ToHexString(field.Value)));
        }
        return fields;
    }

    private static byte[] Accounting(string attributes, byte identifier = 1) =>
        PacketScript.Encode($"Accounting-Request {identifier} {new string('0', 32)} {attributes}", Secret);
}
