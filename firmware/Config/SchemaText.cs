using System.Text.Json;
using System.Text.Json.Serialization;

namespace Appliance.Firmware.Config;

/// <summary>A table in the format of the embedded data (Config/Schema/*.json).</summary>
internal sealed record TableText(
    string Table,
    string Kind,
    string? Mkey,
    bool Ordered,
    [property: JsonPropertyName("get_summary")] IReadOnlyList<string>? GetSummary,
    IReadOnlyList<AttributeText> Attributes
);

/// <summary>An attribute in the format of the embedded data; an option is a word, or a word with the versions that have it.</summary>
internal sealed record AttributeText(
    string Name,
    string Type,
    string? Vtype,
    bool Multi,
    IReadOnlyList<JsonElement>? Options,
    long? Min,
    long? Max,
    [property: JsonPropertyName("max_len")] int MaxLen,
    IReadOnlyList<string>? Ref,
    string? Default,
    IReadOnlyList<IReadOnlyList<string>>? Versions,
    [property: JsonPropertyName("default_7_2_4")] string? Default72,
    bool Required,
    bool Secret,
    IReadOnlyList<IReadOnlyList<string>>? Bare,
    bool Always,
    [property: JsonPropertyName("empty_unset")] bool EmptyUnset,
    string? Assigned,
    [property: JsonPropertyName("required_when")] string? RequiredWhen,
    IReadOnlyList<string>? Builtin,
    bool Pem,
    string? When,
    bool Drops,
    bool Pairs,
    string? Element,
    string? Note,
    string? Mkey,
    bool Ordered,
    IReadOnlyList<AttributeText>? Children
);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(TableText))]
[JsonSerializable(typeof(JsonElement[]))]
[JsonSerializable(typeof(Dictionary<string, JsonElement[]>))]
[JsonSerializable(typeof(Dictionary<string, int>))]
internal sealed partial class SchemaJson : JsonSerializerContext;
