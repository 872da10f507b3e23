using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Serialization;
using Appliance.Firmware;
using Appliance.Firmware.Config;
using Appliance.Hal;
using Appliance.Sim.Lab;

namespace Appliance.Sim.Verbs;

/// <summary>What of a file would have no effect here: single lines, and blocks from their first line to their last.</summary>
internal sealed record RestoreReport(string File, string Personality, string Board, int Lines, IReadOnlyList<IgnoredLine> Ignored);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(RestoreReport))]
internal sealed partial class RestoreJson : JsonSerializerContext;

/// <summary><c>restore FILE --check</c>: reads a configuration file and changes nothing.</summary>
internal static class RestoreVerb
{
    public static Command Create()
    {
        var file = new Argument<string>("FILE") { Description = "A configuration file or backup" };
        var check = new Option<bool>("--check") { Description = "Only say what would be ignored, line by line" };
        var json = new Option<bool>("--json") { Description = "JSON on stdout" };
        var personality = PersonalityOption();
        var board = new Option<string>("--board") { Description = "The board whose interfaces there are", DefaultValueFactory = _ => "desktop" };
        var command = new Command("restore", "Reads a configuration file and lists what would be ignored.\n\nExample: run restore backup.conf --check") { file, check, json, personality, board };
        command.Validators.Add(result =>
        {
            if (!result.GetValue(check))
            {
                result.AddError("restore needs --check: to boot a file, start a fresh state with up --config FILE");
            }
        });
        command.SetAction(async (parsed, cancellationToken) => await RunAsync(parsed.GetValue(file)!, parsed.GetValue(personality)!, parsed.GetValue(board)!, parsed.GetValue(json), cancellationToken));
        return command;
    }

    /// <summary>Which release to be.</summary>
    internal static Option<Personality> PersonalityOption()
    {
        var names = string.Join('|', Personality.All.Select(personality => personality.Name));
        return new Option<Personality>("--personality")
        {
            Description = "The release to behave like: " + names,
            HelpName = names,
            DefaultValueFactory = _ => Personality.Default,
            CustomParser = result =>
            {
                var found = Personality.Find(result.Tokens[0].Value);
                if (found is null)
                {
                    result.AddError($"--personality must be one of {names}, not '{result.Tokens[0].Value}'");
                }
                return found;
            },
        };
    }

    /// <summary>What of a text would have no effect.</summary>
    internal static RestoreReport Check(string file, string text, Personality personality, string board)
    {
        var interfaces = Board.Load(LabBoard.File(board)).Nics.Select(nic => nic.Name).ToArray();
        var lines = text.Length == 0 ? 0 : text.Count(c => c == '\n') + (text.EndsWith('\n') ? 0 : 1);
        return new RestoreReport(file, personality.Name, board, lines, ConfigStore.Check(ConfigSchema.Load(personality), text, ConfigRules.ValuesOn(interfaces)));
    }

    private static async Task<int> RunAsync(string file, Personality personality, string board, bool json, CancellationToken cancellationToken)
    {
        string text;
        try
        {
            text = await File.ReadAllTextAsync(file, cancellationToken);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new LabFailure(ExitCode.Missing, $"restore: {error.Message}", error);
        }
        var report = Check(file, text, personality, board);
        if (json)
        {
            Console.WriteLine(JsonSerializer.Serialize(report, RestoreJson.Default.RestoreReport));
            return ExitCode.Ok;
        }
        foreach (var line in report.Ignored)
        {
            Console.WriteLine($"{file}:{line.Number}{(line.Last > line.Number ? $"-{line.Last}" : "")}: {line.Why}");
        }
        Console.WriteLine($"{report.Lines} lines, {report.Ignored.Sum(line => line.Last - line.Number + 1)} of them in {report.Ignored.Count} places would be ignored by {personality.Name}");
        return ExitCode.Ok;
    }
}
