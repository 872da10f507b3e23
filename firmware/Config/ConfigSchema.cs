using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.Json;

namespace Appliance.Firmware.Config;

/// <summary>Every table of the unit's release profile, read from the embedded data on first use. Thread-safe.</summary>
public sealed class ConfigSchema
{
    /// <summary>The maximum number in a pair (the priority of a heartbeat interface).</summary>
    private const long PriorityMax = 512;

    private readonly FrozenDictionary<string, Lazy<TableSchema>> _byPath;
    private readonly FrozenDictionary<string, int> _places;
    private readonly ConditionalWeakTable<AttributeSchema, TableSchema[]> _targets = [];
    private readonly Lazy<ILookup<string, string>> _referrers;

    private ConfigSchema(
        Personality personality,
        IReadOnlyList<string> names,
        IReadOnlyDictionary<string, JsonElement[]> builtIn,
        IReadOnlyDictionary<string, int> limits
    )
    {
        Personality = personality;
        Paths = [.. names.Select(name => name.Replace('.', ' '))];
        _places = Paths.Select((path, at) => KeyValuePair.Create(path, at)).ToFrozenDictionary(StringComparer.Ordinal);
        _referrers = new(() =>
            Paths
                .SelectMany(path => Targets(Table(path)!).Select(target => (Referrer: path, Target: target.Path)))
                .Distinct()
                .ToLookup(pair => pair.Target, pair => pair.Referrer, StringComparer.Ordinal)
        );
        _byPath = names.ToFrozenDictionary(
            name => name.Replace('.', ' '),
            name => new Lazy<TableSchema>(() =>
                Table(Read(name, SchemaJson.Default.TableText), personality.Release) with
                {
                    BuiltIn = [.. builtIn.GetValueOrDefault(name, []).Select(entry => Option(entry, personality.Release)).OfType<string>()],
                    MaxEntries = limits.GetValueOrDefault(name),
                }
            ),
            StringComparer.Ordinal
        );
    }

    /// <summary>The release profile that this schema describes.</summary>
    public Personality Personality { get; }

    /// <summary>
    /// The paths of the tables in the order in which they are saved: referenced tables precede the tables that refer to them.
    /// </summary>
    public ImmutableArray<string> Paths { get; }

    /// <summary>Loads the tables that a device of this release has.</summary>
    public static ConfigSchema Load(Personality personality) =>
        new(
            personality,
            [.. Read("_tables", SchemaJson.Default.JsonElementArray).Select(name => Option(name, personality.Release)).OfType<string>()],
            Read("_builtin", SchemaJson.Default.DictionaryStringJsonElementArray),
            Read("_limits", SchemaJson.Default.DictionaryStringInt32)
        );

    /// <summary>Returns the table at a path as typed (<c>system ftm-push</c>), or null.</summary>
    public TableSchema? Table(string path) => _byPath.GetValueOrDefault(path)?.Value;

    /// <summary>Returns the index of a path in <see cref="Paths"/>; -1 for none.</summary>
    internal int PlaceOf(string path) => _places.TryGetValue(path, out var at) ? at : -1;

    /// <summary>Returns the available lists that can supply the value of an attribute.</summary>
    internal IReadOnlyList<TableSchema> Targets(AttributeSchema attribute) =>
        _targets.GetValue(
            attribute,
            one =>
                [
                    .. one
                        .References.Select(reference => Table(reference[..reference.LastIndexOf('.')].Replace('.', ' ')))
                        .OfType<TableSchema>()
                        .Where(table => table.IsList),
                ]
        );

    /// <summary>Returns the paths of the tables that refer to a list, directly or in their nested tables.</summary>
    internal IEnumerable<string> Referrers(string path) => _referrers.Value[path];

    /// <summary>Returns the whole embedded data, for all releases, for review.</summary>
    internal static IEnumerable<TableText> Texts() =>
        Read("_tables", SchemaJson.Default.JsonElementArray)
            .Select(name => name.ValueKind == JsonValueKind.String ? name : name.GetProperty("value"))
            .Select(name => Read(name.GetString()!, SchemaJson.Default.TableText));

    private IEnumerable<TableSchema> Targets(TableSchema table) =>
        table.Attributes.SelectMany(Targets).Concat(table.Children.SelectMany(Targets));

    private static T Read<T>(string name, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
    {
        using var stream =
            Assembly.GetExecutingAssembly().GetManifestResourceStream($"schema/{name}.json")
            ?? throw new InvalidOperationException($"no schema for {name}");
        return JsonSerializer.Deserialize(stream, type)!;
    }

    private static TableSchema Table(TableText text, Version release) =>
        Build(text.Table.Replace('.', ' '), text.Kind == "list", text.Mkey, text.Attributes, release) with
        {
            Ordered = text.Ordered,
            Summary = [.. text.GetSummary ?? []],
        };

    private static TableSchema Build(string path, bool isList, string? key, IReadOnlyList<AttributeText> attributes, Version release)
    {
        var known = attributes.Where(attribute => Exists(attribute, release)).ToArray();
        return new TableSchema(path, isList)
        {
            Key = isList ? key : null,
            NumericKey = isList && known.FirstOrDefault(attribute => attribute.Name == key)?.Type == "integer",
            Attributes =
            [
                .. known
                    .Where(attribute => !IsTable(attribute))
                    .Select(attribute => Attribute(attribute, release) with { IsKey = isList && attribute.Name == key }),
            ],
            Children =
            [
                .. known
                    .Where(IsTable)
                    .Select(child =>
                        Build(child.Name, child.Type == "table", child.Mkey, child.Children ?? [], release) with
                        {
                            Ordered = child.Ordered,
                            Place = known.TakeWhile(other => other != child).Count(other => !IsTable(other)),
                        }
                    ),
            ],
        };
    }

    private static bool IsTable(AttributeText attribute) => attribute.Type is "table" or "object";

    private static AttributeSchema Attribute(AttributeText text, Version release)
    {
        var kind = KindOf(text);
        // Defaults were read from one real unit with 7.2.4; that release follows them where they differ.
        var standing = text.Default72 is not null && (release.Major, release.Minor) == (7, 2) ? text.Default72 : text.Default;
        ImmutableArray<string> options = [.. (text.Options ?? []).Select(option => Option(option, release)).OfType<string>()];
        ImmutableArray<string> words =
            standing is not { Length: > 0 } ? []
            : text.Multi || kind is ValueKind.Ipv4Mask or ValueKind.Ipv4Wildcard or ValueKind.DateTime ? [.. standing.Split(' ')]
            : [standing];
        return new AttributeSchema(text.Name, kind)
        {
            Shape = ShapeOf(text),
            Options = options,
            Min = text.Min ?? 0,
            Max = text.Max ?? (text.Pairs ? PriorityMax : uint.MaxValue),
            MaxLength = text.MaxLen,
            References = [.. text.Ref ?? []],
            Default = kind == ValueKind.Option ? Known(words, options, text.Multi) : words,
            Secret = text.Secret || text.Vtype?.StartsWith("password", StringComparison.Ordinal) == true,
            Required = text.Required,
            RequiredWhen = ConditionOf(text.RequiredWhen, drops: false),
            BuiltIn = [.. text.Builtin ?? []],
            Pem = text.Pem,
            EmptyIsUnset = text.Multi || text.Type == "ref-list" || text.EmptyUnset,
            Always = text.Always,
            Assigned = text.Assigned switch
            {
                "number" => Assignment.Number,
                "uuid" => Assignment.Uuid,
                "root" => Assignment.RootDomain,
                _ => Assignment.None,
            },
            When = ConditionOf(text.When, text.Drops),
            Bare = text.Bare is not null && Includes(text.Bare, release),
            NumbersBare = text.Vtype is "user",
            Joins = text.Vtype is "user" && !text.Multi,
            Help = text.Note ?? "",
        };
    }

    private static Condition? ConditionOf(string? text, bool drops) =>
        text?.Split('=') is [var other, var needed] ? new Condition(other, [.. needed.Split('|')], drops) : null;

    /// <summary>
    /// Returns the shape of a multi-value: choices and names occur once; other values that are not pairs form a list in the typed order.
    /// </summary>
    private static MultiShape ShapeOf(AttributeText text) =>
        text.Pairs ? MultiShape.Pairs
        : text.Type == "ref-list" || (text.Multi && (text.Type == "option" || text.Ref is { Count: > 0 })) ? MultiShape.Set
        : text.Multi ? MultiShape.List
        : MultiShape.Single;

    /// <summary>
    /// Returns a default for a release that lacks some of its words: the words that exist, or the choice that does nothing (*assumed*).
    /// </summary>
    private static ImmutableArray<string> Known(ImmutableArray<string> words, ImmutableArray<string> options, bool multi) =>
        words.All(options.Contains) ? words
        : multi ? [.. words.Where(options.Contains)]
        : [options.Contains("disable") ? "disable" : options[0]];

    private static ValueKind KindOf(AttributeText text) =>
        text.Type switch
        {
            "integer" => ValueKind.Number,
            "ref-list" when text.Element == "integer" => ValueKind.Number,
            "option" when text.Options is { Count: > 0 } => ValueKind.Option,
            _ => text.Vtype switch
            {
                "ipv4-address" or "ipv4-address-any" => ValueKind.Ipv4,
                "ipv4-classnet-host" or "ipv4-classnet" => ValueKind.Ipv4Mask,
                "ipv4-classnet-any" => ValueKind.Ipv4Wildcard,
                "ipv4-netmask" => ValueKind.Netmask,
                "ipv6-address" => ValueKind.Ipv6,
                "ipv6-prefix" => ValueKind.Ipv6Prefix,
                "mac-address" => ValueKind.Mac,
                "uuid" => ValueKind.Uuid,
                "datetime" => ValueKind.DateTime,
                "time" => ValueKind.Time,
                "hex-byte" => ValueKind.HexByte,
                "dscp" => ValueKind.Dscp,
                "port-range" => ValueKind.PortRange,
                null when text.Default is "0.0.0.0" => ValueKind.Ipv4,
                null when text.Default is "::" => ValueKind.Ipv6,
                _ => ValueKind.Text,
            },
        };

    private static string? Option(JsonElement option, Version release)
    {
        if (option.ValueKind == JsonValueKind.String)
        {
            return option.GetString();
        }
        var versions = option
            .GetProperty("versions")
            .EnumerateArray()
            .Select(range => (IReadOnlyList<string>)[.. range.EnumerateArray().Select(end => end.GetString()!)])
            .ToArray();
        return Includes(versions, release) ? option.GetProperty("value").GetString() : null;
    }

    /// <summary>
    /// True if an attribute exists in a release: the release has it, with at least one available choice, and a list has its key.
    /// </summary>
    private static bool Exists(AttributeText text, Version release) =>
        Includes(text.Versions, release)
        && (text.Options is not { Count: > 0 } options || options.Any(option => Option(option, release) is not null))
        && (text.Type != "table" || text.Children!.Any(child => child.Name == text.Mkey && Exists(child, release)));

    /// <summary>
    /// True if a release is in one of the ranges, both ends included. An empty upper end is open. No ranges mean every release.
    /// </summary>
    private static bool Includes(IReadOnlyList<IReadOnlyList<string>>? ranges, Version release) =>
        ranges is not { Count: > 0 }
        || ranges.Any(range =>
            release >= Version.Parse(range[0][1..]) && (range[1].Length == 0 || release <= Version.Parse(range[1][1..]))
        );
}
