using System.Reflection;
using System.Text.Json;
using Appliance.Firmware.Config;

namespace Appliance.Lab.Scenarios;

/// <summary>A scenario: its steps and expectations.</summary>
/// <param name="Name">The file's name without its end.</param>
/// <param name="Title">One line.</param>
/// <param name="About">The description; "" if the title is sufficient.</param>
/// <param name="Needs">The capabilities that its target must have.</param>
/// <param name="Personality">The release profile.</param>
/// <param name="Config">Console lines added to the lab's configuration; "" for none.</param>
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

    /// <summary>The names of the scenarios of the tool, in order.</summary>
    public static IReadOnlyList<string> Shipped { get; } =
    [
        .. Assembly
            .GetExecutingAssembly()
            .GetManifestResourceNames()
            .Where(name => name.StartsWith(Folder, StringComparison.Ordinal))
            .Select(name => name[Folder.Length..^FileEnd.Length])
            .Order(StringComparer.Ordinal),
    ];

    /// <summary>Returns the text of a scenario of the tool; null if there is none of that name.</summary>
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

/// <summary>A step: a word of the table, its value, and its fields, each of the kind that the table defines.</summary>
/// <param name="Word">The action or expectation.</param>
/// <param name="Line">Its line in the file, from 1.</param>
/// <param name="Values">Its fields by name; the word's own value under the word.</param>
internal sealed record ScenarioStep(StepWord Word, int Line, IReadOnlyDictionary<string, object> Values)
{
    /// <summary>The word's value as text; "" if it has none.</summary>
    public string Subject => Values.TryGetValue(Word.Word, out var value) && value is string text ? text : "";

    public string? Text(string name) => Values.GetValueOrDefault(name) as string;

    public IReadOnlyList<string> Texts(string name) => Values.GetValueOrDefault(name) as IReadOnlyList<string> ?? [];

    public IReadOnlyDictionary<string, string>? Fields(string name) =>
        Values.GetValueOrDefault(name) as IReadOnlyDictionary<string, string>;

    public int? Whole(string name) => Values.GetValueOrDefault(name) as int?;

    public bool? Flag(string name) => Values.GetValueOrDefault(name) as bool?;

    public TimeSpan? Duration(string name) => Values.GetValueOrDefault(name) as TimeSpan?;

    public JsonElement Json(string name) => (JsonElement)Values[name];

    /// <summary>The step as a readable line.</summary>
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
