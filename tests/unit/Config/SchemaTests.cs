using System.Text;
using System.Text.Json;
using Appliance.Firmware.Config;
using Xunit;

namespace Appliance.Tests.Config;

/// <summary>The schema as data: one reviewed listing, and the requirements of every release.</summary>
public sealed class SchemaTests
{
    public static TheoryData<string> Releases => [.. Personality.All.Select(personality => personality.Name)];

    /// <summary>
    /// The schema with one line for each attribute, for all releases: a change is a line in review. UPDATE_GOLDEN=1 rewrites it.
    /// </summary>
    [Fact]
    public void TheWholeSchemaIsAsReviewed()
    {
        var text = new StringBuilder(
            """
            Every table with every attribute of every release: name, type (value type), * for several words; range, longest text, choices, what it refers to,
            default (7.2: of that release). An @ tells the releases that know it, both ends included, where these are not all.

            """
        );
        var schema = ConfigSchema.Load(Personality.Default);
        var newest = ConfigSchema.Load(Personality.All[^1]);
        foreach (var table in ConfigSchema.Texts())
        {
            var path = table.Table.Replace('.', ' ');
            var known = schema.Table(path) ?? newest.Table(path)!;
            text.Append('\n')
                .Append(known.Path)
                .Append(table.Kind == "list" ? $" [{table.Mkey}]" : "")
                .Append(table.Ordered ? " ordered" : "")
                .Append(known.MaxEntries > 0 ? $" <={known.MaxEntries}" : "")
                .Append(known.BuiltIn.Length > 0 ? " built-in: " + string.Join(' ', known.BuiltIn) : "")
                .Append('\n');
            List(table.Attributes, 1);
        }
        Golden.AssertSame("schema.txt", text.ToString());

        void List(IEnumerable<AttributeText> attributes, int depth)
        {
            foreach (var attribute in attributes)
            {
                text.Append(' ', depth * 4).Append(Line(attribute)).Append('\n');
                if (attribute.Type is "table" or "object")
                {
                    List(attribute.Children ?? [], depth + 1);
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Releases))]
    public void EveryAttributeCanBeUsed(string release)
    {
        var schema = ConfigSchema.Load(Personality.Find(release)!);
        foreach (var table in schema.Paths.Select(path => schema.Table(path)!))
        {
            Check(table, table.Path);
        }

        void Check(TableSchema table, string path)
        {
            Assert.Equal(table.IsList, table.Key is not null);
            Assert.True(!table.IsList || table.Attribute(table.Key!) is { IsKey: true }, path);
            foreach (var attribute in table.Attributes)
            {
                var name = $"{path} {attribute.Name}";
                Assert.True(attribute.Kind != ValueKind.Option || attribute.Options.Length > 0, name);
                Assert.True(attribute.Min <= attribute.Max, name);
                Assert.True(attribute.References.All(reference => reference.Contains('.', StringComparison.Ordinal)), name);
                if (attribute.Default.Length > 0)
                {
                    var (kept, error) = ConfigValue.Check(attribute, attribute.Default, null, _ => null);
                    Assert.True(error is null && kept.SequenceEqual(attribute.Default), $"{name}: its own default is refused");
                }
            }
            foreach (var child in table.Children)
            {
                Check(child, $"{path} / {child.Path}");
            }
        }
    }

    [Theory]
    [InlineData("system dns", "ip6-primary", "2001:DB8:0::1", "2001:db8::1")]
    [InlineData("system dns", "ip6-primary", "1.2.3.4", null)]
    [InlineData("system dns", "ip6-primary", "fe80::1%eth0", null)]
    [InlineData("system dns", "primary", "010.0.0.1", null)]
    [InlineData("system dns", "primary", "10.0.0.256", null)]
    [InlineData("system admin", "ip6-trusthost1", "2001:db8::/32", "2001:db8::/32")]
    [InlineData("system admin", "ip6-trusthost1", "2001:db8::/129", null)]
    [InlineData("system admin", "trusthost1", "10.0.0.0/8", "10.0.0.0 255.0.0.0")]
    [InlineData("system admin", "trusthost1", "10.0.0.0 255.0.255.0", null)]
    [InlineData("firewall address", "wildcard", "10.0.0.1 255.0.255.0", "10.0.0.1 255.0.255.0")]
    [InlineData("firewall address", "uuid", "0F0E0D0C-0b0a-0908-0706-050403020100", "0f0e0d0c-0b0a-0908-0706-050403020100")]
    [InlineData("firewall address", "uuid", "0f0e0d0c0b0a09080706050403020100", null)]
    [InlineData("system interface", "macaddr", "00:11:22:AA:bb:cc", "00:11:22:aa:bb:cc")]
    [InlineData("system interface", "macaddr", "00-11-22-aa-bb-cc", null)]
    [InlineData("system admin", "password-expire", "2033-02-03 04:05:06", "2033-02-03 04:05:06")]
    [InlineData("system admin", "password-expire", "2033-02-30 04:05:06", null)]
    [InlineData("system global", "restart-time", "04:05", "04:05")]
    [InlineData("system global", "restart-time", "24:00", null)]
    [InlineData("firewall policy", "tos", "0xA0", "0xa0")]
    [InlineData("firewall policy", "tos", "a0", null)]
    [InlineData("firewall policy", "diffservcode-forward", "101110", "101110")]
    [InlineData("firewall policy", "diffservcode-forward", "101112", null)]
    [InlineData("system global", "ip-src-port-range", "1024-65535", "1024-65535")]
    [InlineData("system global", "ip-src-port-range", "2-1", null)]
    [InlineData("system dhcp server", "netmask", "255.255.0.0", "255.255.0.0")]
    [InlineData("system dhcp server", "netmask", "255.0.255.0", null)]
    [InlineData("firewall policy", "src-vendor-mac", "12 7", "12 7")]
    [InlineData("firewall policy", "src-vendor-mac", "games", null)]
    public void AValueIsCheckedByItsKind(string path, string attribute, string typed, string? kept)
    {
        var schema = StoreFolder.Schema.Table(path)!.Attribute(attribute)!;
        var (words, error) = ConfigValue.Check(schema, typed.Split(' '), null, _ => null);
        Assert.Equal(kept, error is null ? string.Join(' ', words) : null);
        Assert.True(kept is not null || error!.Lines[^1].StartsWith("value parse error before '", StringComparison.Ordinal));
    }

    private static string Line(AttributeText attribute) =>
        new StringBuilder(attribute.Name)
            .Append(RangesOf(attribute.Versions))
            .Append(' ')
            .Append(attribute.Type == "table" ? $"[{attribute.Mkey}]" : attribute.Type)
            .Append(attribute.Element is { } element ? $" of {element}" : "")
            .Append(attribute.Vtype is { } type ? $" ({type})" : "")
            .Append(attribute.Multi || attribute.Type == "ref-list" ? "*" : "")
            .Append(attribute.Secret ? " secret" : "")
            .Append(attribute.Required ? " required" : "")
            .Append(attribute.RequiredWhen is { } needed ? $" required when {needed}" : "")
            .Append(attribute.Pem ? " pem" : "")
            .Append(attribute.Builtin is { } names ? " built-in: " + string.Join(' ', names) : "")
            .Append(attribute.Ordered ? " ordered" : "")
            .Append(attribute.Always ? " always" : "")
            .Append(attribute.Bare is { } bare ? " bare" + RangesOf(bare) : "")
            .Append(attribute.EmptyUnset ? " empty-unset" : "")
            .Append(attribute.Assigned is { } assigned ? $" assigned {assigned}" : "")
            .Append(attribute.When is { } when ? $" when {when}{(attribute.Drops ? " else dropped" : "")}" : "")
            .Append(attribute.Min is not null || attribute.Max is not null ? $" {attribute.Min ?? 0}..{attribute.Max}" : "")
            .Append(attribute.MaxLen > 0 ? $" <={attribute.MaxLen}" : "")
            .Append(attribute.Options is { Count: > 0 } options ? " {" + string.Join(' ', options.Select(Option)) + "}" : "")
            .Append(attribute.Ref is { Count: > 0 } references ? " -> " + string.Join(' ', references) : "")
            .Append(attribute.Default is { Length: > 0 } standing ? " = " + standing : "")
            .Append(attribute.Default72 is { } other ? $" (7.2: {other})" : "")
            .ToString();

    private static string Option(JsonElement option) =>
        option.ValueKind == JsonValueKind.String
            ? option.GetString()!
            : option.GetProperty("value").GetString()
                + RangesOf([
                    .. option
                        .GetProperty("versions")
                        .EnumerateArray()
                        .Select(range => (IReadOnlyList<string>)[.. range.EnumerateArray().Select(end => end.GetString()!)]),
                ]);

    private static string RangesOf(IReadOnlyList<IReadOnlyList<string>>? ranges) =>
        ranges is not { Count: > 0 } || (ranges is [["v6.0.0", ""]])
            ? ""
            : "@"
                + string.Join(
                    ',',
                    ranges.Select(range => (range[0] == "v6.0.0" ? "" : range[0][1..]) + ".." + (range[1].Length > 0 ? range[1][1..] : ""))
                );
}
