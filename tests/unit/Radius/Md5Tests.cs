using System.Security.Cryptography;
using System.Text;
using Appliance.Firmware.Radius;
using CsCheck;
using Xunit;

namespace Appliance.Tests.Radius;

/// <summary>Our MD5 and HMAC-MD5 against the platform's, and the RFCs' own examples.</summary>
public sealed class Md5Tests
{
    [Theory]
    [InlineData("", "d41d8cd98f00b204e9800998ecf8427e")]
    [InlineData("abc", "900150983cd24fb0d6963f7d28e17f72")]
    [InlineData("12345678901234567890123456789012345678901234567890123456789012345678901234567890", "57edf4a22be3c955ac49da2e2107b67a")]
    public void Rfc1321(string text, string digest) => Assert.Equal(digest, Convert.ToHexStringLower(Own(Encoding.ASCII.GetBytes(text))));

    [Fact]
    public void Rfc2202() =>
        Assert.Equal(
            "6f630fad67cda0ee1fb1f562db3aa53e",
            Convert.ToHexStringLower(
                OwnHmac(
                    Enumerable.Repeat((byte)0xaa, 80).ToArray(),
                    "Test Using Larger Than Block-Size Key and Larger Than One Block-Size Data"u8.ToArray()
                )
            )
        );

    [Fact]
    public void AnyTextAndAnyKey() =>
        Gen.Select(Gen.Byte.Array[0, 300], Gen.Byte.Array[0, 150])
            .Sample(
                (text, key) =>
                    Own(text).AsSpan().SequenceEqual(MD5.HashData(text))
                    && OwnHmac(key, text).AsSpan().SequenceEqual(HMACMD5.HashData(key, text)),
                iter: 2000
            );

    private static byte[] Own(byte[] text)
    {
        var digest = new byte[16];
        Md5.HashData(text, digest);
        return digest;
    }

    private static byte[] OwnHmac(byte[] key, byte[] text)
    {
        var digest = new byte[16];
        new HmacMd5(key).HashData(text, digest);
        return digest;
    }
}
