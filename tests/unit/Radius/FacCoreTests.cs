using System.Net;
using System.Text;
using Appliance.Doubles.FortiAuthenticator;
using Appliance.Doubles.Phones;
using Appliance.Firmware.Radius;
using Appliance.Firmware.Tokens;
using Xunit;
using static Appliance.Tests.Radius.FacFixture;

namespace Appliance.Tests.Radius;

/// <summary>The emulator's rules and wire format, without a clock, a socket or random values.</summary>
public sealed class FacCoreTests : FacRig
{
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
        var code = Code("cat", Now);
        var accepted = Ask("cat", code, state);
        Assert.Equal(RadiusCode.AccessAccept, accepted.Code);
        Assert.Contains("Fortinet-Group-Name=\"vpn-users\"", accepted.Text, StringComparison.Ordinal);
        Assert.Equal(RadiusCode.AccessReject, Ask("cat", code, state).Code);
        Assert.Equal(RadiusCode.AccessReject, Ask("cat", code, Ask("cat", "cat-password").State).Code);
        Assert.Equal(RadiusCode.AccessReject, Ask("cat", "cat-password" + code).Code);
        Now = Now.AddSeconds(60);
        Assert.Equal(RadiusCode.AccessAccept, Ask("cat", "cat-password" + Code("cat", Now)).Code);
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
        var (accepted, decided) = Core.PushApproved(push.SessionId, Code("ann", Now), Now);
        Assert.True(accepted);
        Assert.Equal(RadiusCode.AccessAccept, Read(Assert.Single(Settle(decided).Replies).Packet, authenticator).Code);
        Assert.False(Core.PushApproved(push.SessionId, Code("ann", Now), Now).Accepted);
        Assert.Equal((0, 0, 0), (Core.PendingCount, Core.PushCount, Radius.WaitingCount));
    }

    [Theory]
    [InlineData("push2")]
    [InlineData("push ")]
    [InlineData("PUSH")]
    public void WhatIsNoPushIsAWrongCode(string answer) =>
        Assert.Equal(RadiusCode.AccessReject, Ask("ann", answer, Ask("ann", "ann-password").State).Code);

    [Fact]
    public void PushDenied()
    {
        var (authenticator, step) = Send("ann", "", Ask("ann", "ann-password").State);
        var session = step.Pushes[0].SessionId;
        Assert.False(Core.PushDenied(session, "no", new byte[32], Now).Accepted);
        var hmac = Convert.FromHexString(AlertSignature.Compute("lab-seed-of-ann-0001"u8, session, "no"));
        var (accepted, decided) = Core.PushDenied(session, "no", hmac, Now);
        Assert.True(accepted);
        Assert.Equal(RadiusCode.AccessReject, Read(Assert.Single(Settle(decided).Replies).Packet, authenticator).Code);
    }

    [Fact]
    public void APushThatNobodyAnswersIsRejected()
    {
        var (authenticator, _) = Send("ann", "", Ask("ann", "ann-password").State);
        Now = Now.AddSeconds(59);
        Assert.Empty(Settle(Core.Tick(Now)).Replies);
        Now = Now.AddSeconds(1);
        Assert.Equal(RadiusCode.AccessReject, Read(Assert.Single(Settle(Core.Tick(Now)).Replies).Packet, authenticator).Code);
        Assert.Equal(0, Core.PendingCount);
    }

    [Fact]
    public void ARepeatedRequestIsTheSameRequest()
    {
        var authenticator = Authenticator();
        var request = Request(9, authenticator, "ann", "ann-password");
        var challenge = Assert.Single(Receive(request).Replies).Packet;
        var again = Assert.Single(Receive(request).Replies).Packet;
        Assert.Equal(Convert.ToHexString(challenge), Convert.ToHexString(again));
        Assert.Equal(1, Core.PendingCount);

        var state = Read(challenge, authenticator).State;
        authenticator = Authenticator();
        request = Request(10, authenticator, "ann", "", state);
        var push = Assert.Single(Receive(request).Pushes);
        for (var retry = 0; retry < 5; retry++)
        {
            var step = Receive(request);
            Assert.True(step.Replies.Count == 0 && step.Pushes.Count == 0);
        }
        // Another request of the same challenge is no repetition: the push is not for it.
        var other = Authenticator();
        var refused = Receive(Request(11, other, "ann", "push", state));
        Assert.Empty(refused.Pushes);
        Assert.Equal(RadiusCode.AccessReject, Read(Assert.Single(refused.Replies).Packet, other).Code);
        var (_, decided) = Core.PushApproved(push.SessionId, Code("ann", Now), Now);
        var reply = Assert.Single(Settle(decided).Replies);
        Assert.Equal(RadiusCode.AccessAccept, Read(reply.Packet, authenticator).Code);
        Assert.Equal(Convert.ToHexString(reply.Packet), Convert.ToHexString(Assert.Single(Receive(request).Replies).Packet));
        // Forgotten in the end.
        Now = Now.AddSeconds(91);
        Receive(Request(12, Authenticator(), "bob", "bob-password"));
        Now = Now.AddSeconds(91);
        Assert.Equal(RadiusCode.AccessReject, Read(Assert.Single(Receive(request).Replies).Packet, authenticator).Code);
    }

    /// <summary>No client receives a repeated answer that is not durable yet.</summary>
    [Fact]
    public void AnUndurableAnswerIsNotRepeated()
    {
        var request = Request(1, Authenticator(), "cat", "cat-password" + Code("cat", Now));
        var step = Radius.Receive(request, Nas, FacWay.Authentication, Now);
        Assert.Single(step.Memory);
        Assert.Empty(Radius.Receive(request, Nas, FacWay.Authentication, Now).Replies);
        Radius.Sent(step.Replies[0]);
        Assert.Single(Radius.Receive(request, Nas, FacWay.Authentication, Now).Replies);
    }

    [Fact]
    public void ARestartForgetsNothingThatCounts()
    {
        var (authenticator, step) = Send("ann", "", Ask("ann", "ann-password").State);
        var open = Ask("dan", "dan-password").State;
        Boot(Settings(), keep: true);
        // The push is still pending, and so is the request.
        Assert.Equal((2, 1, 1), (Core.PendingCount, Core.PushCount, Radius.WaitingCount));
        var (accepted, decided) = Core.PushApproved(step.Pushes[0].SessionId, Code("ann", Now), Now);
        Assert.True(accepted);
        Assert.Equal(RadiusCode.AccessAccept, Read(Assert.Single(Settle(decided).Replies).Packet, authenticator).Code);
        Assert.Equal(RadiusCode.AccessAccept, Ask("dan", Code("dan", Now), open).Code);
        var request = LastRequest;
        Boot(Settings(), keep: true);
        // The accept was lost with the restart: a client that repeats the request gets the same answer, and no second decision.
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
        var reply = Assert.Single(Settle(Core.PushApproved(push.SessionId, Code("ann", Now), Now).Step).Replies);
        Assert.Equal(RadiusCode.AccessAccept, Read(reply.Packet, authenticator).Code);
        // Code supplied: no push.
        Now = Now.AddSeconds(60);
        Assert.Equal(RadiusCode.AccessAccept, Ask("ann", "ann-password" + Code("ann", Now)).Code);
        Assert.Equal(RadiusCode.AccessReject, Ask("cat", "cat-password").Code);
    }

    [Fact]
    public void AChallengeIsBoundToItsUserAndClient()
    {
        var state = Ask("cat", "cat-password").State;
        Assert.Equal(RadiusCode.AccessReject, Ask("dan", Code("dan", Now), state).Code);
        var authenticator = Authenticator();
        var step = Radius.Receive(
            Request(1, authenticator, "cat", Code("cat", Now), state),
            IPEndPoint.Parse("192.0.2.2:5000"),
            FacWay.Authentication,
            Now
        );
        Assert.Equal(RadiusCode.AccessReject, Read(step.Replies[0].Packet, authenticator).Code);
        Assert.Equal(RadiusCode.AccessAccept, Ask("cat", Code("cat", Now), state).Code);
    }

    [Fact]
    public void GuessingLocksOut()
    {
        for (var attempt = 0; attempt < 5; attempt++)
        {
            Assert.Equal(RadiusCode.AccessReject, Ask("bob", "wrong").Code);
        }
        Assert.Equal(RadiusCode.AccessReject, Ask("bob", "bob-password").Code);
        Now = Now.AddSeconds(60);
        Assert.Equal(RadiusCode.AccessAccept, Ask("bob", "bob-password").Code);
    }

    [Fact]
    public void ProxyStatesComeBackInOrder()
    {
        var (authenticator, step) = Send("bob", "bob-password", null, "Proxy-State=0x0102", "Proxy-State=0x03");
        Assert.EndsWith("Proxy-State=0x0102 Proxy-State=0x03", Read(step.Replies[0].Packet, authenticator).Text, StringComparison.Ordinal);
    }

    /// <summary>The requests that get no answer, and the reasons.</summary>
    [Fact]
    public void SilenceIsCounted()
    {
        var good = Request(1, Authenticator(), "bob", "bob-password");
        var forged = (byte[])good.Clone();
        forged[^1] ^= 1;
        foreach (
            var datagram in new[]
            {
                forged,
                Request(2, Authenticator(), "bob", "bob-password", sign: false),
                good[..19],
                good[..30],
                [.. good[..20].Select((octet, index) => index == 3 ? (byte)19 : octet)],
                PacketScript.Encode($"Accounting-Request 3 {new string('0', 32)} Acct-Status-Type=1 Acct-Session-Id=\"1\"", Secret),
                PacketScript.Encode($"Access-Accept 3 {new string('0', 32)} Message-Authenticator", Secret),
                PacketScript.Encode($"Access-Request 3 {new string('0', 32)} Message-Authenticator User-Password=\"x\"", Secret),
                PacketScript.Encode(
                    $"Access-Request 3 {new string('0', 32)} Message-Authenticator User-Name=\"bob\"{string.Concat(Enumerable.Repeat(" Proxy-State=0x" + new string('a', 500), 9))}",
                    Secret
                ),
            }
        )
        {
            Assert.Empty(Receive(datagram).Replies);
        }
        Assert.Equal(
            [
                "bad_message_authenticator 1",
                "long_proxy_state 1",
                "malformed_BadLength 2",
                "malformed_TooShort 1",
                "no_message_authenticator 1",
                "no_user_name 1",
                "wrong_code 2",
            ],
            Radius.Dropped.Select(pair => $"{pair.Key} {pair.Value}")
        );
        Boot(Settings(requireMessageAuthenticator: false));
        Assert.Single(Receive(Request(2, Authenticator(), "bob", "bob-password", sign: false)).Replies);
        Assert.Empty(Receive(forged).Replies);
    }

    [Fact]
    public void AUserThatCannotBeServedIsRejected()
    {
        var authenticator = Authenticator();
        var eap = PacketScript.Encode(
            $"Access-Request 3 {Convert.ToHexString(authenticator)} Message-Authenticator User-Name=\"bob\" EAP-Message=0x0200000801626f62",
            Secret
        );
        Assert.Equal(RadiusCode.AccessReject, Read(Assert.Single(Receive(eap).Replies).Packet, authenticator).Code);
    }

    [Theory]
    [InlineData(1, "start")]
    [InlineData(2, "stop")]
    [InlineData(3, "interim-update")]
    public void AccountingIsAnsweredAndShown(int type, string action)
    {
        var request = PacketScript.Encode(
            $"Accounting-Request 5 {new string('0', 32)} User-Name=\"ann\" Acct-Status-Type={type} Acct-Session-Id=\"0A\" Acct-Session-Time=42 Acct-Input-Octets=7 Acct-Output-Octets=8",
            Secret
        );
        var step = Radius.Receive(request, Nas, FacWay.Accounting, Now);
        var entry = Assert.Single(step.Events);
        Assert.Contains(("action", $"accounting-{action}"), entry.Fields);
        Assert.Contains(("duration", "42"), entry.Fields);
        Radius.Sent(step.Replies[0]);
        RadiusPacket.Parse(step.Replies[0].Packet, out var reply);
        Assert.Equal(RadiusCode.AccountingResponse, reply.Code);
        Assert.True(Secret.IsAnswer(reply, request.AsSpan(4, 16)));
        Assert.Empty(Radius.Receive(request, Nas, FacWay.Accounting, Now).Events);
    }

    [Fact]
    public void Chap()
    {
        var authenticator = Authenticator();
        Span<byte> chap = stackalloc byte[17];
        chap[0] = 7;
        RadiusSecret.ChapDigest(7, "bob-password"u8, authenticator, chap[1..]);
        var request = PacketScript.Encode(
            $"Access-Request 3 {Convert.ToHexString(authenticator)} Message-Authenticator User-Name=\"bob\" CHAP-Password=0x{Convert.ToHexString(chap)}",
            Secret
        );
        Assert.Equal(RadiusCode.AccessAccept, Read(Assert.Single(Receive(request).Replies).Packet, authenticator).Code);
    }
}
