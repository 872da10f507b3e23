using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using Appliance.Firmware.Config;

namespace Appliance.Tests.Config;

/// <summary>
/// Configurations of a schema, generated from a seed: any table, any attribute, values of its kind, nested tables. They are always valid.
/// </summary>
internal sealed class AnyTree(ConfigSchema schema, Random random)
{
    private const string Letters = "ab cXYZ019-_.:/\\\"'#?<>$%&=|\nüß漢";
    private const string NameLetters = "abcXYZ019-_. ";

    /// <summary>Every attribute that got a value, as <c>path attribute</c>.</summary>
    public HashSet<string> Covered { get; } = new(StringComparer.Ordinal);

    /// <summary>A tree with entries in every table; about one attribute in this many has a value.</summary>
    public ConfigTree Next(int oneIn)
    {
        var tree = new ConfigTree(schema);
        // Twice: an entry may refer to another of the same table, or of a later one.
        foreach (var table in schema.Paths.Concat(schema.Paths).Select(path => schema.Table(path)!))
        {
            tree = table.IsList
                ? tree.With(table.Path, Entries(tree, table, oneIn, tree.List(table.Path)))
                : tree.With(table.Path, Object(tree, table, oneIn) ?? table.EmptyObject);
        }
        return tree;
    }

    private ConfigTable Entries(ConfigTree tree, TableSchema table, int oneIn, ConfigTable entries)
    {
        for (var count = random.Next(4); count > 0; count--)
        {
            var key = table.NumericKey ? Text(random.Next(1, 1000)) : Name(table.Attribute(table.Key!)!.MaxLength);
            if (
                entries.Find(key) is null
                && SisterNames.Check(table.Path, key, (path, name) => tree.List(path).Find(name) is not null) is null
                && (table.MaxEntries == 0 || entries.Count < table.MaxEntries)
                && Object(tree, table, oneIn) is { } entry
            )
            {
                entries = entries.With(key, ConfigAssignments.Complete(table, key, entry, entries.Entries.Select(other => other.Entry)));
            }
        }
        return entries;
    }

    /// <summary>Null when it needs something that this tree does not have.</summary>
    private ConfigObject? Object(ConfigTree tree, TableSchema table, int oneIn)
    {
        var value = table.EmptyObject;
        foreach (
            var attribute in table.Attributes.Where(attribute =>
                !attribute.IsKey && (attribute.Required || attribute.RequiredWhen is not null || random.Next(oneIn) == 0)
            )
        )
        {
            if (Words(tree, attribute) is not { } words)
            {
                if (attribute.Required)
                {
                    return null;
                }
                continue;
            }
            var (kept, error) = ConfigValue.Check(attribute, words, (asked, key) => ConfigReferences.Allows(tree, asked, key), _ => null);
            if (error is not null)
            {
                throw new InvalidOperationException($"{table.Path} {attribute.Name} {string.Join(' ', words)}: {error.Text}");
            }
            value = value.With(attribute, kept);
            Covered.Add($"{table.Path} {attribute.Name}");
        }
        foreach (var child in table.Children)
        {
            value = value.WithChildren(
                child.Path,
                child.IsList ? Entries(tree, child, oneIn, child.EmptyTable)
                    : Object(tree, child, oneIn) is { IsDefault: false } single ? child.EmptyTable.With("", single)
                    : child.EmptyTable
            );
        }
        return ConfigEditor.CheckWhole(value) is null ? value : null;
    }

    private IReadOnlyList<string>? Words(ConfigTree tree, AttributeSchema attribute)
    {
        if (attribute.Shape == MultiShape.Pairs)
        {
            return
            [
                .. Enumerable
                    .Range(0, random.Next(1, 4))
                    .Select(_ => Word(tree, attribute))
                    .OfType<string>()
                    .Distinct()
                    .SelectMany(name => new[] { name, Text(random.NextInt64(attribute.Max + 1)) }),
            ];
        }
        if (!attribute.Multi || attribute.Kind is ValueKind.Ipv4Mask or ValueKind.Ipv4Wildcard or ValueKind.DateTime)
        {
            return attribute.Kind switch
            {
                ValueKind.Ipv4Mask => [Ipv4(), Mask()],
                ValueKind.Ipv4Wildcard => [Ipv4(), Ipv4()],
                ValueKind.DateTime =>
                [
                    .. DateTimeOffset
                        .FromUnixTimeSeconds(random.NextInt64(4_000_000_000))
                        .ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture)
                        .Split(' '),
                ],
                _ => Word(tree, attribute) is { } word ? [word] : null,
            };
        }
        var words = Enumerable.Range(0, random.Next(1, 4)).Select(_ => Word(tree, attribute)).OfType<string>().ToArray();
        return words.Length > 0 ? words : null;
    }

    private string? Word(ConfigTree tree, AttributeSchema attribute) =>
        attribute.Kind switch
        {
            ValueKind.Number => Text(random.NextInt64(attribute.Min, attribute.Max + 1)),
            ValueKind.Option => attribute.Options[random.Next(attribute.Options.Length)],
            ValueKind.Ipv4 => Ipv4(),
            ValueKind.Netmask => Mask(),
            ValueKind.Ipv6 => Ipv6(),
            ValueKind.Ipv6Prefix => $"{Ipv6()}/{random.Next(129)}",
            ValueKind.Mac => string.Join(
                ':',
                Enumerable.Range(0, 6).Select(_ => random.Next(256).ToString("x2", CultureInfo.InvariantCulture))
            ),
            ValueKind.Uuid => new Guid([.. Enumerable.Range(0, 16).Select(_ => (byte)random.Next(256))]).ToString(),
            ValueKind.Time => $"{random.Next(24):00}:{random.Next(60):00}",
            ValueKind.HexByte => $"0x{random.Next(256):x2}",
            ValueKind.Dscp => random.Next(64).ToString("b6", CultureInfo.InvariantCulture),
            ValueKind.PortRange => $"{random.Next(100)}-{random.Next(100, 65536)}",
            _ when attribute.References.Length > 0 => Reference(tree, attribute),
            _ when attribute.Name == "hostname" => "host-" + Text(random.Next(100)),
            _ => Free(attribute.MaxLength),
        };

    private string? Reference(ConfigTree tree, AttributeSchema attribute)
    {
        var targets = schema.Targets(attribute);
        if (targets.Count == 0)
        {
            return Name(attribute.MaxLength);
        }
        var keys = targets
            .SelectMany(target => target.BuiltIn.Concat(tree.List(target.Path).Keys))
            .Where(key => attribute.MaxLength == 0 || key.Length <= attribute.MaxLength)
            .ToArray();
        return keys.Length > 0 ? keys[random.Next(keys.Length)] : null;
    }

    private string Name(int longest) =>
        new string([
            .. Enumerable
                .Range(0, random.Next(1, Math.Min(12, longest > 0 ? longest : 12) + 1))
                .Select(_ => NameLetters[random.Next(NameLetters.Length)]),
        ]).Trim()
            is { Length: > 0 } name
            ? name
            : "n";

    private string Free(int longest) =>
        new([
            .. Enumerable
                .Range(0, random.Next(1, Math.Min(40, longest > 0 ? longest : 40) + 1))
                .Select(_ => Letters[random.Next(Letters.Length)]),
        ]);

    private string Ipv4() => new IPAddress(random.NextInt64(1L << 32)).ToString();

    private string Ipv6() =>
        new IPAddress([.. Enumerable.Range(0, 16).Select(_ => (byte)(random.Next(3) == 0 ? random.Next(256) : 0))]).ToString();

    private string Mask()
    {
        var bits = random.Next(33);
        return new IPAddress([.. BitConverter.GetBytes(bits == 0 ? 0u : uint.MaxValue << (32 - bits)).Reverse()]).ToString();
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
