using System.Net;
using System.Text;
using Appliance.Firmware.Radius;
using Appliance.Firmware.Tokens;
using Appliance.Sim.Fac;
using Appliance.Sim.Phones;
using Xunit;
using static Appliance.Tests.Radius.FacFixture;

namespace Appliance.Tests.Radius;

/// <summary>The stand-in's rules and wire, with no clock, socket or chance.</summary>
public sealed class FacCoreTests
{
    private static readonly DateTimeOffset Start = new(2026, 1, 5, 12, 0, 0, TimeSpan.Zero);
    private static readonly IPEndPoint Nas = IPEndPoint.Parse("192.0.2.1:5000");
    private readonly TokenCore _tokens = new();
    private readonly List<FacRecord> _records = [];
    private FacCore _core = null!;
    private FacRadius _radius = null!;
    private DateTimeOffset _now = Start;
    private byte _next;

    public FacCoreTests() => Boot(Settings());

    [Theory]
    [InlineData("bob", "bob-password", RadiusCode.AccessAccept)]
    [InlineData("bob", "wrong", RadiusCode.AccessReject)]
    [InlineData("nobody", "bob-password", RadiusCode.AccessReject)]
    [InlineData("BOB", "bob-password", RadiusCode.AccessReject)]
    [InlineData("bob", "", RadiusCode.AccessReject)]
    public void Password(string user, string password, RadiusCode code) => Assert.Equal(code, Ask(user, password).Code);

    [Theory]
    [InlineData("code-or-empty", "ann", FacCore.CodeOrEmptyText)]
    [InlineData("type-push", "ann", FacCore.TypePushText)]
    [InlineData("code-or-empty", "cat", FacCore.CodeOnlyText)]
    public void TheChallengeIsThatOfTheProduct(string policy, string user, string text)
    {
        Boot(Settings(policy: policy));
        var (code, shown, state) = Ask(user, user + "-password");
        Assert.Equal(RadiusCode.AccessChallenge, code);
        Assert.Contains($"Reply-Message=\"{text}\"", shown, StringComparison.Ordinal);
        Assert.Contains("Fortinet-FAC-Challenge-Code=\"001\"", shown, StringComparison.Ordinal);
        Assert.Matches("^[0-9]{10}$", state);
    }

    [Fact]
    public void CodeOnce()
    {
        var state = Ask("cat", "cat-password").State;
        var code = Code("cat", _now);
        var accepted = Ask("cat", code, state);
        Assert.Equal(RadiusCode.AccessAccept, accepted.Code);
        Assert.Contains("Fortinet-Group-Name=\"vpn-users\"", accepted.Text, StringComparison.Ordinal);
        Assert.Equal(RadiusCode.AccessReject, Ask("cat", code, state).Code);
        Assert.Equal(RadiusCode.AccessReject, Ask("cat", code, Ask("cat", "cat-password").State).Code);
        Assert.Equal(RadiusCode.AccessReject, Ask("cat", "cat-password" + code).Code);
        _now = _now.AddSeconds(60);
        Assert.Equal(RadiusCode.AccessAccept, Ask("cat", "cat-password" + Code("cat", _now)).Code);
    }

    [Theory]
    [InlineData("")]
    [InlineData("push")]
    [InlineData("push1")]
    public void PushApproved(string answer)
    {
        var state = Ask("ann", "ann-password").State;
        var (authenticator, step) = Send("ann", answer, state);
        Assert.Empty(step.Replies);
        var push = Assert.Single(step.Pushes);
        var (accepted, decided) = _core.PushApproved(push.SessionId, Code("ann", _now), _now);
        Assert.True(accepted);
        Assert.Equal(RadiusCode.AccessAccept, Read(Assert.Single(Settle(decided).Replies).Packet, authenticator).Code);
        Assert.False(_core.PushApproved(push.SessionId, Code("ann", _now), _now).Accepted);
        Assert.Equal((0, 0, 0), (_core.PendingCount, _core.PushCount, _radius.WaitingCount));
    }

    [Theory]
    [InlineData("push2")]
    [InlineData("push ")]
    [InlineData("PUSH")]
    public void WhatIsNoPushIsAWrongCode(string answer) => Assert.Equal(RadiusCode.AccessReject, Ask("ann", answer, Ask("ann", "ann-password").State).Code);

    [Fact]
    public void PushDenied()
    {
        var (authenticator, step) = Send("ann", "", Ask("ann", "ann-password").State);
        var session = step.Pushes[0].SessionId;
        Assert.False(_core.PushDenied(session, "no", new byte[32], _now).Accepted);
        var hmac = Convert.FromHexString(AlertSignature.Compute("lab-seed-of-ann-0001"u8, session, "no"));
        var (accepted, decided) = _core.PushDenied(session, "no", hmac, _now);
        Assert.True(accepted);
        Assert.Equal(RadiusCode.AccessReject, Read(Assert.Single(Settle(decided).Replies).Packet, authenticator).Code);
    }

    [Fact]
    public void APushThatNobodyAnswersIsRejected()
    {
        var (authenticator, _) = Send("ann", "", Ask("ann", "ann-password").State);
        _now = _now.AddSeconds(59);
        Assert.Empty(Settle(_core.Tick(_now)).Replies);
        _now = _now.AddSeconds(1);
        Assert.Equal(RadiusCode.AccessReject, Read(Assert.Single(Settle(_core.Tick(_now)).Replies).Packet, authenticator).Code);
        Assert.Equal(0, _core.PendingCount);
    }

    [Fact]
    public void ARepeatedRequestIsTheSameRequest()
    {
        var authenticator = Authenticator();
        var request = Request(9, authenticator, "ann", "ann-password");
        var challenge = Assert.Single(Receive(request).Replies).Packet;
        var again = Assert.Single(Receive(request).Replies).Packet;
        Assert.Equal(Convert.ToHexString(challenge), Convert.ToHexString(again));
        Assert.Equal(1, _core.PendingCount);

        var state = Read(challenge, authenticator).State;
        authenticator = Authenticator();
        request = Request(10, authenticator, "ann", "", state);
        var push = Assert.Single(Receive(request).Pushes);
        for (var retry = 0; retry < 5; retry++)
        {
            var step = Receive(request);
            Assert.True(step.Replies.Count == 0 && step.Pushes.Count == 0);
        }
        // Another request of the same login (the client gave the first up) waits with the push that is out.
        var other = Authenticator();
        Assert.Empty(Receive(Request(11, other, "ann", "push", state)).Pushes);
        var (_, decided) = _core.PushApproved(push.SessionId, Code("ann", _now), _now);
        var reply = Assert.Single(Settle(decided).Replies);
        Assert.Equal(RadiusCode.AccessAccept, Read(reply.Packet, other).Code);
        Assert.Equal(Convert.ToHexString(reply.Packet), Convert.ToHexString(Assert.Single(Receive(Request(11, other, "ann", "push", state)).Replies).Packet));
        // Forgotten in the end.
        _now = _now.AddSeconds(91);
        Receive(Request(12, Authenticator(), "bob", "bob-password"));
        _now = _now.AddSeconds(91);
        Assert.Equal(RadiusCode.AccessReject, Read(Assert.Single(Receive(Request(11, other, "ann", "push", state)).Replies).Packet, other).Code);
    }

    /// <summary>Nobody is sent twice what is not durable yet.</summary>
    [Fact]
    public void AnUndurableAnswerIsNotRepeated()
    {
        var request = Request(1, Authenticator(), "cat", "cat-password" + Code("cat", _now));
        var step = _radius.Receive(request, Nas, FacWay.Authentication, _now);
        Assert.Single(step.Memory);
        Assert.Empty(_radius.Receive(request, Nas, FacWay.Authentication, _now).Replies);
        _radius.Sent(step.Replies[0]);
        Assert.Single(_radius.Receive(request, Nas, FacWay.Authentication, _now).Replies);
    }

    [Fact]
    public void ARestartForgetsNothingThatCounts()
    {
        var (authenticator, step) = Send("ann", "", Ask("ann", "ann-password").State);
        var open = Ask("dan", "dan-password").State;
        Boot(Settings(), keep: true);
        // The push is still out, and who waited still waits.
        Assert.Equal((2, 1, 1), (_core.PendingCount, _core.PushCount, _radius.WaitingCount));
        var (accepted, decided) = _core.PushApproved(step.Pushes[0].SessionId, Code("ann", _now), _now);
        Assert.True(accepted);
        Assert.Equal(RadiusCode.AccessAccept, Read(Assert.Single(Settle(decided).Replies).Packet, authenticator).Code);
        Assert.Equal(RadiusCode.AccessAccept, Ask("dan", Code("dan", _now), open).Code);
        var request = _lastRequest;
        Boot(Settings(), keep: true);
        // The accept got lost with the restart: whoever asks again gets the same, and no second decision.
        var again = Receive(request);
        Assert.Empty(again.Memory);
        Assert.Empty(again.Events);
        Assert.Equal(RadiusCode.AccessAccept, (RadiusCode)Assert.Single(again.Replies).Packet[0]);
    }

    [Fact]
    public void PushWithoutChallenge()
    {
        Boot(Settings(policy: "push-without-challenge"));
        var (authenticator, step) = Send("ann", "ann-password");
        var push = Assert.Single(step.Pushes);
        Assert.Empty(Send("ann", "ann-password").Step.Pushes);
        var other = _lastAuthenticator;
        var reply = Assert.Single(Settle(_core.PushApproved(push.SessionId, Code("ann", _now), _now).Step).Replies);
        Assert.Equal(RadiusCode.AccessAccept, Read(reply.Packet, other).Code);
        Assert.NotEqual(authenticator, other);
        // Code supplied: no push.
        _now = _now.AddSeconds(60);
        Assert.Equal(RadiusCode.AccessAccept, Ask("ann", "ann-password" + Code("ann", _now)).Code);
        Assert.Equal(RadiusCode.AccessReject, Ask("cat", "cat-password").Code);
    }

    [Fact]
    public void AChallengeIsBoundToItsUserAndClient()
    {
        var state = Ask("cat", "cat-password").State;
        Assert.Equal(RadiusCode.AccessReject, Ask("dan", Code("dan", _now), state).Code);
        var authenticator = Authenticator();
        var step = _radius.Receive(Request(1, authenticator, "cat", Code("cat", _now), state), IPEndPoint.Parse("192.0.2.2:5000"), FacWay.Authentication, _now);
        Assert.Equal(RadiusCode.AccessReject, Read(step.Replies[0].Packet, authenticator).Code);
        Assert.Equal(RadiusCode.AccessAccept, Ask("cat", Code("cat", _now), state).Code);
    }

    [Fact]
    public void GuessingLocksOut()
    {
        for (var attempt = 0; attempt < 5; attempt++)
        {
            Assert.Equal(RadiusCode.AccessReject, Ask("bob", "wrong").Code);
        }
        Assert.Equal(RadiusCode.AccessReject, Ask("bob", "bob-password").Code);
        _now = _now.AddSeconds(60);
        Assert.Equal(RadiusCode.AccessAccept, Ask("bob", "bob-password").Code);
    }

    [Fact]
    public void ProxyStatesComeBackInOrder()
    {
        var (authenticator, step) = Send("bob", "bob-password", null, "Proxy-State=0x0102", "Proxy-State=0x03");
        Assert.EndsWith("Proxy-State=0x0102 Proxy-State=0x03", Read(step.Replies[0].Packet, authenticator).Text, StringComparison.Ordinal);
    }

    /// <summary>What gets no answer, and why.</summary>
    [Fact]
    public void SilenceIsCounted()
    {
        var good = Request(1, Authenticator(), "bob", "bob-password");
        var forged = (byte[])good.Clone();
        forged[^1] ^= 1;
        foreach (var datagram in new[]
        {
            forged, Request(2, Authenticator(), "bob", "bob-password", sign: false), good[..19], good[..30], [.. good[..20].Select((octet, index) => index == 3 ? (byte)19 : octet)],
            PacketScript.Encode($"Accounting-Request 3 {new string('0', 32)} Acct-Status-Type=1 Acct-Session-Id=\"1\"", Secret),
            PacketScript.Encode($"Access-Accept 3 {new string('0', 32)} Message-Authenticator", Secret),
            PacketScript.Encode($"Access-Request 3 {new string('0', 32)} Message-Authenticator User-Password=\"x\"", Secret),
            PacketScript.Encode($"Access-Request 3 {new string('0', 32)} Message-Authenticator User-Name=\"bob\"{string.Concat(Enumerable.Repeat(" Proxy-State=0x" + new string('a', 500), 9))}", Secret),
        })
        {
            Assert.Empty(Receive(datagram).Replies);
        }
        Assert.Equal(
            ["bad_message_authenticator 1", "long_proxy_state 1", "malformed_BadLength 2", "malformed_TooShort 1", "no_message_authenticator 1", "no_user_name 1", "wrong_code 2"],
            _radius.Dropped.Select(pair => $"{pair.Key} {pair.Value}"));
        Boot(Settings(requireMessageAuthenticator: false));
        Assert.Single(Receive(Request(2, Authenticator(), "bob", "bob-password", sign: false)).Replies);
        Assert.Empty(Receive(forged).Replies);
    }

    [Fact]
    public void AUserThatCannotBeServedIsRejected()
    {
        var authenticator = Authenticator();
        var eap = PacketScript.Encode($"Access-Request 3 {Convert.ToHexString(authenticator)} Message-Authenticator User-Name=\"bob\" EAP-Message=0x0200000801626f62", Secret);
        Assert.Equal(RadiusCode.AccessReject, Read(Assert.Single(Receive(eap).Replies).Packet, authenticator).Code);
    }

    [Theory]
    [InlineData(1, "start")]
    [InlineData(2, "stop")]
    [InlineData(3, "interim-update")]
    public void AccountingIsAnsweredAndShown(int type, string action)
    {
        var request = PacketScript.Encode($"Accounting-Request 5 {new string('0', 32)} User-Name=\"ann\" Acct-Status-Type={type} Acct-Session-Id=\"0A\" Acct-Session-Time=42 Acct-Input-Octets=7 Acct-Output-Octets=8", Secret);
        var step = _radius.Receive(request, Nas, FacWay.Accounting, _now);
        var entry = Assert.Single(step.Events);
        Assert.Contains(("action", $"accounting-{action}"), entry.Fields);
        Assert.Contains(("duration", "42"), entry.Fields);
        _radius.Sent(step.Replies[0]);
        RadiusPacket.Parse(step.Replies[0].Packet, out var reply);
        Assert.Equal(RadiusCode.AccountingResponse, reply.Code);
        Assert.True(Secret.IsAnswer(reply, request.AsSpan(4, 16)));
        Assert.Empty(_radius.Receive(request, Nas, FacWay.Accounting, _now).Events);
    }

    [Fact]
    public void Chap()
    {
        var authenticator = Authenticator();
        Span<byte> chap = stackalloc byte[17];
        chap[0] = 7;
        RadiusSecret.ChapDigest(7, "bob-password"u8, authenticator, chap[1..]);
        var request = PacketScript.Encode($"Access-Request 3 {Convert.ToHexString(authenticator)} Message-Authenticator User-Name=\"bob\" CHAP-Password=0x{Convert.ToHexString(chap)}", Secret);
        Assert.Equal(RadiusCode.AccessAccept, Read(Assert.Single(Receive(request).Replies).Packet, authenticator).Code);
    }

    private byte[] _lastRequest = [];
    private byte[] _lastAuthenticator = [];

    private void Boot(FacSettings settings, bool keep = false)
    {
        var seed = new Random(1 + _next);
        _core = new FacCore(settings, _tokens, "10.0.0.10", () => 443, span => seed.NextBytes(span));
        _radius = new FacRadius(settings, _core);
        if (!keep)
        {
            _records.Clear();
        }
        _core.Restore(_records);
        _radius.Restore(_records);
    }

    private byte[] Authenticator() => [.. Enumerable.Repeat((byte)++_next, 16)];

    private FacStep Receive(byte[] datagram) => Settle(_radius.Receive(datagram, Nas, FacWay.Authentication, _now));

    private FacStep Settle(FacStep step)
    {
        _radius.Settle(step, _now);
        foreach (var record in step.Records)
        {
            _records.RemoveAll(known => known.Key == record.Key);
            if (record.Value is not null)
            {
                _records.Add(record);
            }
        }
        foreach (var reply in step.Replies)
        {
            _radius.Sent(reply);
        }
        return step;
    }

    private (byte[] Authenticator, FacStep Step) Send(string user, string password, string? state = null, params string[] more)
    {
        _lastAuthenticator = Authenticator();
        _lastRequest = Request(_next, _lastAuthenticator, user, password, state, more: more);
        return (_lastAuthenticator, Receive(_lastRequest));
    }

    private (RadiusCode Code, string Text, string State) Ask(string user, string password, string? state = null)
    {
        var (authenticator, step) = Send(user, password, state);
        return Read(Assert.Single(step.Replies).Packet, authenticator);
    }
}
