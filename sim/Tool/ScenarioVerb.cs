using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Appliance.Doubles.Failures;
using Appliance.Firmware.Config;
using Appliance.Lab.Remote;
using Appliance.Lab.Scenarios;
using Appliance.Lab.Targets;

namespace Appliance.Tool;

/// <summary><c>scenario</c>: runs scenarios on a target and reports the results.</summary>
internal static class ScenarioVerb
{
    /// <summary>The environment variable that chooses the target, outside of every scenario.</summary>
    private const string BoxVariable = "APPLIANCE_BOX";
    private const string UnitPrefix = "box:";
    private const int UnitPrefixLength = 4;
    private const int DefaultSeed = 1;

    public static Command Create()
    {
        var name = new Argument<string?>("NAME|FILE")
        {
            Description = "A scenario that comes with the tool (--list), or a file",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var all = new Option<bool>("--all") { Description = "Every scenario that comes with the tool" };
        var list = new Option<bool>("--list") { Description = "What there is" };
        var schema = new Option<bool>("--schema") { Description = "The form of a file, as a JSON Schema" };
        var seed = new Option<int>("--seed")
        {
            Description = "Of everything that is left to chance; the same seed gives the same event log",
            HelpName = "N",
            DefaultValueFactory = _ => DefaultSeed,
        };
        var shard = new Option<string?>("--shard") { Description = "With --all: one part of several machines' work", HelpName = "K/N" };
        var json = new Option<bool>("--json") { Description = "JSON on stdout" };
        var junit = new Option<string?>("--junit") { Description = "Results for continuous integration", HelpName = "FILE" };
        var log = new Option<string?>("--log") { Description = "Writes the event log of a single run", HelpName = "FILE" };
        var command = new Command(
            "scenario",
            "Runs a scenario: steps and expectations in a file (docs/use/scenarios.md). No socket is opened, and no time is waited for.\n\nExample: run scenario push-approve --seed 7"
        )
        {
            name,
            all,
            list,
            schema,
            seed,
            shard,
            json,
            junit,
            log,
        };
        command.Validators.Add(result =>
        {
            bool[] wishes = [result.GetValue(name) is not null, .. new[] { all, list, schema }.Select(result.GetValueOrDefault)];
            if (wishes.Count(wish => wish) != 1)
            {
                result.AddError("give one of NAME, FILE, --all, --list and --schema");
            }
            if (result.GetValueOrDefault(shard) is { } part && (!result.GetValueOrDefault(all) || ShardOf(part) is null))
            {
                result.AddError("--shard is K/N, from 1/1 to 64/64, and goes with --all");
            }
            if (result.GetValueOrDefault(log) is not null && result.GetValue(name) is null)
            {
                result.AddError("--log goes with one scenario");
            }
        });
        command.SetAction(
            (parsed, cancellationToken) =>
                RunAsync(
                    new Wish(
                        parsed.GetValue(name),
                        parsed.GetValue(all),
                        parsed.GetValue(list),
                        parsed.GetValue(schema),
                        parsed.GetValue(seed),
                        parsed.GetValue(json),
                        parsed.GetValue(junit),
                        parsed.GetValue(log),
                        ShardOf(parsed.GetValue(shard) ?? "1/1")!.Value
                    ),
                    cancellationToken
                )
        );
        return command;
    }

    private static async Task<int> RunAsync(Wish wish, CancellationToken cancellationToken)
    {
        if (wish.Schema)
        {
            await Console.Out.WriteAsync(ScenarioSchema.Text);
            return ExitCode.Ok;
        }
        // Opened before anything is read or run, so that a report that cannot be written fails immediately.
        using var junit = wish.List ? null : Open("--junit", wish.JUnit);
        using var log = wish.List ? null : Open("--log", wish.Log);
        try
        {
            return await RunAsync(wish, junit, log, cancellationToken);
        }
        catch (LabFailure failure) when (junit is not null)
        {
            junit.SetLength(0);
            ScenarioReport.JUnit(junit, wish.Name ?? "all", failure.Message);
            throw;
        }
    }

    private static async Task<int> RunAsync(Wish wish, FileStream? junit, FileStream? log, CancellationToken cancellationToken)
    {
        var box = BoxName();
        Scenario[] scenarios = wish.Name is { } named
            ? [Read(named)]
            : [.. Scenario.Shipped.Where((_, at) => at % wish.Shard.Of == wish.Shard.Part - 1).Select(Read)];
        if (wish.List)
        {
            Console.WriteLine(
                wish.Json
                    ? JsonSerializer.Serialize(
                        [.. scenarios.Select(scenario => new ScenarioJson(scenario.Name, scenario.Title, scenario.Needs))],
                        ScenarioJsonContext.Default.IReadOnlyListScenarioJson
                    )
                    : string.Join('\n', scenarios.Select(scenario => $"{scenario.Name,-32} {scenario.Title}"))
            );
            return ExitCode.Ok;
        }
        var results = new ScenarioResult[scenarios.Length];
        await using var boxes = await OpenAsync(box);
        await Parallel.ForEachAsync(
            Enumerable.Range(0, scenarios.Length),
            new ParallelOptions { MaxDegreeOfParallelism = boxes.AtOnce, CancellationToken = cancellationToken },
            async (at, _) =>
            {
                var scenario = scenarios[at];
                try
                {
                    results[at] = await ScenarioRun.RunAsync(
                        scenario,
                        wish.Seed,
                        boxes.Create,
                        scenarios.Length == 1 ? Console.Error.WriteLine : null
                    );
                }
                catch (FormatException wrong)
                {
                    throw new LabFailure(FailureKind.ConfigurationInvalid, wrong.Message, wrong);
                }
                if (scenarios.Length > 1)
                {
                    await Console.Error.WriteLineAsync($"{results[at].Outcome} {scenario.Name}");
                }
            }
        );
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

    private static string BoxName() =>
        Environment.GetEnvironmentVariable(BoxVariable) switch
        {
            null or "" or "sim" => "sim",
            "image" => "image",
            { Length: > UnitPrefixLength } unit when unit.StartsWith(UnitPrefix, StringComparison.Ordinal) => unit,
            var other => throw new LabFailure(
                FailureKind.Usage,
                $"{BoxVariable}: scenarios run on 'sim', 'image' or '{UnitPrefix}FILE', not on '{other}'"
            ),
        };

    private static async Task<Boxes> OpenAsync(string box)
    {
        if (box == "sim")
        {
            return new Boxes(Environment.ProcessorCount, (scenario, seed) => new SimulatedTarget(scenario, seed), null);
        }
        if (box != "image")
        {
            var site = new RemoteSite(TargetFile.Load(box[UnitPrefixLength..]));
            return new Boxes(1, (scenario, _) => new RemoteTarget(site, scenario), null);
        }
        var machine = await EmulatedSite.StartAsync();
        return new Boxes(1, (scenario, _) => new RemoteTarget(machine, scenario), machine);
    }

    private static (int Part, int Of)? ShardOf(string text) =>
        text.Split('/') is [var part, var of]
        && int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
        && int.TryParse(of, NumberStyles.None, CultureInfo.InvariantCulture, out var parts)
        && number >= 1
        && number <= parts
        && parts <= 64
            ? (number, parts)
            : null;

    private static Scenario Read(string named)
    {
        if (Scenario.ShippedText(named) is { } shipped)
        {
            return Parse(named + Scenario.FileEnd, shipped);
        }
        if (!named.Contains('/') && !Path.HasExtension(named))
        {
            throw new LabFailure(FailureKind.Usage, $"no scenario '{named}'; {NearestWord.Hint(named, Scenario.Shipped)}");
        }
        string text;
        try
        {
            text = new FileInfo(named) is { Exists: true, Length: > 4 * YamlText.LengthMax } large
                ? throw new LabFailure(
                    FailureKind.ConfigurationInvalid,
                    $"{named}: it has {large.Length} bytes, and no scenario is so long"
                )
                : ConfigStore.TextOf(File.ReadAllBytes(named));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new LabFailure(FailureKind.Usage, $"scenario: {failure.Message}", failure);
        }
        // Invalid UTF-8 was decoded to this character. A text that differs from the file's must not run.
        return text.IndexOf('\uFFFD', StringComparison.Ordinal) is >= 0 and var bad
            ? throw new LabFailure(
                FailureKind.ConfigurationInvalid,
                $"{named}:{text.AsSpan(0, bad).Count('\n') + 1}: the line is not UTF-8"
            )
            : Parse(named, text);
    }

    private static Scenario Parse(string file, string text)
    {
        try
        {
            return ScenarioText.Read(file, text);
        }
        catch (FormatException wrong)
        {
            throw new LabFailure(FailureKind.ConfigurationInvalid, wrong.Message, wrong);
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
            throw new LabFailure(FailureKind.Usage, $"{option}: {failure.Message}", failure);
        }
    }

    /// <summary>The options of the command line.</summary>
    private sealed record Wish(
        string? Name,
        bool All,
        bool List,
        bool Schema,
        int Seed,
        bool Json,
        string? JUnit,
        string? Log,
        (int Part, int Of) Shard
    );

    /// <summary>The targets on which scenarios run.</summary>
    /// <param name="AtOnce">The number of scenarios that may run concurrently.</param>
    /// <param name="Create">Creates a target that is not started.</param>
    /// <param name="Parts">The resources that are disposed after the last target; null for none.</param>
    private sealed record Boxes(int AtOnce, Func<Scenario, int, IScenarioTarget> Create, IAsyncDisposable? Parts) : IAsyncDisposable
    {
        public ValueTask DisposeAsync() => Parts?.DisposeAsync() ?? ValueTask.CompletedTask;
    }
}
