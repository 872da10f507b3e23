using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Serialization;
using Appliance.Firmware;
using Appliance.Firmware.Config;
using Appliance.Hal;
using Appliance.Sim.Lab;

namespace Appliance.Sim.Verbs;

/// <summary>What of a file has no effect here: single lines, and blocks from their first line to their last; line 0 is the file as a whole.</summary>
/// <param name="File">The file.</param>
/// <param name="Personality">The release that reads it.</param>
/// <param name="Board">The board whose interfaces there are.</param>
/// <param name="Lines">How many lines the file has.</param>
/// <param name="Refused">Why nothing of the file is loaded; null when it is.</param>
/// <param name="Ignored">What of it has no effect, or another one than it says.</param>
internal sealed record RestoreReport(string File, string Personality, string Board, int Lines, string? Refused, IReadOnlyList<IgnoredLine> Ignored)
{
    internal static RestoreReport Of(string file, string text, Personality personality, string board, RestoreVerdict verdict) =>
        new(file, personality.Name, board, text.Length == 0 ? 0 : text.Count(c => c == '\n') + (text.EndsWith('\n') ? 0 : 1), verdict.Refusal, verdict.Ignored);

    /// <summary>The report as it is printed, a line each.</summary>
    internal IEnumerable<string> Lined()
    {
        if (Refused is { } refusal)
        {
            return [$"{File}: refused: {refusal}"];
        }
        var left = Ignored.Where(line => line.Number > 0).SelectMany(line => Enumerable.Range(line.Number, line.Last - line.Number + 1)).Distinct().Count();
        return
        [
            .. Ignored.Select(line => $"{File}{(line.Number == 0 ? "" : $":{line.Number}{(line.Last > line.Number ? $"-{line.Last}" : "")}")}: {line.Why}"),
            $"{Lines} lines, {left} of them in {Ignored.Count(line => line.Number > 0)} places ignored by {Personality}",
        ];
    }
}

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
        var state = new Option<string?>("--state") { Description = "The unit that the file is for: its secrets can be opened, and what it has stays where the file has none (default: a new unit)", HelpName = "DIR" };
        var command = new Command("restore", "Reads a configuration file and lists what a restore would ignore; exit code 3 when it would refuse the file.\n\nExample: run restore backup.conf --check") { file, check, json, personality, board, state };
        command.Validators.Add(result =>
        {
            if (!result.GetValueOrDefault(check))
            {
                result.AddError("restore needs --check: to boot a file, start a fresh state with up --config FILE");
            }
        });
        command.SetAction(async (parsed, cancellationToken) => await RunAsync(parsed.GetValue(file)!, parsed.GetValue(personality)!, parsed.GetValue(board)!, parsed.GetValue(state), parsed.GetValue(json), cancellationToken));
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

    /// <summary>What a restore of a file would do.</summary>
    /// <param name="file">Its name.</param>
    /// <param name="content">Its content.</param>
    /// <param name="personality">The release that reads it.</param>
    /// <param name="board">The board.</param>
    /// <param name="state">The state folder of the unit; null for a new unit.</param>
    internal static RestoreReport Check(string file, byte[] content, Personality personality, string board, string? state = null)
    {
        string[] interfaces = [.. Board.Load(LabBoard.File(board)).Nics.Select(nic => nic.Name)];
        string InState(string name) => Path.Combine(state!, name);
        (string, DeviceKey)? unit = state is null ? null
            : File.Exists(InState("system.conf")) && File.Exists(InState("device.key")) ? (InState("system.conf"), DeviceKey.Open(InState("device.key")))
            : throw new LabFailure(ExitCode.Missing, $"restore: there is no unit in {state} (expected system.conf and device.key)");
        return RestoreReport.Of(file, ConfigStore.TextOf(content), personality, board,
            ConfigStore.Check(ConfigSchema.Load(personality), content, ConfigRules.ValuesOn(interfaces), ConfigRules.First(interfaces, strict: false), unit));
    }

    private static async Task<int> RunAsync(string file, Personality personality, string board, string? state, bool json, CancellationToken cancellationToken)
    {
        byte[] content;
        try
        {
            content = await File.ReadAllBytesAsync(file, cancellationToken);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new LabFailure(ExitCode.Missing, $"restore: {error.Message}", error);
        }
        var report = Check(file, content, personality, board, state);
        Console.WriteLine(json ? JsonSerializer.Serialize(report, RestoreJson.Default.RestoreReport) : string.Join('\n', report.Lined()));
        return report.Refused is null ? ExitCode.Ok : ExitCode.ConfigurationInvalid;
    }
}
