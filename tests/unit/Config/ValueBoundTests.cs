using Appliance.Firmware.Config;
using Xunit;

namespace Appliance.Tests.Config;

/// <summary>The accepted values of each kind, on both sides of every bound.</summary>
public sealed class ValueBoundTests
{
    [Theory]
    [InlineData("0.0.0.1", true)]
    [InlineData("255.255.255.255", true)]
    [InlineData("10.0.0.256", false)]
    [InlineData("256.0.0.1", false)]
    [InlineData("1.2.3", false)]
    [InlineData("1.2.3.4.5", false)]
    [InlineData("1.2.3.", false)]
    [InlineData(".1.2.3", false)]
    [InlineData("1..2.3", false)]
    [InlineData("1.2.3.a", false)]
    [InlineData("1.2.3.4 ", false)]
    [InlineData("00.1.2.3", false)]
    [InlineData("1.02.3.4", false)]
    [InlineData("1.2.3.0", true)]
    [InlineData("16909060", false)]
    [InlineData("0x1.2.3.4", false)]
    public void An_address_is_four_numbers_to_255_without_leading_zeros(string word, bool taken) => Check(ValueKind.Ipv4, word, taken, -8);

    [Theory]
    [InlineData("255.255.255.255", true)]
    [InlineData("255.255.255.254", true)]
    [InlineData("128.0.0.0", true)]
    [InlineData("0.0.0.0", true)]
    [InlineData("255.255.255.253", false)]
    [InlineData("0.0.0.1", false)]
    [InlineData("255.0.255.0", false)]
    public void A_mask_is_ones_and_then_zeros(string word, bool taken) => Check(ValueKind.Netmask, word, taken, -9);

    [Theory]
    [InlineData("10.0.0.0/32", "10.0.0.0 255.255.255.255")]
    [InlineData("10.0.0.0/31", "10.0.0.0 255.255.255.254")]
    [InlineData("10.0.0.0/1", "10.0.0.0 128.0.0.0")]
    [InlineData("10.0.0.0/0", "10.0.0.0 0.0.0.0")]
    [InlineData("10.0.0.0/33", null)]
    [InlineData("10.0.0.0/-1", null)]
    [InlineData("10.0.0.0/", null)]
    [InlineData("10.0.0.0", null)]
    [InlineData("10.0.0.0 255.255.0.0", "10.0.0.0 255.255.0.0")]
    [InlineData("10.0.0.0 255.0.255.0", null)]
    [InlineData("10.0.0 255.255.0.0", null)]
    public void An_address_has_a_mask_or_a_length(string words, string? kept)
    {
        Assert.Equal(kept, Kept(new AttributeSchema("x", ValueKind.Ipv4Mask), words.Split(' ')));
        // A wildcard takes any mask.
        Assert.Equal(
            words == "10.0.0.0 255.0.255.0" ? words : kept,
            Kept(new AttributeSchema("x", ValueKind.Ipv4Wildcard), words.Split(' '))
        );
    }

    [Theory]
    [InlineData("::1", true)]
    [InlineData("2001:db8::1", true)]
    [InlineData("::ffff:1.2.3.4", true)]
    [InlineData("1.2.3.4", false)]
    [InlineData("fe80::1%1", false)]
    [InlineData("[::1]", false)]
    [InlineData("2001:db8", false)]
    [InlineData("::g", false)]
    public void An_IPv6_address_has_colons_and_no_zone(string word, bool taken) => Check(ValueKind.Ipv6, word, taken, -8);

    [Theory]
    [InlineData("2001:db8::/128", "2001:db8::/128")]
    [InlineData("2001:db8::/0", "2001:db8::/0")]
    [InlineData("2001:DB8::/032", "2001:db8::/32")]
    [InlineData("2001:db8::", "2001:db8::/128")]
    [InlineData("2001:db8::/129", null)]
    [InlineData("2001:db8::/0032", null)]
    [InlineData("2001:db8::/", null)]
    [InlineData("2001:db8::/a", null)]
    [InlineData("2001:db8::/1/1", null)]
    [InlineData("1.2.3.4/8", null)]
    public void A_prefix_has_a_length_to_128(string word, string? kept) =>
        Assert.Equal(kept, Kept(new AttributeSchema("x", ValueKind.Ipv6Prefix), word));

    [Theory]
    [InlineData("00:11:22:33:44:ff", true)]
    [InlineData("00:11:22:33:44", false)]
    [InlineData("00:11:22:33:44:55:66", false)]
    [InlineData("0:11:22:33:44:55", false)]
    [InlineData("000:11:22:33:44:55", false)]
    [InlineData("0g:11:22:33:44:55", false)]
    public void A_hardware_address_is_six_octets(string word, bool taken) => Check(ValueKind.Mac, word, taken, -651);

    [Theory]
    [InlineData("00:00", true)]
    [InlineData("23:59", true)]
    [InlineData("24:00", false)]
    [InlineData("12:60", false)]
    [InlineData("1:00", false)]
    public void A_time_is_hours_and_minutes(string word, bool taken) => Check(ValueKind.Time, word, taken, -651);

    [Theory]
    [InlineData("0x00", true)]
    [InlineData("0XfF", true)]
    [InlineData("0x0", false)]
    [InlineData("0x000", false)]
    [InlineData("0xg0", false)]
    [InlineData("0x0g", false)]
    [InlineData("1x00", false)]
    [InlineData("0y00", false)]
    public void An_octet_is_two_hex_digits(string word, bool taken) => Check(ValueKind.HexByte, word, taken, -651);

    [Theory]
    [InlineData("000000", true)]
    [InlineData("111111", true)]
    [InlineData("00000", false)]
    [InlineData("0000000", false)]
    [InlineData("000002", false)]
    public void A_code_point_is_six_binary_digits(string word, bool taken) => Check(ValueKind.Dscp, word, taken, -651);

    [Theory]
    [InlineData("0", true)]
    [InlineData("65535", true)]
    [InlineData("65536", false)]
    [InlineData("1-65535", true)]
    [InlineData("1-65536", false)]
    [InlineData("5-5", true)]
    [InlineData("5-4", false)]
    [InlineData("1-2-3", false)]
    [InlineData("1-", false)]
    [InlineData("-1", false)]
    [InlineData("00001", true)]
    [InlineData("000001", false)]
    [InlineData("a", false)]
    public void A_range_of_ports_goes_upwards_to_65535(string word, bool taken) => Check(ValueKind.PortRange, word, taken, -651);

    [Theory]
    [InlineData("0000-00-00 00:00:00", true)]
    [InlineData("2033-02-28 23:59:59", true)]
    [InlineData("2033-02-29 00:00:00", false)]
    [InlineData("0000-00-00 00:00:01", false)]
    [InlineData("2033-02-28", false)]
    [InlineData("2033-02-28 24:00:00", false)]
    public void A_day_and_a_time_are_two_words(string words, bool taken)
    {
        Assert.Equal(taken ? words : null, Kept(new AttributeSchema("x", ValueKind.DateTime), words.Split(' ')));
        Assert.Equal(taken ? words : null, Kept(new AttributeSchema("x", ValueKind.DateTime), words));
    }

    [Theory]
    [InlineData("999999999999999999", true)]
    [InlineData("1000000000000000000", false)]
    [InlineData("-1", false)]
    [InlineData("1a", false)]
    [InlineData("", false)]
    public void A_number_has_eighteen_digits_at_most(string word, bool taken) => Check(ValueKind.Number, word, taken, -651);

    [Fact]
    public void A_number_is_kept_without_leading_zeros() => Assert.Equal("7", Kept(new AttributeSchema("x", ValueKind.Number), "007"));

    [Theory]
    [InlineData("plain", 0)]
    [InlineData("two\nlines\tand a tab", 0)]
    [InlineData("a\rb", -173)]
    [InlineData("a\u0001b", -173)]
    [InlineData("a\u007fb", -173)]
    [InlineData("a\u0085b", -173)]
    public void A_text_has_no_control_characters_but_new_lines_and_tabs(string word, int code) =>
        Assert.Equal(code, Code(new AttributeSchema("x", ValueKind.Text), word));

    [Theory]
    [InlineData("na<me")]
    [InlineData("na>me")]
    [InlineData("na(me")]
    [InlineData("na)me")]
    [InlineData("na#me")]
    [InlineData("na'me")]
    [InlineData("na\"me")]
    public void The_name_of_an_entry_has_none_of_the_dangerous_characters(string word)
    {
        Assert.Equal(-173, Code(new AttributeSchema("x", ValueKind.Text) { References = ["a.name"] }, word));
        Assert.Equal(0, Code(new AttributeSchema("x", ValueKind.Text), word));
    }

    [Fact]
    public void A_value_that_refers_to_nothing_is_refused_and_an_empty_one_is_not_asked()
    {
        var refers = new AttributeSchema("x", ValueKind.Text) { References = ["a.name"], Default = ["standing"] };
        Assert.Equal(-3, ConfigValue.Check(refers, ["gone"], (_, _) => false, _ => null).Error!.Code);
        Assert.Null(ConfigValue.Check(refers, ["there"], (_, word) => word == "there", _ => null).Error);
        Assert.Null(ConfigValue.Check(refers, [""], (_, _) => false, _ => null).Error);
        Assert.Equal(
            -3,
            ConfigValue
                .Check(new AttributeSchema("x", ValueKind.Number) { References = ["a.id"] }, ["7"], (_, _) => false, _ => null)
                .Error!.Code
        );
    }

    [Fact]
    public void An_ENC_value_of_this_unit_is_opened_and_another_is_refused()
    {
        var secret = new AttributeSchema("x", ValueKind.Text) { Secret = true };
        var (words, error) = ConfigValue.Check(secret, ["ENC", "sealed"], null, text => text == "sealed" ? "clear" : null);
        Assert.Null(error);
        Assert.Equal(["clear"], words);
        Assert.Equal(-14, ConfigValue.Check(secret, ["ENC", "other"], null, text => text == "sealed" ? "clear" : null).Error!.Code);
        // Where there is no secret, ENC is a word like any other.
        Assert.Equal(-61, ConfigValue.Check(new AttributeSchema("x", ValueKind.Text), ["ENC", "sealed"], null, _ => "clear").Error!.Code);
    }

    /// <summary>In every table, both ends of an attribute's range are accepted and the values beyond them are refused.</summary>
    [Fact]
    public void Every_number_and_every_text_of_the_schema_has_exactly_its_range()
    {
        var (numbers, texts) = (0, 0);
        foreach (
            var attribute in StoreFolder
                .Schema.Paths.Select(path => StoreFolder.Schema.Table(path)!)
                .SelectMany(WithChildren)
                .SelectMany(table => table.Attributes)
        )
        {
            if (attribute.Kind == ValueKind.Number && attribute.Min >= 0)
            {
                numbers++;
                Assert.Equal(
                    (0, 0),
                    (Code(attribute, $"{attribute.Min}"), Code(attribute, $"{Math.Min(attribute.Max, 999_999_999_999_999_999)}"))
                );
                Assert.True(
                    attribute.Max > 999_999_999_999_999_998
                        || attribute.Default.Contains($"{attribute.Max + 1}")
                        || Code(attribute, $"{attribute.Max + 1}") == -650,
                    $"{attribute.Id}: beyond its greatest"
                );
                Assert.True(
                    attribute.Min == 0
                        || attribute.Default.Contains($"{attribute.Min - 1}")
                        || Code(attribute, $"{attribute.Min - 1}") == -650,
                    $"{attribute.Id}: below its least"
                );
            }
            if (attribute is { Kind: ValueKind.Text, MaxLength: > 0 })
            {
                texts++;
                Assert.True(Code(attribute, new string('a', attribute.MaxLength)) == 0, $"{attribute.Id}: as long as it may be");
                Assert.True(Code(attribute, new string('a', attribute.MaxLength + 1)) == -1, $"{attribute.Id}: too long");
            }
        }
        Assert.InRange(numbers, 100, int.MaxValue);
        Assert.InRange(texts, 100, int.MaxValue);
    }

    private static IEnumerable<TableSchema> WithChildren(TableSchema table) => table.Children.SelectMany(WithChildren).Prepend(table);

    private static void Check(ValueKind kind, string word, bool taken, int code) =>
        Assert.Equal(taken ? 0 : code, Code(new AttributeSchema("x", kind), word));

    private static int Code(AttributeSchema schema, string word) => ConfigValue.Check(schema, [word], null, _ => null).Error?.Code ?? 0;

    private static string? Kept(AttributeSchema schema, params string[] words) =>
        ConfigValue.Check(schema, words, null, _ => null) is { Error: null } good ? string.Join(' ', good.Words) : null;
}
