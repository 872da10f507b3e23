using System.Collections.Immutable;
using Appliance.Firmware.Config;
using CsCheck;
using Xunit;

namespace Appliance.Tests.Config;

/// <summary>Texts of every kind, and the releases that differ.</summary>
public sealed class ConfigTextTests
{
    [Fact]
    public void NoLineMakesTheReaderFail() =>
        Gen.Char["ab \"\\'#\n\tconfigedtsx01 "]
            .Array[0, 200]
            .Select(chars => new string(chars))
            .Sample(
                text =>
                {
                    ConfigReader.Read(StoreFolder.Schema, text, _ => null, ImmutableDictionary<string, Func<string, bool>>.Empty);
                },
                iter: 5000
            );

    [Theory]
    [InlineData("6.4", 11, "server-port server-cert server-ip status")]
    [InlineData("7.0", 12, "server server-port server-cert server-ip status")]
    [InlineData("7.4", 12, "proxy server server-port server-cert status")]
    [InlineData("7.6", 13, "proxy interface server server-port server-cert status")]
    public void TheSchemaIsThatOfItsRelease(string name, int allowAccess, string push)
    {
        var schema = ConfigSchema.Load(Personality.Find(name)!);
        // fabric came with 6.2, speed-test with 7.0.1, scim with 7.6; capwap ended with 6.0.11.
        Assert.Equal(allowAccess, schema.Table("system interface")!.Attribute("allowaccess")!.Options.Length);
        Assert.Equal(push, string.Join(' ', schema.Table("system ftm-push")!.Attributes.Select(attribute => attribute.Name)));
        Assert.Equal(["4433"], schema.Table("system ftm-push")!.Attribute("server-port")!.Default);
        Assert.NotNull(schema.Table("user fortitoken")!.Attribute("seed"));
    }
}
