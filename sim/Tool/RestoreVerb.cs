using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text.Json;
using System.Text.Json.Serialization;
using Appliance.Doubles.Failures;
using Appliance.Firmware;
using Appliance.Firmware.Config;
using Appliance.Firmware.Validation;
using Appliance.Hal;
using Appliance.Lab.Composition;

namespace Appliance.Tool;

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
        var board = new Option<string>("--board")
        {
            Description = "The board whose interfaces there are",
            DefaultValueFactory = _ => "desktop",
        };
        var state = new Option<string?>("--state")
        {
            Description =
                "The unit that the file is for: its secrets can be opened, and what it has stays where the file has none (default: a new unit)",
            HelpName = "DIR",
        };
        var command = new Command(
            "restore",
            "Reads a configuration file and lists what a restore would ignore; exit code 3 when it would refuse the file.\n\nExample: run restore backup.conf --check"
        )
        {
            file,
            check,
            json,
            personality,
            board,
            state,
        };
        command.Validators.Add(result =>
        {
            if (!result.GetValueOrDefault(check))
            {
                result.AddError("restore needs --check: to boot a file, start a fresh state with up --config FILE");
            }
        });
        command.SetAction(
            async (parsed, cancellationToken) =>
                await RunAsync(
                    parsed.GetValue(file)!,
                    parsed.GetValue(personality)!,
                    parsed.GetValue(board)!,
                    parsed.GetValue(state),
                    parsed.GetValue(json),
                    cancellationToken
                )
        );
        return command;
    }

    /// <summary>The option for the release profile.</summary>
    internal static Option<Personality> PersonalityOption()
    {
        var names = string.Join('|', Personality.All.Select(personality => personality.Name));
        return new Option<Personality>("--personality", "--release")
        {
            Description = "The release profile, the release whose behaviour the unit has: " + names,
            HelpName = names,
            DefaultValueFactory = _ => Personality.Default,
            CustomParser = result =>
            {
                var found = Personality.Find(result.Tokens[0].Value);
                if (found is null)
                {
                    var option = (result.Parent as OptionResult)?.IdentifierToken?.Value;
                    result.AddError($"{option} must be one of {names}, not '{result.Tokens[0].Value}'");
                }
                return found;
            },
        };
    }

    /// <summary>Reports the effect that a restore of a file would have; changes nothing.</summary>
    /// <param name="file">The file's name.</param>
    /// <param name="content">The file's content.</param>
    /// <param name="personality">The release that reads it.</param>
    /// <param name="board">The board.</param>
    /// <param name="state">The state folder of the unit; null for a new unit.</param>
    internal static RestoreReport Check(string file, byte[] content, Personality personality, string board, string? state = null)
    {
        string[] interfaces = [.. Board.Load(LabBoard.File(board)).Nics.Select(nic => nic.Name)];
        string InState(string name) => Path.Combine(state!, name);
        (string, DeviceKey)? unit =
            state is null ? null
            : File.Exists(InState("system.conf")) && File.Exists(InState("device.key"))
                ? (InState("system.conf"), DeviceKey.Open(InState("device.key")))
            : throw new LabFailure(FailureKind.Missing, $"restore: there is no unit in {state} (expected system.conf and device.key)");
        return RestoreReport.Of(
            file,
            ConfigStore.TextOf(content),
            personality,
            board,
            ConfigStore.Check(
                ConfigSchema.Load(personality),
                content,
                ConfigRules.ValuesOn(interfaces),
                ConfigRules.First(interfaces, strict: false),
                unit
            )
        );
    }

    private static async Task<int> RunAsync(
        string file,
        Personality personality,
        string board,
        string? state,
        bool json,
        CancellationToken cancellationToken
    )
    {
        byte[] content;
        try
        {
            content = await File.ReadAllBytesAsync(file, cancellationToken);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new LabFailure(FailureKind.Missing, $"restore: {error.Message}", error);
        }
        var report = Check(file, content, personality, board, state);
        Console.WriteLine(json ? JsonSerializer.Serialize(report, RestoreJson.Default.RestoreReport) : string.Join('\n', report.Lined()));
        return report.Refused is null ? ExitCode.Ok : ExitCode.ConfigurationInvalid;
    }
}
