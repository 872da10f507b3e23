using System.Net;
using System.Text;
using Appliance.Doubles.FortiAuthenticator;
using Appliance.Firmware.Radius;
using Xunit;
using static Appliance.Tests.Radius.FacFixture;

namespace Appliance.Tests.Radius;

/// <summary>The emulator's store of requests, its retention time, and the detection of repeated packets.</summary>
public sealed class FacDuplicateTests : FacRig
{
    [Fact]
    public void A_row_holds_nothing_of_a_request_but_what_its_answer_needs()
    {
        Boot(Settings(policy: "push-without-challenge"));
        var (pending, _) = Send("dan", "dan-password", null, "Proxy-State=0x0102");
        var pendingRequest = LastRequest;
        Assert.Equal(RadiusCode.AccessAccept, Ask("cat", "cat-password" + Code("cat", Now)).Code);
        var answered = (LastRequest, LastAuthenticator);

        var waits = Assert.Single(Records, record => record.Key.StartsWith("wait/", StringComparison.Ordinal));
        Assert.Equal(RadiusDefect.None, RadiusPacket.Parse(Convert.FromBase64String(waits.Value!.Split(' ')[3]), out var kept));
        Assert.Equal([RadiusAttribute.ProxyState], Types(kept));
        Assert.Equal(pending, kept.Authenticator.ToArray());

        var answer = Assert.Single(Records, record => record.Key.StartsWith("answer/", StringComparison.Ordinal));
        Assert.Equal(64, answer.Key["answer/".Length..].Length);
        foreach (var (request, authenticator) in new[] { (pendingRequest, Array.Empty<byte>()), answered })
        {
            RadiusPacket.Parse(request, out var packet);
            Assert.True(packet.TryGet(RadiusAttribute.UserPassword, out var hidden));
            var password = hidden.ToArray();
            Assert.All(
                Records,
                record => Assert.False(Holds(record, password) || (authenticator.Length > 0 && Holds(record, authenticator)), record.Key)
            );
        }
        // Under another secret it is another request.
        Assert.Equal(64, Convert.ToHexString(Digest("one")).Length);
        Assert.NotEqual(Convert.ToHexString(Digest("one")), Convert.ToHexString(Digest("two")));
    }

    [Fact]
    public void An_answer_is_deleted_at_its_expiry()
    {
        Assert.Equal(RadiusCode.AccessAccept, Ask("cat", "cat-password" + Code("cat", Now)).Code);
        var expiry = Start.AddSeconds(90);
        Assert.Equal(expiry, Radius.NextExpiry);
        Now = expiry.AddTicks(-1);
        Tick();
        Assert.Single(Records, IsAnswer);
        Boot(Settings(), keep: true);
        Assert.Equal(expiry, Radius.NextExpiry);
        Now = expiry;
        Tick();
        Assert.DoesNotContain(Records, IsAnswer);
        Assert.Null(Radius.NextExpiry);
    }

    [Fact]
    public void A_pending_request_is_deleted_with_its_decision()
    {
        var push = Assert.Single(Send("ann", "", Ask("ann", "ann-password").State).Step.Pushes);
        Assert.Single(Records, record => record.Key.StartsWith("wait/", StringComparison.Ordinal));
        Settle(Core.PushApproved(push.SessionId, Code("ann", Now), Now).Step);
        Assert.DoesNotContain(Records, record => record.Key.StartsWith("wait/", StringComparison.Ordinal));
        Now = Now.AddSeconds(90);
        Tick();
        Assert.Empty(Records);
    }

    [Fact]
    public void An_answer_from_before_a_restart_is_given_to_its_own_request_alone()
    {
        var accepted = Ask("cat", "cat-password" + Code("cat", Now));
        var (request, authenticator) = (LastRequest, LastAuthenticator);
        Boot(Settings(), keep: true);
        var other = (byte[])[.. Enumerable.Repeat((byte)0x77, 16)];
        var same = Request(request[1], other, "cat", "cat-password" + Code("cat", Now));
        Assert.Equal(RadiusCode.AccessReject, Reply(Receive(same), other).Code);
        Boot(Settings(), keep: true);
        Assert.Equal(RadiusCode.AccessReject, Reply(Receive(request, IPEndPoint.Parse("192.0.2.1:5001")), authenticator).Code);
        Boot(Settings(), keep: true);
        var again = Receive(request, IPEndPoint.Parse("192.0.2.1:5000"));
        Assert.Equal(accepted.Text, Reply(again, authenticator).Text);
        Assert.Empty(again.Events);
        Assert.Empty(again.Memory);
    }

    /// <summary>The newest request of an identifier counts, whichever is pending.</summary>
    [Fact]
    public void A_pending_request_that_gave_its_identifier_up_does_not_hide_the_answer_of_the_next()
    {
        Boot(Settings(policy: "push-without-challenge"));
        Assert.Single(Receive(Request(7, Authenticator(), "dan", "dan-password")).Pushes);
        Now = Now.AddSeconds(10);
        var authenticator = Authenticator();
        var next = Request(7, authenticator, "cat", "cat-password" + Code("cat", Now));
        Assert.Equal(RadiusCode.AccessAccept, Reply(Receive(next), authenticator).Code);
        Boot(Settings(policy: "push-without-challenge"), keep: true);
        Assert.Equal(RadiusCode.AccessAccept, Reply(Receive(next), authenticator).Code);
    }

    /// <summary>A client may use an identifier again while copies of the request before it are still under way.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_copy_that_comes_after_its_identifier_was_used_again_is_still_a_repetition(bool restarted)
    {
        var (first, second) = (Authenticator(), Authenticator());
        var request = Request(7, first, "cat", "cat-password" + Code("cat", Now));
        var accepted = Assert.Single(Receive(request).Replies).Packet;
        var next = Request(7, second, "dan", "dan-password" + Code("dan", Now));
        Assert.Equal(RadiusCode.AccessAccept, Reply(Receive(next), second).Code);
        if (restarted)
        {
            Boot(Settings(), keep: true);
        }
        foreach (var (copy, authenticator) in new[] { (request, first), (next, second), (request, first) })
        {
            var step = Receive(copy);
            Assert.Equal(RadiusCode.AccessAccept, Reply(step, authenticator).Code);
            Assert.Empty(step.Events);
        }
        Assert.Equal(Convert.ToHexString(accepted), Convert.ToHexString(Receive(request).Replies[0].Packet));
    }

    /// <summary>The reply to a request arrives after its client has given up and reused the identifier.</summary>
    [Fact]
    public void A_late_answer_does_not_hide_the_pending_request_that_has_its_identifier_now()
    {
        Boot(Settings(policy: "push-without-challenge"));
        Assert.Single(Receive(Request(7, Authenticator(), "dan", "dan-password")).Pushes);
        Now = Now.AddSeconds(50);
        var authenticator = Authenticator();
        var next = Request(7, authenticator, "ann", "ann-password");
        var push = Assert.Single(Receive(next).Pushes);
        Now = Now.AddSeconds(10);
        Assert.Equal(["push_expired"], Reasons(Tick()));
        Boot(Settings(policy: "push-without-challenge"), keep: true);
        Assert.Empty(Receive(next).Pushes);
        Assert.Equal(1, Radius.Dropped["duplicate_undecided"]);
        var approved = Settle(Core.PushApproved(push.SessionId, Code("ann", Now), Now).Step);
        Assert.Equal(RadiusCode.AccessAccept, Reply(approved, authenticator).Code);
    }

    [Fact]
    public void Proxy_States_come_back_after_a_restart()
    {
        Boot(Settings(policy: "push-without-challenge"));
        var (authenticator, step) = Send("dan", "dan-password", null, "Proxy-State=0x0102", "Proxy-State=0x03");
        Boot(Settings(policy: "push-without-challenge"), keep: true);
        var approved = Settle(Core.PushApproved(step.Pushes[0].SessionId, Code("dan", Now), Now).Step);
        Assert.EndsWith("Proxy-State=0x0102 Proxy-State=0x03", Reply(approved, authenticator).Text, StringComparison.Ordinal);
    }

    /// <summary>Earlier versions stored whole requests: such rows are deleted, and their logins end by themselves.</summary>
    [Fact]
    public void Rows_of_an_earlier_version_are_deleted_by_the_first_tick()
    {
        var (_, step) = Send("ann", "", Ask("ann", "ann-password").State);
        var state = Assert.Single(Records, record => record.Key.StartsWith("wait/", StringComparison.Ordinal)).Key["wait/".Length..];
        var request = Convert.ToBase64String(LastRequest);
        Records.RemoveAll(record => !record.Key.StartsWith("login/", StringComparison.Ordinal));
        Records.Add(new FacRecord("wait/" + state, $"{Now.UtcTicks} {Nas} {request}", Now.AddSeconds(150)));
        Records.Add(new FacRecord($"answer/{Nas}/7", $"{Now.UtcTicks} {Nas} {request} {request}", Now.AddSeconds(90)));
        Boot(Settings(), keep: true);
        Assert.True(Radius.NextExpiry <= Now);
        Tick();
        Assert.All(Records, record => Assert.StartsWith("login/", record.Key, StringComparison.Ordinal));
        Assert.True(Core.PushApproved(step.Pushes[0].SessionId, Code("ann", Now), Now).Accepted);
    }

    /// <summary>A RadSec client repeats what was pending on a connection that broke, from another port.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Over_TLS_a_request_on_a_new_connection_is_a_repetition(bool restarted)
    {
        var radSec = new RadiusSecret("radsec");
        Boot(Settings(policy: "push-without-challenge"));
        var authenticator = Authenticator();
        var request = PacketScript.Encode(
            $"Access-Request 5 {Convert.ToHexString(authenticator)} Message-Authenticator User-Name=\"dan\" User-Password=\"dan-password\"",
            radSec
        );
        var push = Assert.Single(Receive(request, IPEndPoint.Parse("192.0.2.1:40000"), FacWay.RadSec).Pushes);
        if (restarted)
        {
            Boot(Settings(policy: "push-without-challenge"), keep: true);
        }
        var (next, third) = (IPEndPoint.Parse("192.0.2.1:40001"), IPEndPoint.Parse("192.0.2.1:40002"));
        var repeated = Receive(request, next, FacWay.RadSec);
        Assert.Empty(repeated.Pushes);
        Assert.Empty(repeated.Replies);
        // The same identifier on another connection is another request.
        var other = PacketScript.Encode(
            $"Access-Request 5 {Convert.ToHexString(Authenticator())} Message-Authenticator User-Name=\"bob\" User-Password=\"bob-password\"",
            radSec
        );
        Assert.Single(Receive(other, third, FacWay.RadSec).Replies);
        var approved = Settle(Core.PushApproved(push.SessionId, Code("dan", Now), Now).Step);
        Assert.Equal(next, Assert.Single(approved.Replies).To);
        if (restarted)
        {
            Boot(Settings(policy: "push-without-challenge"), keep: true);
        }
        var again = Assert.Single(Receive(request, third, FacWay.RadSec).Replies);
        Assert.Equal((third, Convert.ToHexString(approved.Replies[0].Packet)), (again.To, Convert.ToHexString(again.Packet)));
    }

    private static bool IsAnswer(FacRecord record) => record.Key.StartsWith("answer/", StringComparison.Ordinal);

    private static List<RadiusAttribute> Types(RadiusPacket packet)
    {
        var types = new List<RadiusAttribute>();
        foreach (var field in packet)
        {
            types.Add(field.Type);
        }
        return types;
    }

    /// <summary>True if a row holds bytes as they are, in hex, or in a base64 part.</summary>
    private static bool Holds(FacRecord record, byte[] bytes) =>
        (record.Key + " " + record.Value).Contains(Convert.ToHexString(bytes), StringComparison.OrdinalIgnoreCase)
        || record
            .Value!.Split(' ')
            .Any(part =>
                Convert.TryFromBase64String(part, new byte[part.Length], out var length)
                && Convert.FromBase64String(part).AsSpan()[..length].IndexOf(bytes) >= 0
            );

    private static byte[] Digest(string secret)
    {
        var digest = new byte[32];
        new RadiusSecret(secret).KeyedDigest(Encoding.ASCII.GetBytes("a request"), digest);
        return digest;
    }
}
