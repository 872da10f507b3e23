using System.Runtime.CompilerServices;
using System.Text.Json;
using Appliance.Firmware.Config;
using Xunit;

namespace Appliance.Tests.Config;

/// <summary>The order in which tables and attributes are shown, against the reference order (Golden/order.json).</summary>
public sealed class SchemaOrderTests
{
    private static readonly Reference Order = Read();

    /// <summary>The order in which real units print tables, by release.</summary>
    public static TheoryData<string> Releases => [.. Order.Blocks.Keys];

    /// <summary>Tables and nested tables of the reference, as <c>table:child</c>.</summary>
    public static TheoryData<string> Tables => [.. Order.Tables.Keys.Where(path => Names(path) is not null)];

    [Theory]
    [MemberData(nameof(Releases))]
    public void Tables_are_shown_in_the_order_of_a_real_unit(string release)
    {
        var shown = ConfigSchema.Load(Personality.Default).Paths.Select(path => path.Replace(' ', '.')).ToArray();
        Assert.Equal(Order.Blocks[release], shown.Where(Order.Blocks[release].Contains));
    }

    [Theory]
    [MemberData(nameof(Tables))]
    public void Attributes_are_shown_in_the_order_of_a_real_unit_and_else_as_documented(string path)
    {
        var (ours, documented) = (Names(path)!, Order.Tables[path].Where(Names(path)!.Contains).ToArray());
        var seen = Order.Seen.GetValueOrDefault(path, []).Where(documented.Contains).ToArray();
        Assert.Equal(seen, ours.Where(seen.Contains));
        // Only attributes that real units print at another place than documented move.
        var unmoved = Common(seen, [.. documented.Where(seen.Contains)]);
        bool Stays(string name) => !seen.Contains(name) || unmoved.Contains(name);
        Assert.Equal(documented.Where(Stays), ours.Where(documented.Contains).Where(Stays));
    }

    [Fact]
    public void Every_table_of_the_reference_is_compared()
    {
        Assert.Equal(42, Order.Tables.Keys.Count(path => !path.Contains(':') && Names(path) is not null));
        Assert.Contains("system.interface:ipv6", Tables.Select(row => row.Data));
    }

    [Theory]
    [InlineData("7.4", "system dhcp server", "interface", "ip-range", "vci-match")]
    [InlineData("7.0", "vpn ssl settings", "default-portal", "authentication-rule", "http-request-header-timeout")]
    [InlineData("7.4", "system interface", "eap-supplicant", "ipv6", "priority")]
    public void A_nested_table_is_shown_between_the_attributes_where_real_units_print_it(
        string release,
        string path,
        string before,
        string table,
        string after
    )
    {
        var schema = ConfigSchema.Load(Personality.Find(release)!).Table(path)!;
        var place = schema.Child(table)!.Place;
        Assert.True(
            schema.Attribute(before)!.Index < place && place <= schema.Attribute(after)!.Index,
            $"{path} {table} stands at {place}"
        );
    }

    [Fact]
    public void Get_lists_the_push_settings_in_the_order_of_the_console()
    {
        var schema = ConfigSchema.Load(Personality.Find("7.6")!).Table("system ftm-push")!;
        var names = Appliance
            .Firmware.Cli.GetText.Of(schema.EmptyObject, null)
            .Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => line.Split(' ')[0]);
        Assert.Equal(["proxy", "interface", "server-port", "server-cert", "server", "status"], names);
    }

    private static string[]? Names(string path)
    {
        var words = path.Split(':');
        IReadOnlyList<AttributeText>? attributes = ConfigSchema.Texts().FirstOrDefault(table => table.Table == words[0])?.Attributes;
        foreach (var child in words.Skip(1))
        {
            attributes = attributes
                ?.FirstOrDefault(attribute => attribute.Name == child && attribute.Type is "table" or "object")
                ?.Children;
        }
        return attributes?.Select(attribute => attribute.Name).Distinct().ToArray();
    }

    /// <summary>
    /// A longest common subsequence. If there are several, it is the one with the second list's later names (as the schema was sorted).
    /// </summary>
    private static HashSet<string> Common(string[] one, string[] other)
    {
        var length = new int[one.Length + 1, other.Length + 1];
        for (var at = one.Length - 1; at >= 0; at--)
        {
            for (var there = other.Length - 1; there >= 0; there--)
            {
                length[at, there] =
                    one[at] == other[there] ? length[at + 1, there + 1] + 1 : Math.Max(length[at + 1, there], length[at, there + 1]);
            }
        }
        var common = new HashSet<string>(StringComparer.Ordinal);
        for (var (at, there) = (0, 0); at < one.Length && there < other.Length;)
        {
            if (one[at] == other[there])
            {
                common.Add(one[at]);
                (at, there) = (at + 1, there + 1);
            }
            else if (length[at + 1, there] >= length[at, there + 1])
            {
                at++;
            }
            else
            {
                there++;
            }
        }
        return common;
    }

    private static Reference Read([CallerFilePath] string test = "") =>
        JsonSerializer.Deserialize<Reference>(
            File.ReadAllText(Path.Combine(Path.GetDirectoryName(test)!, "Golden", "order.json")),
            JsonSerializerOptions.Web
        )!;

    /// <param name="Note">What the file is.</param>
    /// <param name="Blocks">Tables in the order in which real units print them, by release.</param>
    /// <param name="Seen">Attributes and nested tables in the order in which real units print them, by table.</param>
    /// <param name="Tables">The attributes and nested tables of each table in documented order.</param>
    private sealed record Reference(
        string Note,
        Dictionary<string, string[]> Blocks,
        Dictionary<string, string[]> Seen,
        Dictionary<string, string[]> Tables
    );
}
