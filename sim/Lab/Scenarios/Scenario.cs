using System.Reflection;
using System.Text.Json;
using Appliance.Firmware.Config;

namespace Appliance.Lab.Scenarios;

/// <summary>One scenario: what is done, and what is expected of it.</summary>
/// <param name="Name">The file's name without its end.</param>
/// <param name="Title">One line.</param>
/// <param name="About">What it is about; "" when the title says it.</param>
/// <param name="Needs">What the box that it runs on has to have.</param>
/// <param name="Personality">The release to behave like.</param>
/// <param name="Config">The console's lines that the lab's configuration gets in addition; "" for none.</param>
/// <param name="Steps">In order; never empty.</param>
internal sealed record Scenario(
    string Name,
    string Title,
    string About,
    IReadOnlyList<string> Needs,
    Personality Personality,
    string Config,
    IReadOnlyList<ScenarioStep> Steps
)
{
    private const string Folder = "scenarios/";

    /// <summary>The end of a scenario's file name.</summary>
    public const string FileEnd = ".yaml";

    /// <summary>The names of those that come with the tool, in order.</summary>
    public static IReadOnlyList<string> Shipped { get; } =
    [
        .. Assembly
            .GetExecutingAssembly()
            .GetManifestResourceNames()
            .Where(name => name.StartsWith(Folder, StringComparison.Ordinal))
            .Select(name => name[Folder.Length..^FileEnd.Length])
            .Order(StringComparer.Ordinal),
    ];

    /// <summary>The text of one that comes with the tool; null when there is none of that name.</summary>
    public static string? ShippedText(string name)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(Folder + name + FileEnd);
        if (stream is null)
        {
            return null;
        }
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}

/// <summary>One step: a word of the table, its own value, and its fields, each of the kind that the table says.</summary>
/// <param name="Word">What is done or expected.</param>
/// <param name="Line">Where it stands in the file, from 1.</param>
/// <param name="Values">Its fields by name; the word's own value under the word.</param>
internal sealed record ScenarioStep(StepWord Word, int Line, IReadOnlyDictionary<string, object> Values)
{
    /// <summary>The word's own value as text; "" when it has none.</summary>
    public string Subject => Values.TryGetValue(Word.Word, out var value) && value is string text ? text : "";

    public string? Text(string name) => Values.GetValueOrDefault(name) as string;

    public IReadOnlyList<string> Texts(string name) => Values.GetValueOrDefault(name) as IReadOnlyList<string> ?? [];

    public IReadOnlyDictionary<string, string>? Fields(string name) =>
        Values.GetValueOrDefault(name) as IReadOnlyDictionary<string, string>;

    public int? Whole(string name) => Values.GetValueOrDefault(name) as int?;

    public bool? Flag(string name) => Values.GetValueOrDefault(name) as bool?;

    public TimeSpan? Duration(string name) => Values.GetValueOrDefault(name) as TimeSpan?;

    public JsonElement Json(string name) => (JsonElement)Values[name];

    /// <summary>As a line for people.</summary>
    public override string ToString() =>
        $"{Word.Word}{(Values.GetValueOrDefault(Word.Word) switch
        {
            string text => ": " + text.Trim().Split('\n')[^1].Trim(),
            TimeSpan time => $": {time.TotalSeconds:0.###} s",
            int number => $": {number}",
            JsonElement json => ": " + json.GetRawText(),
            _ => "",
        })}";
}
