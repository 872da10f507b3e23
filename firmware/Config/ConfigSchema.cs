using System.Collections.Immutable;
using System.Reflection;
using System.Text.Json;

namespace Appliance.Firmware.Config;

/// <summary>Every table of the personality in force, loaded from the embedded data.</summary>
public sealed class ConfigSchema
{
    private readonly ImmutableDictionary<string, TableSchema> _byPath;

    private ConfigSchema(ImmutableArray<TableSchema> tables) => (Tables, _byPath) = (tables, tables.ToImmutableDictionary(table => table.Path));

    /// <summary>The tables, in the order in which they are saved: what is referred to comes before what refers to it.</summary>
    public ImmutableArray<TableSchema> Tables { get; }

    /// <summary>Loads the tables as a device of <paramref name="version"/> (for example <c>6.4.0</c>) has them.</summary>
    public static ConfigSchema Load(string version = Personality.Version)
    {
        var release = Version.Parse(version);
        var order = Read("_tables", SchemaJson.Default.StringArray);
        return new([.. order.Select(name => Table(Read(name, SchemaJson.Default.TableText), release))]);
    }

    /// <summary>The table at a path as typed (<c>system ftm-push</c>), or null.</summary>
    public TableSchema? Table(string path) => _byPath.GetValueOrDefault(path);

    private static T Read<T>(string name, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream($"schema/{name}.json") ?? throw new InvalidOperationException($"no schema for {name}");
        return JsonSerializer.Deserialize(stream, type)!;
    }

    private static TableSchema Table(TableText text, Version release) =>
        Build(text.Table.Replace('.', ' '), text.Kind == "list", text.Mkey, text.Attributes, release);

    private static TableSchema Build(string path, bool isList, string? key, IReadOnlyList<AttributeText> attributes, Version release)
    {
        var known = attributes.Where(attribute => Includes(attribute.Versions, release)).ToArray();
        return new TableSchema(path, isList)
        {
            Key = isList ? key : null,
            NumericKey = isList && known.FirstOrDefault(attribute => attribute.Name == key)?.Type == "integer",
            Attributes = [.. known.Where(attribute => attribute.Type is not ("table" or "object")).Select(attribute => Attribute(attribute, release))],
            Children = [.. known.Where(attribute => attribute.Type is "table" or "object").Select(child => Build(child.Name, child.Type == "table", child.Mkey, child.Children ?? [], release))],
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
                "ipv4-address" or "ipv4-address-any" => ValueKind.Ipv4,
                "ipv4-classnet-host" or "ipv4-classnet-any" => ValueKind.Ipv4Mask,
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
            Secret = text.Secret || text.Vtype is "password" or "password-3",
            Required = text.Required,
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
