using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Appliance.Doubles.Faults;
using Appliance.Firmware.Config;
using Appliance.Lab.Messages;

namespace Appliance.Lab.Scenarios;

/// <summary>
/// The JSON Schema (draft-07) of a scenario file, generated from the reader's tables; <c>run scenario --schema</c> prints it.
/// </summary>
internal static class ScenarioSchema
{
    private static readonly JsonSerializerOptions Indented = new()
    {
        WriteIndented = true,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static string Text => Whole().ToJsonString(Indented) + "\n";

    private static JsonObject Whole() =>
        new()
        {
            ["$schema"] = "http://json-schema.org/draft-07/schema#",
            ["title"] = "A scenario",
            ["description"] = "Steps and expectations that are run on a box: run scenario FILE (docs/use/scenarios.md).",
            ["type"] = "object",
            ["required"] = new JsonArray("title", "steps"),
            ["additionalProperties"] = false,
            ["properties"] = new JsonObject
            {
                ["title"] = Described(AnyText(), "One line that says what happens"),
                ["about"] = Described(AnyText(), "A description"),
                ["needs"] = Described(
                    OneOrMore(Words([.. ScenarioNeed.All.Keys])),
                    "What the box has to have; what the steps need is known without it"
                ),
                ["personality"] = Described(
                    Words([.. Personality.All.Select(known => known.Name)]),
                    "The release to behave like; in quotes"
                ),
                ["config"] = Described(AnyText(), "The console's lines that the lab's configuration gets in addition"),
                ["steps"] = new JsonObject
                {
                    ["type"] = "array",
                    ["minItems"] = 1,
                    ["items"] = new JsonObject { ["oneOf"] = new JsonArray([.. StepWord.All.Select(Step)]) },
                },
            },
        };

    private static JsonNode Step(StepWord word)
    {
        var properties = new JsonObject { [word.Word] = Described(Value(word.Kind, word.Words), word.Help) };
        foreach (var field in word.Fields)
        {
            properties[field.Name] = Described(Value(field.Kind, field.Words), field.Help);
        }
        return new JsonObject
        {
            ["type"] = "object",
            ["required"] = new JsonArray(word.Word),
            ["additionalProperties"] = false,
            ["properties"] = properties,
        };
    }

    private static JsonObject Value(FieldKind kind, string[] words) =>
        kind switch
        {
            FieldKind.Nothing => new JsonObject { ["type"] = "null" },
            FieldKind.Text => AnyText(),
            FieldKind.Texts => OneOrMore(AnyText()),
            FieldKind.Word => Words(words),
            FieldKind.Duration => new JsonObject
            {
                ["anyOf"] = new JsonArray(
                    Number(),
                    new JsonObject { ["type"] = "string", ["pattern"] = "^-?[0-9]+(\\.[0-9]+)?(ms|s|m|h|d)?$" }
                ),
            },
            FieldKind.Whole => new JsonObject { ["type"] = "integer", ["minimum"] = 0 },
            FieldKind.Flag => Flag(),
            FieldKind.Fields => new JsonObject { ["type"] = "object", ["additionalProperties"] = AnyText() },
            FieldKind.Faults => new JsonObject
            {
                ["type"] = "array",
                ["items"] = new JsonObject { ["oneOf"] = new JsonArray([.. FaultWord.All.Select(Fault)]) },
            },
            _ => new JsonObject
            {
                ["type"] = "object",
                ["minProperties"] = 1,
                ["additionalProperties"] = false,
                ["properties"] = new JsonObject(
                    PolicyText.Names.Select(name =>
                        KeyValuePair.Create(
                            name,
                            (JsonNode?)(
                                name is "numberMatch" or "nameSpellingBug"
                                    ? Flag()
                                    : new JsonObject { ["type"] = "integer", ["minimum"] = 0 }
                            )
                        )
                    )
                ),
            },
        };

    private static JsonNode Fault(FaultWord word)
    {
        var properties = new JsonObject
        {
            ["fault"] = Words([word.Name]),
            ["times"] = new JsonObject { ["type"] = "integer", ["minimum"] = 1 },
            ["p"] = new JsonObject
            {
                ["type"] = "number",
                ["minimum"] = 0,
                ["maximum"] = 1,
            },
            ["after"] = new JsonObject { ["type"] = "number", ["minimum"] = 0 },
            ["match"] = new JsonObject
            {
                ["type"] = "object",
                ["additionalProperties"] = false,
                ["properties"] = new JsonObject
                {
                    ["user"] = AnyText(),
                    ["src"] = AnyText(),
                    ["phone"] = AnyText(),
                },
            },
            ["seed"] = new JsonObject { ["type"] = "integer" },
        };
        foreach (var option in word.Options)
        {
            properties[option.Field] = option.Field == "nic" ? AnyText() : Number();
        }
        return new JsonObject
        {
            ["type"] = "object",
            ["required"] = new JsonArray([
                JsonValue.Create("fault"),
                .. word.Options.Where(option => option.IsRequired).Select(option => JsonValue.Create(option.Field)),
            ]),
            ["additionalProperties"] = false,
            ["properties"] = properties,
        };
    }

    private static JsonObject Described(JsonObject value, string help)
    {
        value["description"] = help;
        return value;
    }

    /// <summary>A text may be written without quotes, even if it looks like a number.</summary>
    private static JsonObject AnyText() => new() { ["type"] = new JsonArray("string", "number") };

    private static JsonObject Number() => new() { ["type"] = "number" };

    private static JsonObject Flag() => new() { ["type"] = "boolean" };

    private static JsonObject Words(string[] words) =>
        new() { ["enum"] = new JsonArray([.. words.Select(word => JsonValue.Create(word))]) };

    private static JsonObject OneOrMore(JsonObject one) =>
        new() { ["anyOf"] = new JsonArray(one.DeepClone(), new JsonObject { ["type"] = "array", ["items"] = one.DeepClone() }) };
}
