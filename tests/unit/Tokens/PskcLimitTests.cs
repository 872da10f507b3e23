using System.Text;
using Appliance.Firmware.Tokens;
using Xunit;

namespace Appliance.Tests.Tokens;

/// <summary>The rules of a PSKC file for the use of a key: each is applied, or refused by name. Nothing is ignored.</summary>
public sealed class PskcLimitTests
{
    private const string Plain = """
        <KeyContainer Version="1.0" xmlns="urn:ietf:params:xml:ns:keyprov:pskc">
          <KeyPackage>
            <DeviceInfo><SerialNo>FTK200AAAA000001</SerialNo><!--device--></DeviceInfo>
            <Key Id="1" Algorithm="urn:ietf:params:xml:ns:keyprov:pskc:totp">
              <AlgorithmParameters><ResponseFormat Length="6" Encoding="DECIMAL"/></AlgorithmParameters>
              <Data><Secret><PlainValue>MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=</PlainValue></Secret><TimeInterval><PlainValue>60</PlainValue></TimeInterval><!--data--></Data>
              <!--key-->
            </Key>
          </KeyPackage>
        </KeyContainer>
        """;

    [Theory]
    [InlineData("", 0)]
    [InlineData("<TimeDrift><PlainValue>0</PlainValue></TimeDrift>", 0)]
    [InlineData("<TimeDrift><PlainValue> 4 </PlainValue></TimeDrift>", 4)]
    [InlineData("<TimeDrift><PlainValue>-60</PlainValue></TimeDrift>", -60)]
    public void The_drift_is_taken_over(string data, int drift) =>
        Assert.Equal(drift, Assert.Single(Read(Plain.Replace("<!--data-->", data, StringComparison.Ordinal))).Drift);

    [Theory]
    [InlineData(
        "<!--data-->",
        "<TimeDrift><PlainValue>61</PlainValue></TimeDrift>",
        "a TimeDrift of 61 steps is more than the 60 minutes that a token's clock may be off"
    )]
    [InlineData(
        "<!--data-->",
        "<TimeDrift><PlainValue>-2147483648</PlainValue></TimeDrift>",
        "a TimeDrift of -2147483648 steps is more than the 60 minutes that a token's clock may be off"
    )]
    [InlineData(
        "<!--data-->",
        "<TimeDrift><PlainValue>2.5</PlainValue></TimeDrift>",
        "the TimeDrift 2.5 is not a whole number of time steps"
    )]
    [InlineData("<!--data-->", "<TimeDrift><EncryptedValue/></TimeDrift>", "an encrypted TimeDrift is not supported")]
    [InlineData("<!--device-->", "<StartDate>2026-01-01T00:00:00Z</StartDate>", "DeviceInfo StartDate is not supported")]
    [InlineData("<!--device-->", "<ExpiryDate>2026-01-01T00:00:00Z</ExpiryDate>", "DeviceInfo ExpiryDate is not supported")]
    [InlineData("<!--key-->", "<Policy><StartDate>2026-01-01T00:00:00Z</StartDate></Policy>", "Policy StartDate is not supported")]
    [InlineData(
        "<!--key-->",
        "<Policy><ExpiryDate>2026-01-01T00:00:00Z</ExpiryDate><KeyUsage>OTP</KeyUsage></Policy>",
        "Policy ExpiryDate is not supported"
    )]
    [InlineData(
        "<!--key-->",
        "<Policy><KeyUsage>CR</KeyUsage><KeyUsage>Verify</KeyUsage></Policy>",
        "the KeyUsage CR Verify does not include OTP"
    )]
    [InlineData("<!--key-->", "<Policy><PINPolicy MinLength='4'/></Policy>", "Policy PINPolicy is not supported")]
    [InlineData(
        "<!--key-->",
        "<Policy><NumberOfTransactions>3</NumberOfTransactions></Policy>",
        "Policy NumberOfTransactions is not supported"
    )]
    [InlineData("<!--key-->", "<Policy><x:Geo xmlns:x='urn:x'/></Policy>", "Policy Geo is not supported")]
    [InlineData("Encoding=\"DECIMAL\"", "Encoding=\"DECIMAL\" CheckDigits=\"true\"", "ResponseFormat CheckDigits is not supported")]
    [InlineData("Encoding=\"DECIMAL\"", "Encoding=\"DECIMAL\" CheckDigits=\"1\"", "ResponseFormat CheckDigits is not supported")]
    public void What_bounds_a_key_is_refused_by_name(string place, string element, string message) =>
        Assert.Equal(
            "FTK200AAAA000001: " + message,
            Assert.Throws<SeedFileException>(() => Read(Plain.Replace(place, element, StringComparison.Ordinal))).Message
        );

    [Theory]
    [InlineData("<!--key-->", "<Policy><KeyUsage>Verify</KeyUsage><KeyUsage>OTP</KeyUsage></Policy>")]
    [InlineData("<!--key-->", "<Policy/>")]
    [InlineData("<!--device-->", "<Model>200</Model><IssueNo>1</IssueNo>")]
    [InlineData("Encoding=\"DECIMAL\"", "Encoding=\"DECIMAL\" CheckDigits=\"false\"")]
    public void What_does_not_bound_a_key_is_taken(string place, string element) =>
        Assert.Single(Read(Plain.Replace(place, element, StringComparison.Ordinal)));

    private static IReadOnlyList<SeedRecord> Read(string file) => SeedFile.Read(Encoding.UTF8.GetBytes(file), []);
}
