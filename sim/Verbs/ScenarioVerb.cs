using System.CommandLine;
using System.Text.Json;
using Appliance.Sim.Lab;
using Appliance.Sim.Scenarios;

namespace Appliance.Sim.Verbs;

/// <summary><c>scenario</c>: runs scenarios on a box, and says what came of them.</summary>
internal static class ScenarioVerb
{
    /// <summary>Chooses the box, outside of every scenario.</summary>
    private const string BoxVariable = "APPLIANCE_BOX";
    private const int DefaultSeed = 1;

    /// <summary>What was asked for.</summary>
    private sealed record Wish(string? Name, bool All, bool List, bool Schema, int Seed, bool Json, string? JUnit, string? Log);

    public static Command Create()
    {
        var name = new Argument<string?>("NAME|FILE") { Description = "A scenario that comes with the tool (--list), or a file", Arity = ArgumentArity.ZeroOrOne };
        var all = new Option<bool>("--all") { Description = "Every scenario that comes with the tool" };
        var list = new Option<bool>("--list") { Description = "What there is" };
        var schema = new Option<bool>("--schema") { Description = "The form of a file, as a JSON Schema" };
        var seed = new Option<int>("--seed") { Description = "Of everything that is left to chance; the same seed gives the same event log", HelpName = "N", DefaultValueFactory = _ => DefaultSeed };
        var json = new Option<bool>("--json") { Description = "JSON on stdout" };
        var junit = new Option<string?>("--junit") { Description = "Results for continuous integration", HelpName = "FILE" };
        var log = new Option<string?>("--log") { Description = "Writes the event log of a single run", HelpName = "FILE" };
        var command = new Command("scenario", "Runs a scenario: steps and expectations in a file (docs/scenarios.md). No socket is opened, and no time is waited for.\n\nExample: run scenario push-approve --seed 7")
        {
            name, all, list, schema, seed, json, junit, log,
        };
        command.Validators.Add(result =>
        {
            var wishes = new[] { result.GetValue(name) is not null, result.GetValue(all), result.GetValue(list), result.GetValue(schema) }.Count(wish => wish);
            if (wishes != 1)
            {
                result.AddError("give one of NAME, FILE, --all, --list and --schema");
            }
            if (result.GetValue(log) is not null && result.GetValue(name) is null)
            {
                result.AddError("--log goes with one scenario");
            }
        });
        command.SetAction((parsed, cancellationToken) => RunAsync(new Wish(
            parsed.GetValue(name), parsed.GetValue(all), parsed.GetValue(list), parsed.GetValue(schema), parsed.GetValue(seed), parsed.GetValue(json), parsed.GetValue(junit), parsed.GetValue(log)), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(Wish wish, CancellationToken cancellationToken)
    {
        if (wish.Schema)
        {
            await Console.Out.WriteAsync(ScenarioSchema.Text);
            return ExitCode.Ok;
        }
        var start = Box();
        Scenario[] scenarios = wish.Name is { } named ? [Read(named)] : [.. Scenario.Shipped.Select(Read)];
        if (wish.List)
        {
            Console.WriteLine(wish.Json
                ? JsonSerializer.Serialize([.. scenarios.Select(scenario => new ScenarioJson(scenario.Name, scenario.Title, scenario.Needs))], ScenarioJsonContext.Default.IReadOnlyListScenarioJson)
                : string.Join('\n', scenarios.Select(scenario => $"{scenario.Name,-32} {scenario.Title}")));
            return ExitCode.Ok;
        }
        // Opened before anything is run: a report that cannot be written is known at once.
        using var junit = Open("--junit", wish.JUnit);
        using var log = Open("--log", wish.Log);
        var results = new ScenarioResult[scenarios.Length];
        await Parallel.ForEachAsync(Enumerable.Range(0, scenarios.Length), cancellationToken, async (at, _) =>
        {
            var scenario = scenarios[at];
            try
            {
                results[at] = await ScenarioRun.RunAsync(scenario, wish.Seed, start, scenarios.Length == 1 ? Console.Error.WriteLine : null);
            }
            catch (FormatException wrong)
            {
                throw new LabFailure(ExitCode.ConfigurationInvalid, wrong.Message, wrong);
            }
            if (scenarios.Length > 1)
            {
                await Console.Error.WriteLineAsync($"{results[at].Outcome} {scenario.Name}");
            }
        });
        if (junit is not null)
        {
            ScenarioReport.JUnit(junit, results);
        }
        if (log is not null)
        {
            await log.WriteAsync(System.Text.Encoding.UTF8.GetBytes(results[0].EventLog), cancellationToken);
        }
        Console.Write(wish.Json ? ScenarioReport.Json(results) + "\n" : ScenarioReport.Text(results));
        return results.All(result => result.Failure is null) ? ExitCode.Ok : ExitCode.AssertionFailed;
    }

    private static Func<Scenario, int, Task<IScenarioBox>> Box() => Environment.GetEnvironmentVariable(BoxVariable) switch
    {
        null or "" or "sim" => async (scenario, seed) => await SimBox.StartAsync(scenario, seed),
        var other => throw new LabFailure(ExitCode.Usage, $"{BoxVariable}: scenarios run on 'sim' only, not on '{other}'"),
    };

    private static Scenario Read(string named)
    {
        if (Scenario.ShippedText(named) is { } shipped)
        {
            return Parse(named + Scenario.FileEnd, shipped);
        }
        if (!named.Contains('/') && !Path.HasExtension(named))
        {
            throw new LabFailure(ExitCode.Usage, $"no scenario '{named}'; {NearestWord.Hint(named, Scenario.Shipped)}");
        }
        string text;
        try
        {
            text = new FileInfo(named) is { Exists: true, Length: > 4 * YamlText.LengthMax } large
                ? throw new LabFailure(ExitCode.ConfigurationInvalid, $"{named}: it has {large.Length} bytes, and no scenario is so long") : File.ReadAllText(named);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new LabFailure(ExitCode.Usage, $"scenario: {failure.Message}", failure);
        }
        return Parse(named, text);
    }

    private static Scenario Parse(string file, string text)
    {
        try
        {
            return ScenarioText.Read(file, text);
        }
        catch (FormatException wrong)
        {
            throw new LabFailure(ExitCode.ConfigurationInvalid, wrong.Message, wrong);
        }
    }

    private static FileStream? Open(string option, string? file)
    {
        try
        {
            return file is null ? null : File.Create(file);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new LabFailure(ExitCode.Usage, $"{option}: {failure.Message}", failure);
        }
    }
}
