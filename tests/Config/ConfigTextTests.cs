using System.Collections.Immutable;
using Appliance.Firmware.Config;
using CsCheck;
using Xunit;

namespace Appliance.Tests.Config;

/// <summary>Whatever tree: what is shown reads back as the same tree.</summary>
public sealed class ConfigTextTests
{
    private static readonly Gen<string> Name = Gen.Char["abcXYZ019-_. "].Array[1, 12].Select(chars => new string(chars).Trim() is { Length: > 0 } name ? name : "n");
    private static readonly Gen<string> FreeText = Gen.Char["ab \"\\'#?<>$%&=\nüß"].Array[1, 40].Select(chars => new string(chars));

    [Fact]
    public void AnyTreeReadsBack() => Gen.Select(Name.Array[0, 4], FreeText.Array[4], Gen.Int[1, 65535], Gen.Int[0, 0x1ff]).Sample((names, texts, port, flags) =>
    {
        var schema = StoreFolder.Schema;
        var tree = new ConfigTree(schema);
        tree = tree.With("system ftm-push", tree.Object("system ftm-push").With("server-port", [$"{port}"]).With("server-ip", ["192.0.2.1"]));
        var (users, groups) = (tree.List("user local"), tree.List("user group"));
        foreach (var (name, at) in names.Distinct().Select((name, at) => (name, at)))
        {
            users = users.With(name, new ConfigObject(users.Schema).With("passwd", [texts[at % 4]]).With("email-to", ["a@b"]));
        }
        groups = groups.With("g 1", new ConfigObject(groups.Schema).With("member", [.. names.Distinct()]));
        tree = tree.With("user local", users).With("user group", groups);
        var interfaces = tree.List("system interface");
        var options = interfaces.Schema.Attribute("allowaccess")!.Options;
        var port1 = new ConfigObject(interfaces.Schema).With("allowaccess", [.. options.Where((_, at) => (flags >> at & 1) == 1)]).With("ip", ["10.0.0.1", "255.255.255.0"]).With("snmp-index", ["1"]).With("description", [texts[0].Replace('\n', ' ')]);
        tree = tree.With("system interface", interfaces.With("port1", port1));
        var settings = tree.Object("vpn ssl settings");
        var rules = settings.Children("authentication-rule");
        tree = tree.With("vpn ssl settings", settings.WithChildren("authentication-rule", rules.With("1", new ConfigObject(rules.Schema).With("groups", ["g 1"]).With("portal", ["p"]))));

        var text = Text(tree);
        var (read, ignored) = ConfigReader.Read(schema, text, secret => Uri.UnescapeDataString(secret), ImmutableDictionary<string, Func<string, bool>>.Empty);
        Assert.Empty(ignored);
        Assert.Equal(text, Text(read));
        foreach (var name in names)
        {
            Assert.Equal(users.Find(name)!.Text("passwd"), read.List("user local").Find(name)!.Text("passwd"));
        }
    }, iter: 1000);

    [Fact]
    public void NoLineMakesTheReaderFail() => Gen.Char["ab \"\\'#\n\tconfigedtsx01 "].Array[0, 200].Select(chars => new string(chars)).Sample(text =>
    {
        ConfigReader.Read(StoreFolder.Schema, text, _ => null, ImmutableDictionary<string, Func<string, bool>>.Empty);
    }, iter: 5000);

    [Theory]
    [InlineData("6.4", 11, "server-port server-cert server-ip status")]
    [InlineData("7.0", 12, "server-port server-cert server-ip server status")]
    [InlineData("7.4", 12, "proxy server-port server-cert server status")]
    [InlineData("7.6", 13, "proxy interface server-port server-cert server status")]
    public void TheSchemaIsThatOfItsRelease(string name, int allowAccess, string push)
    {
        var schema = ConfigSchema.Load(Personality.Find(name)!);
        // fabric came with 6.2, speed-test with 7.0.1, scim with 7.6; capwap ended with 6.0.11.
        Assert.Equal(allowAccess, schema.Table("system interface")!.Attribute("allowaccess")!.Options.Length);
        Assert.Equal(push, string.Join(' ', schema.Table("system ftm-push")!.Attributes.Select(attribute => attribute.Name)));
        Assert.Equal(["4433"], schema.Table("system ftm-push")!.Attribute("server-port")!.Default);
        Assert.NotNull(schema.Table("user fortitoken")!.Attribute("seed"));
    }

    /// <summary>The whole schema of the default release, a line an attribute: a change is a line in review. UPDATE_GOLDEN=1 writes it anew.</summary>
    [Fact]
    public void TheSchemaIsAsReviewed()
    {
        var text = new System.Text.StringBuilder();
        foreach (var path in StoreFolder.Schema.Paths)
        {
            List(StoreFolder.Schema.Table(path)!, path);
        }
        Golden.AssertSame("schema-6.4.0.txt", text.ToString());

        void List(TableSchema table, string path)
        {
            text.Append(path).Append(table.IsList ? $" [{table.Key}]" : "").Append(table.Ordered ? " ordered" : "").Append(table.MaxEntries > 0 ? $" at most {table.MaxEntries}" : "").Append(table.BuiltIn.Length > 0 ? " built-in: " + string.Join(' ', table.BuiltIn) : "").Append('\n');
            foreach (var attribute in table.Attributes)
            {
                text.Append("    ").Append(attribute.Name).Append(' ').Append(attribute.Kind.ToString().ToLowerInvariant()).Append(attribute.Multi ? "*" : "")
                    .Append(attribute.Secret ? " secret" : "").Append(attribute.Required ? " required" : "")
                    .Append(attribute.Kind == ValueKind.Number ? $" {attribute.Min}..{attribute.Max}" : attribute.MaxLength > 0 ? $" <={attribute.MaxLength}" : "")
                    .Append(attribute.Options.Length > 0 ? " {" + string.Join(' ', attribute.Options) + "}" : "").Append(attribute.References.Length > 0 ? " -> " + string.Join(' ', attribute.References) : "")
                    .Append(attribute.Default.Length > 0 ? " = " + string.Join(' ', attribute.Default) : "").Append(attribute.Bare ? " bare" : "").Append(attribute.Joins ? " joined" : "").Append(attribute.Always ? " always shown" : "")
                    .Append(attribute.Assigned == Assignment.None ? "" : $" assigned {attribute.Assigned.ToString().ToLowerInvariant()}").Append(attribute.When is { } when ? $" when {when.Attribute} is {string.Join(" or ", when.Values)}" : "").Append('\n');
            }
            foreach (var child in table.Children)
            {
                List(child, $"{path} / {child.Path}");
            }
        }
    }

    private static string Text(ConfigTree tree) => new ConfigText(Uri.EscapeDataString).Tree(tree).ToString();
}
