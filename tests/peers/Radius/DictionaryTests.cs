using System.Globalization;
using Appliance.Firmware.Radius;
using Xunit;

namespace Appliance.Tests.Radius;

/// <summary>The dictionary, judged by FreeRADIUS's own files.</summary>
[Trait("Peer", "freeradius")]
public sealed class DictionaryTests
{
    private const string Folder = "/usr/share/freeradius";

    /// <summary>Every attribute of these documents is known by its name, its number, and how its value reads.</summary>
    [Theory]
    [InlineData("dictionary.rfc2865", 0u, 40)]
    [InlineData("dictionary.rfc2866", 0u, 12)]
    [InlineData("dictionary.rfc2869", 0u, 18)]
    [InlineData("dictionary.fortinet", RadiusVendor.Fortinet, 30)]
    public void EveryAttributeIsKnown(string file, uint vendor, int atLeast)
    {
        var path = Path.Combine(Folder, file);
        if (!File.Exists(path))
        {
            Assert.Skip($"{path} (package freeradius-common) is not installed");
        }
        var count = 0;
        foreach (var line in File.ReadLines(path))
        {
            if (
                line.Split((char[])['\t', ' '], StringSplitOptions.RemoveEmptyEntries)
                is not ["ATTRIBUTE", var name, var number, var type, ..]
            )
            {
                continue;
            }
            count++;
            var known = RadiusDictionary.Find(vendor, byte.Parse(number, CultureInfo.InvariantCulture));
            Assert.Equal(name, known.Name);
            Assert.Same(known, RadiusDictionary.Find(name));
            Assert.Contains(known.Kind, KindsOf(type));
        }
        Assert.True(count >= atLeast, $"{file}: only {count} attributes");
    }

    private static RadiusValueKind[] KindsOf(string type) =>
        type.Split('[')[0] switch
        {
            "string" => [RadiusValueKind.Text, RadiusValueKind.Octets, RadiusValueKind.Secret],
            "integer" or "date" => [RadiusValueKind.Integer],
            // Framed-IPX-Network is four octets, which FreeRADIUS shows as an address and we as a number.
            "ipaddr" => [RadiusValueKind.Ipv4, RadiusValueKind.Integer],
            _ => [RadiusValueKind.Octets, RadiusValueKind.Secret],
        };
}
