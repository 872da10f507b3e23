using System.Net;
using Appliance.Firmware.Radius;
using Xunit;

namespace Appliance.Tests.Radius;

/// <summary>The client's rules, with no clock, socket or chance.</summary>
public sealed class RadiusClientCoreTests
{
    private static readonly DateTimeOffset Start = new(2026, 1, 5, 12, 0, 0, TimeSpan.Zero);
    private static readonly IPAddress Local = IPAddress.Parse("10.0.0.1");
    private static readonly IPEndPoint Primary = IPEndPoint.Parse("10.0.0.10:1812");
    private static readonly IPEndPoint Secondary = IPEndPoint.Parse("10.0.0.11:1812");
    private static readonly RadiusSecret Secret = new("one");
    private static readonly RadiusSecret OtherSecret = new("two");
    private static readonly RadiusSettings Settings = new("fac", [new(Primary, Secret), new(Secondary, OtherSecret)], [RadiusScheme.Pap])
    {
        Timeout = TimeSpan.FromSeconds(5),
        ServerTime = TimeSpan.FromSeconds(12),
        NasId = "lab",
    };

    private readonly Random _random = new(1);
    private readonly RadiusClientCore _core;
    private DateTimeOffset _now = Start;

    public RadiusClientCoreTests() => _core = new RadiusClientCore(span => _random.NextBytes(span));

    [Fact]
    public void TheSameRequestIsRepeatedThenTheNextServerIsAsked()
    {
        var first = Assert.Single(Ask().Sends);
        Assert.Equal(Primary, first.To);
        Assert.True(Secret.IsSigned(Parsed(first.Packet), first.Packet.AsSpan(4, 16)));
        Assert.Equal(80, first.Packet[20]);
        Assert.Equal(Convert.ToHexString(first.Packet), Convert.ToHexString(Assert.Single(At(5).Sends).Packet));
        Assert.Equal(Convert.ToHexString(first.Packet), Convert.ToHexString(Assert.Single(At(10).Sends).Packet));
        var second = Assert.Single(At(12).Sends);
        Assert.Equal(Secondary, second.To);
        Assert.NotEqual(Convert.ToHexString(first.Packet[4..20]), Convert.ToHexString(second.Packet[4..20]));
        Assert.IsType<RadiusResult.Accept>(Assert.Single(Answer(second, RadiusCode.AccessAccept, OtherSecret, Secondary).Finished).Result);
    }

    [Fact]
    public void NobodyAnswers()
    {
        Ask();
        foreach (var second in new[] { 5, 10, 12, 17, 22 })
        {
            Assert.Empty(At(second).Finished);
        }
        Assert.IsType<RadiusResult.NoAnswer>(Assert.Single(At(24).Finished).Result);
        Assert.Equal((0, null), (_core.Count, _core.NextDeadline));
    }

    [Fact]
    public void OnlyTheAnswerOfWhoWasAskedCounts()
    {
        var send = Ask().Sends[0];
        foreach (
            var (code, secret, from, sign, id) in new (RadiusCode, RadiusSecret, IPEndPoint, bool, int)[]
            {
                (RadiusCode.AccessAccept, OtherSecret, Primary, true, 0),
                (RadiusCode.AccessAccept, Secret, Secondary, true, 0),
                (RadiusCode.AccessAccept, Secret, IPEndPoint.Parse("10.0.0.10:1813"), true, 0),
                (RadiusCode.AccessAccept, Secret, Primary, false, 0),
                (RadiusCode.AccessAccept, Secret, Primary, true, 1),
                (RadiusCode.AccountingResponse, Secret, Primary, true, 0),
            }
        )
        {
            Assert.Empty(Answer(send, code, secret, from, sign, id).Finished);
        }
        Assert.Equal(6, _core.Ignored);
        Assert.Empty(Answer(send, RadiusCode.AccessAccept, Secret, Primary, proxyState: true).Finished);
        Assert.Single(Answer(send, RadiusCode.AccessAccept, Secret, Primary).Finished);
        // Once only.
        Assert.Empty(Answer(send, RadiusCode.AccessAccept, Secret, Primary).Finished);
    }

    [Fact]
    public void WithoutTheDemandAnUnsignedAnswerCountsAndAWronglySignedOneDoesNot()
    {
        var send = _core
            .Start(
                new RadiusQuery("ann", "ann-password", null, "test"),
                Settings with
                {
                    RequireMessageAuthenticator = false,
                },
                "port1",
                Local,
                _now,
                out _
            )
            .Sends[0];
        var buffer = new byte[RadiusPacket.LengthMax];
        var writer = new RadiusWriter(buffer, RadiusCode.AccessAccept, send.Packet[1], send.Packet.AsSpan(4, 16), sign: false);
        writer.Add(RadiusAttribute.MessageAuthenticator, new byte[16]);
        Assert.Empty(_core.Receive("port1", send.Port, buffer.AsSpan(0, writer.EndAnswer(Secret)), Primary, _now).Finished);
        Assert.Single(Answer(send, RadiusCode.AccessAccept, Secret, Primary, sign: false).Finished);
    }

    [Fact]
    public void AutoTriesOneSchemeAfterTheOther()
    {
        var step = _core.Start(
            new RadiusQuery("ann", "ann-password", null, "test"),
            Settings with
            {
                Schemes = RadiusSettings.SchemesOf("auto"),
            },
            "port1",
            Local,
            _now,
            out _
        );
        Assert.True(Parsed(step.Sends[0].Packet).TryGet(RadiusAttribute.UserPassword, out _));
        step = Answer(step.Sends[0], RadiusCode.AccessReject, Secret, Primary);
        Assert.True(Parsed(step.Sends[0].Packet).TryGetVendor(RadiusVendor.Microsoft, 25, out _));
        step = Answer(step.Sends[0], RadiusCode.AccessReject, Secret, Primary);
        Assert.True(Parsed(step.Sends[0].Packet).TryGet(RadiusAttribute.ChapPassword, out _));
        Assert.IsType<RadiusResult.Reject>(Assert.Single(Answer(step.Sends[0], RadiusCode.AccessReject, Secret, Primary).Finished).Result);
    }

    [Fact]
    public void MsChapV2WithoutTheServersProofIsNoAccept()
    {
        var send = _core
            .Start(
                new RadiusQuery("ann", "ann-password", null, "test") { Schemes = [RadiusScheme.MsChap2] },
                Settings,
                "port1",
                Local,
                _now,
                out _
            )
            .Sends[0];
        Assert.Empty(Answer(send, RadiusCode.AccessAccept, Secret, Primary).Finished);
        Assert.Single(Answer(send, RadiusCode.AccessReject, Secret, Primary).Finished);
    }

    /// <summary>Identifiers are never shared by two open questions, and all of them can be used.</summary>
    [Fact]
    public void EveryQuestionHasAnIdentifierOfItsOwn()
    {
        const int All = RadiusClientCore.PortsMax * 256;
        var used = new HashSet<(int, byte)>();
        for (var question = 0; question < All; question++)
        {
            var send = Assert.Single(Ask().Sends);
            Assert.True(used.Add((send.Port, send.Packet[1])));
        }
        Assert.IsType<RadiusResult.NoAnswer>(Assert.Single(Ask().Finished).Result);
    }

    [Fact]
    public void ALongPasswordIsNotSent() =>
        Assert.IsType<RadiusResult.NoAnswer>(
            Assert
                .Single(
                    _core.Start(new RadiusQuery("ann", new string('x', 129), null, "test"), Settings, "port1", Local, _now, out _).Finished
                )
                .Result
        );

    /// <summary>
    /// A million forged replies: mutations of genuine ones by one to eight bytes, truncated ones, and ones signed for another request.
    /// None is accepted.
    /// </summary>
    [Fact]
    public void NoForgedReplyIsAccepted()
    {
        const int Forgeries = 1_000_000;
        var random = new Random(20260105);
        var accepted = 0;
        var send = Ask().Sends[0];
        byte[][] genuine =
        [
            Reply(send, RadiusCode.AccessAccept, Secret, true),
            Reply(send, RadiusCode.AccessReject, Secret, true),
            Reply(send, RadiusCode.AccessChallenge, Secret, true),
            Reply(Ask().Sends[0], RadiusCode.AccessAccept, Secret, true),
            Reply(send, RadiusCode.AccessAccept, OtherSecret, true),
        ];
        var buffer = new byte[RadiusPacket.LengthMax];
        for (var forgery = 0; forgery < Forgeries; forgery++)
        {
            var template = genuine[random.Next(genuine.Length)];
            template.CopyTo(buffer, 0);
            var length = template.Length;
            if (random.Next(20) == 0)
            {
                length = random.Next(length);
            }
            for (var change = random.Next(1, 9); change > 0 && length > 0; change--)
            {
                buffer[random.Next(length)] = (byte)random.Next(256);
            }
            // The identifier of the outstanding request, so that the signatures are reached.
            buffer[1] = send.Packet[1];
            var datagram = buffer.AsSpan(0, length);
            if (!genuine[..3].Any(one => one.AsSpan().SequenceEqual(buffer.AsSpan(0, length))))
            {
                accepted += _core.Receive("port1", send.Port, datagram, Primary, _now).Finished.Count;
            }
        }
        Assert.Equal(0, accepted);
        Assert.Single(_core.Receive("port1", send.Port, genuine[0], Primary, _now).Finished);
    }

    private static byte[] Reply(
        RadiusSend request,
        RadiusCode code,
        RadiusSecret secret,
        bool sign,
        int addToIdentifier = 0,
        bool proxyState = false
    )
    {
        var buffer = new byte[RadiusPacket.LengthMax];
        var writer = new RadiusWriter(buffer, code, (byte)(request.Packet[1] + addToIdentifier), request.Packet.AsSpan(4, 16), sign);
        writer.AddVendor(RadiusVendor.Fortinet, (byte)FortinetAttribute.GroupName, "vpn-users");
        if (proxyState)
        {
            writer.Add(RadiusAttribute.ProxyState, "x");
        }
        return buffer[..writer.EndAnswer(secret)];
    }

    private static RadiusPacket Parsed(byte[] packet) =>
        RadiusPacket.Parse(packet, out var parsed) == RadiusDefect.None ? parsed : throw new FormatException();

    private RadiusClientStep Ask() =>
        _core.Start(new RadiusQuery("ann", "ann-password", null, "test"), Settings, "port1", Local, _now, out _);

    private RadiusClientStep At(int second) => _core.Tick(_now = Start.AddSeconds(second));

    private RadiusClientStep Answer(
        RadiusSend request,
        RadiusCode code,
        RadiusSecret secret,
        IPEndPoint from,
        bool sign = true,
        int addToIdentifier = 0,
        bool proxyState = false
    ) => _core.Receive("port1", request.Port, Reply(request, code, secret, sign, addToIdentifier, proxyState), from, _now);
}
