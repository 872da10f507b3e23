using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Appliance.Doubles.Faults;
using Appliance.Firmware.Config;
using Appliance.Lab.Messages;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Appliance.Lab.Scenarios;

/// <summary>
/// Reads a scenario file (docs/use/scenarios.md). A mistake is reported with file, line, position, reason, and a suggestion.
/// </summary>
internal sealed partial class ScenarioText
{
    private const int StepsMax = 500;
    internal static readonly string[] Top = ["title", "about", "needs", "personality", "config", "steps"];

    private readonly string _file;

    private ScenarioText(string file) => _file = file;

    /// <summary>Reads a scenario.</summary>
    /// <param name="file">The file's name, for messages and as the scenario's name.</param>
    /// <param name="text">The content.</param>
    /// <exception cref="FormatException">The file is invalid.</exception>
    public static Scenario Read(string file, string text)
    {
        var reader = new ScenarioText(Path.GetFileName(file));
        try
        {
            return reader.Whole(YamlText.Parse(text));
        }
        catch (FormatException wrong) when (!wrong.Message.StartsWith(reader._file, StringComparison.Ordinal))
        {
            throw new FormatException($"{reader._file}:{wrong.Message}", wrong);
        }
    }

    private Scenario Whole(YamlNode root)
    {
        var fields = Map(root, "the scenario");
        foreach (var (name, value) in fields.Where(field => !Top.Contains(field.Key)))
        {
            throw Wrong(value.Key, name, $"a scenario has no field '{name}'; {NearestWord.Hint(name, Top)}");
        }
        if (!fields.TryGetValue("title", out var title))
        {
            throw Wrong(root, "title", "it is missing");
        }
        if (!fields.TryGetValue("steps", out var steps) || steps.Value is not YamlSequenceNode { Children.Count: > 0 and <= StepsMax } list)
        {
            throw Wrong(steps.Value ?? root, "steps", $"it must be a list of 1 to {StepsMax} steps");
        }
        var read = list.Children.Select((step, index) => Step(step, $"steps[{index}]")).ToArray();
        return new Scenario(
            Path.GetFileNameWithoutExtension(_file),
            Text(title.Value, "title"),
            fields.TryGetValue("about", out var about) ? Text(about.Value, "about").Trim() : "",
            [
                .. (fields.TryGetValue("needs", out var needs) ? Needs(needs.Value) : [])
                    .Concat(read.SelectMany(step => step.Word.NeedsOf(step)))
                    .Distinct(),
            ],
            fields.TryGetValue("personality", out var personality) ? Release(personality.Value) : Personality.Default,
            fields.TryGetValue("config", out var config) ? Text(config.Value, "config") : "",
            read
        );
    }

    private ScenarioStep Step(YamlNode node, string at)
    {
        var fields = Map(node, at);
        var words = StepWord.All.Where(word => fields.ContainsKey(word.Word)).ToArray();
        if (words is not [var word])
        {
            throw Wrong(
                node,
                at,
                words.Length > 1
                    ? $"a step has one word, not both {words[0].Word} and {words[1].Word}"
                    : $"no step begins with {string.Join(", ", fields.Keys.Select(key => $"'{key}'"))}; {NearestWord.Hint(fields.Keys.FirstOrDefault() ?? "", StepWord.All.Select(known => known.Word))}"
            );
        }
        var values = new Dictionary<string, object>(StringComparer.Ordinal);
        foreach (var (name, (key, value)) in fields)
        {
            var field =
                name == word.Word
                    ? new StepField(name, word.Kind, word.Help, word.Words)
                    : word.Fields.FirstOrDefault(known => known.Name == name)
                        ?? throw Wrong(
                            key,
                            $"{at}.{name}",
                            $"{word.Word} has no field '{name}'; {(word.Fields.Length == 0 ? "it takes none" : NearestWord.Hint(name, word.Fields.Select(known => known.Name)))}"
                        );
            if (field.Kind != FieldKind.Nothing)
            {
                values[name] = Value(field, value, $"{at}.{name}");
            }
            else if (YamlText.ToJson(value) is not null)
            {
                throw Wrong(value, $"{at}.{name}", "it takes no value");
            }
        }
        var step = new ScenarioStep(word, Line(node), values);
        if (step.Word.Word == "phone" && step.Duration("delay") is { } delay && delay <= TimeSpan.Zero)
        {
            throw Wrong(fields["delay"].Value, $"{at}.delay", "a phone takes some time: it must be more than 0");
        }
        return step;
    }

    private object Value(StepField field, YamlNode node, string at)
    {
        switch (field.Kind)
        {
            case FieldKind.Text:
                return Text(node, at);
            case FieldKind.Texts:
                return node is YamlSequenceNode list
                    ? [.. list.Children.Select((item, index) => Text(item, $"{at}[{index}]"))]
                    : (IReadOnlyList<string>)[Text(node, at)];
            case FieldKind.Word:
                var word = Text(node, at);
                return field.Words.Contains(word)
                    ? word
                    : throw Wrong(
                        node,
                        at,
                        $"it must be one of {string.Join(", ", field.Words)}, not '{word}'; {NearestWord.Hint(word, field.Words)}"
                    );
            case FieldKind.Duration:
                return Duration(node, at);
            case FieldKind.Whole:
                return int.TryParse(Text(node, at), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
                    ? number
                    : throw Wrong(node, at, $"it must be a whole number from 0 on, not '{Text(node, at)}'");
            case FieldKind.Flag:
                return Text(node, at) switch
                {
                    "true" => true,
                    "false" => false,
                    var other => throw Wrong(node, at, $"it must be true or false, not '{other}'"),
                };
            case FieldKind.Fields:
                return Map(node, at)
                    .ToDictionary(pair => pair.Key, pair => Text(pair.Value.Value, $"{at}.{pair.Key}"), StringComparer.Ordinal);
            case FieldKind.Faults:
                return Read(node, at, json => FaultText.Read(json));
            default:
                return Read(node, at, json => PolicyText.Read(LabPolicyDefault, json));
        }
    }

    private static Firmware.Login.Policy.LabPolicy LabPolicyDefault => Firmware.Login.Policy.LabPolicy.Default;

    /// <summary>A value with a dedicated reader is checked by it and stored unchanged.</summary>
    private JsonElement Read(YamlNode node, string at, Action<JsonElement> read)
    {
        using var document = JsonDocument.Parse((YamlText.ToJson(node) ?? new JsonObject()).ToJsonString());
        var json = document.RootElement.Clone();
        try
        {
            read(json);
            return json;
        }
        catch (FormatException wrong)
        {
            throw Wrong(node, at, wrong.Message);
        }
    }

    private IReadOnlyList<string> Needs(YamlNode node)
    {
        var needs = (IReadOnlyList<string>)Value(new StepField("needs", FieldKind.Texts, ""), node, "needs");
        return needs.FirstOrDefault(need => !ScenarioNeed.All.ContainsKey(need)) is { } stray
            ? throw Wrong(node, "needs", $"no box is known to have '{stray}'; {NearestWord.Hint(stray, ScenarioNeed.All.Keys)}")
            : needs;
    }

    private Personality Release(YamlNode node) =>
        Personality.Find(Text(node, "personality"))
        ?? throw Wrong(
            node,
            "personality",
            $"it must be one of {string.Join(", ", Personality.All.Select(known => known.Name))}, not '{Text(node, "personality")}'"
        );

    private TimeSpan Duration(YamlNode node, string at)
    {
        var text = Text(node, at);
        if (
            DurationText().Match(text) is { Success: true } match
            && double.TryParse(match.Groups[1].Value, NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
            && Math.Abs(number) < 1e8
        )
        {
            return match.Groups[2].Value switch
            {
                "ms" => TimeSpan.FromMilliseconds(number),
                "m" => TimeSpan.FromMinutes(number),
                "h" => TimeSpan.FromHours(number),
                "d" => TimeSpan.FromDays(number),
                _ => TimeSpan.FromSeconds(number),
            };
        }
        throw Wrong(node, at, $"it must be seconds, or a number with ms, s, m, h or d, not '{text}'");
    }

    private Dictionary<string, (YamlNode Key, YamlNode Value)> Map(YamlNode node, string at) =>
        node is YamlMappingNode map
            ? map.Children.ToDictionary(pair => Text(pair.Key, at), pair => (pair.Key, pair.Value), StringComparer.Ordinal)
            : throw Wrong(node, at, "it must be fields with values");

    private string Text(YamlNode node, string at) =>
        node is YamlScalarNode { Value: { } text } scalar && (text.Length > 0 || scalar.Style != ScalarStyle.Plain)
            ? text
            : throw Wrong(node, at, "it must be a text");

    private FormatException Wrong(YamlNode node, string at, string why) => new($"{_file}:{Line(node)}: {at}: {why}");

    private static int Line(YamlNode node) => (int)node.Start.Line;

    [GeneratedRegex(@"^(-?[0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)?$")]
    private static partial Regex DurationText();
}
