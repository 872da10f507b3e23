using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Reflection;
using System.Text.Json;

namespace Appliance.Firmware.Config;

/// <summary>Every table of the personality in force, read from the embedded data when it is first asked for. Thread-safe.</summary>
public sealed class ConfigSchema
{
    private readonly FrozenDictionary<string, Lazy<TableSchema>> _byPath;

    private ConfigSchema(Personality personality, IReadOnlyList<string> names, IReadOnlyDictionary<string, JsonElement[]> builtIn, IReadOnlyDictionary<string, int> limits)
    {
        Personality = personality;
        Paths = [.. names.Select(name => name.Replace('.', ' '))];
        _byPath = names.ToFrozenDictionary(name => name.Replace('.', ' '), name => new Lazy<TableSchema>(
            () => Table(Read(name, SchemaJson.Default.TableText), personality.Release) with { BuiltIn = [.. builtIn.GetValueOrDefault(name, []).Select(entry => Option(entry, personality.Release)).OfType<string>()], MaxEntries = limits.GetValueOrDefault(name) }), StringComparer.Ordinal);
    }

    /// <summary>The release that this is the schema of.</summary>
    public Personality Personality { get; }

    /// <summary>The paths of the tables, in the order in which they are saved: what is referred to comes before what refers to it.</summary>
    public ImmutableArray<string> Paths { get; }

    /// <summary>The tables as a device of this release has them.</summary>
    public static ConfigSchema Load(Personality personality) =>
        new(personality, Read("_tables", SchemaJson.Default.StringArray), Read("_builtin", SchemaJson.Default.DictionaryStringJsonElementArray), Read("_limits", SchemaJson.Default.DictionaryStringInt32));

    /// <summary>The table at a path as typed (<c>system ftm-push</c>), or null.</summary>
    public TableSchema? Table(string path) => _byPath.GetValueOrDefault(path)?.Value;

    private static T Read<T>(string name, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream($"schema/{name}.json") ?? throw new InvalidOperationException($"no schema for {name}");
        return JsonSerializer.Deserialize(stream, type)!;
    }

    private static TableSchema Table(TableText text, Version release) =>
        Build(text.Table.Replace('.', ' '), text.Kind == "list", text.Mkey, text.ShowOrder == "alphabetical" ? [.. text.Attributes.OrderBy(attribute => attribute.Name, StringComparer.Ordinal)] : text.Attributes, release)
            with
        { Ordered = text.Ordered, Summary = [.. text.GetSummary ?? []] };

    private static TableSchema Build(string path, bool isList, string? key, IReadOnlyList<AttributeText> attributes, Version release)
    {
        var known = attributes.Where(attribute => Includes(attribute.Versions, release)).ToArray();
        return new TableSchema(path, isList)
        {
            Key = isList ? key : null,
            NumericKey = isList && known.FirstOrDefault(attribute => attribute.Name == key)?.Type == "integer",
            Attributes = [.. known.Where(attribute => attribute.Type is not ("table" or "object")).Select(attribute => Attribute(attribute, release))],
            Children = [.. known.Where(attribute => attribute.Type is "table" or "object").Select(child => Build(child.Name, child.Type == "table", child.Mkey, child.Children ?? [], release) with { Ordered = child.Ordered })],
        };
    }

    private static AttributeSchema Attribute(AttributeText text, Version release)
    {
        var kind = text.Type switch
        {
            "integer" => ValueKind.Number,
            "option" when text.Options is { Count: > 0 } => ValueKind.Option,
            _ => text.Vtype switch
            {
                "ipv4-address" or "ipv4-address-any" or "ipv4-netmask" => ValueKind.Ipv4,
                "ipv6-address" => ValueKind.Ipv6,
                "ipv6-prefix" => ValueKind.Ipv6Prefix,
                "mac-address" => ValueKind.Mac,
                null when text.Default is "0.0.0.0" => ValueKind.Ipv4,
                null when text.Default is "::" => ValueKind.Ipv6,
                "ipv4-classnet-host" or "ipv4-classnet-any" or "ipv4-classnet" => ValueKind.Ipv4Mask,
                _ => ValueKind.Text,
            },
        };
        return new AttributeSchema(text.Name, kind)
        {
            Multi = text.Multi || text.Type == "ref-list",
            Options = [.. (text.Options ?? []).Select(option => Option(option, release)).OfType<string>()],
            Min = text.Min ?? 0,
            Max = text.Max ?? uint.MaxValue,
            MaxLength = text.MaxLen,
            References = [.. text.Ref ?? []],
            Default = text.Default is { Length: > 0 } value ? (kind == ValueKind.Ipv4Mask || text.Multi ? [.. value.Split(' ')] : [value]) : [],
            Secret = text.Secret || text.Vtype?.StartsWith("password", StringComparison.Ordinal) == true,
            Required = text.Required,
            Always = text.Always,
            Assigned = text.Assigned switch { "number" => Assignment.Number, "uuid" => Assignment.Uuid, _ => Assignment.None },
            When = text.When?.Split('=') is [var other, var needed] ? new Condition(other, [.. needed.Split('|')], text.Drops) : null,
            Bare = (text.Bare is not null && Includes(text.Bare, release)) || text.Vtype is "uuid" or "user" or "datetime",
            Joins = text.Vtype is "user" or "datetime" && !text.Multi,
            Help = text.Note ?? "",
        };
    }

    private static string? Option(JsonElement option, Version release)
    {
        if (option.ValueKind == JsonValueKind.String)
        {
            return option.GetString();
        }
        var versions = option.GetProperty("versions").EnumerateArray().Select(range => (IReadOnlyList<string>)[.. range.EnumerateArray().Select(end => end.GetString()!)]).ToArray();
        return Includes(versions, release) ? option.GetProperty("value").GetString() : null;
    }

    /// <summary>Ranges of releases, both ends included; an end that is empty is open. None at all: every release.</summary>
    private static bool Includes(IReadOnlyList<IReadOnlyList<string>>? ranges, Version release) =>
        ranges is not { Count: > 0 } || ranges.Any(range =>
            release >= Version.Parse(range[0][1..]) && (range[1].Length == 0 || release <= Version.Parse(range[1][1..])));
}
