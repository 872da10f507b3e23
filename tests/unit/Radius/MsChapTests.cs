using System.Text;
using Appliance.Firmware.Radius;
using CsCheck;
using Xunit;

namespace Appliance.Tests.Radius;

/// <summary>The digests and answers of MS-CHAP against the vectors of their documents.</summary>
public sealed class MsChapTests
{
    /// <summary>RFC 1320, A.5.</summary>
    [Theory]
    [InlineData("", "31D6CFE0D16AE931B73C59D7E0C089C0")]
    [InlineData("a", "BDE52CB31DE33E46245E05FBDBD6FB24")]
    [InlineData("abc", "A448017AAF21D8525FC10AE87AA6729D")]
    [InlineData("message digest", "D9130A8164549FE818874806E1C7014B")]
    [InlineData("abcdefghijklmnopqrstuvwxyz", "D79E1C308AA5BBCDEEA8ED63DF412DA9")]
    [InlineData("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", "043F8582F241DB351CE627E153E7F0E4")]
    [InlineData("12345678901234567890123456789012345678901234567890123456789012345678901234567890", "E33B4DDC9C38F2199C3E7B164FCC0536")]
    public void Md4Vectors(string text, string digest)
    {
        var hash = new byte[16];
        Md4.HashData(Encoding.ASCII.GetBytes(text), hash);
        Assert.Equal(digest, Convert.ToHexString(hash));
    }

    /// <summary>The worked example that every text on DES has, and two weak keys, which the platform's own refuses.</summary>
    [Theory]
    [InlineData("133457799BBCDFF1", "0123456789ABCDEF", "85E813540F0AB405")]
    [InlineData("0000000000000000", "0000000000000000", "8CA64DE9C1B123A7")]
    [InlineData("FEFEFEFEFEFEFEFE", "0000000000000000", "CAAAAF4DEAF1DBAE")]
    public void DesVectors(string key, string block, string encrypted)
    {
        var packed = Convert.FromHexString(key).Aggregate(0UL, (bits, octet) => (bits << 7) | (uint)(octet >> 1));
        var key7 = Enumerable.Range(0, 7).Select(index => (byte)(packed >> (48 - (8 * index)))).ToArray();
        var output = new byte[8];
        Des.Encrypt(Convert.FromHexString(block), key7, output);
        Assert.Equal(encrypted, Convert.ToHexString(output));
    }

    /// <summary>RFC 2759, 9.2.</summary>
    [Theory]
    [InlineData("User")]
    [InlineData("BIGCO\\User")]
    public void Version2Vectors(string user)
    {
        var (server, peer) = (
            Convert.FromHexString("5B5D7C7D7B3F2F3E3C2C602132262628"),
            Convert.FromHexString("21402324255E262A28295F2B3A337C7E")
        );
        var hash = MsChap.PasswordHash("clientPass");
        Assert.Equal("44EBBA8D5312B8D611474411F56989AE", Convert.ToHexString(hash));
        var response = new byte[MsChap.ResponseLength];
        MsChap.Respond2(server, peer, user, hash, response);
        Assert.Equal("82309ECD8D708B5EA08FAA3981CD83544233114A3D85D6DF", Convert.ToHexString(response));
        Assert.Equal("S=407A5589115FD0D6209F510FE9C04566932CDA56", MsChap.AuthenticatorResponse(server, peer, user, hash, response));
    }

    /// <summary>RFC 2433, B.2.</summary>
    [Fact]
    public void Version1Vector()
    {
        var response = new byte[MsChap.ResponseLength];
        MsChap.Respond(Convert.FromHexString("102DB5DF085D3041"), MsChap.PasswordHash("MyPw"), response);
        Assert.Equal("4E9D3C8F9CFD385D5BF4D3246791956CA4C351AB409A3D61", Convert.ToHexString(response));
    }

    /// <summary>No name and no password is too long or too odd.</summary>
    [Fact]
    public void AnyNameAndPasswordCanBeAnswered() =>
        Gen.Select(Gen.String[0, 300], Gen.String[0, 300], Gen.Byte.Array[16], Gen.Byte.Array[16])
            .Sample(
                (user, password, server, peer) =>
                {
                    var response = new byte[MsChap.ResponseLength];
                    var hash = MsChap.PasswordHash(password);
                    MsChap.Respond2(server, peer, user, hash, response);
                    Assert.StartsWith("S=", MsChap.AuthenticatorResponse(server, peer, user, hash, response), StringComparison.Ordinal);
                },
                iter: 2_000
            );
}
