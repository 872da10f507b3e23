using Appliance.Firmware.Radius;
using Xunit;
using static Appliance.Tests.Radius.FacFixture;

namespace Appliance.Tests.Radius;

/// <summary>The attributes of an Access-Request that the emulator accepts as a credential.</summary>
public sealed class FacCredentialTests : FacRig
{
    private const string Password = " User-Password=\"bob-password\"";

    [Fact]
    public void A_State_without_a_User_Password_is_an_empty_code()
    {
        var state = Ask("ann", "ann-password").State;
        var step = Receive(Encode($" User-Name=\"ann\" State=0x{Hex(state)}", out _));
        Assert.Empty(step.Replies);
        Assert.Single(step.Pushes);
    }

    [Fact]
    public void Neither_a_State_nor_a_User_Password_is_rejected()
    {
        var step = Receive(Encode(" User-Name=\"bob\"", out var authenticator));
        Assert.Equal(RadiusCode.AccessReject, Reply(step, authenticator).Code);
        Assert.Equal(["no_credential"], Reasons(step));
    }

    [Theory]
    [InlineData(Password + Password)]
    [InlineData(Password + " User-Password=\"wrong\"")]
    [InlineData(" User-Password=\"wrong\"" + Password)]
    [InlineData(Password + " CHAP-Password=0x{chap}")]
    [InlineData(" CHAP-Password=0x{chap} CHAP-Password=0x{chap}")]
    [InlineData(" CHAP-Password=0x{chap} CHAP-Challenge=0x{challenge} CHAP-Challenge=0x{challenge}")]
    [InlineData(Password + " EAP-Message=0x0205000801626f62")]
    public void An_attribute_that_may_occur_once_is_refused_twice(string credentials)
    {
        var step = Receive(Chap(credentials, "0102030405", out var authenticator));
        Assert.Equal(RadiusCode.AccessReject, Reply(step, authenticator).Code);
        Assert.Equal(["no_credential"], Reasons(step));
    }

    [Fact]
    public void Two_States_are_refused()
    {
        var state = Hex(Ask("cat", "cat-password").State);
        var step = Receive(
            Encode($" User-Name=\"cat\" User-Password=\"{Code("cat", Now)}\" State=0x{state} State=0x{state}", out var authenticator)
        );
        Assert.Equal(RadiusCode.AccessReject, Reply(step, authenticator).Code);
        Assert.Equal(
            RadiusCode.AccessAccept,
            Ask("cat", Code("cat", Now), System.Text.Encoding.ASCII.GetString(Convert.FromHexString(state))).Code
        );
    }

    /// <summary>RFC 2865, 5.40: an attribute of at least 7 bytes.</summary>
    [Theory]
    [InlineData("", RadiusCode.AccessReject)]
    [InlineData("01020304", RadiusCode.AccessReject)]
    [InlineData("0102030405", RadiusCode.AccessAccept)]
    [InlineData("0102030405060708090a0b0c0d0e0f10", RadiusCode.AccessAccept)]
    public void A_CHAP_Challenge_has_at_least_five_bytes(string challenge, RadiusCode code)
    {
        var step = Receive(Chap(" CHAP-Password=0x{chap} CHAP-Challenge=0x{challenge}", challenge, out var authenticator));
        Assert.Equal(code, Reply(step, authenticator).Code);
    }

    /// <summary>RFC 3579, 2.6.3, and RFC 3748, 4.2: code 4, the identifier of the client's packet, length 4.</summary>
    [Theory]
    [InlineData("0205000801626f62", "04050004")]
    [InlineData("02ff000801626f62", "04FF0004")]
    [InlineData("0207", "04070004")]
    [InlineData("02", "04000004")]
    [InlineData("", "04000004")]
    public void EAP_is_answered_with_an_EAP_Failure(string message, string failure)
    {
        var step = Receive(Encode($" User-Name=\"bob\" EAP-Message=0x{message}", out var authenticator));
        Assert.Equal(RadiusCode.AccessReject, Reply(step, authenticator).Code);
        RadiusPacket.Parse(step.Replies[0].Packet, out var packet);
        Assert.True(packet.TryGet(RadiusAttribute.EapMessage, out var answered));
        Assert.Equal((1, failure), (packet.Count(RadiusAttribute.EapMessage), Convert.ToHexString(answered)));
    }

    [Fact]
    public void A_reject_of_what_is_no_EAP_has_no_EAP_Message()
    {
        var (_, step) = Send("bob", "wrong");
        RadiusPacket.Parse(step.Replies[0].Packet, out var packet);
        Assert.Equal(0, packet.Count(RadiusAttribute.EapMessage));
    }

    private static string Hex(string text) => Convert.ToHexString(System.Text.Encoding.ASCII.GetBytes(text));

    private byte[] Encode(string attributes, out byte[] authenticator)
    {
        authenticator = Authenticator();
        return PacketScript.Encode(
            $"Access-Request {authenticator[0]} {Convert.ToHexString(authenticator)} Message-Authenticator{attributes}",
            Secret
        );
    }

    /// <summary>A request of bob, with a right CHAP-Password for the challenge in the place of <c>{chap}</c>.</summary>
    private byte[] Chap(string attributes, string challenge, out byte[] authenticator)
    {
        authenticator = Authenticator();
        var chap = new byte[17];
        chap[0] = 7;
        RadiusSecret.ChapDigest(
            7,
            "bob-password"u8,
            attributes.Contains("{challenge}", StringComparison.Ordinal) ? Convert.FromHexString(challenge) : authenticator,
            chap.AsSpan(1)
        );
        var text = attributes
            .Replace("{chap}", Convert.ToHexString(chap), StringComparison.Ordinal)
            .Replace("{challenge}", challenge, StringComparison.Ordinal);
        return PacketScript.Encode(
            $"Access-Request {authenticator[0]} {Convert.ToHexString(authenticator)} Message-Authenticator User-Name=\"bob\"{text}",
            Secret
        );
    }
}
