using System.Security.Cryptography;
using System.Text;
using Appliance.Firmware.Radius;
using CsCheck;
using Xunit;

namespace Appliance.Tests.Radius;

/// <summary>
/// The codec: golden packets, a written packet is read again, no input makes it throw, and no forged packet is taken for genuine.
/// </summary>
public sealed class CodecTests
{
    private static readonly RadiusSecret Secret = new("testing123");
    private static readonly Gen<byte[]> Authenticator = Gen.Byte.Array[16];

    [Theory]
    [InlineData("rfc2865.txt")]
    [InlineData("rfc5997.txt")]
    [InlineData("own.txt")]
    public void GoldenPackets(string file) => PacketScript.Run(Path.Combine(Golden.Folder(), file));

    /// <summary>Attributes but Message-Authenticator, as many as fit.</summary>
    [Fact]
    public void WhatIsWrittenIsRead() =>
        Gen.Select(Gen.Select(Gen.Byte.Where(type => type != 80), Gen.Byte.Array[0, 253]).Array[0, 15], Authenticator, Gen.Bool, Gen.Byte)
            .Sample(
                (attributes, authenticator, sign, identifier) =>
                {
                    var buffer = new byte[RadiusPacket.LengthMax];
                    var writer = new RadiusWriter(buffer, RadiusCode.AccessChallenge, identifier, authenticator, sign);
                    foreach (var (type, value) in attributes)
                    {
                        writer.Add((RadiusAttribute)type, value);
                    }
                    var length = writer.EndAnswer(Secret);
                    Assert.Equal(RadiusDefect.None, RadiusPacket.Parse(buffer.AsSpan(0, length), out var packet));
                    Assert.Equal((RadiusCode.AccessChallenge, identifier), (packet.Code, packet.Identifier));
                    Assert.True(Secret.IsAnswer(packet, authenticator));
                    Assert.Equal(sign, Secret.IsSigned(packet, authenticator));
                    var read = new List<(byte, byte[])>();
                    foreach (var field in packet)
                    {
                        read.Add(((byte)field.Type, field.Value.ToArray()));
                    }
                    Assert.True(!sign || read[0].Item1 == 80, "Message-Authenticator must come first");
                    Assert.Equal(
                        attributes.Select(one => (one.Item1, Convert.ToHexString(one.Item2))),
                        read.Skip(sign ? 1 : 0).Select(one => (one.Item1, Convert.ToHexString(one.Item2)))
                    );
                }
            );

    [Fact]
    public void AnyPasswordIsRevealed() =>
        Gen.Select(Gen.Byte.Array[0, 128], Authenticator)
            .Sample(
                (password, authenticator) =>
                {
                    // The padding cannot be distinguished from zeros at the end of a password.
                    var text = password.AsSpan().TrimEnd((byte)0);
                    Span<byte> hidden = stackalloc byte[128];
                    Span<byte> clear = stackalloc byte[128];
                    var length = Secret.HidePassword(text, authenticator, hidden);
                    Assert.True(clear[..Secret.RevealPassword(hidden[..length], authenticator, clear)].SequenceEqual(text));
                }
            );

    [Fact]
    public void NothingMakesTheParserThrow() =>
        Gen.Frequency(
                (1, Gen.Byte.Array[0, 5000]),
                // A header with a matching length field, so that the attributes are reached.
                (
                    4,
                    Gen.Select(Gen.Byte, Gen.Byte[0, 40].Array[0, 200])
                        .Select(
                            (code, rest) =>
                                (byte[])[code, 1, (byte)((20 + rest.Length) >> 8), (byte)(20 + rest.Length), .. new byte[16], .. rest]
                        )
                )
            )
            .Sample(Read, iter: 200_000);

    [Fact]
    public void NoMutationOfASignedPacketIsTaken()
    {
        var request = PacketScript.Encode(
            "Access-Request 3 000102030405060708090a0b0c0d0e0f Message-Authenticator User-Name=\"ann\" User-Password=\"ann-password\" Proxy-State=0x0102",
            Secret
        );
        Gen.Select(Gen.Int[0, request.Length - 1], Gen.Byte[1, 255])
            .Array[1, 3]
            .Sample(
                changes =>
                {
                    var changed = (byte[])request.Clone();
                    foreach (var (at, with) in changes)
                    {
                        changed[at] ^= with;
                    }
                    if (!changed.AsSpan().SequenceEqual(request))
                    {
                        Read(changed);
                        Assert.False(
                            RadiusPacket.Parse(changed, out var packet) == RadiusDefect.None
                                && Secret.IsSigned(packet, packet.Authenticator)
                        );
                    }
                },
                iter: 100_000
            );
    }

    [Fact]
    public void TwoSignaturesAreNone()
    {
        var buffer = new byte[RadiusPacket.LengthMax];
        var writer = new RadiusWriter(buffer, RadiusCode.AccessRequest, 1, new byte[16], sign: true);
        writer.Add(RadiusAttribute.MessageAuthenticator, new byte[16]);
        Assert.Equal(RadiusDefect.None, RadiusPacket.Parse(buffer.AsSpan(0, writer.EndRequest(Secret)), out var packet));
        Assert.False(Secret.IsSigned(packet, packet.Authenticator));
    }

    /// <summary>A text that is too long is cut between characters.</summary>
    [Fact]
    public void LongTextIsCutAtACharacter()
    {
        var buffer = new byte[RadiusPacket.LengthMax];
        var writer = new RadiusWriter(buffer, RadiusCode.AccessReject, 1, new byte[16], sign: false);
        writer.Add(RadiusAttribute.ReplyMessage, string.Concat(Enumerable.Repeat("ä", 200)));
        RadiusPacket.Parse(buffer.AsSpan(0, writer.EndAnswer(Secret)), out var packet);
        Assert.True(packet.TryGet(RadiusAttribute.ReplyMessage, out var value));
        Assert.Equal(new string('ä', 126), Encoding.UTF8.GetString(value));
    }

    /// <summary>RFC 3579, 3.1: one EAP packet over several attributes, carried as it is.</summary>
    [Fact]
    public void LongEapIsCarriedWhole()
    {
        var eap = RandomNumberGenerator.GetBytes(1000);
        var buffer = new byte[RadiusPacket.LengthMax];
        var writer = new RadiusWriter(buffer, RadiusCode.AccessRequest, 1, new byte[16], sign: true);
        writer.AddLong(RadiusAttribute.EapMessage, eap);
        RadiusPacket.Parse(buffer.AsSpan(0, writer.EndRequest(Secret)), out var packet);
        var carried = new List<byte>();
        foreach (var field in packet)
        {
            if (field.Type == RadiusAttribute.EapMessage)
            {
                carried.AddRange(field.Value);
            }
        }
        Assert.Equal((4, Convert.ToHexString(eap)), (packet.Count(RadiusAttribute.EapMessage), Convert.ToHexString([.. carried])));
    }

    /// <summary>Every reader, on arbitrary bytes.</summary>
    private static void Read(byte[] bytes)
    {
        if (RadiusPacket.Parse(bytes, out var packet) == RadiusDefect.None)
        {
            Span<byte> clear = stackalloc byte[RadiusSecret.PasswordMax];
            foreach (var field in packet)
            {
                Secret.RevealPassword(field.Value, packet.Authenticator, clear);
            }
            packet.TryGetVendor(RadiusVendor.Fortinet, 15, out _);
            Secret.IsSigned(packet, packet.Authenticator);
            Secret.IsAnswer(packet, packet.Authenticator);
            Assert.DoesNotContain(RadiusText.Format(packet), char.IsControl);
        }
    }
}
