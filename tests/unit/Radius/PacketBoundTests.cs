using System.Buffers.Binary;
using System.Net;
using System.Text;
using Appliance.Firmware.Radius;
using Xunit;

namespace Appliance.Tests.Radius;

/// <summary>Every bound of a packet (RFC 2865, 3 and 5), on both of its sides.</summary>
public sealed class PacketBoundTests
{
    private static readonly RadiusSecret Secret = new("testing123");

    [Theory]
    [InlineData(19, 19, RadiusDefect.TooShort)]
    [InlineData(20, 20, RadiusDefect.None)]
    [InlineData(20, 19, RadiusDefect.BadLength)]
    [InlineData(20, 21, RadiusDefect.BadLength)]
    [InlineData(40, 20, RadiusDefect.None)]
    [InlineData(4096, 4096, RadiusDefect.None)]
    [InlineData(4097, 4096, RadiusDefect.None)]
    [InlineData(4097, 4097, RadiusDefect.BadLength)]
    public void A_packet_has_20_to_4096_bytes_and_may_be_padded(int came, int length, RadiusDefect expected)
    {
        var datagram = new byte[came];
        BinaryPrimitives.WriteUInt16BigEndian(datagram.AsSpan(2), (ushort)length);
        for (var at = 20; at < came; at += 2)
        {
            (datagram[at], datagram[Math.Min(at + 1, came - 1)]) = (1, 2);
        }
        Assert.Equal(expected, RadiusPacket.Parse(datagram, out var packet));
        Assert.Equal(expected == RadiusDefect.None ? length : 0, packet.Bytes.Length);
    }

    [Theory]
    [InlineData("01", false)]
    [InlineData("0100", false)]
    [InlineData("0101", false)]
    [InlineData("0102", true)]
    [InlineData("0103", false)]
    [InlineData("010301", true)]
    [InlineData("01030102", false)]
    [InlineData("0103010203", false)]
    [InlineData("0103010202", true)]
    public void An_attribute_has_two_bytes_or_more_and_ends_in_the_packet(string attributes, bool good)
    {
        var rest = Convert.FromHexString(attributes);
        byte[] datagram = [1, 7, 0, (byte)(20 + rest.Length), .. new byte[16], .. rest];
        Assert.Equal(good ? RadiusDefect.None : RadiusDefect.BadAttribute, RadiusPacket.Parse(datagram, out _));
    }

    [Fact]
    public void A_value_of_253_bytes_fits_and_one_of_254_does_not()
    {
        var writer = New();
        writer.Add(RadiusAttribute.State, new byte[253]);
        Assert.Throws<ArgumentException>(() => New().Add(RadiusAttribute.State, new byte[254]));
        Assert.Equal(4096 - 20 - 255, writer.Room);
    }

    [Fact]
    public void A_packet_is_filled_to_its_last_byte_and_no_further()
    {
        var buffer = new byte[RadiusPacket.LengthMax];
        var writer = new RadiusWriter(buffer, RadiusCode.AccessRequest, 1, new byte[16], sign: false);
        while (writer.Room > 300)
        {
            writer.Add(RadiusAttribute.ProxyState, new byte[253]);
        }
        writer.Add(RadiusAttribute.ProxyState, new byte[writer.Room - 2 - 3]);
        try
        {
            writer.Add(RadiusAttribute.ProxyState, new byte[2]);
            Assert.Fail("four bytes were put where there is room for three");
        }
        catch (ArgumentException)
        {
            Assert.Equal(3, writer.Room);
        }
        writer.Add(RadiusAttribute.ProxyState, new byte[1]);
        Assert.Equal((0, 4096), (writer.Room, writer.EndRequest(Secret)));
        Assert.Equal(RadiusDefect.None, RadiusPacket.Parse(buffer, out _));
    }

    [Fact]
    public void A_vendors_value_of_247_bytes_fits_and_one_of_248_does_not()
    {
        var buffer = new byte[RadiusPacket.LengthMax];
        var writer = new RadiusWriter(buffer, RadiusCode.AccessRequest, 1, new byte[16], sign: false);
        writer.AddVendor(RadiusVendor.Fortinet, 3, new byte[247]);
        writer.AddVendor(RadiusVendor.Microsoft, 3, "other vendor");
        writer.AddVendor(RadiusVendor.Fortinet, 1, new string('ä', 200));
        Assert.Throws<ArgumentException>(() => New().AddVendor(RadiusVendor.Fortinet, 3, new byte[248]));
        Assert.Equal(RadiusDefect.None, RadiusPacket.Parse(buffer.AsSpan(0, writer.EndRequest(Secret)), out var packet));
        Assert.True(packet.TryGetVendor(RadiusVendor.Fortinet, 3, out var value));
        Assert.Equal(247, value.Length);
        Assert.True(packet.TryGetVendor(RadiusVendor.Fortinet, 1, out value));
        Assert.Equal(new string('ä', 123), Encoding.UTF8.GetString(value));
        Assert.True(packet.TryGetVendor(RadiusVendor.Microsoft, 3, out value));
        Assert.Equal("other vendor", Encoding.UTF8.GetString(value));
        Assert.False(packet.TryGetVendor(RadiusVendor.Microsoft, 1, out _));
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(253, 1)]
    [InlineData(254, 2)]
    [InlineData(506, 2)]
    [InlineData(507, 3)]
    public void A_long_value_takes_no_more_attributes_than_it_needs(int length, int attributes)
    {
        var buffer = new byte[RadiusPacket.LengthMax];
        var writer = new RadiusWriter(buffer, RadiusCode.AccessRequest, 1, new byte[16], sign: false);
        writer.AddLong(RadiusAttribute.EapMessage, new byte[length]);
        RadiusPacket.Parse(buffer.AsSpan(0, writer.EndRequest(Secret)), out var packet);
        Assert.Equal(attributes, packet.Count(RadiusAttribute.EapMessage));
    }

    [Theory]
    [InlineData("5012", 16, 22)]
    [InlineData("0102", 0, -1)]
    [InlineData("0102 5012", 16, 24)]
    [InlineData("5011", 15, -1)]
    [InlineData("5013", 17, -1)]
    public void A_message_authenticator_has_sixteen_bytes(string heads, int zeros, int offset)
    {
        byte[] rest = [.. Convert.FromHexString(heads.Replace(" ", "", StringComparison.Ordinal)), .. new byte[zeros]];
        byte[] datagram = [1, 7, 0, (byte)(20 + rest.Length), .. new byte[16], .. rest];
        Assert.Equal(RadiusDefect.None, RadiusPacket.Parse(datagram, out var packet));
        Assert.Equal(offset, packet.MessageAuthenticatorOffset());
    }

    [Theory]
    [InlineData(0, 16)]
    [InlineData(1, 16)]
    [InlineData(16, 16)]
    [InlineData(17, 32)]
    [InlineData(127, 128)]
    [InlineData(128, 128)]
    public void A_hidden_password_is_padded_to_whole_blocks(int length, int hidden)
    {
        Assert.Equal(hidden, Secret.HidePassword(new byte[length], new byte[16], new byte[128]));
        Assert.Throws<ArgumentException>(() => Secret.HidePassword(new byte[129], new byte[16], new byte[256]));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(15)]
    [InlineData(17)]
    [InlineData(144)]
    public void A_hidden_password_of_another_length_is_none(int length) =>
        Assert.Equal(-1, Secret.RevealPassword(new byte[length], new byte[16], new byte[256]));

    /// <summary>All sixteen bytes count, each of them.</summary>
    [Fact]
    public void One_wrong_byte_of_an_authenticator_is_enough()
    {
        var buffer = new byte[RadiusPacket.LengthMax];
        var asked = new byte[16];
        asked[15] = 9;
        var writer = new RadiusWriter(buffer, RadiusCode.AccessAccept, 1, asked, sign: true);
        var length = writer.EndAnswer(Secret);
        for (var at = 0; at < 32; at++)
        {
            var changed = buffer[..length];
            changed[at < 16 ? 4 + at : 22 + at - 16] ^= 1;
            RadiusPacket.Parse(changed, out var packet);
            Assert.False(Secret.IsAnswer(packet, asked));
            Assert.Equal(at < 16, Secret.IsSigned(packet, asked));
        }
        RadiusPacket.Parse(buffer.AsSpan(0, length), out var good);
        Assert.True(Secret.IsAnswer(good, asked) && Secret.IsSigned(good, asked));
        asked[15] = 8;
        Assert.False(Secret.IsAnswer(good, asked) || Secret.IsSigned(good, asked));
        Assert.True(new RadiusSecret("").IsEmpty && !Secret.IsEmpty);
    }

    [Fact]
    public void Values_read_as_their_kind_and_never_show_a_secret()
    {
        var buffer = new byte[RadiusPacket.LengthMax];
        var writer = new RadiusWriter(buffer, RadiusCode.AccessChallenge, 9, new byte[16], sign: false);
        writer.Add(RadiusAttribute.UserName, "ann");
        writer.Add(RadiusAttribute.ReplyMessage, "a \"quote\"");
        writer.Add(RadiusAttribute.ReplyMessage, "a \\");
        writer.Add(RadiusAttribute.ReplyMessage, new byte[] { 0x61, 0x1f });
        writer.Add(RadiusAttribute.ReplyMessage, new byte[] { 0x61, 0x7f });
        writer.Add(RadiusAttribute.ReplyMessage, new byte[] { 0xc2, 0x85 });
        writer.Add(RadiusAttribute.ReplyMessage, new byte[] { 0xff });
        writer.Add(RadiusAttribute.ReplyMessage, " ");
        writer.Add(RadiusAttribute.UserPassword, new byte[32]);
        writer.Add(RadiusAttribute.NasPort, 4_294_967_295u);
        writer.Add(RadiusAttribute.NasPort, new byte[3]);
        writer.Add(RadiusAttribute.NasIpAddress, IPAddress.Parse("192.0.2.1"));
        writer.Add(RadiusAttribute.NasIpAddress, new byte[5]);
        writer.Add(RadiusAttribute.NasIpv6Address, IPAddress.Parse("2001:db8::1"));
        writer.Add(RadiusAttribute.NasIpv6Address, new byte[4]);
        writer.Add((RadiusAttribute)200, "x");
        writer.Add(RadiusAttribute.VendorSpecific, new byte[4]);
        writer.AddVendor(RadiusVendor.Fortinet, 1, "staff");
        writer.AddVendor(99, 7, "x");
        RadiusPacket.Parse(buffer.AsSpan(0, writer.EndAnswer(Secret)), out var packet);
        Assert.Equal(
            "Access-Challenge 9 User-Name=\"ann\" Reply-Message=0x61202271756f746522 Reply-Message=0x61205c Reply-Message=0x611f Reply-Message=0x617f Reply-Message=0xc285 Reply-Message=0xff Reply-Message=\" \""
                + " User-Password=<32 bytes> NAS-Port=4294967295 NAS-Port=0x000000 NAS-IP-Address=192.0.2.1 NAS-IP-Address=0x0000000000 NAS-IPv6-Address=2001:db8::1 NAS-IPv6-Address=0x00000000"
                + " Attr-200=0x78 Vendor-Specific=0x00000000 Fortinet-Group-Name=\"staff\" Attr-26.99.7=0x78",
            RadiusText.Format(packet)
        );
    }

    [Theory]
    [InlineData(1, "Access-Request")]
    [InlineData(2, "Access-Accept")]
    [InlineData(3, "Access-Reject")]
    [InlineData(4, "Accounting-Request")]
    [InlineData(5, "Accounting-Response")]
    [InlineData(11, "Access-Challenge")]
    [InlineData(12, "Status-Server")]
    [InlineData(13, "Code-13")]
    public void A_code_has_its_name(int code, string name) => Assert.Equal(name, RadiusText.Name((RadiusCode)code));

    private static RadiusWriter New() => new(new byte[RadiusPacket.LengthMax], RadiusCode.AccessRequest, 1, new byte[16], sign: false);
}
