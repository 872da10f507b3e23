using System.Text;
using Appliance.Firmware.Tokens;
using CsCheck;
using Xunit;

namespace Appliance.Tests.Tokens;

/// <summary>Seed files: supported contents, and those that are refused by name.</summary>
public sealed class SeedFileTests
{
    private static readonly byte[] RfcKey = Convert.FromHexString("12345678901234567890123456789012");

    /// <summary>The encrypted example of RFC 6030 section 6.1, with TOTP for HOTP and a serial number in our form.</summary>
    private const string Encrypted = """
        <?xml version="1.0" encoding="UTF-8"?>
        <KeyContainer Version="1.0" xmlns="urn:ietf:params:xml:ns:keyprov:pskc" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" xmlns:xenc="http://www.w3.org/2001/04/xmlenc#">
          <EncryptionKey><ds:KeyName>Pre-shared-key</ds:KeyName></EncryptionKey>
          <MACMethod Algorithm="http://www.w3.org/2000/09/xmldsig#hmac-sha1">
            <MACKey>
              <xenc:EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#aes128-cbc"/>
              <xenc:CipherData><xenc:CipherValue>ESIzRFVmd4iZABEiM0RVZgKn6WjLaTC1sbeBMSvIhRejN9vJa2BOlSaMrR7I5wSX</xenc:CipherValue></xenc:CipherData>
            </MACKey>
          </MACMethod>
          <KeyPackage>
            <DeviceInfo><Manufacturer>Manufacturer</Manufacturer><SerialNo>FTK987654321</SerialNo></DeviceInfo>
            <Key Id="12345678" Algorithm="urn:ietf:params:xml:ns:keyprov:pskc:totp">
              <AlgorithmParameters><ResponseFormat Length="8" Encoding="DECIMAL"/></AlgorithmParameters>
              <Data>
                <Secret>
                  <EncryptedValue>
                    <xenc:EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#aes128-cbc"/>
                    <xenc:CipherData><xenc:CipherValue>AAECAwQFBgcICQoLDA0OD+cIHItlB3Wra1DUpxVvOx2lef1VmNPCMl8jwZqIUqGv</xenc:CipherValue></xenc:CipherData>
                  </EncryptedValue>
                  <ValueMAC>Su+NvtQfmvfJzF6bmQiJqoLRExc=</ValueMAC>
                </Secret>
                <TimeInterval><PlainValue>60</PlainValue></TimeInterval>
              </Data>
            </Key>
          </KeyPackage>
        </KeyContainer>
        """;

    private const string Plain = """
        <KeyContainer Version="1.0" xmlns="urn:ietf:params:xml:ns:keyprov:pskc">
          <KeyPackage>
            <DeviceInfo><SerialNo>FTK200AAAA000001</SerialNo></DeviceInfo>
            <Key Id="1" Algorithm="urn:ietf:params:xml:ns:keyprov:pskc:totp">
              <AlgorithmParameters><ResponseFormat Length="6" Encoding="DECIMAL"/></AlgorithmParameters>
              <Data><Secret><PlainValue>MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=</PlainValue></Secret><TimeInterval><PlainValue>60</PlainValue></TimeInterval></Data>
            </Key>
          </KeyPackage>
        </KeyContainer>
        """;

    [Fact]
    public void LinesOfSerialAndSeed()
    {
        var seeds = SeedFile.Read(
            Encoding.UTF8.GetBytes(
                "\uFEFFserial,seed\r\n# a comment\r\nFTK200AAAA000001,3132333435363738393031323334353637383930\r\n\r\nFTK200AAAA000002, GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ \r\n"
            ),
            []
        );
        Assert.Equal(["FTK200AAAA000001", "FTK200AAAA000002"], seeds.Select(seed => seed.Serial));
        Assert.All(seeds, seed => Assert.Equal("12345678901234567890"u8, TokenSeed.Parse(seed.Seed)!.Secret.AsSpan()));
        Assert.DoesNotContain("GEZD", seeds[1].ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void PskcInClear()
    {
        var seed = TokenSeed.Parse(Assert.Single(SeedFile.Read(Encoding.UTF8.GetBytes(Plain), [])).Seed)!;
        Assert.Equal("12345678901234567890"u8, seed.Secret.AsSpan());
        Assert.Equal((TimeSpan.FromSeconds(60), 6), (seed.Step, seed.Digits));
    }

    [Fact]
    public void PskcEncryptedAsTheRfcHasIt()
    {
        var record = Assert.Single(SeedFile.Read(Encoding.UTF8.GetBytes(Encrypted), RfcKey));
        Assert.Equal("FTK987654321", record.Serial);
        Assert.Equal("12345678901234567890"u8, TokenSeed.Parse(record.Seed)!.Secret.AsSpan());
        Assert.Equal(8, TokenSeed.Parse(record.Seed)!.Digits);
    }

    public static TheoryData<string, string> Refused() =>
        new()
        {
            { "FTK200AAAA000001", "line 1 is not serial,seed" },
            {
                "FTK200AAAA000001,zz",
                "the seed of FTK200AAAA000001 cannot be used: 10 to 64 bytes in hex or base32, period 30 or 60, 6 or 8 digits"
            },
            {
                "ftk200aaaa000001,3132333435363738393031323334353637383930",
                "a serial number must have 4 to 16 capital letters and digits: ftk200aaaa000001"
            },
            {
                "FTKMOBAAAA000001,3132333435363738393031323334353637383930",
                "FTKMOBAAAA000001 is a mobile token: its seed is created by its activation"
            },
            {
                "FTK200AAAA000001,3132333435363738393031323334353637383930\nFTK200AAAA000001,3132333435363738393031323334353637383930",
                "FTK200AAAA000001 is repeated"
            },
            { "", "the file has no token" },
            { "<a/>", "the file is not a PSKC KeyContainer of version 1.0" },
            { "<KeyContainer", "the file is not XML: line 1, position 14" },
            {
                "<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><KeyContainer>&e;</KeyContainer>",
                "a file with a DOCTYPE is not supported"
            },
            {
                Plain.Replace(":totp", ":hotp", StringComparison.Ordinal),
                "FTK200AAAA000001: the algorithm urn:ietf:params:xml:ns:keyprov:pskc:hotp is not supported; only urn:ietf:params:xml:ns:keyprov:pskc:totp is"
            },
            {
                Plain.Replace("<KeyPackage>", "<EncryptionKey><DerivedKey/></EncryptionKey><KeyPackage>", StringComparison.Ordinal),
                "an EncryptionKey by DerivedKey is not supported; only a pre-shared key by KeyName is"
            },
            {
                Plain.Replace(
                    "</KeyPackage>",
                    "</KeyPackage><Signature xmlns='http://www.w3.org/2000/09/xmldsig#'/>",
                    StringComparison.Ordinal
                ),
                "signed PSKC files (Signature) are not supported"
            },
            {
                Plain.Replace("DECIMAL", "ALPHANUMERIC", StringComparison.Ordinal),
                "FTK200AAAA000001: only ResponseFormat Encoding DECIMAL is supported"
            },
            {
                Plain.Replace("<PlainValue>60", "<PlainValue>45", StringComparison.Ordinal),
                "the seed of FTK200AAAA000001 cannot be used: 10 to 64 bytes in hex or base32, period 30 or 60, 6 or 8 digits"
            },
            { Plain.Replace("MTIz", "M!Iz", StringComparison.Ordinal), "a value is not base64" },
            { Plain.Replace("MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=", "", StringComparison.Ordinal), "FTK200AAAA000001: the Secret is empty" },
            { Encrypted, "the file is encrypted: its pre-shared key of 16 bytes must be given in hex after the name" },
            {
                Encrypted.Replace("aes128-cbc", "tripledes-cbc", StringComparison.Ordinal),
                "the encryption http://www.w3.org/2001/04/xmlenc#tripledes-cbc is not supported; only AES in CBC mode is"
            },
        };

    [Theory]
    [MemberData(nameof(Refused))]
    public void AnythingElseIsRefusedByName(string file, string message) =>
        Assert.Equal(message, Assert.Throws<SeedFileException>(() => SeedFile.Read(Encoding.UTF8.GetBytes(file), [])).Message);

    [Fact]
    public void AnotherKeyOrADamagedFileIsNotDecrypted()
    {
        Assert.Throws<SeedFileException>(() => SeedFile.Read(Encoding.UTF8.GetBytes(Encrypted), new byte[16]));
        var damaged = Encrypted.Replace("OD+cIHItl", "OD+cIHItk", StringComparison.Ordinal);
        Assert.Contains(
            "ValueMAC is wrong",
            Assert.Throws<SeedFileException>(() => SeedFile.Read(Encoding.UTF8.GetBytes(damaged), RfcKey)).Message,
            StringComparison.Ordinal
        );
        Assert.Equal("the file is not UTF-8", Assert.Throws<SeedFileException>(() => SeedFile.Read([0xff, 0xfe], [])).Message);
        Assert.Contains(
            "larger",
            Assert.Throws<SeedFileException>(() => SeedFile.Read(new byte[SeedFile.LengthMax + 1], [])).Message,
            StringComparison.Ordinal
        );
    }

    /// <summary>Any change of a byte gives tokens or a message, and never another exception.</summary>
    [Fact]
    public void NoFileBreaksTheReader() =>
        Gen.Select(
                Gen.Int[0, 2]
                    .Select(which =>
                        which == 0 ? Plain
                        : which == 1 ? Encrypted
                        : "FTK200AAAA000001,3132333435363738393031323334353637383930\n"
                    ),
                Gen.Select(Gen.Int[0, 3000], Gen.Byte).Array[0, 5]
            )
            .Sample(
                (file, changes) =>
                {
                    var bytes = Encoding.UTF8.GetBytes(file);
                    foreach (var (at, value) in changes)
                    {
                        bytes[at % bytes.Length] = value;
                    }
                    try
                    {
                        Assert.NotEmpty(SeedFile.Read(bytes, RfcKey));
                    }
                    catch (SeedFileException mistake)
                    {
                        Assert.NotEmpty(mistake.Message);
                    }
                }
            );
}
