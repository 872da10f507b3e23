using System.Buffers.Binary;
using System.Net;
using Appliance.Firmware.Radius;
using Xunit;

namespace Appliance.Tests.Radius;

/// <summary>The RADIUS client: the next server, invalid replies, and the notifications of a request's owner.</summary>
public sealed class RadiusClientRulesTests
{
    private static readonly DateTimeOffset Start = new(2026, 1, 5, 12, 0, 0, TimeSpan.Zero);
    private static readonly IPAddress Local = IPAddress.Parse("10.0.0.1");
    private static readonly IPEndPoint Primary = IPEndPoint.Parse("10.0.0.10:1812");
    private static readonly IPEndPoint Secondary = IPEndPoint.Parse("10.0.0.11:1812");
    private static readonly RadiusSecret Secret = new("one");
    private static readonly RadiusSettings Settings = new(
        "fac",
        [new(Primary, Secret), new(Secondary, Secret) { Attribute = "secondary-server" }],
        [RadiusScheme.Pap]
    )
    {
        Timeout = TimeSpan.FromSeconds(5),
        ServerTime = TimeSpan.FromSeconds(5),
        DeadTime = TimeSpan.FromSeconds(300),
    };

    private readonly RadiusClientCore _core;
    private readonly List<string> _notices = [];
    private DateTimeOffset _now = Start;

    public RadiusClientRulesTests()
    {
        var random = new Random(1);
        _core = new RadiusClientCore(span => random.NextBytes(span));
    }

    [Theory]
    [InlineData(5, 0)]
    [InlineData(6, 1)]
    public void Six_silent_tries_in_a_row_leave_a_server_out(int silent, int asked)
    {
        Silence(silent);
        Assert.Equal(asked, ServerOf(Ask()));
    }

    [Fact]
    public void An_answer_between_them_starts_the_count_of_silent_tries_anew()
    {
        Silence(5);
        Answer(Ask(), RadiusCode.AccessReject);
        Silence(5);
        Assert.Equal(0, ServerOf(Ask()));
        Silence(1, begun: true);
        Assert.Equal(1, ServerOf(Ask()));
    }

    [Fact]
    public void A_server_is_left_out_for_status_ttl_and_no_longer()
    {
        Silence(6);
        _now += Settings.DeadTime - TimeSpan.FromTicks(1);
        Assert.Equal(1, ServerOf(Ask()));
        _now += TimeSpan.FromTicks(1);
        Assert.Equal(0, ServerOf(Ask()));
    }

    [Fact]
    public void A_phone_that_is_waited_for_is_not_silence()
    {
        var challenge = Challenge();
        for (var wait = 0; wait < 10; wait++)
        {
            Ask(challenge);
            _now += Settings.ServerTime;
            Assert.IsType<RadiusResult.NoAnswer>(Assert.Single(_core.Tick(_now).Finished).Result);
        }
        Assert.Equal(0, ServerOf(Ask()));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void A_challenge_is_answered_to_the_server_that_sent_it_however_silent_it_was(int server)
    {
        var send = Ask();
        if (server == 1)
        {
            _now += Settings.ServerTime;
            send = Assert.Single(_core.Tick(_now).Sends);
        }
        var challenge = Assert.IsType<RadiusResult.Challenge>(Assert.Single(Answer(send, RadiusCode.AccessChallenge).Finished).Result);
        Assert.Equal(server, challenge.Server);
        Silence(server == 1 ? 5 : 6);
        Assert.Equal(server, ServerOf(Ask(challenge)));
        // Only this server is queried, and no other one after it.
        _now += Settings.ServerTime;
        Assert.Empty(_core.Tick(_now).Sends);
    }

    [Fact]
    public void A_request_is_repeated_each_timeout_and_not_before()
    {
        var settings = Settings with { ServerTime = TimeSpan.FromSeconds(12) };
        var first = Assert.Single(Begin(settings).Sends);
        Assert.Equal(_now + settings.Timeout, _core.NextDeadline);
        _now += settings.Timeout - TimeSpan.FromTicks(1);
        Assert.Empty(_core.Tick(_now).Sends);
        _now += TimeSpan.FromTicks(1);
        Assert.Equal(Convert.ToHexString(first.Packet), Convert.ToHexString(Assert.Single(_core.Tick(_now).Sends).Packet));
        Assert.Equal(2, _core.Counts.Requests);
    }

    [Fact]
    public void A_broken_connection_is_made_anew_once_and_then_the_next_server_is_asked()
    {
        var settings = Settings with { Transport = RadiusTransport.Tcp };
        var first = Assert.Single(Begin(settings).Sends);
        var again = Assert.Single(_core.Lost(first.Channel, first.Port, wasConnected: true, "broken", _now).Sends);
        Assert.Equal((Primary, Convert.ToHexString(first.Packet)), (again.To, Convert.ToHexString(again.Packet)));
        var next = Notified(_core.Lost(first.Channel, first.Port, wasConnected: true, "broken again", _now));
        Assert.Equal(Secondary, Assert.Single(next.Sends).To);
        Assert.Equal(["0", "0 broken again", "1"], _notices);
        // One that could not be made at all is not tried again.
        var lost = Notified(_core.Lost(next.Sends[0].Channel, next.Sends[0].Port, wasConnected: false, "refused", _now));
        Assert.Empty(lost.Sends);
        Assert.Equal(1, Assert.IsType<RadiusResult.NoAnswer>(Assert.Single(lost.Finished).Result).Server);
    }

    [Fact]
    public void Another_connection_that_breaks_changes_nothing()
    {
        var first = Assert.Single(Begin(Settings with { Transport = RadiusTransport.Tcp }).Sends);
        var step = _core.Lost(first.Channel, first.Port + 1, wasConnected: true, "broken", _now);
        Assert.Empty(step.Sends);
        Assert.Empty(_core.Lost(first.Channel + "x", first.Port, wasConnected: true, "broken", _now).Sends);
        Assert.Equal(1, _core.Count);
    }

    /// <summary>RFC 3579, 3.2: one Message-Authenticator. Of two, none is believed, right as the first may be.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Two_Message_Authenticators_are_none(bool required)
    {
        var send = Assert.Single(Begin(Settings with { RequireMessageAuthenticator = required }).Sends);
        var reply = Reply(
            send,
            RadiusCode.AccessAccept,
            more: (ref RadiusWriter writer) => writer.Add(RadiusAttribute.MessageAuthenticator, new byte[16])
        );
        Assert.Empty(Receive(send, reply).Finished);
        Assert.Equal(1, _core.IgnoredFor(RadiusRefusal.WrongMessageAuthenticator));
        Assert.Single(Receive(send, Reply(send, RadiusCode.AccessAccept)).Finished);
    }

    /// <summary>The second one is not accepted for the first, either.</summary>
    [Fact]
    public void A_right_Message_Authenticator_behind_a_wrong_one_is_none()
    {
        const int SecondAt = RadiusPacket.HeaderLength + 18 + 2;
        var send = Ask();
        byte[] reply =
        [
            (byte)RadiusCode.AccessAccept,
            send.Packet[1],
            0,
            56,
            .. send.Packet.AsSpan(4, 16),
            80,
            18,
            .. Enumerable.Repeat((byte)7, 16),
            80,
            18,
            .. new byte[16],
        ];
        System.Security.Cryptography.HMACMD5.HashData("one"u8, reply).CopyTo(reply, SecondAt);
        System.Security.Cryptography.MD5.HashData([.. reply, .. "one"u8]).CopyTo(reply, 4);
        Assert.Empty(Receive(send, reply).Finished);
        Assert.Equal(1, _core.IgnoredFor(RadiusRefusal.WrongMessageAuthenticator));
    }

    /// <summary>RFC 2865, 3: at most 4,096 bytes. Bytes after the packet in a datagram are padding.</summary>
    [Fact]
    public void A_packet_has_at_most_4096_bytes()
    {
        var send = Ask();
        var full = Reply(
            send,
            RadiusCode.AccessAccept,
            more: (ref RadiusWriter writer) =>
            {
                while (writer.Room > 0)
                {
                    writer.Add(RadiusAttribute.ReplyMessage, new byte[Math.Min(RadiusWriter.ValueMax, writer.Room - 2)]);
                }
            }
        );
        Assert.Equal(4096, full.Length);
        byte[] longer = [.. full, 0];
        BinaryPrimitives.WriteUInt16BigEndian(longer.AsSpan(2), 4097);
        Assert.Empty(Receive(send, longer).Finished);
        Assert.Equal(1, _core.IgnoredFor(RadiusRefusal.Malformed));
        Assert.Single(Receive(send, [.. full, 0]).Finished);
    }

    [Theory]
    [InlineData(4096, RadiusDefect.None)]
    [InlineData(4097, RadiusDefect.BadLength)]
    public void A_length_beyond_4096_is_no_packet(int length, RadiusDefect defect)
    {
        var datagram = new byte[length];
        datagram[0] = (byte)RadiusCode.AccessRequest;
        BinaryPrimitives.WriteUInt16BigEndian(datagram.AsSpan(2), (ushort)length);
        for (var at = RadiusPacket.HeaderLength; at < length; at += datagram[at + 1])
        {
            (datagram[at], datagram[at + 1]) = ((byte)RadiusAttribute.ReplyMessage, (byte)Math.Min(200, length - at));
        }
        Assert.Equal(defect, RadiusPacket.Parse(datagram, out _));
    }

    [Fact]
    public void The_owner_is_notified_of_each_server_and_why_it_gave_no_answer()
    {
        var send = Ask();
        Notified(Receive(send, Reply(send, RadiusCode.AccessAccept, secret: new RadiusSecret("another"))));
        _now += Settings.ServerTime;
        Notified(_core.Tick(_now));
        Assert.Equal(["0", "0 WrongAuthenticator", "1"], _notices);
        _now += Settings.ServerTime;
        // A reply of the first server is no cause for the second.
        var none = Assert.IsType<RadiusResult.NoAnswer>(Assert.Single(_core.Tick(_now).Finished).Result);
        Assert.Equal((1, null), (none.Server, none.Because));
    }

    private static byte[] Reply(RadiusSend request, RadiusCode code, RadiusSecret? secret = null, More? more = null)
    {
        var buffer = new byte[RadiusPacket.LengthMax];
        var writer = new RadiusWriter(buffer, code, request.Packet[1], request.Packet.AsSpan(4, 16), sign: true);
        more?.Invoke(ref writer);
        return buffer[..writer.EndAnswer(secret ?? Secret)];
    }

    /// <summary>This many attempts at the first server get no reply; the second server rejects each time.</summary>
    private void Silence(int tries, bool begun = false)
    {
        for (var number = 0; number < tries; number++)
        {
            if (!begun)
            {
                Assert.Equal(Primary, Ask().To);
            }
            _now += Settings.ServerTime;
            foreach (var send in _core.Tick(_now).Sends)
            {
                Answer(send, RadiusCode.AccessReject);
            }
        }
    }

    private RadiusResult.Challenge Challenge() =>
        Assert.IsType<RadiusResult.Challenge>(Assert.Single(Answer(Ask(), RadiusCode.AccessChallenge).Finished).Result);

    private RadiusSend Ask(RadiusResult.Challenge? answers = null) => Assert.Single(Begin(Settings, answers).Sends);

    private RadiusClientStep Begin(RadiusSettings settings, RadiusResult.Challenge? answers = null)
    {
        var query = new RadiusQuery("ann", "ann-password", null, "test")
        {
            Answers = answers,
            Noticed = notice => _notices.Add($"{notice.Server} {notice.Refused}{notice.Failure}".TrimEnd()),
        };
        return Notified(_core.Start(query, settings, "port1", Local, _now, out _));
    }

    private static int ServerOf(RadiusSend send) => send.To.Equals(Primary) ? 0 : 1;

    private RadiusClientStep Answer(RadiusSend request, RadiusCode code) => Receive(request, Reply(request, code));

    private RadiusClientStep Receive(RadiusSend request, byte[] datagram) =>
        _core.Receive(request.Channel, request.Port, datagram, request.To, _now);

    private static RadiusClientStep Notified(RadiusClientStep step)
    {
        step.Notices.ForEach(notice => notice.Query.Noticed!(notice.Notice));
        return step;
    }

    private delegate void More(ref RadiusWriter writer);
}
